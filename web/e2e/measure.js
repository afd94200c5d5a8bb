/**
 * What live and replay cost a slow machine: frames a second, the longest task, and how long a press waits for its
 * answer, with 20 players at 10 ticks a second who overtake each other. Figures of this machine, printed; nothing fails.
 *
 *   npm run measure -- [--slow 4] [--seconds 10]
 */
import { parseArgs } from 'node:util';
import { launch } from './browser.js';
import { Stage, STAGED } from './stage.js';

const { values } = parseArgs({
  options: {
    slow: { type: 'string', default: '4' },
    seconds: { type: 'string', default: '10' },
    chromium: { type: 'string', default: process.env['CHROMIUM'] ?? '/usr/bin/chromium' },
  },
});

const stage = new Stage();
await stage.open();
const browser = await launch(values.chromium);

/**
 * Frames a second and the longest task.
 *
 * @param {import('playwright-core').Page} page
 */
async function watch(page) {
  return page.evaluate(async (seconds) => {
    let frames = 0;
    let longest = 0;
    const tasks = new PerformanceObserver((list) => {
      for (const task of list.getEntries()) longest = Math.max(longest, task.duration);
    });
    tasks.observe({ type: 'longtask' });
    let on = true;
    const frame = () => {
      frames += 1;
      if (on) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
    const began = performance.now();
    await new Promise((done) => setTimeout(done, seconds * 1000));
    on = false;
    return { fps: frames / ((performance.now() - began) / 1000), longestMs: longest };
  }, Number(values.seconds));
}

/**
 * The times from a real press to the paint that answers it, ms.
 *
 * @param {import('playwright-core').Page} page
 * @param {string} selector
 * @param {number} times
 */
async function press(page, selector, times) {
  const found = [];
  for (let i = 0; i < times; i++) {
    const box = await page.locator(selector).first().boundingBox();
    if (box === null) throw new Error(`${selector} is not there`);
    // Before the press: the two go different ways to the page.
    await page.evaluate(() => {
      const answered = new Promise((done) => {
        const heard = (/** @type {Event} */ event) => {
          // Behind the paint that follows it.
          requestAnimationFrame(() => setTimeout(() => done(performance.now() - event.timeStamp), 0));
        };
        addEventListener('click', heard, { once: true, capture: true });
      });
      Object.assign(window, { answered });
    });
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
    found.push(await page.evaluate(() => /** @type {any} */ (window).answered));
    await page.waitForTimeout(700);
  }
  return found;
}

/** @param {string} name @param {{ fps: number, longestMs: number }} seen @param {number[]} [presses] */
function tell(name, seen, presses = []) {
  const most = presses.length === 0 ? '' : `, press answered in ${presses.map((ms) => ms.toFixed(0)).join(', ')} ms`;
  console.log(`${name}: ${seen.fps.toFixed(1)} frames a second, longest task ${seen.longestMs.toFixed(0)} ms${most}`);
}

try {
  for (const motion of /** @type {const} */ (['no-preference', 'reduce'])) {
    console.log(`CPU slowed ${values.slow} times, motion ${motion === 'reduce' ? 'reduced' : 'wanted'}`);
    const open = async (/** @type {string} */ path) => {
      const page = await browser.context.newPage();
      await page.emulateMedia({ reducedMotion: motion });
      const cdp = await browser.context.newCDPSession(page);
      await page.goto(path === '' ? 'about:blank' : `${stage.origin}${path}`);
      if (path !== '') await page.locator('tr[data-key]').first().waitFor();
      await cdp.send('Emulation.setCPUThrottlingRate', { rate: Number(values.slow) });
      await page.waitForTimeout(1500);
      return page;
    };
    const empty = await open('');
    tell('  an empty page', await watch(empty));
    await empty.close();

    for (const path of [`/reports/${STAGED.report}`, `/raids/${STAGED.raid}`]) {
      const page = await open(path);
      const stop = stage.run(10, { shuffle: true });
      await page.waitForTimeout(1000);
      const seen = await watch(page);
      tell(`  live, ${path.split('/')[1]}`, seen, await press(page, '[role=tab]', 6));
      stop();
      await page.close();
    }

    const page = await open(`/reports/${STAGED.report}`);
    await page.getByRole('button', { name: 'Replay' }).click();
    await page.getByLabel('Speed').selectOption('2');
    await page.locator('[data-replay-at]').waitFor();
    await page.waitForTimeout(1000);
    const seen = await watch(page);
    tell('  replay', seen, await press(page, 'button[aria-label=Pause], button[aria-label=Play]', 6));
    await page.close();
  }
} finally {
  await browser.close();
  await stage.close();
}
