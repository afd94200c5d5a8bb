/** The page of an account that has rows of everything: what they do by keyboard, and how they look. */
import { stat } from 'node:fs/promises';
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
    await page.getByRole('heading', { level: 1, name: 'Your account', exact: true }).waitFor();
    return page;
  };
  const focus = (/** @type {import('playwright-core').Page} */ page) =>
    page.evaluate(() => document.activeElement?.id || (document.activeElement?.textContent ?? '').trim());
  /** Presses what goes, after the question that is asked first. */
  const confirm = async (/** @type {import('playwright-core').Page} */ page) => {
    await page.waitForFunction(() => document.activeElement?.textContent === 'Cancel');
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
    await page.getByRole('heading', { level: 1, name: 'Your account', exact: true }).waitFor();
    const rows = await page.evaluate(() =>
      ['key', 'raid', 'character', 'claim', 'person', 'removal', 'audit'].map(
        (what) => document.querySelectorAll(`[data-${what}]`).length,
      ),
    );
    same(rows, [2, 3, 3, 5, 3, 2, 5], 'rows');
    await page.getByText('1 raid without fights').waitFor();
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
    await page.waitForFunction(() => document.activeElement?.textContent === 'Cancel');
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
    await page.getByText('Called “Frostlily”, in 12 fights', { exact: false }).waitFor();
    await confirm(page);
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

  await runner.run('what is held about a character is downloaded by keyboard alone, after the password', async () => {
    const page = await opened();
    const row = page.locator('[data-character="301"]');
    people.fresh = false;
    await row.getByRole('button', { name: 'Download what is held about Mira' }).press('Enter');
    await page.getByText('To download what is held, enter your password again').waitFor();
    await page.keyboard.type(STAGED_PERSON.password);
    const coming = page.waitForEvent('download');
    await page.keyboard.press('Enter');
    const download = await coming;
    same(download.suggestedFilename(), 'raidcast-player.tar.zst', 'name');
    same((await stat(await download.path())).size, 3_400_000, 'bytes');
    await row.getByText('The archive is saved: raidcast-player.tar.zst.').waitFor();
    same(await focus(page), 'Download what is held about it', 'focus');
    // Where no administrator has confirmed it there is no button, and words say why.
    const other = page.locator('[data-character="302"]');
    await other.getByText('For that, and to download what is held about it, an administrator has to confirm').waitFor();
    same(await other.getByRole('button').count(), 0, 'buttons');
    // It was another's word when the page was read; that has changed.
    people.characters[0].way = 'officer';
    await row.getByRole('button', { name: 'Download what is held about Mira' }).press('Enter');
    await row.getByText('For this an administrator has to confirm that the character is yours').waitFor();
    same(await focus(page), 'Download what is held about it', 'focus');
    await page.close();
  });

  await runner.run(
    'all that is held about somebody is downloaded, after the password where that is asked',
    async () => {
      const take = async (/** @type {boolean} */ fresh) => {
        people.fresh = fresh;
        const page = await context.newPage();
        await page.goto(`${stage.origin}/account`);
        const link = page.getByRole('link', { name: 'Download all that is held about you' });
        const coming = page.waitForEvent('download');
        await link.press('Enter');
        if (!fresh) {
          await page.getByText('To download what is held, enter your password again').waitFor();
          await page.keyboard.type(STAGED_PERSON.password);
          await page.keyboard.press('Enter');
        }
        same((await coming).suggestedFilename(), 'raidcast.tar.zst', 'name');
        same(await focus(page), 'Download all that is held about you', 'focus');
        await page.close();
      };
      await take(true);
      await take(false);
    },
  );

  await runner.run('an administrator downloads what is held about a player by keyboard alone', async () => {
    const page = await opened();
    await page.getByRole('link', { name: 'Administration' }).press('Enter');
    const part = page.getByRole('region', { name: 'What is held about a player' });
    await part.getByLabel('Number in the game').focus();
    await page.keyboard.type(`https://raidcast.example/reports/k2186zmzvg0j?player=${'0'.repeat(32)}`);
    await page.keyboard.press('Enter');
    await part.getByText('No player is known by this key.').waitFor();
    await page.waitForFunction(() => document.activeElement?.id === 'held-player');
    await page.keyboard.press('Control+A');
    await page.keyboard.type('4711');
    const coming = page.waitForEvent('download');
    await page.keyboard.press('Enter');
    await (await coming).path();
    await part.getByText('The archive is saved: raidcast-player.tar.zst.').waitFor();
    same([people.asked, await focus(page)], [{ player: '4711' }, 'held-player'], 'what was asked for, focus');
    await page.close();
  });

  await runner.run('what is one’s own comes before administration, at every width', async () => {
    const page = await opened();
    for (const width of [360, 768, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      const [own, others] = await page.evaluate(() => {
        const top = (/** @type {string} */ id) => document.getElementById(id)?.getBoundingClientRect().top ?? 0;
        return [
          ['keys-title', 'characters-title', 'sessions-title', 'ways-title', 'password-title', 'leaving-title'].map(
            top,
          ),
          ['administration', 'removals-title', 'claims-title', 'people-title', 'held-title'].map(top),
        ];
      });
      expect(Math.max(...(own ?? [])) < Math.min(...(others ?? [])), `${width} px: ${own} are not above ${others}`);
    }
    await page.close();
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    await runner.run(
      `an account full of rows is gone through by keyboard, fits, and axe finds nothing (${theme})`,
      async () => {
        const page = await opened(theme);
        await looksGood(page, theme);
        const names = await tabThrough(page);
        for (const name of [
          `Fights of ${group}`,
          'Download what is held about Mira',
          'Download',
          'Delete Bran',
          'Close the request of Frostlily',
          'Look again',
        ]) {
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
      people.characters[0].way = 'officer';
      await press('Download what is held about Mira');
      await page.getByText('For this an administrator has to confirm').waitFor();
      people.fresh = false;
      await page.getByRole('region', { name: 'What is held about a player' }).getByRole('textbox').fill('4711');
      await press('Download');
      await page.getByText('To download what is held, enter your password again').waitFor();
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
