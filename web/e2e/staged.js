/** What pages do where a real relay is not brought to at a word: outages, sleep, the time between pulls. */
import { chartBox, status } from './browser.js';
import { loaded } from './load.js';
import { expect, same } from './runner.js';
import { Stage, STAGED } from './stage.js';

/** What pages with a chart load at the most, brotli, bytes. */
const LOAD_MAX = 100_000;
const ROWS = '[data-table=players] tr[data-key]';

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function stagedChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  const open = async (/** @type {string} */ path) => {
    const page = await context.newPage();
    await page.goto(`${stage.origin}${path}`);
    return page;
  };

  await runner.run('the list of reports calls nothing live through an outage, nor does its title', async () => {
    const page = await open('/');
    await page.getByText('Live', { exact: true }).waitFor();
    stage.silent = true;
    await status(page, ['stale'], 60_000);
    same(await page.getByText('Live', { exact: true }).count(), 0, 'fights called live');
    expect((await page.title()).includes('No news since'), await page.title());
    stage.silent = false;
    await page.locator('[data-status]').waitFor({ state: 'detached', timeout: 60_000 });
    await page.getByText('Live', { exact: true }).waitFor();
    await page.close();
  });

  await runner.run('through an outage badge and title say the same, for as long as it lasts', async () => {
    for (const path of [`/reports/${STAGED.report}`, `/raids/${STAGED.raid}`]) {
      const page = await context.newPage();
      let away = false;
      await page.routeWebSocket(/\/feed/, (route) => {
        if (away) void route.close({ code: 1011 });
        else route.connectToServer();
      });
      await page.goto(`${stage.origin}${path}`);
      await page.locator(ROWS).first().waitFor();
      await status(page, ['live']);
      expect((await page.title()).startsWith('● '), await page.title());
      away = true;
      stage.silent = true;
      stage.cut();
      await status(page, ['stale'], 60_000);
      for (let look = 0; look < 8; look++) {
        same(await page.locator('[data-status]').first().getAttribute('data-status'), 'stale', 'state');
        const said = (await page.locator('[data-status]').first().innerText()).trim();
        expect(
          said.startsWith('No news since') && (await page.title()).includes(said),
          `${said}: ${await page.title()}`,
        );
        same(await page.locator('[data-connected=true]').count(), 0, 'uploaders called connected');
        await page.waitForTimeout(500);
      }
      away = false;
      stage.silent = false;
      await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
      await status(page, ['live', 'idle'], 60_000);
      await page.close();
    }
  });

  await runner.run('a raid keeps its last fight between pulls, and has the next when it begins', async () => {
    const page = await open(`/raids/${STAGED.raid}`);
    await page.locator(`[data-live=${STAGED.report}]`).waitFor();
    const report = await open(`/reports/${STAGED.report}`);
    await report.locator(ROWS).first().waitFor();
    stage.end();
    await status(page, ['idle']);
    same(await page.locator(ROWS).count(), 20, 'rows between pulls');
    same(await page.locator('[data-live]').count(), 0, 'fights called live');
    await page.getByText('Last fight:').waitFor();
    await page.getByRole('tab', { name: 'Healing' }).click();
    same(new URL(page.url()).searchParams.get('tab'), 'healing', 'tab in the address');
    same(await page.locator(ROWS).count(), 19, 'healers');
    stage.begin();
    await page.locator('[data-live]').waitFor();
    const next = await page.locator('[data-live]').getAttribute('data-live');
    // The list has not been read since: the feed told.
    await page.locator(`[data-report="${next}"]`).waitFor();
    const link = report.getByRole('link', { name: 'Watch it' });
    await link.waitFor();
    same(await link.getAttribute('href'), `/reports/${next}`, 'link to the next pull');
    await report.close();
    await page.close();
  });

  await runner.run('a page that is behind says so, by how much, and that the relay is not why', async () => {
    stage.delayS = 90;
    stage.begin();
    for (const path of [`/reports/${STAGED.report}`, `/raids/${STAGED.raid}`]) {
      const page = await open(path);
      const note = page.locator('[data-behind]');
      await note.waitFor();
      expect((await note.innerText()).startsWith('Shown 1 minute 30 seconds late: '), await note.innerText());
      const stop = stage.run(5);
      await status(page, ['live']);
      const delay = page.locator('[data-delay]');
      await delay.waitFor();
      stop();
      expect(
        /^Delay 90\.\d s: set 90 s, meter \d+ ms, relay \d+ ms, you /.test(await delay.innerText()),
        await delay.innerText(),
      );
      // Who may see it at once is let in anew, and is told nothing of it.
      if (path.startsWith('/raids/')) {
        stage.delayS = 0;
        stage.begin();
        await note.waitFor({ state: 'detached' });
      }
      await page.close();
    }
  });

  await runner.run('nothing moves on a live page when its feed says that it is behind', async () => {
    stage.delayS = 90;
    stage.begin();
    for (const width of [360, 1280]) {
      for (const path of [`/reports/${stage.fight.reportId}`, `/raids/${STAGED.raid}`]) {
        const page = await context.newPage();
        await page.setViewportSize({ width, height: 900 });
        /** @type {() => void} */
        let letGo = () => undefined;
        const held = new Promise((go) => (letGo = () => go(undefined)));
        await page.routeWebSocket(/\/feed/, async (route) => {
          await held;
          route.connectToServer();
        });
        await page.goto(`${stage.origin}${path}`);
        await page.getByRole('heading', { level: 1 }).waitFor();
        // A raid's fight is above the list of all: that waits for it.
        if (path.startsWith('/raids/')) {
          await page.getByRole('heading', { name: 'Loading the fight' }).waitFor();
          same(await page.locator('[data-report]').count(), 0, 'rows of the list before the fight');
        } else await page.locator(ROWS).first().waitFor();
        const tops = () =>
          page.evaluate(() =>
            ['h1', 'main header + *', '[data-table=players], [aria-busy]'].map(
              (one) => document.querySelector(one)?.getBoundingClientRect().top,
            ),
          );
        const before = await tops();
        letGo();
        await page.locator('[data-behind]').waitFor();
        await status(page, ['live', 'idle']);
        await page.locator(ROWS).first().waitFor();
        // Where the fight of a raid is loaded, its boss comes first.
        const count = path.startsWith('/raids/') ? 2 : 3;
        same((await tops()).slice(0, count), before.slice(0, count), `${path} at ${width} px`);
        await page.close();
      }
    }
    stage.delayS = 0;
    stage.begin();
  });

  await runner.run('the page of a raid has its chart below the players, and beside them on a wide screen', async () => {
    const page = await open(`/raids/${STAGED.raid}`);
    await page.locator(ROWS).first().waitFor();
    const below = await chartBox(page);
    const table = async () => {
      const box = await page.locator('[data-table=players]').boundingBox();
      if (box === null) throw new Error('there is no table');
      return box;
    };
    const narrow = await table();
    expect(below.y >= narrow.y + narrow.height, `chart at ${below.y}, table to ${narrow.y + narrow.height}`);
    await page.setViewportSize({ width: 2560, height: 1400 });
    const [beside, wide] = [await chartBox(page), await table()];
    expect(beside.x + beside.width <= wide.x, `chart to ${beside.x + beside.width}, table at ${wide.x}`);
    expect(Math.abs(beside.y - wide.y) < 80, `chart at ${beside.y}, table at ${wide.y}`);
    // A press on it looks back, and what comes moves nobody who does.
    await page.mouse.click(beside.x + beside.width * 0.5, beside.y + beside.height * 0.5);
    await status(page, ['replay']);
    const at = new URL(page.url()).searchParams.get('at');
    expect(at !== null, page.url());
    stage.tick(5_000);
    await page.waitForTimeout(500);
    same(new URL(page.url()).searchParams.get('at'), at, 'moment');
    await page.keyboard.press('l');
    await status(page, ['live', 'idle']);
    await page.close();
  });

  await runner.run('a fight that goes on tells its pace, how long its boss lives, and how many watch', async () => {
    stage.watching = 7;
    stage.begin();
    stage.fight.hurts = true;
    for (const path of [`/reports/${stage.fight.reportId}`, `/raids/${STAGED.raid}`]) {
      const page = await open(path);
      await page.locator(ROWS).first().waitFor();
      // It has gone on for longer than the attempt before.
      await page.locator('[data-pace=longer]').waitFor();
      same(await page.locator('[data-to-kill]').innerText(), '–', 'time to kill before anything is known');
      for (let s = 0; s < 8; s++) {
        stage.tick(1_000);
        await page.waitForTimeout(100);
      }
      await page.locator('[data-to-kill] [aria-hidden]').waitFor();
      expect(/^7:\d\d/.test(await page.locator('[data-to-kill]').innerText()), 'time to kill');
      await page.locator('[data-watching="7"]').waitFor({ timeout: 30_000 });
      if (path.startsWith('/raids/')) {
        await page.locator('[data-lists] [data-attempt="1"]').click();
        await page.waitForURL(/\/reports\/[^/]+\?attempt=1$/);
      }
      // A minute after the second attempt began, half way through what the first one took.
      await page.goto(`${stage.origin}${path}?at=200000`);
      await page.locator('[data-pace=ahead]').waitFor();
      same(await page.locator('[data-to-kill]').innerText(), '–', 'time to kill at a moment');
      await page.close();
    }
    stage.watching = null;
    stage.begin();
    const page = await open(`/raids/${STAGED.raid}`);
    await page.locator('[data-pace]').waitFor();
    await page.waitForTimeout(1_500);
    same(await page.locator('[data-watching]').count(), 0, 'a number that is not told');
    await page.close();
  });

  await runner.run('the delay says on demand whether all frames came, and which were made good', async () => {
    const page = await open(`/raids/${STAGED.raid}`);
    await page.locator(ROWS).first().waitFor();
    const stop = stage.run(5);
    await page.locator('[data-frames="0"]').waitFor();
    same(await page.locator('[data-delay-details]').isVisible(), false, 'details before they are asked for');
    await page.locator('summary:has([data-delay])').focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-delay-details]').waitFor();
    const told = () => page.locator('[data-delay-details]').innerText();
    expect(/\d frames? came since this page was opened/.test(await told()), await told());
    expect(!(await told()).includes('as one whole picture'), await told());
    // Ticks that come while it is away come as one keyframe.
    stage.cut();
    await status(page, ['live', 'idle'], 30_000);
    await page.getByText('as one whole picture').waitFor();
    same(await page.locator('[data-frames]').getAttribute('data-frames'), '0', 'frames missed');
    stop();
    await page.close();
  });

  await runner.run('every link of a private raid takes its ticket along', async () => {
    const page = await open(`/raids/${STAGED.raid}?ticket=tic%2Bket`);
    await page.locator(ROWS).first().waitFor();
    const links = await page
      .locator('main a, footer a')
      .evaluateAll((all) => all.map((one) => one.getAttribute('href')));
    expect(
      links.some((link) => link?.startsWith('/live/')),
      'no link to the channel',
    );
    same(
      // The form of requests and the search belong to no raid.
      links.filter((link) => !link?.includes('ticket=tic%2Bket') && link !== '/removal' && link !== '/search'),
      [],
      'links without it',
    );
    await page.close();
    const report = await open(`/reports/${STAGED.report}?ticket=tic%2Bket`);
    await report.locator(ROWS).first().waitFor();
    const way = await report.getByRole('link', { name: 'All fights of this raid' }).getAttribute('href');
    same(way, `/raids/${STAGED.raid}?ticket=tic%2Bket`, 'link to the raid');
    await report.close();
  });

  for (const [kind, path] of [
    ['report', `/reports/${STAGED.report}`],
    ['raid', `/raids/${STAGED.raid}`],
  ]) {
    await runner.run(
      `all that the page of a ${kind} loads before it is touched is at most ${LOAD_MAX} bytes`,
      async () => {
        const { bytes, files } = await loaded(context, {
          html: `/${kind}.html`,
          url: `${stage.origin}${path}`,
          ready: ROWS,
        });
        expect(files.length > 2 && bytes <= LOAD_MAX, `${bytes} bytes: ${files.join(' ')}`);
      },
    );
  }

  await runner.run('a copied table is a line a row, with exact numbers', async () => {
    const page = await open(`/reports/${STAGED.report}`);
    await page.locator(ROWS).first().waitFor();
    const text = await page.evaluate(() => {
      const table = document.querySelector('[data-table=players]');
      if (table === null) throw new Error('there is no table');
      getSelection()?.selectAllChildren(table);
      const clipboard = new DataTransfer();
      document.dispatchEvent(new ClipboardEvent('copy', { clipboardData: clipboard, cancelable: true }));
      return clipboard.getData('text/plain');
    });
    const lines = text.split('\n').filter((line) => /^(#|\d+)\t/.test(line));
    same(lines.length, 21, 'lines');
    same(new Set(lines.map((line) => line.split('\t').length)).size, 1, 'numbers of cells');
    const [, first = ''] = lines;
    const shown = await page.locator('[data-amount]').first().getAttribute('data-exact');
    same(first.split('\t').slice(0, 3), ['1', 'Raider 01', shown], 'first row');
    await page.close();
  });

  await runner.run('nothing covers what is dragged, and nothing veils a chart that is not replayed', async () => {
    const page = await open(`/reports/${STAGED.report}`);
    const box = await chartBox(page);
    same(await page.locator('.unplayed > div').isVisible(), false, 'veil');
    const y = box.y + box.height / 2;
    const tip = page.locator('[data-tip]');
    await page.mouse.move(box.x + box.width * 0.3, y);
    await tip.waitFor();
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, y, { steps: 5 });
    await tip.waitFor({ state: 'detached' });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Whole fight' }).waitFor();
    await page.close();
  });

  await runner.run('paper is light, whatever the theme of the screen', async () => {
    const page = await open(`/reports/${STAGED.report}`);
    await page.locator(ROWS).first().waitFor();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const seen = await page.evaluate(() => {
      const of = (/** @type {string} */ selector) => {
        const element = document.querySelector(selector);
        return element === null ? null : getComputedStyle(element);
      };
      return {
        paper: of('html')?.backgroundColor,
        ink: of('h1')?.color,
        theme: of('header button')?.display,
      };
    });
    same(seen, { paper: 'rgb(255, 255, 255)', ink: 'rgb(0, 0, 0)', theme: 'none' }, 'print');
    await page.close();
  });

  await runner.run('an address that leads nowhere has a page with a way back', async () => {
    const page = await open('/nowhere');
    await page.getByRole('heading', { level: 1, name: 'No such page' }).waitFor();
    same(await page.getByRole('link', { name: 'Recent reports' }).getAttribute('href'), '/', 'way back');
    await page.close();
  });

  await stage.close();
}
