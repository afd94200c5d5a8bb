/** Pages for whoever has no account: the one by which players ask to be removed, and the one of what is not there. */
import { looksGood, tabThrough } from './look.js';
import { same } from './runner.js';
import { Stage } from './stage.js';

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function removalChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  const { people } = stage;
  const heading = (/** @type {import('playwright-core').Page} */ page, /** @type {string} */ name) =>
    page.getByRole('heading', { level: 1, name }).waitFor();

  await runner.run(
    'a player finds the form at the foot of a page, and asks to be removed by keyboard alone',
    async () => {
      people.removals = [];
      const page = await context.newPage();
      await page.goto(stage.origin);
      await page.getByRole('link', { name: 'Ask to be removed' }).press('Enter');
      await page.waitForURL((url) => url.pathname === '/removal');
      await page.getByLabel('Your name in the game').focus();
      // Without a name nothing is sent: the browser says so.
      await page.keyboard.press('Enter');
      same(people.removals, [], 'requests');
      for (const text of ['Frostlily', 'https://raidcast.example/reports/r1', 'lily@example.org', 'Please.']) {
        await page.keyboard.type(text);
        await page.keyboard.press('Tab');
      }
      people.retryS = 30;
      await page.keyboard.press('Enter');
      await page.getByText('It can be tried again in 30 seconds').waitFor();
      same(await page.evaluate(() => document.activeElement?.textContent), 'Send', 'focus');
      same(await page.getByLabel('Your name in the game').inputValue(), 'Frostlily', 'what was written');
      people.retryS = 0;
      await page.keyboard.press('Enter');
      await heading(page, 'Your request was sent');
      same(await page.evaluate(() => document.activeElement?.tagName), 'H1', 'focus');
      same(
        people.removals.map(({ player, links, contact, message }) => [player, links, contact, message]),
        [['Frostlily', 'https://raidcast.example/reports/r1', 'lily@example.org', 'Please.']],
        'requests',
      );
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      await page.waitForURL(`${stage.origin}/`);
      await page.close();
    },
  );

  /** @type {Record<string, (page: import('playwright-core').Page) => Promise<void>>} */
  const looks = {
    'form for removal': async (page) => {
      await page.goto(`${stage.origin}/removal`);
      await heading(page, 'Ask to be removed');
    },
    'request that was refused': async (page) => {
      await page.goto(`${stage.origin}/removal`);
      await page.getByLabel('Your name in the game').fill('Abcdefghijklmnopqrstuvwxyz'.repeat(2));
      people.retryS = 30;
      await page.keyboard.press('Enter');
      await page.getByRole('alert').waitFor();
      people.retryS = 0;
    },
    'request that was sent': async (page) => {
      await page.goto(`${stage.origin}/removal`);
      await page.getByLabel('Your name in the game').fill('Frostlily');
      await page.keyboard.press('Enter');
      await heading(page, 'Your request was sent');
    },
    'page that is not there': async (page) => {
      await page.goto(`${stage.origin}/nowhere`);
      await heading(page, 'No such page');
    },
  };
  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    for (const [name, look] of Object.entries(looks)) {
      await runner.run(`a ${name} is gone through by keyboard, fits, and axe finds nothing (${theme})`, async () => {
        const page = await context.newPage();
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await look(page);
        await looksGood(page, theme);
        same((await tabThrough(page))[0]?.startsWith('Skip to '), true, 'the way past the head is first');
        await page.close();
      });
    }
  }
  people.fill();
  await stage.close();
}
