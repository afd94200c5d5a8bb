/** What is true while the fight goes on, and when it ends. */
import { chartBox, rowsOf, status } from './browser.js';
import { expect, same } from './runner.js';

/**
 * Amounts of the players of a report, by key.
 *
 * @param {any} report
 * @returns {Record<string, number>}
 */
export function damageOf(report) {
  return Object.fromEntries(report.players.map((/** @type {any} */ player) => [player.playerKey, player.damage]));
}

/**
 * Throws unless every row lies between what the API said before and after it was read.
 *
 * An answer that was costly to make (a slow machine) is shared for ten times as long as it took, so what the API says
 * after may be older than the feed for a moment: it is asked until it has come so far, and has to within ten seconds.
 *
 * @param {import('playwright-core').Page} page
 * @param {import('./run.js').World} world
 */
async function rowsAreTheApis(page, world) {
  const amounts = async () => damageOf(await world.api(`/reports/${world.reportId}`));
  const before = await amounts();
  // Two ticks, so that what the API knew has come.
  await page.waitForTimeout(600);
  const shown = await rowsOf(page);
  expect(Object.keys(shown).length > 0, 'no rows');
  for (const [key, amount] of Object.entries(before)) {
    expect(key in shown, `player ${key} has no row`);
    expect(amount <= (shown[key] ?? 0), `${key} shows ${shown[key]}, the API ${amount} before`);
  }
  const until = Date.now() + 10_000;
  for (;;) {
    const after = await amounts();
    const ahead = Object.entries(shown).find(([key, amount]) => !(key in after) || amount > (after[key] ?? 0));
    if (ahead === undefined) return;
    const [key, amount] = ahead;
    expect(Date.now() < until, `${key} shows ${amount}, the API ${after[key] ?? 'knows no such player'} after`);
    await page.waitForTimeout(200);
  }
}

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('./run.js').World} world
 * @param {() => Promise<void>} meanwhile checks of other pages, while this one waits for the fight's end
 */
