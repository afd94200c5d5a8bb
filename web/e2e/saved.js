/** What is true of a fight that was saved as a file: it opens without a relay, and shows what the relay shows. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { overflow, rowsOf, violations } from './browser.js';
import { expect, same } from './runner.js';

/**
 * Damage of players, the greatest first: their keys are of the file alone.
 *
 * @param {Record<string, number>} rows
 */
function amounts(rows) {
  return Object.values(rows).sort((a, b) => b - a);
}

/** @param {any} report */
function damageIn(report) {
  return report.players
    .map((/** @type {any} */ player) => player.damage)
    .sort((/** @type {number} */ a, /** @type {number} */ b) => b - a);
}

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('./run.js').World} world
 */
export async function savedChecks(runner, world) {
  const { context, origin, reportId } = world;
  const report = await world.api(`/reports/${reportId}`);
  if (report.state === 'live' || !report.timed) {
    console.log('      the report goes on, or has no times: what is saved is left out');
    return;
  }
  const folder = await mkdtemp(join(tmpdir(), 'raidcast-saved-'));
  const path = join(folder, 'fight.html');
  const rows = '[data-table=players] tr[data-key]';
  /** @type {string[]} */
  const complaints = [];
  const open = async (/** @type {string} */ search) => {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${search}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`${search}: ${error.message}`));
    page.on('request', (request) => {
      if (!/^(file|data|blob):/.test(request.url())) complaints.push(`${search} asks for ${request.url()}`);
    });
    await page.goto(`${pathToFileURL(path).href}${search}`);
    return page;
  };

  await runner.run('the report page saves the whole fight as a file', async () => {
    const page = await context.newPage();
    await page.goto(`${origin}/reports/${reportId}`);
    await page.locator(rows).first().waitFor();
    await page.getByLabel('Copy or save').click();
    const coming = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Save the whole fight' }).click();
    const download = await coming;
    same(download.suggestedFilename(), `raidcast-${reportId}.html`, 'name of the file');
    await download.cancel();
    await page.close();
  });
  const response = await fetch(`${origin}/api/v1/reports/${reportId}/file`);
  await writeFile(path, Buffer.from(await response.arrayBuffer()));

  await runner.run('a saved fight shows the report without a relay', async () => {
    const page = await open('');
    await page.locator(rows).first().waitFor();
    same(amounts(await rowsOf(page)), damageIn(report), 'rows');
    same(await page.locator('a[href^="/"]').count(), 0, 'links that lead to a relay');
    await page.close();
  });

  await runner.run('any part of a saved fight shows what the relay folds of it', async () => {
    const long = report.lastMs - report.firstMs;
    for (const [begin, end] of [
      [0, 1],
      [0.1, 0.37],
      [0.501, 0.502],
      [0.62, 0.98],
    ]) {
      const from = Math.floor(report.firstMs + long * (begin ?? 0));
      const to = Math.max(from + 1, Math.floor(report.firstMs + long * (end ?? 1)));
      const part = await world.api(`/reports/${reportId}?from=${from}&to=${to}`);
      const page = await open(`?from=${from}&to=${to}`);
      await page.getByRole('button', { name: 'Whole fight' }).waitFor();
      if (part.players.length > 0) await page.locator(rows).first().waitFor();
      same(amounts(await rowsOf(page)), damageIn(part), `rows of ${from} to ${to}`);
      await page.close();
    }
  });

  await runner.run('a saved fight that is played again ends as its report', async () => {
    const page = await open(`?at=${Math.max(report.firstMs, report.lastMs - 2_000)}`);
    const button = (/** @type {string} */ name) => page.getByRole('button', { name, exact: true });
    await button('Play').click();
    await button('Pause').waitFor();
    await button('Play').waitFor({ timeout: 20_000 });
    const at = await page.locator('[data-replay-at]').getAttribute('data-replay-at');
    same(at, String(report.lastMs), 'where it stands');
    same(amounts(await rowsOf(page)), damageIn(report), 'rows');
    await page.close();
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    await runner.run(`a saved fight fits 320 and 1440 px, and axe finds nothing, in the ${theme} theme`, async () => {
      const page = await open('');
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await page.reload();
      await page.locator(rows).first().waitFor();
      for (const width of [320, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(150);
        same(await overflow(page), 0, `px beyond ${width}`);
      }
      same(await violations(page), [], 'violations');
      await page.close();
    });
  }

  await runner.run('a file that was damaged says so', async () => {
    const broken = join(folder, 'broken.html');
    const whole = await readFile(path, 'utf8');
    expect(whole.includes('"version":1'), 'the block has a version');
    await writeFile(broken, whole.replace('"version":1', '"version":'));
    const page = await context.newPage();
    await page.goto(pathToFileURL(broken).href);
    await page.getByRole('heading', { name: 'There is nothing to show' }).waitFor();
    await page.close();
  });

  await runner.run('a saved fight asks nobody for anything, and the console has no errors', async () => {
    same(complaints, [], 'errors');
  });
  await rm(folder, { recursive: true });
}
