/** The overlay: over nothing, at any size, through everything, and light. */
import { join } from 'node:path';
import { overflow, violations } from './browser.js';
import { loaded } from './load.js';
import { looksGood, tabThrough } from './look.js';
import { STAGED_PERSON } from './people.js';
import { expect, same } from './runner.js';
import { Stage, STAGED } from './stage.js';

/** What an overlay loads at the most, brotli, bytes. */
const LOAD_MAX = 35_000;
const PATH = `/overlay/raids/${STAGED.raid}`;
/** Names as nobody should have them. */
const HOSTILE = [
  '<img src=x onerror="window.bad=1">',
  '\u202eevil\u2066 name',
  'x'.repeat(10_000),
  '\u200b\u200b',
  '👩‍👩‍👧👩‍👩‍👧',
  `Z${'\u0301'.repeat(400)}`,
];

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function overlayChecks(runner, context) {
  const stage = new Stage();
  await stage.open();
  /** @type {string[]} */
  const complaints = [];
  const open = async (/** @type {string} */ rest, size = { width: 420, height: 560 }) => {
    const page = await context.newPage();
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.setViewportSize(size);
    await page.goto(`${stage.origin}${PATH}${rest}`);
    return page;
  };
  const rows = (/** @type {import('playwright-core').Page} */ page) => page.locator('.row[data-key]');

  await runner.run(`all that an overlay loads is at most ${LOAD_MAX} bytes`, async () => {
    const { bytes, files } = await loaded(context, {
      html: '/overlay.html',
      url: `${stage.origin}${PATH}`,
      ready: '.row[data-key]',
    });
    expect(files.length > 2 && bytes <= LOAD_MAX, `${bytes} bytes: ${files.join(' ')}`);
  });

  await runner.run('an overlay has nothing behind it, and shows everybody with the first frame', async () => {
    const page = await open('', { width: 420, height: 620 });
    await rows(page).first().waitFor();
    same(await rows(page).count(), 20, 'rows');
    const picture = await page.screenshot({ omitBackground: true, ...shot('overlay') });
    const bare = await page.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/png;base64,${base64}`;
      await image.decode();
      const canvas = document.createElement('canvas');
      [canvas.width, canvas.height] = [image.width, image.height];
      const context = canvas.getContext('2d');
      context?.drawImage(image, 0, 0);
      const alpha = (/** @type {number} */ x, /** @type {number} */ y) => context?.getImageData(x, y, 1, 1).data[3];
      // Below the last row, and in a row beyond its bar.
      return { below: alpha(10, image.height - 5), row: alpha(image.width - 3, 28 + 19 * 24 + 12) };
    }, picture.toString('base64'));
    same(bare.below, 0, 'opacity below the rows');
    expect((bare.row ?? 0) > 100 && (bare.row ?? 0) < 255, `opacity of a row: ${bare.row}`);
    await page.close();
  });

  for (const theme of ['dark', 'light']) {
    await runner.run(`an overlay fits 160 to 2560 px, and axe finds nothing (${theme})`, async () => {
      const page = await open(`?theme=${theme}&bg=100&columns=rate,amount,share,crit,deaths`);
      await rows(page).first().waitFor();
      stage.tick(100);
      for (const [width, height] of /** @type {const} */ ([
        [160, 120],
        [320, 200],
        [640, 700],
        [2560, 1440],
      ])) {
        await page.setViewportSize({ width, height });
        await page.waitForTimeout(400);
        same(await overflow(page), 0, `px beyond ${width}`);
        same(await violations(page), [], `violations at ${width} px`);
        const cutOff = await rows(page).evaluateAll(
          (all) => all.filter((row) => row.getBoundingClientRect().bottom > innerHeight).length,
        );
        same(cutOff, 0, `rows that are cut off at ${width} px`);
        const names = await rows(page).evaluateAll((all) =>
          all.map((row) => row.querySelector('.name')?.clientWidth ?? 0),
        );
        expect(
          names.every((name) => name >= 20),
          `names have no place at ${width} px: ${names.join(' ')}`,
        );
        await page.screenshot({ ...shot(`overlay-${theme}-${width}`) });
      }
      await page.close();
    });
  }

  await runner.run('an overlay that is cut says so, shows no figures when that lasts, and is right again', async () => {
    const page = await context.newPage();
    let away = false;
    await page.routeWebSocket(/\/feed/, (route) => {
      if (away) void route.close({ code: 1011 });
      else route.connectToServer();
    });
    // Its own clock alone: Playwright's is that of all pages of the browser.
    await page.addInitScript(() => {
      const now = Date.now;
      let skipped = 0;
      Date.now = () => now() + skipped;
      Reflect.set(window, 'skip', (/** @type {number} */ ms) => (skipped += ms));
    });
    const skip = (/** @type {number} */ ms) => page.evaluate((ms) => Reflect.get(window, 'skip')(ms), ms);
    await page.goto(`${stage.origin}${PATH}`);
    const trust = (/** @type {string} */ is) => page.locator(`[data-trust=${is}]`).waitFor({ timeout: 20_000 });
    await rows(page).first().waitFor();
    await trust('good');
    away = true;
    stage.cut();
    await trust('doubted');
    await page.getByText('Reconnecting').waitFor();
    await skip(10_000);
    await trust('stale');
    await page.screenshot({ omitBackground: true, ...shot('overlay-stale') });
    await skip(60_000);
    await trust('gone');
    same(await rows(page).count(), 0, 'rows of long ago');
    away = false;
    await page.evaluate(() => window.dispatchEvent(new Event('obsSourceActiveChanged')));
    await trust('good');
    same((await rows(page).count()) > 0, true, 'rows again');
    await page.close();
  });

  await runner.run('names that nobody should have are text, and stay in their rows', async () => {
    stage.fight.called = HOSTILE;
    const page = await open('?columns=rate');
    await rows(page).first().waitFor();
    same(await page.evaluate(() => Reflect.get(window, 'bad') ?? null), null, 'what a name did');
    const names = await page.locator('.row .name').allInnerTexts();
    for (const name of [HOSTILE[0], 'evil name', 'Unnamed player', '👩‍👩‍👧👩‍👩‍👧', 'Z\u0301\u0301']) {
      expect(names.includes(name ?? ''), `${name} is not in ${JSON.stringify(names)}`);
    }
    const heights = await rows(page).evaluateAll((all) => all.map((row) => row.getBoundingClientRect().height));
    same([...new Set(heights)], [24], 'heights of rows');
    same(await overflow(page), 0, 'px beyond');
    stage.fight.called = [];
    await page.close();
  });

  await runner.run('rules of one’s own apply, and load nothing', async () => {
    const css = '.row { letter-spacing: 3px; background-image: url(https://elsewhere.example/x.png) !important }';
    const page = await context.newPage();
    /** @type {string[]} */
    const left = [];
    let refused = 0;
    const isElsewhere = (/** @type {import('playwright-core').Request} */ request) =>
      !request.url().startsWith(stage.origin);
    page.on('requestfinished', (request) => isElsewhere(request) && left.push(request.url()));
    page.on('requestfailed', (request) => {
      if (!isElsewhere(request)) return;
      if (request.failure()?.errorText === 'csp') refused += 1;
      else left.push(request.url());
    });
    await page.goto(`${stage.origin}${PATH}?css=${encodeURIComponent(css)}`);
    await rows(page).first().waitFor();
    same(
      await rows(page)
        .first()
        .evaluate((row) => getComputedStyle(row).letterSpacing),
      '3px',
      'its own rule',
    );
    expect(refused > 0, 'nothing was refused');
    same(left, [], 'addresses elsewhere');
    await page.close();
  });

  await runner.run('an overlay hides itself between pulls if it is told to, and comes back with the next', async () => {
    const page = await open('?hideIdle=2');
    await rows(page).first().waitFor();
    stage.tick(100);
    stage.end();
    await page.locator('[data-hidden=true]').waitFor({ timeout: 10_000 });
    stage.begin();
    await page.locator('[data-hidden=false]').waitFor({ timeout: 10_000 });
    await page.close();
  });

  await builderChecks(runner, context, stage, complaints);

  await runner.run('the console of overlays has no errors', async () => {
    same(complaints, [], 'errors');
  });
  await stage.close();
}

/**
 * The page that makes addresses of overlays.
 *
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 * @param {Stage} stage
 * @param {string[]} complaints
 */
async function builderChecks(runner, context, stage, complaints) {
  const page = await context.newPage();
  page.on('pageerror', (error) => complaints.push(error.message));
  const address = () => page.locator('[data-address]').innerText();
  const frame = page.frameLocator('iframe');

  await runner.run('whoever is not signed in makes an overlay of a link, by keyboard, and sees it', async () => {
    await page.goto(`${stage.origin}/overlay-builder`);
    await page.getByLabel('Link to show').fill('https://elsewhere.example/live/X');
    await page.getByText('This leads to no raid').waitFor();
    await page.getByLabel('Link to show').fill(`${stage.origin}/raids/${STAGED.raid}`);
    await page.getByLabel('What is shown').selectOption('Healing');
    await page.getByLabel('Rows at the most').fill('0');
    same(await page.getByLabel('Rows at the most').getAttribute('aria-invalid'), 'true', 'of no rows');
    await page.getByLabel('Rows at the most').fill('3');
    await page.getByLabel('Deaths').focus();
    await page.keyboard.press('Space');
    same(await address(), `${stage.origin}${PATH}?metric=hps&rows=3&columns=rate%2Cshare%2Cdeaths`, 'address');
    await frame.locator('.row[data-key]').nth(2).waitFor();
    same(await frame.locator('.row[data-key]').count(), 3, 'rows of the preview');
    // The pattern behind it is seen: browsers put an opaque ground under a frame of another colour scheme.
    const below = await page.locator('iframe').boundingBox();
    const at = { x: (below?.x ?? 0) + 10, y: (below?.y ?? 0) + (below?.height ?? 0) - 20, width: 1, height: 1 };
    const white = await page.screenshot({ clip: at, fullPage: true });
    const pixel = await page.evaluate(async (base64) => {
      const image = new Image();
      image.src = `data:image/png;base64,${base64}`;
      await image.decode();
      const canvas = document.createElement('canvas').getContext('2d');
      canvas?.drawImage(image, 0, 0);
      return [...(canvas?.getImageData(0, 0, 1, 1).data ?? [])];
    }, white.toString('base64'));
    expect(Math.max(...pixel.slice(0, 3)) < 200, `what is behind the preview: ${pixel.join()}`);
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByRole('button', { name: 'Copied' }).waitFor();
    same(await page.getByText('Connected now').count(), 0, 'lists of overlays');
  });

  await runner.run('an address that was made brings its options back', async () => {
    const before = await address();
    await page.goto(`${stage.origin}/overlay-builder`);
    await page.getByLabel('Link to show').fill(before);
    same(await address(), before, 'address');
    same(await page.getByLabel('Rows at the most').inputValue(), '3', 'rows');
  });

  await runner.run('whoever is signed in gets a link for it, and is told which overlays run', async () => {
    stage.people.fill();
    const now = Date.now();
    stage.people.overlays = [
      { connectedAtMs: now - 600_000, heardAtMs: now - 5_000, byChannel: true, member: true },
      { connectedAtMs: now - 900_000, heardAtMs: now - 300_000, byChannel: true, member: false },
    ];
    await page.goto(`${stage.origin}/sign-in?next=/overlay-builder`);
    await page.getByLabel('Name').fill(STAGED_PERSON.name);
    await page.getByLabel('Password', { exact: true }).fill(STAGED_PERSON.password);
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Make a link for this overlay' }).click();
    await page.getByText('The link is made.').waitFor();
    const url = new URL(await address());
    same([url.pathname, url.search], ['/overlay/live/STAGECHANNEL', ''], 'address');
    expect(/^#ticket=[0-9a-f]{64}$/.test(url.hash), url.hash);
    await page.locator('[data-overlay]').nth(1).waitFor();
    const said = await page.locator('[data-overlay] span:first-child').allInnerTexts();
    expect(/^Running,Not heard for 5 minutes/.test(said.join()), said.join());
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    await runner.run(
      `the page that makes overlays fits, is gone through by keyboard, and axe finds nothing (${theme})`,
      async () => {
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        await page.goto(`${stage.origin}/overlay-builder`);
        await page.locator('[data-overlay]').first().waitFor();
        await looksGood(page, theme);
        await page.setViewportSize({ width: 360, height: 740 });
        await page.screenshot({ fullPage: true, ...shot(`builder-${theme}-360`) });
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.screenshot({ fullPage: true, ...shot(`builder-${theme}-1440`) });
        await tabThrough(page);
      },
    );
  }
  await page.evaluate(() => {
    localStorage.clear();
  });
  await page.close();
  await context.clearCookies();
}

/**
 * Where a picture is put that is to be looked at: into the folder that SHOTS names.
 *
 * @param {string} name
 */
function shot(name) {
  const folder = process.env['SHOTS'];
  return folder === undefined ? {} : { path: join(folder, `${name}.png`) };
}
