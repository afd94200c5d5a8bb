/** The page of the search: found while it is typed, every view a link, and what it says where it is refused. */
import { looksGood, tabThrough } from './look.js';
import { overflow } from './browser.js';
import { expect, same } from './runner.js';
import { Stage } from './stage.js';

/** As long as a name may be, without a place to break it. */
const LONG = 'Abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, 64);

/**
 * A fight that is over, as lists show it.
 *
 * @param {number} at
 */
function past(at) {
  const boss = at === 0 ? LONG : at % 2 === 0 ? 'Frost Ogre' : 'Muku Chief';
  return {
    reportId: `past${at}`,
    raid: 'PASTRAID',
    state: 'final',
    revision: 1,
    startedAtMs: Date.now() - (at + 1) * 600_000,
    endedAtMs: null,
    stub: false,
    verified: false,
    durationMs: 120_000 + at * 1_000,
    damageMs: null,
    outcome: at % 3 === 0 ? 'kill' : 'wipe',
    encounter: { scene: at % 2 === 0 ? 'Towering Ruin' : 'Goblin Lair', sceneId: 1021, difficulty: 8 },
    bosses: [boss],
    players: 20,
    totals: {
      damage: 900_000_000,
      bossDamage: 900_000_000,
      healing: 1,
      damageTaken: 1,
      hits: 1,
      healHits: 1,
      deaths: at % 3,
    },
  };
}

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function searchChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  stage.past = Array.from({ length: 45 }, (_, at) => past(at));
  /** @type {string[]} */
  const complaints = [];
  const open = async (/** @type {string} */ rest) => {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${stage.origin}${rest}`);
    return page;
  };
  const rows = (/** @type {import('playwright-core').Page} */ page, part = 'all') =>
    page.locator(`[data-part="${part}"] [data-report]`);
  const query = (/** @type {import('playwright-core').Page} */ page) => new URL(page.url()).search;

  await runner.run('the front page has a search that leads to its page, and "/" goes to it', async () => {
    const page = await open('/');
    await page.locator('[data-table="fights"]').first().waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('ogre');
    await page.keyboard.press('Enter');
    await page.waitForURL((url) => url.pathname === '/search' && url.search === '?q=ogre');
    await rows(page, 'boss').first().waitFor();
    same(await rows(page, 'boss').count(), 5, 'fights with the boss');
    await page.close();
  });

  await runner.run('"/" leads from a report to the search, and not while somebody writes', async () => {
    const page = await open('/reports/staged');
    await page.locator('h1').waitFor();
    await page.keyboard.press('?');
    await page.getByRole('dialog').getByText('Search').waitFor();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    await page.waitForURL((url) => url.pathname === '/search');
    await page.locator('input[data-search]:focus').waitFor();
    await page.keyboard.type('a/b');
    same(await page.locator('input[data-search]').inputValue(), 'a/b', 'what was typed');
    await page.close();
  });

  await runner.run('what is typed is asked once when the typing pauses, and stands in the address', async () => {
    const page = await open('/search');
    await rows(page).first().waitFor();
    same(await page.locator('[data-live] [data-report]').count(), 1, 'live fights on top');
    stage.searches = [];
    await page.locator('input[data-search]').pressSequentially('ogre', { delay: 30 });
    await rows(page, 'boss').first().waitFor();
    same(stage.searches.length, 3, 'questions: as a boss, a player and a scene');
    same(query(page), '?q=ogre', 'address');
    await page.locator('[data-all="boss"]').click();
    await page.locator('[data-more]').click();
    await page.waitForFunction(() => document.querySelectorAll('[data-part="boss"] [data-report]').length === 22);
    same(await page.locator('[data-more]').count(), 0, 'more of what has come whole');
    same(query(page), '?q=ogre&in=boss', 'address');
    await page.close();
  });

  await runner.run('filters are chips, each is taken away alone, and Back and Forward go through them', async () => {
    const page = await open('/search?q=ogre&in=boss');
    await rows(page, 'boss').first().waitFor();
    await page.getByText('Filters and order').click();
    await page.getByLabel('Result', { exact: true }).selectOption({ label: 'Kill' });
    await page.locator('[data-chip="outcome"]').waitFor();
    await page.getByLabel('Players, at least', { exact: true }).fill('5');
    await page.keyboard.press('Tab');
    await page.locator('[data-chip="least"]').waitFor();
    same(query(page), '?q=ogre&in=boss&outcome=kill&least=5', 'address');
    await page.getByRole('button', { name: 'Remove: Result: Kill' }).click();
    same(query(page), '?q=ogre&in=boss&least=5', 'address');
    await page.goBack();
    await page.locator('[data-chip="outcome"]').waitFor();
    same(query(page), '?q=ogre&in=boss&outcome=kill&least=5', 'address after Back');
    await page.goForward();
    await page.locator('[data-chip="outcome"]').waitFor({ state: 'detached' });
    await page.reload();
    await page.locator('[data-chip="least"]').waitFor();
    same(await page.locator('input[data-search]').inputValue(), 'ogre', 'text after loading anew');
    await page.close();
  });

  await runner.run('a search that is refused says when it goes on, and goes on', async () => {
    stage.searchRetryS = 2;
    const page = await open('/search?q=ogre&in=boss');
    await page
      .getByText(/It goes on by itself in [12] second/)
      .first()
      .waitFor();
    stage.searchRetryS = 0;
    await rows(page, 'boss').first().waitFor();
    same(await page.locator('[data-trouble]').count(), 0, 'what was said of it');
    await page.close();
  });

  await runner.run('names as nobody should have them are text in the search', async () => {
    const page = await open(`/search?q=${encodeURIComponent('<img src=x onerror="window.bad=1">')}`);
    await page.getByRole('heading', { name: 'No fight was found' }).waitFor();
    same(await page.evaluate(() => /** @type {any} */ (window)['bad'] ?? null), null, 'what markup did');
    await page.close();
  });

  /** @type {Record<string, (page: import('playwright-core').Page) => Promise<void>>} */
  const looks = {
    'search with all its filters': async (page) => {
      await page.goto(
        `${stage.origin}/search?outcome=kill&from=2026-01-01&longer=1&shorter=60&least=2&most=40&order=dps`,
      );
      await rows(page).first().waitFor();
      await page.getByText('Filters and order').click();
    },
    'search by several things': async (page) => {
      await page.goto(`${stage.origin}/search?q=o`);
      await rows(page, 'boss').first().waitFor();
    },
    'search that finds nothing': async (page) => {
      await page.goto(`${stage.origin}/search?q=nothing&outcome=wipe`);
      await page.getByRole('heading', { name: 'No fight was found' }).waitFor();
    },
    'search that is refused': async (page) => {
      stage.searchRetryS = 600;
      await page.goto(`${stage.origin}/search?q=ogre`);
      await page.locator('[data-trouble]').waitFor();
      stage.searchRetryS = 0;
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
        await page.setViewportSize({ width: 320, height: 640 });
        same(await overflow(page), 0, 'px beyond 320');
        await page.close();
      });
    }
  }
  await runner.run('no search page complained', async () => {
    expect(complaints.length === 0, complaints.join('; '));
  });
  await stage.close();
}
