/** A real Chromium, and what is read out of a page. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/**
 * Starts Chromium with a profile of its own that goes with it.
 *
 * @param {string} executablePath
 */
export async function launch(executablePath) {
  const profile = await mkdtemp(join(tmpdir(), 'raidcast-e2e-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    args: FLAGS,
    viewport: { width: 1280, height: 900 },
    colorScheme: 'dark',
  });
  return {
    context,
    async close() {
      await context.close();
      await rm(profile, { recursive: true, force: true });
    },
  };
}

/**
 * Starts Chromium for contexts of their own, which share nothing.
 *
 * @param {string} executablePath
 */
export function launchClean(executablePath) {
  return chromium.launch({ executablePath, args: FLAGS });
}

/**
 * The rows of the table of players: key to amount.
 *
 * @param {import('playwright-core').Page} page
 * @returns {Promise<Record<string, number>>}
 */
export function rowsOf(page) {
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('[data-table=players] tr[data-key]')].map((row) => [
        row.getAttribute('data-key') ?? '',
        Number(row.querySelector('[data-amount]')?.getAttribute('data-exact')),
      ]),
    ),
  );
}

/**
 * Waits until the page's badge says one of these.
 *
 * @param {import('playwright-core').Page} page
 * @param {string[]} kinds
 * @param {number} [timeout]
 */
export async function status(page, kinds, timeout = 15_000) {
  await page
    .locator(kinds.map((kind) => `[data-status=${kind}]`).join(','))
    .first()
    .waitFor({ timeout });
}

/**
 * Where the page's chart takes the pointer, once it has stood at one place for two frames: a chart that
 * is being laid out has no box, or one that it leaves.
 *
 * @param {import('playwright-core').Page} page
 */
export async function chartBox(page) {
  await page.locator('.u-over').first().waitFor();
  for (let looks = 0; looks < 100; looks += 1) {
    const box = await page.evaluate(async () => {
      const at = () => {
        const { x, y, width, height } = document.querySelector('.u-over')?.getBoundingClientRect() ?? new DOMRect();
        return { x, y, width, height };
      };
      const first = at();
      await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
      const second = at();
      return first.width > 0 && first.height > 0 && JSON.stringify(first) === JSON.stringify(second) ? second : null;
    });
    if (box !== null) return box;
  }
  throw new Error('there is no chart that stays in its place');
}

/**
 * All that axe finds on a page, however grave: each as how grave it is, its rule, and where.
 *
 * @param {import('playwright-core').Page} page
 */
export async function violations(page) {
  // Where there are no frames, axe runs in the page itself and writes down what is wrong alone. Else it would write down
  // each node that is fine, and where that is: of a page as large as the API's, for minutes.
  const axe = new AxeBuilder({ page }).options({ resultTypes: ['violations'] });
  if (page.frames().length === 1) axe.setLegacyMode();
  const { violations } = await axe.analyze();
  return violations.map(({ id, impact, nodes }) => {
    const where = nodes.slice(0, 3).map((node) => node.html.slice(0, 160));
    return `${impact} ${id}: ${where.join(' | ')}`;
  });
}

/**
 * How far the page reaches beyond its window sideways, px.
 *
 * @param {import('playwright-core').Page} page
 */
export function overflow(page) {
  return page.evaluate(() => Math.max(0, document.documentElement.scrollWidth - document.documentElement.clientWidth));
}
