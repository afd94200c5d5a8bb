/** Joining, signing in, and what somebody sees to himself: in every look, and by keyboard alone. */
import { looksGood } from './look.js';
import { expect, same } from './runner.js';
import { STAGED_PERSON } from './people.js';
import { Stage } from './stage.js';

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function accountChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  const open = async (/** @type {string} */ path) => {
    const page = await context.newPage();
    await page.goto(`${stage.origin}${path}`);
    return page;
  };
  const path = (/** @type {import('playwright-core').Page} */ page) => new URL(page.url()).pathname;

  await runner.run('pages of spectators ask for nobody where nobody has signed in', async () => {
    const page = await context.newPage();
    /** @type {string[]} */
    const asked = [];
    page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    await page.goto(`${stage.origin}/`);
    await page.locator('[data-table=fights] tbody tr').first().waitFor();
    same(await page.getByRole('link', { name: 'Sign in', exact: true }).getAttribute('href'), '/sign-in', 'link');
    same(
      asked.filter((one) => one.startsWith('/api/v1/me')),
      [],
      'requests',
    );
    await page.close();
  });

  await runner.run('an invitation leaves the address, and whoever joins by it has an account', async () => {
    const page = await open('/sign-in#invitation=s3cret');
    await page.getByRole('heading', { level: 1, name: 'Join' }).waitFor();
    same(page.url(), `${stage.origin}/sign-in`, 'address');
    await page.getByLabel('Name').fill('Bran');
    await page.getByLabel('Password', { exact: true }).fill('battery');
    await page.keyboard.press('Enter');
    // The browser's own words: it is too short, and nothing is sent.
    same(path(page), '/sign-in', 'page');
    await page.getByLabel('Password', { exact: true }).fill('battery staple');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/account');
    await page.getByText('You are signed in as Bran').waitFor();
    await page.getByRole('button', { name: 'Sign out', exact: true }).click();
    await page.waitForURL(`${stage.origin}/`);
    await page.getByRole('link', { name: 'Sign in', exact: true }).waitFor();
    // The page that was left does not come back.
    await page.goBack();
    expect(path(page) !== '/account', page.url());
    await page.close();
  });

  await runner.run('who is not signed in signs in by keyboard, and comes where he was going', async () => {
    const page = await open('/account');
    await page.waitForURL((url) => url.pathname === '/sign-in');
    await page.getByLabel('Name').waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'name');
    await page.keyboard.type(STAGED_PERSON.name);
    await page.keyboard.press('Tab');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'password');
    // It is selected: what is typed takes its place.
    await page.keyboard.type(STAGED_PERSON.password);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/account');
    await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
    same(await page.locator('header').first().getByRole('link', { name: STAGED_PERSON.name }).count(), 1, 'links');
    await page.close();
  });

  await runner.run('a key is made by keyboard alone, with the password where it is asked for, and copied', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: stage.origin });
    const page = await open('/account');
    stage.people.fresh = false;
    await page.getByRole('button', { name: 'Make a key' }).press('Enter');
    await page.keyboard.type('Laptop');
    await page.keyboard.press('Enter');
    await page.getByText('To make a key, enter your password again').waitFor();
    await page.keyboard.type(STAGED_PERSON.password);
    await page.keyboard.press('Enter');
    const box = page.getByRole('region', { name: 'New key: Laptop' });
    await box.waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    const secret = await box.locator('[data-secret]').innerText();
    same(await page.evaluate(() => navigator.clipboard.readText()), secret, 'clipboard');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await box.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Revoke the key Laptop' }).press('Enter');
    same(await page.evaluate(() => document.activeElement?.textContent), 'Cancel', 'focus');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Laptop' }).waitFor({ state: 'detached' });
    same(await page.evaluate(() => document.activeElement?.id), 'keys-title', 'focus');
    await page.close();
  });

  await runner.run('an administrator takes over an account by keyboard alone, and with it its link', async () => {
    const page = await open('/account');
    stage.people.fresh = false;
    const part = page.getByRole('region', { name: 'Accounts of the configuration' });
    await page.getByRole('button', { name: 'Take over the account default' }).press('Enter');
    same(await page.evaluate(() => document.activeElement?.textContent), 'Cancel', 'focus');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await page.getByText('To take over an account, enter your password again').waitFor();
    await page.keyboard.type(STAGED_PERSON.password);
    await page.keyboard.press('Enter');
    await part.getByText('The account default is yours now.').waitFor();
    same(await page.evaluate(() => document.activeElement?.id), 'configured-title', 'focus');
    await page.getByRole('button', { name: 'Share the permanent link of default' }).waitFor();
    same(await part.getByRole('listitem').count(), 1, 'accounts that nobody holds');
    await page.close();
  });

  await runner.run('who comes from a provider chooses a name by keyboard, and removes that way again', async () => {
    const page = await open('/sign-in?newcomer=guild');
    await page.getByRole('heading', { level: 1, name: 'Join' }).waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'name');
    same(await page.getByLabel('Name').inputValue(), 'Mira of the guild', 'name');
    await page.getByLabel('Name').fill(STAGED_PERSON.name);
    await page.keyboard.press('Enter');
    await page.getByText('Somebody has this name').waitFor();
    await page.getByLabel('Name').fill('Bran');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/account');
    const part = page.getByRole('region', { name: 'How you sign in' });
    await part.getByRole('button', { name: 'Remove Discord' }).press('Enter');
    same(await page.evaluate(() => document.activeElement?.textContent), 'Cancel', 'focus');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
    await part.getByText('Nobody signs in with Discord any more.').waitFor();
    same(await page.evaluate(() => document.activeElement?.id), 'ways-title', 'focus');
    stage.people.fill();
    await page.close();
  });

  await runner.run('a name in the head stands still while it is asked whether it is so', async () => {
    const page = await context.newPage();
    await page.addInitScript(() => {
      new PerformanceObserver((list) => {
        const moved = list.getEntries().flatMap((one) => /** @type {any} */ (one).sources);
        const head = moved.filter(
          ({ node }) => node?.parentElement?.closest('header') === document.querySelector('header'),
        );
        Object.assign(window, { moved: Number(/** @type {any} */ (window).moved ?? 0) + head.length });
      }).observe({ type: 'layout-shift', buffered: true });
    });
    for (const to of ['/account', '/sign-in']) {
      await page.goto(`${stage.origin}${to}`);
      await page.getByRole('heading', { level: 1, name: to === '/account' ? 'Your account' : 'Sign in' }).waitFor();
      await page.waitForTimeout(500);
      same(await page.evaluate(() => /** @type {any} */ (window).moved ?? 0), 0, `what moved on ${to}`);
    }
    await page.close();
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    const looks = {
      'sign-in': async (/** @type {import('playwright-core').Page} */ page) => {
        stage.people.retryS = 12;
        await page.goto(`${stage.origin}/sign-in`);
        await page.getByLabel('Name').fill('Mira');
        await page.getByLabel('Password', { exact: true }).fill('wrong');
        await page.keyboard.press('Enter');
        await page.getByText('in 12 seconds').waitFor();
        stage.people.retryS = 0;
      },
      newcomer: async (/** @type {import('playwright-core').Page} */ page) => {
        await page.goto(`${stage.origin}/sign-in?newcomer=guild`);
        await page.getByLabel('Name').fill(STAGED_PERSON.name);
        await page.keyboard.press('Enter');
        await page.getByText('Somebody has this name').waitFor();
      },
      'refused sign-in': async (/** @type {import('playwright-core').Page} */ page) => {
        await page.goto(`${stage.origin}/sign-in?fault=not_invited&provider=guild`);
        await page.getByText('you need an invitation link').first().waitFor();
        await page.getByRole('button', { name: 'Sign in with Discord' }).waitFor();
      },
      join: async (/** @type {import('playwright-core').Page} */ page) => {
        await page.goto(`${stage.origin}/sign-in#invitation=s3cret`);
        await page.getByRole('heading', { level: 1, name: 'Join' }).waitFor();
      },
      account: async (/** @type {import('playwright-core').Page} */ page) => {
        stage.people.fill();
        await page.goto(`${stage.origin}/account`);
        await page.getByRole('button', { name: 'Replace the key Gaming PC' }).click();
        await page.getByRole('button', { name: /^Revoke the key Bot/ }).click();
        await page.getByRole('button', { name: 'Take over the account default' }).click();
        await page.getByRole('button', { name: 'Remove Discord' }).click();
        await page.getByRole('button', { name: 'Make an invitation' }).click();
        await page.getByRole('button', { name: 'Make invitation' }).click();
        await page.getByRole('region', { name: 'New invitation' }).waitFor();
        await page.getByRole('button', { name: 'Share the permanent link', exact: true }).click();
        await page
          .getByRole('form', { name: 'Make a link to the permanent link' })
          .getByLabel('For whom')
          .fill('stream');
        await page.keyboard.press('Enter');
        await page.getByRole('region', { name: 'New link: stream' }).waitFor();
      },
      'empty account': async (/** @type {import('playwright-core').Page} */ page) => {
        stage.people.empty();
        await page.goto(`${stage.origin}/account`);
        await page.getByText('You have no key yet').waitFor();
        stage.people.fresh = false;
        await page.getByRole('link', { name: 'Pair a computer' }).waitFor();
        await page.getByRole('button', { name: 'Make a key' }).click();
        await page.getByRole('form', { name: 'Make a key' }).getByLabel('Name').fill('Laptop');
        await page.keyboard.press('Enter');
        await page.getByText('To make a key, enter your password again').waitFor();
      },
    };
    for (const [name, look] of Object.entries(looks)) {
      const page = await context.newPage();
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await runner.run(`the ${name} page fits 360, 768 and 1440 px, and axe finds nothing (${theme})`, async () => {
        await look(page);
        await looksGood(page, theme);
      });
      await page.close();
    }
  }

  const page = await open('/');
  await page.evaluate(() => {
    localStorage.clear();
  });
  await page.close();
  await context.clearCookies();
  await stage.close();
}
