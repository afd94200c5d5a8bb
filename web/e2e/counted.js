/**
 * What a tick costs a page, counted and not timed: renders a frame, layouts a tick. A slow machine counts the same.
 */
import { status } from './browser.js';
import { expect, same } from './runner.js';
import { Stage, STAGED } from './stage.js';

/** Ticks that are counted, and how many a second. */
const TICKS = 60;
const PACE = 10;
/** Layouts a tick without a change of order; with one, the row that has the focus may ask for one more. */
const LAYOUTS_MAX = 2;

/**
 * Counts renders of the table by frame, until the returned handle is asked.
 *
 * @param {import('playwright-core').Page} page
 */
async function countRenders(page) {
  await page.evaluate(() => {
    /** @type {Map<unknown, number>} */
    const byFrame = new Map();
    const table = document.querySelector('[data-table=players]');
    if (table === null) throw new Error('there is no table');
    // Called once for each render; the timeline's time is one within a frame.
    const observer = new MutationObserver(() => {
      const frame = document.timeline.currentTime;
      byFrame.set(frame, (byFrame.get(frame) ?? 0) + 1);
    });
    observer.observe(table, { childList: true, characterData: true, attributes: true, subtree: true });
    Object.assign(window, { renders: byFrame });
  });
  return () =>
    page.evaluate(() => {
      const counts = [.../** @type {any} */ (window).renders.values()];
      return { frames: counts.length, most: Math.max(0, ...counts), all: counts.reduce((sum, one) => sum + one, 0) };
    });
}

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function countedChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  const page = await context.newPage();
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  const layouts = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return metrics.find(({ name }) => name === 'LayoutCount')?.value ?? 0;
  };
  const rows = '[data-table=players] tr[data-key]';
  const damage = () => page.locator(`tr[data-key=player0] [data-amount]`).getAttribute('data-exact');
  /** Waits until the page shows what the stage has told. */
  const shown = () =>
    page.waitForFunction(
      (wanted) => document.querySelector('tr[data-key=player0] [data-amount]')?.getAttribute('data-exact') === wanted,
      String(stage.fight.rows[0]?.[0]),
      { timeout: 60_000 },
    );
  /** Ticks at the pace, and waits for the last to be shown. */
  const play = async (/** @type {{ shuffle?: boolean }} */ how) => {
    const begun = stage.ticks;
    const stop = stage.run(PACE, how);
    while (stage.ticks - begun < TICKS) await page.waitForTimeout(100);
    stop();
    await shown();
    return stage.ticks - begun;
  };

  for (const path of [`/reports/${STAGED.report}`, `/raids/${STAGED.raid}`]) {
    const name = path.split('/')[1];
    for (const shuffle of [false, true]) {
      const order = shuffle ? 'while players overtake each other' : 'without a change of order';
      await runner.run(`a tick renders /${name} at most once a frame, ${order}`, async () => {
        await page.goto(`${stage.origin}${path}`);
        await page.locator(rows).first().waitFor();
        await status(page, ['live']);
        stage.tick(100);
        await shown();
        const seen = await countRenders(page);
        const before = await layouts();
        const ticks = await play({ shuffle });
        const [renders, laidOut] = [await seen(), (await layouts()) - before];
        console.log(
          `      ${ticks} ticks: ${renders.all} renders in ${renders.frames} frames, ${(laidOut / ticks).toFixed(2)} layouts a tick`,
        );
        expect(renders.all > 0, 'nothing was rendered');
        same(renders.most, 1, 'renders in a frame');
        if (!shuffle) expect(laidOut <= LAYOUTS_MAX * ticks, `${laidOut} layouts for ${ticks} ticks`);
      });
    }
  }

  await runner.run('twenty ticks that come at once are rendered once', async () => {
    const seen = await countRenders(page);
    const before = await damage();
    stage.tick(2_000, { count: 20, shuffle: true });
    await shown();
    const renders = await seen();
    expect((await damage()) !== before, 'nothing was shown');
    // What came in one piece may be heard in two, and the clock renders once more.
    expect(renders.all <= 4, `${renders.all} renders`);
    same(renders.most, 1, 'renders in a frame');
  });

  await runner.run('the focus stays with its player while rows change places', async () => {
    await page.goto(`${stage.origin}/reports/${STAGED.report}`);
    await page.locator(rows).first().waitFor();
    await page.evaluate(() => {
      Object.assign(window, { lost: 0 });
      document.addEventListener('focusout', (event) => {
        if (event.relatedTarget === null) /** @type {any} */ (window).lost += 1;
      });
    });
    const button = page.locator('button[data-player=player9]');
    await button.focus();
    const place = () =>
      page.locator(rows).evaluateAll((all) => all.findIndex((one) => one.getAttribute('data-key') === 'player9'));
    const before = await place();
    for (let tries = 0; tries < 200 && (await place()) === before; tries++) {
      stage.tick(100, { shuffle: true });
      await page.waitForTimeout(20);
    }
    expect((await place()) !== before, 'it did not change its place');
    same(await page.evaluate(() => document.activeElement?.getAttribute('data-player')), 'player9', 'focus');
    same(await page.evaluate(() => /** @type {any} */ (window).lost), 0, 'times that the focus was lost');
    await page.getByRole('button', { name: 'Player' }).press('Enter');
    same(await page.evaluate(() => document.activeElement?.getAttribute('data-sort')), 'name', 'focus');
    same(new URL(page.url()).searchParams.get('sort'), 'name', 'order in the address');
    const names = await page.locator('button[data-player]').allInnerTexts();
    same(names, [...names].sort(), 'names');
    await page.keyboard.press('Enter');
    same(await page.locator('button[data-player]').allInnerTexts(), [...names].sort().reverse(), 'names turned round');
    same(new URL(page.url()).searchParams.get('order'), 'desc', 'order in the address');
    await page.reload();
    await page.locator(rows).first().waitFor();
    same(
      await page.locator('button[data-player]').allInnerTexts(),
      [...names].sort().reverse(),
      'names after a reload',
    );
  });

  await page.close();
  await stage.close();
}
