/**
 * Pictures of every state of the desktop app's window, in both themes, as it comes and twice as large, to be looked at:
 *
 *   npm run build:desktop && node e2e/desktop-shots.js --out FOLDER [--only WORD]
 *
 * `CHROMIUM` names the browser.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { launchClean } from './browser.js';
import { DesktopStage, LOOKS } from './desktop-stage.js';

const { values } = parseArgs({
  options: {
    out: { type: 'string' },
    only: { type: 'string', default: '' },
  },
});
if (values.out === undefined) {
  console.error('give a folder with --out');
  process.exit(2);
}
await mkdir(values.out, { recursive: true });
const stage = new DesktopStage();
await stage.open();
const browser = await launchClean(process.env['CHROMIUM'] ?? '/usr/bin/chromium');
try {
  for (const scale of [1, 2]) {
    const context = await browser.newContext({
      viewport: { width: 1000 / scale, height: 700 / scale },
      deviceScaleFactor: scale,
    });
    for (const theme of /** @type {const} */ (['dark', 'light'])) {
      const page = await stage.page(context, theme);
      for (const { name, scene, act } of LOOKS) {
        if (!name.includes(values.only)) continue;
        await stage.show(page, scene);
        await act?.(page);
        await page.evaluate(() => {
          scrollTo(0, 0);
        });
        const file = `${name.replace(/[^a-z]+/gi, '-')}-${theme}-${scale * 100}.png`;
        // What is before the page has the window's size.
        const fullPage = (await page.getByRole('dialog').count()) === 0;
        await page.screenshot({ path: join(values.out, file), animations: 'disabled', fullPage });
      }
      await page.close();
    }
    await context.close();
  }
} finally {
  await browser.close();
  await stage.close();
}
