/**
 * The pages once in Firefox, against a real relay whose raid is running, by WebDriver BiDi.
 *
 *   npm run e2e:firefox -- --report http://127.0.0.1:8787/reports/ID --raid http://127.0.0.1:8787/raids/CODE \
 *     --channel http://127.0.0.1:8787/live/NAME --relay PATH
 *
 * The report must be live until this has ended. `--relay` names a relay's program: somebody joins one of this run's own.
 * `FIREFOX` or `--firefox` names the browser; `SHOTS` a folder for a picture of each page. Ends with
 * "N passed, N failed" and status 0 if none failed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { launch } from 'puppeteer-core';
import { freePort, startRelay } from './relay.js';
import { expect, Runner, same } from './runner.js';

/** @typedef {import('puppeteer-core').Page} Page */

/** A phone, and a screen; px. */
const [PHONE, SCREEN] = [
  { width: 360, height: 740 },
  { width: 1440, height: 900 },
];
const PATIENCE_MS = 30_000;
/** As long as a raid may pause between two attempts. */
const PAUSE_MS = 90_000;
const ROWS = '[data-table=players] tr[data-key]';
const PERSON = { name: 'Bran', password: 'battery staple horse' };
/** What it is told of the system's colours. */
const SCHEMES = /** @type {const} */ ({ dark: 0, light: 1 });

const { values } = parseArgs({
  options: {
    report: { type: 'string' },
    raid: { type: 'string' },
    channel: { type: 'string' },
    relay: { type: 'string' },
    firefox: { type: 'string', default: process.env['FIREFOX'] ?? '/usr/bin/firefox-esr' },
  },
});
const { report, raid, channel, relay: binary } = values;
if (report === undefined || raid === undefined || channel === undefined || binary === undefined) {
  console.error("give a live report's address with --report, --raid and --channel that show it, and --relay");
  process.exit(2);
}
const { origin, pathname: reportPath } = new URL(report);
const [raidPath, channelPath] = [new URL(raid).pathname, new URL(channel).pathname];
const runner = new Runner();

/**
 * An answer of the API, as JSON.
 *
 * @param {string} path
 */
async function api(path) {
  const response = await fetch(`${origin}/api/v1${path}`);
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return response.json();
}

/**
 * Amounts of the players that a page shows, by key.
 *
 * @param {Page} page
 * @returns {Promise<Record<string, number>>}
 */
function shownBy(page) {
  return page.$$eval(ROWS, (rows) =>
    Object.fromEntries(
      rows.map((row) => [
        row.getAttribute('data-key') ?? '',
        Number(row.querySelector('[data-amount]')?.getAttribute('data-exact')),
      ]),
    ),
  );
}

/** @returns {Promise<Record<string, number>>} */
async function told() {
  const report = await api(reportPath);
  return Object.fromEntries(report.players.map((/** @type {any} */ player) => [player.playerKey, player.damage]));
}

/**
 * Throws unless what a page shows of the report lies between what the API said before and says after. What the API says
 * may be older than the feed for a moment, so it is asked until it has come as far.
 *
 * @param {Page} page
 */
async function showsTheApis(page) {
  const before = await told();
  // Two ticks, so that what the API knew has come.
  await sleep(600);
  const shown = await shownBy(page);
  expect(Object.keys(shown).length > 0, 'no rows');
  for (const [key, amount] of Object.entries(before)) {
    expect(key in shown, `player ${key} has no row`);
    expect(amount <= (shown[key] ?? 0), `${key} shows ${shown[key]}, the API ${amount} before`);
  }
  await comes('an answer of the API as new as the page', async () => {
    const after = await told();
    return Object.entries(shown).every(([key, amount]) => key in after && amount <= (after[key] ?? 0));
  });
}

/**
 * Waits until something is so.
 *
 * @param {string} what
 * @param {() => Promise<boolean>} isSo
 * @param {number} [patienceMs]
 */
async function comes(what, isSo, patienceMs = PATIENCE_MS) {
  for (const until = Date.now() + patienceMs; !(await isSo()); await sleep(200)) {
    expect(Date.now() < until, `it did not come: ${what}`);
  }
}

/**
 * Waits until a page shows such words.
 *
 * @param {Page} page
 * @param {string} words
 */
async function says(page, words) {
  await page.waitForFunction((wanted) => document.body.innerText.includes(wanted), { timeout: PATIENCE_MS }, words);
}

/**
 * Throws unless a page has its theme, and fits a phone and a screen.
 *
 * @param {Page} page
 * @param {keyof typeof SCHEMES} theme
 * @param {string} name of its pictures
 */
async function fits(page, theme, name) {
  same(await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches), theme === 'dark', 'scheme');
  for (const size of [PHONE, SCREEN]) {
    await page.setViewport(size);
    await sleep(150);
    const beyond = () => document.documentElement.scrollWidth - document.documentElement.clientWidth;
    same(await page.evaluate(beyond), 0, `px beyond ${size.width}`);
    const shots = process.env['SHOTS'];
    if (shots !== undefined) await page.screenshot({ path: join(shots, `firefox-${name}-${theme}-${size.width}.png`) });
  }
}

