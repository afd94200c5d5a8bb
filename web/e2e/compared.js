/** What is true of a comparison: of two parts of a report that is over, and of two reports. */
import { readFile } from 'node:fs/promises';
import { overflow, violations } from './browser.js';
import { expect, same } from './runner.js';

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('./run.js').World} world
 */
export async function comparedChecks(runner, world) {
  const { context, origin, reportId } = world;
  const whole = await world.api(`/reports/${reportId}`);
  const middle = Math.round((whole.firstMs + whole.lastMs) / 2);
  const halves = { here: `from=0&to=${middle}`, there: `from=${middle}&to=${whole.lastMs + 1}` };
  const path =
    `/reports/${reportId}?from=0&to=${middle}&with=${reportId}` +
    `&withFrom=${middle}&withTo=${whole.lastMs + 1}&by=damage`;
  const players = '[data-table=compare-players] tr[data-key]';
  const open = async (/** @type {string} */ where) => {
    const page = await context.newPage();
    await page.goto(`${origin}${where}`);
    return page;
  };
  /** What a table says: keys, and both sides exactly. */
  const shown = (/** @type {import('playwright-core').Page} */ page) =>
    page
      .locator(players)
      .evaluateAll((rows) =>
        rows.map((row) => [
          row.getAttribute('data-key'),
          ...[...row.querySelectorAll('td')].slice(0, 3).map((cell) => cell.getAttribute('data-exact')),
        ]),
      );

  await runner.run('a comparison is a link, and its figures are those of the API for each part', async () => {
    const [here, there] = await Promise.all([
      world.api(`/reports/${reportId}?${halves.here}`),
      world.api(`/reports/${reportId}?${halves.there}`),
    ]);
    const page = await open(path);
    await page.locator(players).first().waitFor();
    const told = new Map(there.players.map((/** @type {any} */ player) => [player.playerKey, player.damage]));
    const wanted = here.players
      .filter((/** @type {any} */ player) => told.has(player.playerKey))
      .map((/** @type {any} */ player) => {
        const other = told.get(player.playerKey);
        return [player.playerKey, String(player.damage), String(other), String(player.damage - other)];
      });
    const rows = await shown(page);
    const order = (/** @type {unknown[][]} */ lines) =>
      [...lines].sort((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
    const keys = new Set(wanted.map((/** @type {unknown[]} */ line) => line[0]));
    same(order(rows.filter((row) => keys.has(row[0]))), order(wanted), 'rows of both parts');
    const sizes = rows.filter((row) => keys.has(row[0])).map((row) => Math.abs(Number(row[3])));
    same(
      sizes,
      [...sizes].sort((a, b) => b - a),
      'what changed most is on top',
    );
    const damage = page.locator('[data-figure-line=damage] td');
    same(await damage.nth(0).getAttribute('data-exact'), String(here.totals.damage), 'damage of this part');
    same(await damage.nth(1).getAttribute('data-exact'), String(there.totals.damage), 'damage of the other');
    await page.close();
  });

  await runner.run('the sides of a comparison go the other way round, and skills open by keys', async () => {
    const page = await open(path);
    await page.locator(players).first().waitFor();
    const before = await shown(page);
    await page.getByRole('link', { name: 'Swap' }).click();
    await page.waitForURL((url) => url.searchParams.get('withFrom') === '0');
    await page.locator(players).first().waitFor();
    const after = new Map((await shown(page)).map((row) => [row[0], row]));
    for (const [key, here, there] of before) {
      same([after.get(key)?.[1], after.get(key)?.[2]], [there, here], `both sides of ${key}`);
    }
    await page.locator(`${players} button`).first().focus();
    await page.keyboard.press('Enter');
    await page.locator('[data-table=compare-skills] tbody tr').first().waitFor();
    expect(new URL(page.url()).searchParams.has('player'), 'the player is not in the address');
    await page.close();
  });

  await runner.run('another report is chosen by its link, without a mouse', async () => {
    const page = await open(`/reports/${reportId}?tab=compare`);
    await page.getByLabel('Another report: its link, or its id').focus();
    await page.keyboard.type('https://elsewhere.example/reports/x');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Another report: its link, or its id').fill(`${origin}/reports/${reportId}?${halves.there}`);
    await page.keyboard.press('Enter');
    await page.locator(players).first().waitFor();
    same(new URL(page.url()).searchParams.get('withFrom'), String(middle), 'part of the link in the address');
    same(await page.evaluate(() => document.activeElement?.getAttribute('aria-label')), 'Comparison', 'focus');
    await page.goBack();
    await page.locator('[data-pick]').waitFor();
    await page.close();
  });

  await runner.run('a comparison with what is not there says so', async () => {
    const page = await open(`/reports/${reportId}?with=nosuchreport`);
    await page.getByText('The other report is not here, or not for you to see').waitFor();
    await page.close();
  });

  await runner.run('a comparison is saved as CSV, with exact figures', async () => {
    const page = await open(path);
    await page.locator(players).first().waitFor();
    const rows = await shown(page);
    await page.getByLabel('Copy or save').click();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Save as CSV' }).click(),
    ]);
    const text = await readFile(await download.path(), 'utf8');
    for (const figure of rows[0]?.slice(1) ?? []) expect(text.includes(String(figure)), `${figure} is not in the file`);
    await page.close();
  });

  await runner.run('columns of the summary are chosen by keys, stay on the device, and stand in no link', async () => {
    const page = await open(`/reports/${reportId}?tab=summary`);
    const heads = () => page.locator('[data-column]').evaluateAll((all) => all.map((head) => head.dataset['column']));
    await page.locator('[data-table=summary]').waitFor();
    same((await heads())[0], 'damage', 'first column');
    await page.getByRole('radio', { name: 'All', exact: true }).focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowRight');
    await page.locator('[data-view=healer]').waitFor();
    same((await heads())[0], 'healing', 'first column for healers');
    await page.locator('summary', { hasText: 'Columns' }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('checkbox', { name: 'Healing a second' }).uncheck();
    await page.keyboard.press('Escape');
    await page.reload();
    await page.locator('[data-view=healer]').waitFor();
    expect(!(await heads()).includes('hps'), 'a column that was left out is there');
    same(new URL(page.url()).search, '?tab=summary', 'address');
    await page.evaluate(() => {
      localStorage.clear();
    });
    await page.close();
  });

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    await runner.run(
      `a comparison fits 320, 768 and 1440 px, and axe finds nothing, in the ${theme} theme`,
      async () => {
        const page = await context.newPage();
        await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
        for (const where of [path, `/reports/${reportId}?tab=compare`, `/reports/${reportId}?tab=summary`]) {
          await page.goto(`${origin}${where}`);
          await page.locator('[data-table=compare-players], [data-pick], [data-table=summary]').first().waitFor();
          for (const width of [320, 768, 1440]) {
            await page.setViewportSize({ width, height: 900 });
            await page.waitForTimeout(150);
            same(await overflow(page), 0, `px beyond ${width} of ${where}`);
          }
          same(await violations(page), [], `violations of ${where}`);
        }
        await page.close();
      },
    );
  }
}
