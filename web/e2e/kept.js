/** What is true of a report that is over, and of every page in every look. */
import { chartBox, overflow, rowsOf, status, violations } from './browser.js';
import { acted, damageOf, sorted } from './live.js';
import { expect, same } from './runner.js';

const HOSTILE = [
  '<img src=x onerror="window.hacked=1">',
  '</td><script>window.hacked=1</script>',
  '\u202Egnp.exe \u2066isolate',
  'W'.repeat(64),
];

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('./run.js').World} world
 */
export async function keptChecks(runner, world) {
  const { context, origin, reportId, raidCode } = world;
  /** @type {string[]} */
  const complaints = [];
  const open = async (/** @type {string} */ path) => {
    const page = await context.newPage();
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(`${path}: ${message.text()}`);
    });
    page.on('pageerror', (error) => complaints.push(`${path}: ${error.message}`));
    await page.goto(`${origin}${path}`);
    return page;
  };
  const rows = '[data-table=players] tr[data-key]';
  const report = await world.api(`/reports/${reportId}`);

  await runner.run('a report opened after its end shows the totals of the API', async () => {
    const page = await open(`/reports/${reportId}`);
    await page.locator(rows).first().waitFor();
    await status(page, ['ended', 'provisional', 'live', 'idle']);
    if (report.state !== 'live') same(sorted(await rowsOf(page)), sorted(damageOf(report)), 'rows');
    await page.close();
  });

  await runner.run('tabs are in the address and go by arrow keys', async () => {
    const page = await open(`/reports/${reportId}?tab=healing`);
    await page.locator('[role=tab][aria-selected=true]').waitFor();
    same(await page.locator('[role=tab][aria-selected=true]').innerText(), 'Healing', 'tab');
    await page.locator('[role=tab][aria-selected=true]').focus();
    await page.keyboard.press('ArrowRight');
    same(new URL(page.url()).searchParams.get('tab'), 'taken', 'tab in the address');
    await page.keyboard.press('Home');
    same(new URL(page.url()).searchParams.get('tab'), 'summary', 'tab in the address');
    await page.keyboard.press('ArrowRight');
    same(new URL(page.url()).searchParams.get('tab'), null, 'the tab of damage needs no word in the address');
    await page.close();
  });

  await runner.run('an attempt shows the sums of its span, and Back goes to the whole fight', async () => {
    const attempt = report.attempts.at(-1);
    if (attempt === undefined) return;
    const page = await open(`/reports/${reportId}`);
    await page.locator(rows).first().waitFor();
    const whole = await rowsOf(page);
    await page.locator('section[aria-labelledby=attempts-title] button').last().click();
    await page.getByRole('button', { name: 'Whole fight' }).waitFor();
    await page.locator(rows).first().waitFor();
    same(new URL(page.url()).searchParams.get('attempt'), String(attempt.index), 'attempt in the address');
    const to = attempt.endMs === null ? '' : `&to=${attempt.endMs}`;
    const span = await world.api(`/reports/${reportId}?from=${attempt.startMs}${to}`);
    same(sorted(await rowsOf(page)), sorted(damageOf(span)), 'rows of the attempt');
    await page.goBack();
    await page.getByRole('button', { name: 'Whole fight' }).waitFor({ state: 'detached' });
    same(sorted(await rowsOf(page)), sorted(whole), 'rows of the whole fight');
    await page.close();
  });

  await runner.run('a drag over the chart shows the sums of its span, and there is a way back', async () => {
    const page = await open(`/reports/${reportId}`);
    await page.locator(rows).first().waitFor();
    const whole = await rowsOf(page);
    const box = await chartBox(page);
    const y = box.y + box.height / 2;
    await page.mouse.move(box.x + box.width * 0.3, y);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width * 0.6, y, { steps: 5 });
    await page.mouse.up();
    await page.getByRole('button', { name: 'Whole fight' }).waitFor();
    await page.locator(rows).first().waitFor();
    const place = new URL(page.url()).searchParams;
    const span = await world.api(`/reports/${reportId}?from=${place.get('from')}&to=${place.get('to')}`);
    const shown = await rowsOf(page);
    same(sorted(shown), sorted(damageOf(span)), 'rows of the span');
    expect(JSON.stringify(shown) !== JSON.stringify(whole), 'the span is the whole fight');
    await page.getByRole('button', { name: 'Whole fight' }).click();
    same(sorted(await rowsOf(page)), sorted(whole), 'rows of the whole fight');
    await page.close();
  });

  await runner.run('a moment of a replay shows the sums until then, and is in the address', async () => {
    const at = Math.round((report.firstMs + report.lastMs) / 2);
    const page = await open(`/reports/${reportId}?at=${at}`);
    await page.locator('[data-status=replay]').waitFor();
    await page.locator(rows).first().waitFor();
    const until = await world.api(`/reports/${reportId}?from=0&to=${at}`);
    same(acted(await rowsOf(page)), acted(damageOf(until)), 'rows until the moment');
    await page.keyboard.press('Escape');
    await page.locator('[data-status=replay]').waitFor({ state: 'detached' });
    same(sorted(await rowsOf(page)), sorted(damageOf(report)), 'rows of the whole fight');
    await page.close();
  });

  await runner.run('a replay plays on, stands when it is stopped, and ends as the report', async () => {
    const page = await open(`/reports/${reportId}`);
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByLabel('Speed').selectOption('20');
    await page.locator(rows).first().waitFor();
    await page.waitForFunction(
      () => Number(document.querySelector('[data-replay-at]')?.getAttribute('data-replay-at')) > 10_000,
    );
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.waitForTimeout(500);
    const at = new URL(page.url()).searchParams.get('at');
    const until = await world.api(`/reports/${reportId}?from=0&to=${at}`);
    same(acted(await rowsOf(page)), acted(damageOf(until)), 'rows where it was stopped');
    await page.getByLabel('Moment of the fight').focus();
    await page.keyboard.press('End');
    await page.keyboard.press('PageDown');
    await page.getByRole('button', { name: 'Play', exact: true }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.getByRole('button', { name: 'Play', exact: true }).waitFor({ timeout: 60_000 });
    same(acted(await rowsOf(page)), acted(damageOf(report)), 'rows at the end');
    await page.goBack();
    await page.locator('[data-status=replay]').waitFor({ state: 'detached' });
    await page.close();
  });

  await runner.run('names from strangers are text, whatever they hold', async () => {
    const page = await context.newPage();
    await page.route(`**/api/v1/reports/${reportId}`, async (route) => {
      const body = await (await route.fetch()).json();
      body.state = 'final';
      for (const [at, player] of body.players.entries()) player.name = HOSTILE[at % HOSTILE.length];
      body.encounter.scene = HOSTILE[0];
      body.note = HOSTILE[1];
      for (const boss of body.bosses) boss.name = HOSTILE[1];
      for (const death of body.deaths) death.killer = death.skill = HOSTILE[0];
      await route.fulfill({ json: body });
    });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(`${origin}/reports/${reportId}`);
    await page.locator(rows).first().waitFor();
    const shown = await page.locator('button[data-player] bdi').allTextContents();
    for (const name of HOSTILE.slice(0, Math.min(HOSTILE.length, report.players.length))) {
      expect(shown.includes(name), `${name} is not shown as it is`);
    }
    const hacked = await page.evaluate(
      () => 'hacked' in window || document.querySelector('main img, main script') !== null,
    );
    expect(!hacked, 'a name became markup');
    same(await overflow(page), 0, 'px beyond the window');
    await page.close();
  });

  await runner.run('the raid and the front page list the report', async () => {
    const raid = await open(`/raids/${raidCode}`);
    await raid.locator(`[data-report="${reportId}"]`).waitFor();
    await raid.close();
    const front = await open('/');
    await front.locator(report.visibility === 'public' ? `[data-report="${reportId}"]` : 'h1').waitFor();
    await front.close();
  });

  const pages = { report: `/reports/${reportId}`, raid: `/raids/${raidCode}`, front: '/', api: '/docs/api' };
  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    for (const [name, path] of Object.entries(pages)) {
      const page = await open(path);
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      await runner.run(`the ${name} page fits 390, 768 and 1440 px in the ${theme} theme`, async () => {
        await page.reload();
        await page.locator('h1').waitFor();
        await page.locator('table tbody tr').first().waitFor();
        same(await page.evaluate(() => document.documentElement.dataset['theme']), theme, 'theme');
        for (const width of [390, 768, 1440]) {
          await page.setViewportSize({ width, height: 900 });
          await page.waitForTimeout(150);
          same(await overflow(page), 0, `px beyond ${width}`);
        }
      });
      await runner.run(`axe finds nothing on the ${name} page in the ${theme} theme`, async () => {
        same(await violations(page), [], 'violations');
      });
      await page.close();
    }
  }

  await runner.run('the theme that was chosen is kept', async () => {
    const page = await open('/');
    await page.getByRole('button', { name: 'Use the light theme' }).click();
    await page.reload();
    same(await page.evaluate(() => document.documentElement.dataset['theme']), 'light', 'theme');
    await page.evaluate(() => {
      localStorage.clear();
    });
    await page.close();
  });

  await runner.run('the console has no errors', async () => {
    same(complaints, [], 'errors');
  });

  await runner.run('what does not exist says so', async () => {
    for (const path of ['/reports/nosuchreport', '/raids/nosuchraid', '/live/nosuchchannel']) {
      const page = await context.newPage();
      await page.goto(`${origin}${path}`);
      await page.getByRole('heading', { level: 1, name: /^No such/ }).waitFor({ timeout: 10_000 });
      await page.close();
    }
  });
}