/**
 * @param {import('puppeteer-core').Browser} browser
 * @param {keyof typeof SCHEMES} theme
 * @param {{ origin: string, link: string }} own the relay that somebody joins
 */
async function pages(browser, theme, own) {
  /** @type {string[]} */
  const complaints = [];
  const open = async (/** @type {string} */ url) => {
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await page.setViewport(SCREEN);
    page.on('pageerror', (error) => complaints.push(`${url}: ${String(error)}`));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${url}: ${message.text()}`);
    });
    await page.goto(url);
    return page;
  };
  /** The theme that a page has taken. */
  const taken = (/** @type {Page} */ page) => page.evaluate(() => document.documentElement.dataset['theme']);

  await runner.run(
    `Firefox, ${theme}: the report of a fight that goes on shows what the API says, and goes on`,
    async () => {
      const page = await open(`${origin}${reportPath}`);
      await page.waitForSelector('[data-status=live], [data-status=idle]');
      await showsTheApis(page);
      const sum = async () => Object.values(await shownBy(page)).reduce((all, one) => all + one, 0);
      const time = () => page.$eval('[data-figure=time]', (figure) => figure.textContent);
      const [began, at] = [await sum(), await time()];
      await comes('more damage', async () => (await sum()) > began, PAUSE_MS);
      await comes('another time', async () => (await time()) !== at, PAUSE_MS);
      await page.waitForSelector('.u-over');
      same(await taken(page), theme, 'theme');
      await fits(page, theme, 'report');
      await page.close();
    },
  );

  await runner.run(`Firefox, ${theme}: the raid's and the channel's page show the fight live`, async () => {
    for (const [name, path] of Object.entries({ raid: raidPath, live: channelPath })) {
      const page = await open(`${origin}${path}`);
      await page.waitForSelector('[data-connected=true]');
      await page.waitForSelector(ROWS);
      await showsTheApis(page);
      same(await taken(page), theme, 'theme');
      await fits(page, theme, name);
      await page.close();
    }
  });

  await runner.run(`Firefox, ${theme}: the overlay shows each player over nothing`, async () => {
    const page = await open(`${origin}/overlay${raidPath}?theme=${theme}`);
    await page.waitForSelector('.row[data-key]');
    const keys = (/** @type {Element[]} */ rows) => rows.map((row) => row.getAttribute('data-key') ?? '').sort();
    await comes('a row of each player', async () => {
      const shown = await page.$$eval('.row[data-key]', keys);
      return (
        shown.join() ===
        Object.keys(await told())
          .sort()
          .join()
      );
    });
    same(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), 'rgba(0, 0, 0, 0)', 'ground');
    await fits(page, theme, 'overlay');
    await page.close();
  });

  await runner.run(`Firefox, ${theme}: the front page tells of the fight, and leads to it`, async () => {
    const page = await open(`${origin}/`);
    await page.waitForSelector(`[data-table=fights] a[href="${reportPath}"]`);
    const { encounter } = await api(reportPath);
    await says(page, encounter.scene);
    same(await taken(page), theme, 'theme');
    await fits(page, theme, 'front');
    await page.click(`[data-table=fights] a[href="${reportPath}"]`);
    await page.waitForSelector(ROWS);
    same(new URL(page.url()).pathname, reportPath, 'page');
    await page.close();
  });

  await runner.run(`Firefox, ${theme}: whoever joins or signs in comes to his account`, async () => {
    const isNew = theme === 'dark';
    const page = await open(isNew ? own.link : `${own.origin}/account`);
    await page.waitForSelector('#password');
    if (isNew) await says(page, 'Join');
    same(new URL(page.url()).hash, '', 'what stands behind the #');
    await page.locator('#name').fill(PERSON.name);
    await page.locator('#password').fill(PERSON.password);
    await page.keyboard.press('Enter');
    await says(page, `You are signed in as ${PERSON.name}`);
    same(new URL(page.url()).pathname, '/account', 'page');
    same(await taken(page), theme, 'theme');
    await fits(page, theme, 'account');
    await page.close();
  });

  await runner.run(`Firefox, ${theme}: the console has no errors`, async () => {
    same(complaints, [], 'errors');
  });
}

const folder = await mkdtemp(join(tmpdir(), 'raidcast-e2e-'));
const relay = await startRelay(binary, { port: await freePort(), folder });
try {
  for (const theme of /** @type {(keyof typeof SCHEMES)[]} */ (Object.keys(SCHEMES))) {
    const browser = await launch({
      browser: 'firefox',
      executablePath: values.firefox,
      extraPrefsFirefox: { 'layout.css.prefers-color-scheme.content-override': SCHEMES[theme] },
    });
    try {
      await pages(browser, theme, relay);
    } finally {
      await browser.close();
    }
  }
} finally {
  await relay.close();
  await rm(folder, { recursive: true, force: true });
}
console.log(`\n${runner.passed} passed, ${runner.failed} failed`);
process.exit(runner.failed === 0 ? 0 : 1);
