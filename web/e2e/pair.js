/** Pairing a computer: by keyboard alone, and in every look. */
import { looksGood } from './look.js';
import { same } from './runner.js';
import { STAGED_CODE, STAGED_PERSON } from './people.js';
import { Stage } from './stage.js';

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function pairChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  const heading = (/** @type {import('playwright-core').Page} */ page, /** @type {string} */ name) =>
    page.getByRole('heading', { level: 1, name }).waitFor();
  const focus = (/** @type {import('playwright-core').Page} */ page) =>
    page.evaluate(() => document.activeElement?.id || (document.activeElement?.textContent ?? '').trim());

  await runner.run('who is not signed in does so first, and pairs a computer by keyboard alone', async () => {
    const page = await context.newPage();
    await page.goto(`${stage.origin}/pair`);
    await page.waitForURL((url) => url.pathname === '/sign-in');
    await page.waitForFunction(() => document.activeElement?.id === 'name');
    await page.keyboard.type(STAGED_PERSON.name);
    await page.keyboard.press('Tab');
    await page.keyboard.type(STAGED_PERSON.password);
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/pair');
    await heading(page, 'Pair a computer');
    same(await focus(page), 'code', 'focus');
    await page.keyboard.type('zzzz-zzzz');
    await page.keyboard.press('Enter');
    await page.getByText('No program waits with this code.').waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'code');
    // It is selected: what is typed takes its place.
    await page.keyboard.type(STAGED_CODE.replace('-', '').toLowerCase());
    await page.keyboard.press('Enter');
    await heading(page, 'Is this your computer?');
    same(await focus(page), 'pair-title', 'focus');
    stage.people.fresh = false;
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    same(await focus(page), 'Pair it', 'focus');
    await page.keyboard.press('Enter');
    // It was not said yet that it is his own: that is where he is led.
    await page.getByText('tick the box').waitFor();
    await page.keyboard.press('Space');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByText('To pair a computer, enter your password again').waitFor();
    await page.keyboard.type(STAGED_PERSON.password);
    await page.keyboard.press('Enter');
    await heading(page, 'It is paired');
    same(await focus(page), 'It is paired', 'focus');
    same(stage.people.device, null, 'program that waits');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/account');
    await page.close();
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    const page = await context.newPage();
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    const type = async (/** @type {string} */ code) => {
      await page.goto(`${stage.origin}/pair`);
      await page.getByLabel('Code').fill(code);
      await page.keyboard.press('Enter');
    };
    const looks = {
      'code that is wrong': async () => {
        await type('ZZZZ-ZZZZ');
        await page.getByText('No program waits with this code.').waitFor();
      },
      'program of another place': async () => {
        stage.people.fill();
        stage.people.held = stage.people.unheld;
        stage.people.wait({ isHere: false, address: '2001:db8:1234:5678::/64', name: `raidcast on ${'x'.repeat(52)}` });
        await type(STAGED_CODE);
        await page.getByRole('button', { name: 'Pair it' }).click();
        await page.getByText('tick the box').waitFor();
      },
      'password before it is paired': async () => {
        stage.people.fill();
        await type(STAGED_CODE);
        await page.getByRole('checkbox').check();
        stage.people.fresh = false;
        await page.getByRole('button', { name: 'Pair it' }).click();
        await page.getByText('enter your password again').waitFor();
      },
      'computer that is paired': async () => {
        stage.people.fill();
        await type(STAGED_CODE);
        await page.getByRole('checkbox').check();
        await page.getByRole('button', { name: 'Pair it' }).click();
        await heading(page, 'It is paired');
      },
      'computer that is refused': async () => {
        stage.people.fill();
        await type(STAGED_CODE);
        await page.getByRole('button', { name: 'Refuse it' }).click();
        await heading(page, 'It is refused');
      },
      'code that is over': async () => {
        stage.people.fill();
        await type(STAGED_CODE);
        await page.getByRole('checkbox').check();
        stage.people.device = null;
        await page.getByRole('button', { name: 'Pair it' }).click();
        await heading(page, 'This code is not good any more');
      },
    };
    for (const [name, look] of Object.entries(looks)) {
      await runner.run(`a ${name} fits 360, 768 and 1440 px, and axe finds nothing (${theme})`, async () => {
        await look();
        await looksGood(page, theme);
      });
    }
    await page.close();
  }

  const page = await context.newPage();
  await page.goto(stage.origin);
  await page.evaluate(() => {
    localStorage.clear();
  });
  await page.close();
  await context.clearCookies();
  await stage.close();
}
