/**
 * The pages in a real browser against a real relay whose raid is running.
 *
 *   npm run e2e -- --report http://127.0.0.1:8787/reports/ID [--raid http://127.0.0.1:8787/raids/CODE]
 *   npm run e2e -- --base http://127.0.0.1:8787 --report ID [--raid CODE]
 *
 * `--relay PATH` names a relay's program: it is run beside a provider, and people sign in there.
 *
 * The report should be live: what is live is checked first, and what has relays by script of its own until its end.
 * That is waited for (`--patience` seconds, 300 if not said), then comes what is kept. `CHROMIUM` or `--chromium` names
 * the browser. Ends with "N passed, N failed" and status 0 if none failed.
 */
import { parseArgs } from 'node:util';
import { accountChecks } from './account.js';
import { comparedChecks } from './compared.js';
import { countedChecks } from './counted.js';
import { desktopChecks } from './desktop.js';
import { keptChecks } from './kept.js';
import { launch } from './browser.js';
import { liveChecks } from './live.js';
import { nightChecks } from './night.js';
import { ownChecks } from './own.js';
import { overlayChecks } from './overlay.js';
import { pairChecks } from './pair.js';
import { providerChecks } from './provider.js';
import { removalChecks } from './removal.js';
import { Runner } from './runner.js';
import { savedChecks } from './saved.js';
import { searchChecks } from './search.js';
import { stagedChecks } from './staged.js';

const { values } = parseArgs({
  options: {
    base: { type: 'string' },
    report: { type: 'string' },
    raid: { type: 'string' },
    relay: { type: 'string' },
    patience: { type: 'string', default: '300' },
    chromium: { type: 'string', default: process.env['CHROMIUM'] ?? '/usr/bin/chromium' },
  },
});

/**
 * Origin and name of what an option names: a whole URL, or a name under `--base`.
 *
 * @param {string | undefined} option
 */
function target(option) {
  if (option === undefined) return null;
  if (!option.includes('://')) return { origin: values.base ?? 'http://127.0.0.1:8787', name: option };
  const url = new URL(option);
  return { origin: url.origin, name: decodeURIComponent(url.pathname.split('/')[2] ?? '') };
}

const report = target(values.report);
if (report === null || report.name === '') {
  console.error('--report is missing: the address of a report, or its id with --base');
  process.exit(2);
}
const origin = values.base ?? report.origin;

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

const runner = new Runner();
const browser = await launch(values.chromium);
try {
  const first = await api(`/reports/${report.name}`);
  /** @type {import('./run.js').World} */
  const world = {
    context: browser.context,
    origin,
    api,
    reportId: report.name,
    raidCode: target(values.raid)?.name ?? first.raid,
    patienceMs: Number(values.patience) * 1000,
  };
  const apart = async () => {
    await stagedChecks(runner, browser.context);
    await overlayChecks(runner, browser.context);
    await accountChecks(runner, browser.context);
    await pairChecks(runner, browser.context);
    await ownChecks(runner, browser.context);
    await removalChecks(runner, browser.context);
    await nightChecks(runner, browser.context);
    await searchChecks(runner, browser.context);
    await desktopChecks(runner, browser.context);
  };
  if (first.state === 'live') {
    await liveChecks(runner, world, apart);
  } else {
    console.log('      the report is not live any more: what is live is left out');
    await apart();
  }
  await keptChecks(runner, world);
  await savedChecks(runner, world);
  await comparedChecks(runner, world);
  await countedChecks(runner, browser.context);
  if (values.relay !== undefined) await providerChecks(runner, values.chromium, values.relay);
  else console.log('      no --relay is named: signing in by a provider is left out');
} finally {
  await browser.close();
}
console.log(`\n${runner.passed} passed, ${runner.failed} failed`);
process.exit(runner.failed === 0 ? 0 : 1);

/**
 * What checks are given.
 *
 * @typedef {object} World
 * @property {import('playwright-core').BrowserContext} context
 * @property {string} origin
 * @property {(path: string) => Promise<any>} api
 * @property {string} reportId
 * @property {string} raidCode
 * @property {number} patienceMs
 */