export async function liveChecks(runner, world, meanwhile) {
  const page = await world.context.newPage();
  /** @type {string[]} */
  const complaints = [];
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));

  /** The feeds of the page, so that they can be cut; while `refused`, new ones are too. */
  let refused = false;
  let opened = 0;
  /** @type {import('playwright-core').WebSocketRoute[]} */
  const feeds = [];
  await page.routeWebSocket(/\/feed/, (route) => {
    opened += 1;
    if (refused) {
      void route.close({ code: 1011 });
      return;
    }
    route.connectToServer();
    feeds.push(route);
  });
  const cut = async () => {
    for (const feed of feeds.splice(0)) await feed.close({ code: 1011 });
  };
  const url = `${world.origin}/reports/${world.reportId}`;

  await runner.run('a live report shows live rows whose totals are those of the API', async () => {
    await page.goto(url);
    await page.locator('[data-table=players] tr[data-key]').first().waitFor({ timeout: 20_000 });
    await status(page, ['live', 'idle']);
    await rowsAreTheApis(page, world);
  });

  await runner.run('figures and timer go on by themselves', async () => {
    const figure = (/** @type {string} */ name) => page.locator(`[data-figure=${name}]`).innerText();
    const sum = async () => Object.values(await rowsOf(page)).reduce((all, one) => all + one, 0);
    const [time, damage] = [await figure('time'), await sum()];
    for (let tries = 0; tries < 40; tries++) {
      await page.waitForTimeout(500);
      if ((await figure('time')) !== time && (await sum()) > damage) return;
    }
    expect(false, `time stays ${time}, damage ${damage}`);
  });

  await runner.run('the delay is told by cause', async () => {
    await page.locator('[data-delay]').waitFor({ timeout: 20_000 });
    const text = await page.locator('[data-delay]').innerText();
    expect(/Delay [\d.]+ s: meter .+, relay .+, you .+ ± /.test(text), text);
  });

  await runner.run('each tab of a live report opens by its key, stands in the address, and goes on', async () => {
    const tabs = await page.locator('[role=tab]').allInnerTexts();
    expect(tabs.length >= 2, tabs.join());
    for (const [at, name] of tabs.entries()) {
      await page.keyboard.press(String(at + 1));
      await page.locator('[role=tab][aria-selected=true]').filter({ hasText: name }).waitFor();
      await page.locator('#figures [aria-busy]').waitFor({ state: 'detached', timeout: 20_000 });
      await page.locator('#told > *').first().waitFor();
    }
    await page.getByRole('tab', { name: 'Damage', exact: true }).click();
    same(new URL(page.url()).searchParams.get('tab'), null, 'the tab of damage needs no word in the address');
    await rowsAreTheApis(page, world);
  });

  await runner.run('a live fight is looked back at, and nothing that comes moves who does', async () => {
    // There must be something to look back at.
    while ((await world.api(`/reports/${world.reportId}`)).lastMs < 12_000) await page.waitForTimeout(500);
    // Arrows go through tabs where one has the focus.
    await page.evaluate(() => {
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    });
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await status(page, ['replay']);
    await page.locator('[data-table=players] tr[data-key]').first().waitFor();
    const at = new URL(page.url()).searchParams.get('at');
    const until = damageOf(await world.api(`/reports/${world.reportId}?from=0&to=${at}`));
    await page.waitForFunction(
      (some) =>
        [...document.querySelectorAll('[data-amount]')].some((cell) =>
          some.includes(cell.getAttribute('data-exact') ?? ''),
        ),
      Object.values(until).map(String),
    );
    same(acted(await rowsOf(page)), acted(until), 'rows until the moment');
    await page.waitForTimeout(2_000);
    same(acted(await rowsOf(page)), acted(until), 'rows until the moment, later');
    same(new URL(page.url()).searchParams.get('at'), at, 'moment');
    // A press on the chart goes to another, and one key back to the present.
    const box = await chartBox(page);
    await page.mouse.click(box.x + box.width * 0.25, box.y + box.height * 0.5);
    await page.waitForFunction((before) => new URL(location.href).searchParams.get('at') !== before, at);
    await page.keyboard.press('l');
    await status(page, ['live', 'idle']);
    same(new URL(page.url()).searchParams.get('at'), null, 'moment');
    await rowsAreTheApis(page, world);
  });

  await runner.run('what is asked about a live fight is told, or a dash', async () => {
    for (const name of ['pace', 'to-kill']) {
      const said = (await page.locator(`[data-${name}]`).innerText()).trim();
      expect(said !== '' && !said.includes('NaN'), `${name}: ${said}`);
    }
    await page.locator('[data-frames="0"]').waitFor({ timeout: 20_000 });
  });

  await runner.run('skills of a player open by keyboard, stand in the address, and close with Escape', async () => {
    const buttons = page.locator('button[data-player]');
    await buttons.first().focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowUp');
    await page.keyboard.press('Enter');
    await page.locator('tr.skills table tbody tr').first().waitFor({ timeout: 10_000 });
    expect(new URL(page.url()).searchParams.has('player'), page.url());
    await page.keyboard.press('Escape');
    await page.locator('tr.skills').waitFor({ state: 'detached' });
    expect(!new URL(page.url()).searchParams.has('player'), page.url());
  });

  await runner.run('a cut of the feed is told, and mends by itself', async () => {
    refused = true;
    try {
      await cut();
      await status(page, ['reconnecting']);
      const tries = opened;
      for (let looks = 0; opened === tries && looks < 100; looks++) await page.waitForTimeout(50);
      expect(opened > tries, 'it does not try again');
    } finally {
      refused = false;
    }
    await status(page, ['live', 'idle'], 30_000);
    await rowsAreTheApis(page, world);
  });

  await runner.run('a page that was off the network is right again by itself', async () => {
    await world.context.setOffline(true);
    try {
      await cut();
      await status(page, ['reconnecting']);
      await page.waitForTimeout(1000);
    } finally {
      await world.context.setOffline(false);
    }
    await status(page, ['live', 'idle'], 30_000);
    await rowsAreTheApis(page, world);
    // The browser itself complains about what could not be loaded meanwhile.
    complaints.splice(
      0,
      complaints.length,
      ...complaints.filter((text) => !text.includes('ERR_INTERNET_DISCONNECTED')),
    );
  });

  await runner.run('the raid shows the fight on top, live, with a link to its report', async () => {
    const raid = await world.context.newPage();
    await raid.goto(`${world.origin}/raids/${world.raidCode}`);
    await raid.locator(`[data-live="${world.reportId}"] tr[data-key]`).first().waitFor({ timeout: 20_000 });
    await raid.locator('[data-connected=true]').waitFor();
    const href = await raid.locator(`[data-live="${world.reportId}"] a`).first().getAttribute('href');
    same(href, `/reports/${world.reportId}`, 'link');
    await raid.close();
  });

  await page.evaluate(() => {
    document.body.setAttribute('data-same-page', 'yes');
  });
  await meanwhile();
  await runner.run('when the fight ends the same page is its report, without a jump', async () => {
    await status(page, ['ended', 'provisional'], world.patienceMs);
    same(page.url(), url, 'address');
    same(await page.locator('body').getAttribute('data-same-page'), 'yes', 'same page');
    // Its record may be a moment behind the feed's last frame.
    await page.waitForTimeout(3000);
    const report = await world.api(`/reports/${world.reportId}`);
    expect(report.state !== 'live', 'the API still says live');
    same(sorted(await rowsOf(page)), sorted(damageOf(report)), 'rows');
  });

  await runner.run('the console has no errors while live', async () => {
    same(complaints, [], 'errors');
  });
  await page.close();
}

/** @param {Record<string, number>} rows */
export function sorted(rows) {
  return Object.entries(rows).sort(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * The rows of who did something: who only stands there is told in a feed, not in a span.
 *
 * @param {Record<string, number>} rows
 */
export function acted(rows) {
  return sorted(Object.fromEntries(Object.entries(rows).filter(([, amount]) => amount > 0)));
}
