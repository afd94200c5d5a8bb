/** The evening on the page of a raid: its pulls in one line, what they come to, and how each player did. */
import { overflow } from './browser.js';
import { looksGood, tabThrough } from './look.js';
import { expect, same } from './runner.js';
import { Stage, STAGED } from './stage.js';

/** As long as a name may be, without a place to break it; and one that is markup. */
const NAMES = ['Abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, 64), '<img src=x onerror="window.bad=1">', 'Dusk'];
const PULL_MS = 120_000;

/**
 * A fight that is over: the last ones have two attempts, and of the first nothing is told of the boss' health.
 *
 * @param {number} at
 * @param {number} of
 */
function fight(at, of) {
  const outcome = at === of - 1 ? 'kill' : 'wipe';
  const tries = at === of - 2 ? 2 : 1;
  return {
    report: {
      reportId: `night${at}`,
      raid: STAGED.raid,
      state: 'final',
      revision: 1,
      startedAtMs: Date.now() - (of - at + 10) * 300_000,
      endedAtMs: null,
      stub: false,
      verified: false,
      durationMs: PULL_MS * tries,
      damageMs: null,
      outcome,
      encounter: { scene: 'Towering Ruin', sceneId: 1021, difficulty: 8 },
      bosses: ['Frost Ogre'],
      players: NAMES.length,
      totals: {
        damage: 900_000_000,
        bossDamage: 900_000_000,
        healing: 1,
        damageTaken: 1,
        hits: 1,
        healHits: 1,
        deaths: 3,
      },
    },
    firstMs: 0,
    boss: {
      name: 'Frost Ogre',
      monsterId: 1,
      maxHp: 1_000,
      hp: at === 0 ? null : 900 - at * 10,
      damage: 100,
      hits: 1,
      defeated: outcome === 'kill',
    },
    attempts: Array.from({ length: tries === 1 ? 0 : tries }, (_, index) => ({
      index: index + 1,
      startMs: index * PULL_MS,
      endMs: (index + 1) * PULL_MS,
      reason: index === 0 ? 'initial' : 'wipe',
      bossHpStart: 1_000,
      bossHpEnd: 400 - index * 277,
      deaths: 1,
      outcome: 'wipe',
      bossDamage: null,
    })),
    players: NAMES.map((name, player) => ({
      playerKey: `p${player}`,
      name,
      classId: 1 + player,
      specId: null,
      damage: 1_000_000,
      dps: 100_000 * (player + 1) + at * 1_000,
      deaths: 1,
    })).filter((_, player) => player < 2 || at % 2 === 0),
  };
}

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function nightChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  const COUNT = 24;
  stage.evening = Array.from({ length: COUNT }, (_, at) => fight(at, COUNT));
  const path = `/raids/${STAGED.raid}?ticket=tic%2Bket`;
  const open = async (/** @type {string} */ rest) => {
    const page = await context.newPage();
    await page.goto(`${stage.origin}${rest}`);
    await page.locator('[data-pull]').first().waitFor();
    // The one that goes on, the fights, and one more where one had two attempts.
    await page.waitForFunction((count) => document.querySelectorAll('[data-pull]').length === count, COUNT + 2);
    return page;
  };

  await runner.run('a raid shows its evening as pulls: by percent, by time, the best marked, each a link', async () => {
    const page = await open(path);
    const pulls = await page.locator('[data-pull]').evaluateAll((all) =>
      all.map((one) => ({
        said: one.textContent.replace(/\s+/g, ' ').trim(),
        outcome: one.getAttribute('data-outcome'),
        best: one.hasAttribute('data-best'),
        href: one.getAttribute('href'),
      })),
    );
    same(pulls[0]?.said, '1 2:00', 'a wipe of which no health is told');
    same(pulls[1]?.said, '2 89%', 'a wipe');
    same(pulls[23]?.href, '/reports/night22?attempt=2&ticket=tic%2Bket', 'link to an attempt');
    same(pulls[23]?.said, '24 13%', 'an attempt');
    same([pulls[24]?.outcome, pulls[24]?.best], ['kill', true], 'the kill');
    same(pulls[25]?.outcome, 'live', 'the last one');
    same(pulls.filter(({ best }) => best).length, 1, 'pulls that are best');
    const totals = async (/** @type {string} */ name) => page.locator(`[data-total="${name}"] dd`).textContent();
    same([await totals('kills'), await totals('wipes'), await totals('deaths')], ['1', '24', '72'], 'totals');
    same(await totals('time'), '50:00', 'time in fights');
    await page.close();
  });

  await runner.run('players over the night have a line each, by the names that the relay shows', async () => {
    const page = await open(path);
    await page.getByText('Players over the night').click();
    same(await page.locator('[data-trend]').count(), NAMES.length, 'players');
    expect(
      (await page.locator('[data-trend="p2"] svg path').getAttribute('d'))?.split('M').length === COUNT / 2 + 1,
      'a player who is in every second fight has no line between them',
    );
    same(await page.evaluate(() => /** @type {any} */ (window)['bad'] ?? null), null, 'what markup did');
    await page.close();
  });

  await runner.run('while the fight goes on nothing in the evening moves', async () => {
    const page = await open(path);
    const before = await page.locator('[data-night]').boundingBox();
    for (let at = 0; at < 5; at++) {
      stage.tick(200);
      await page.waitForTimeout(100);
    }
    same(await page.locator('[data-night]').boundingBox(), before, 'where the evening stands');
    await page.close();
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    await runner.run(`an evening is gone through by keyboard, fits, and axe finds nothing (${theme})`, async () => {
      const page = await context.newPage();
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await page.goto(`${stage.origin}${path}`);
      await page.locator('[data-best]').waitFor();
      await page.getByText('Players over the night').click();
      await page.locator('[data-trend]').first().waitFor();
      await looksGood(page, theme);
      same((await tabThrough(page))[0]?.startsWith('Skip to '), true, 'the way past the head is first');
      await page.setViewportSize({ width: 320, height: 640 });
      same(await overflow(page), 0, 'px beyond 320');
      await page.close();
    });
  }
  await stage.close();
}
