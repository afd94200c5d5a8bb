/** The desktop app's window, as it is built: in every state and look, and by keyboard alone. */
import { overflow, violations } from './browser.js';
import { DesktopStage, goTo, LOOKS, withApp } from './desktop-stage.js';
import { tabThrough } from './look.js';
import { expect, same } from './runner.js';

/** The window as it comes, narrow, and with everything twice as large: px as the page counts them. */
const SIZES = [
  { width: 1000, height: 700 },
  { width: 480, height: 700 },
  { width: 500, height: 350 },
];
/** The window is never smaller. */
const LEAST = { width: 360, height: 420 };

/**
 * @param {import('./runner.js').Runner} runner
 * @param {import('playwright-core').BrowserContext} context
 */
export async function desktopChecks(runner, context) {
  const stage = new DesktopStage();
  await stage.open();
  /** @typedef {import('playwright-core').Page} Page */
  const focus = (/** @type {Page} */ page) =>
    page.evaluate(() => document.activeElement?.id || (document.activeElement?.textContent ?? '').trim());

  for (const theme of /** @type {const} */ (['dark', 'light'])) {
    const page = await stage.page(context, theme);
    for (const { name, scene, act } of LOOKS) {
      await runner.run(
        `a ${name} fits its window, also at 480 px and twice as large, and axe finds nothing (${theme})`,
        async () => {
          await page.setViewportSize({ width: 1000, height: 700 });
          await stage.show(page, scene);
          await act?.(page);
          same(await page.evaluate(() => document.documentElement.dataset['theme']), theme, 'theme');
          for (const size of SIZES) {
            await page.setViewportSize(size);
            same(await overflow(page), 0, `px beyond ${size.width}`);
            same(await violations(page), [], `violations at ${size.width} px`);
          }
          await page.setViewportSize(LEAST);
          same(await overflow(page), 0, `px beyond ${LEAST.width}`);
          same(await page.evaluate('window.forbidden'), [], 'what the policy forbade');
        },
      );
    }
    await page.close();
  }

  const page = await stage.page(context, 'dark');
  await page.setViewportSize({ width: 1000, height: 700 });

  for (const { name, scene, act } of LOOKS.filter(({ scene }) => !['broken', 'none'].includes(scene))) {
    await runner.run(`the Tab key comes to all of a ${name}`, async () => {
      await stage.show(page, scene);
      await act?.(page);
      // Before a question nothing else is to be had: Tab goes round in it.
      if ((await page.getByRole('dialog').count()) > 0) return;
      await tabThrough(page);
    });
  }

  await runner.run('the first start is gone through by keyboard alone', async () => {
    await stage.show(page, 'first-relay');
    await page.waitForFunction(() => document.activeElement?.id === 'first-relay');
    await page.keyboard.type('https://raid.example');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Pair this computer' }).waitFor();
    await page.keyboard.press('Tab');
    same(await focus(page), 'Get a code', 'focus');
    await page.keyboard.press('Enter');
    await page.locator('[data-code]').waitFor();
    same(await focus(page), 'Open the page', 'focus');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => /** @type {any} */ (window).staged.count('open') === 1);
    await withApp(page, (staged) => staged.confirm());
    await page.waitForFunction(() => document.activeElement?.textContent === 'This computer is paired');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Earlier fights' }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Tab');
    same(await focus(page), 'first-since', 'focus');
    await page.getByRole('button', { name: 'Go live' }).press('Enter');
    await page.getByText('Choose a day first.').waitFor();
    await page.locator('#first-since').fill('2026-11-01');
    await page.getByRole('button', { name: 'Go live' }).press('Enter');
    await page.locator('[data-state=idle]').waitFor();
    same(
      await withApp(page, (staged) => staged.last('finish_first').choice.old.old),
      'since',
      'what becomes of earlier fights',
    );
  });

  await runner.run('arrow keys go from page to page, and Escape leaves a question as it was', async () => {
    await stage.show(page, 'idle');
    await page.locator('#page-now').focus();
    for (const tab of ['fights', 'settings', 'about', 'now', 'about']) {
      await page.keyboard.press(tab === 'about' && (await focus(page)) === 'page-now' ? 'ArrowLeft' : 'ArrowRight');
      same(await focus(page), `page-${tab}`, 'focus');
      await page.locator(`[role=tabpanel][aria-labelledby=page-${tab}]`).waitFor();
    }
    const quit = page.getByRole('button', { name: 'End Raidcast' });
    await quit.press('Enter');
    await page.getByRole('dialog').waitFor();
    // Twice Enter ends nothing.
    same(await focus(page), 'Let it run', 'focus');
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'detached' });
    same(await focus(page), 'End Raidcast', 'focus');
    same(await withApp(page, (staged) => staged.count('quit')), 0, 'times it was ended');
  });

  await runner.run('fights are chosen, asked about and sent by keyboard, each with its progress', async () => {
    await stage.show(page, 'idle');
    await goTo(page, 'fights');
    const box = page.locator('[data-encounter] input:enabled').first();
    await box.waitFor();
    await box.focus();
    await page.keyboard.press('Space');
    await page.getByRole('button', { name: 'Upload …' }).press('Enter');
    await page.waitForFunction(() => document.activeElement?.id === 'upload-visibility');
    await page.getByText('fights would be sent').waitFor();
    // What is seen of it is what was chosen.
    await page.locator('#upload-visibility').selectOption('private');
    await page.getByText('Who may see what is new there: you.').waitFor();
    await page.getByRole('button', { name: 'Send 1 fight' }).press('Enter');
    await page.waitForFunction(() => /** @type {any} */ (window).staged.running !== null);
    const row = page.locator('[data-encounter]', { has: page.locator('progress') }).filter({ hasText: '3 of 4 parts' });
    await withApp(page, (staged) => {
      const first = staged.rows.find((/** @type {any} */ one) => one.can.includes('upload'));
      staged.running.hear({ kind: 'fight', encounter: first.encounter, parts: { arrived: 3, of: 4 } });
    });
    await row.waitFor();
    same(await row.locator('progress').getAttribute('value'), '3', 'progress');
    await page.getByRole('button', { name: 'Stop' }).press('Enter');
    await page.getByText('2 fights sent.').waitFor();
  });

  await runner.run('nothing that stands below moves where what is said changes', async () => {
    await stage.show(page, 'idle');
    const places = () =>
      page.evaluate(() =>
        [...document.querySelectorAll('#fight-title, #delay-title, #links-title, [data-link], #private-rule')].map(
          (one) => Math.round(one.getBoundingClientRect().top),
        ),
      );
    const before = await places();
    expect(before.length === 6, `there are ${before.length} places to look at`);
    for (const scene of ['live', 'waiting', 'trouble', 'paused', 'idle']) {
      await withApp(
        page,
        /** @type {any} */ (new Function('staged', `staged.say('now', staged.states['${scene}']())`)),
      );
      await page.locator(`[data-state=${scene}]`).waitFor();
      same(await places(), before, `places while it is ${scene}`);
    }
  });

  await runner.run('the window speaks Chinese throughout, and says so', async () => {
    await stage.show(page, 'idle', 'zh');
    same(await page.evaluate(() => document.documentElement.lang), 'zh-CN', 'language');
    for (const tab of /** @type {const} */ (['now', 'fights', 'settings', 'about'])) {
      await goTo(page, tab);
      const names = await page
        .getByRole('button')
        .evaluateAll((all) => all.map((one) => one.getAttribute('aria-label') ?? one.textContent.trim()));
      same(
        names.filter((name) => !/\p{Script=Han}/u.test(name)),
        [],
        `buttons of ${tab}`,
      );
      same(await overflow(page), 0, 'px beyond 1000');
    }
  });

  await page.close();
  await stage.close();
}
