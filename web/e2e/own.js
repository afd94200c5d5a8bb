/** The page of an account that has rows of everything: what they do by keyboard, and how they look. */
import { looksGood, tabThrough } from './look.js';
import { expect, same } from './runner.js';
import { CONFIRMATION } from './rows.js';
import { STAGED_PERSON } from './people.js';
import { Stage } from './stage.js';

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function ownChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  const { people } = stage;
  const opened = async (/** @type {'dark' | 'light'} */ theme = 'dark') => {
    people.fill();
    const page = await context.newPage();
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.goto(`${stage.origin}/account`);
    await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
    return page;
  };
  const focus = (/** @type {import('playwright-core').Page} */ page) =>
    page.evaluate(() => document.activeElement?.id || (document.activeElement?.textContent ?? '').trim());
  /** Presses what goes, after the question that is asked first. */
  const confirm = async (/** @type {import('playwright-core').Page} */ page) => {
    await page.waitForFunction(() => document.activeElement?.textContent === 'Keep it');
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('Enter');
  };
  const group = 'Thursday of the second group';

  await runner.run('somebody signs in, and sees rows of all that is his', async () => {
    const page = await context.newPage();
    await page.goto(`${stage.origin}/sign-in?next=/account`);
    await page.getByLabel('Name').fill(STAGED_PERSON.name);
    await page.getByLabel('Password', { exact: true }).fill(STAGED_PERSON.password);
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Your account' }).waitFor();
    const rows = await page.evaluate(() =>
      ['key', 'raid', 'character', 'claim', 'person', 'removal', 'audit'].map(
        (what) => document.querySelectorAll(`[data-${what}]`).length,
      ),
    );
    same(rows, [2, 3, 3, 5, 3, 2, 5], 'rows');
    await page.close();
  });

  await runner.run('a fight of a raid is opened, and deleted without the others, by keyboard alone', async () => {
    const page = await opened();
    const raid = page.locator('[data-raid=NIGHT1]');
    await raid.getByRole('button', { name: `Fights of ${group}` }).press('Enter');
    const fights = raid.getByRole('region', { name: `Fights of ${group}` });
    await fights.getByRole('listitem').nth(2).waitFor();
    same(await fights.getByRole('link').first().getAttribute('href'), '/reports/night1x3', 'link');
    await fights
      .getByRole('button', { name: /^Delete the fight Super/ })
      .first()
      .press('Enter');
    await page.getByText('It goes on, and the rest of it is not taken either').waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent === 'Keep it');
    await page.keyboard.press('Enter');
    same([await fights.getByRole('listitem').count(), await focus(page)], [3, 'Fights'], 'fights, focus');
    await fights.getByRole('button', { name: /^Delete the fight Abc/ }).press('Enter');
    await confirm(page);
    await page.locator('[data-fight=night1x2]').waitFor({ state: 'detached' });
    same([await fights.getByRole('listitem').count(), await focus(page)], [2, 'Fights'], 'fights, focus');
    same(
      people.fights['NIGHT1']?.map(({ reportId }) => reportId),
      ['night1x3', 'night1x1'],
      'what the relay has',
    );
    await raid.getByText('2 fights').waitFor();
    await page.close();
  });

  await runner.run('a raid of many fights shows some, and more when asked', async () => {
    const page = await opened();
    await page.getByRole('button', { name: /^Fights of Raid of/ }).press('Enter');
    await page.getByRole('button', { name: 'Older fights: 5 more' }).press('Enter');
    await page.locator('[data-fight]').nth(24).waitFor();
    same(
      await page.evaluate(() => document.activeElement?.closest('[data-fight]')?.getAttribute('data-fight')),
      'night2x5',
      'focus',
    );
    await page.close();
  });

  await runner.run('a key with a limit of its own is made by keyboard alone', async () => {
    const page = await opened();
    await page.getByRole('button', { name: 'Make a key' }).press('Enter');
    await page.keyboard.type('Meter');
    await page.getByLabel('Uploads a day, at most').focus();
    await page.keyboard.type('0');
    await page.keyboard.press('Enter');
    same(people.keys.length, 2, 'keys, where the limit is none');
    await page.keyboard.press('Backspace');
    await page.keyboard.type('200');
    await page.keyboard.press('Enter');
    await page.getByRole('region', { name: 'New key: Meter' }).waitFor();
    await page.getByText('200 at most').waitFor();
    same(people.keys.at(-1)?.uploadsPerDay, 200, 'limit');
    await page.close();
  });

  await runner.run('an administrator sees to people, requests and claims by keyboard alone', async () => {
    const page = await opened();
    await page.getByRole('button', { name: 'Delete Bran' }).press('Enter');
    await confirm(page);
    await page.getByText('Bran is deleted.').waitFor();
    same(await focus(page), 'people-title', 'focus');
    const hide = page.getByRole('form', { name: 'Hide Frostlily' });
    await hide.getByRole('textbox').press('1');
    await page.keyboard.press('Enter');
    await page.locator('[data-removal="331"]').waitFor({ state: 'detached' });
    same(await focus(page), 'removals-title', 'focus');
    await page.getByRole('button', { name: /^Confirm that Abc/ }).press('Enter');
    await page.waitForFunction(() => document.activeElement?.getAttribute('aria-label')?.startsWith('Take Abc'));
    await page.keyboard.press('Enter');
    await page.locator('[data-claim="322"]').waitFor({ state: 'detached' });
    same([await focus(page), people.openClaims.length], ['claims-title', 1], 'focus, claims that wait');
    await page.close();
  });

  await runner.run('a character is hidden, and that of another confirmed, by keyboard alone', async () => {
    const page = await opened();
    await page.locator('[data-character="301"]').getByLabel('Hide it everywhere').press('Space');
    await page.getByText('Mira is hidden everywhere.').waitFor();
    same(people.characters[0]?.hidden, true, 'hidden');
    await page.getByLabel('Code of the claim').focus();
    await page.keyboard.type(CONFIRMATION.code.toUpperCase());
    await page.keyboard.press('Enter');
    await page.getByText('In your fights it is').waitFor();
    await page.waitForFunction(() => document.activeElement?.textContent === 'Confirm');
    await page.keyboard.press('Enter');
    await page.getByText('Frostlily is now Bran’s.').waitFor();
    await page.close();
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    await runner.run(
      `an account full of rows is gone through by keyboard, fits, and axe finds nothing (${theme})`,
      async () => {
        const page = await opened(theme);
        await looksGood(page, theme);
        const names = await tabThrough(page);
        for (const name of [`Fights of ${group}`, 'Delete Bran', 'Close the request of Frostlily', 'Look again']) {
          expect(names.includes(name), `the Tab key does not come to: ${name}`);
        }
        await page.setViewportSize({ width: 360, height: 740 });
        await tabThrough(page);
        await page.close();
      },
    );

    await runner.run(`all that unfolds in its rows fits, and axe finds nothing (${theme})`, async () => {
      const page = await opened(theme);
      const press = (/** @type {string | RegExp} */ name) => page.getByRole('button', { name }).first().click();
      await press('Make a key');
      await press(`Fights of ${group}`);
      await page.locator('[data-fight]').first().waitFor();
      await press(/^Delete the fight/);
      await press(`Share ${group}`);
      await page.locator('[data-link]').first().waitFor();
      await press(`Clear the title of ${group}`);
      await press(/^Delete Raid of/);
      await press('Delete Bran');
      await press(/^Confirm that Abc/);
      await page.getByText('Limits in force').click();
      await page.getByLabel('Code of the claim').fill(CONFIRMATION.code);
      await page.keyboard.press('Enter');
      await page.getByText('In your fights it is').waitFor();
      await looksGood(page, theme);
      await tabThrough(page);
      await page.close();
    });
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
