/**
 * A picture of a live report, for the README: `cargo xtask picture` makes it.
 *
 *   node e2e/picture.js --report http://127.0.0.1:8787/reports/ID --out picture.png [--at 1:15]
 *
 * The report must be live and younger than `--at`: the picture is taken when its timer shows that.
 * `CHROMIUM` names the browser.
 */
import { writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { launch, status } from './browser.js';
import { encode } from './png.js';

const SIZE = { width: 1180, height: 780 };
const PATIENCE_MS = 180_000;

const { values } = parseArgs({
  options: { report: { type: 'string' }, out: { type: 'string' }, at: { type: 'string', default: '1:15' } },
});
if (values.report === undefined || values.out === undefined) {
  console.error('give the address of a live report with --report, and a file with --out');
  process.exit(2);
}

/**
 * The pixels of a PNG, four bytes each.
 *
 * @param {import('playwright-core').Page} page
 * @param {Buffer} png
 */
async function pixels(page, png) {
  const text = await page.evaluate(async (base64) => {
    const bytes = Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
    const image = await createImageBitmap(new Blob([bytes], { type: 'image/png' }));
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d');
    if (context === null) throw new Error('this browser has no canvas');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    let binary = '';
    for (let at = 0; at < data.length; at += 4096) binary += String.fromCharCode(...data.subarray(at, at + 4096));
    return btoa(binary);
  }, png.toString('base64'));
  return Buffer.from(text, 'base64');
}

const browser = await launch(process.env['CHROMIUM'] ?? '/usr/bin/chromium');
try {
  const page = await browser.context.newPage();
  await page.setViewportSize(SIZE);
  await page.goto(values.report);
  await status(page, ['live']);
  // Minutes and seconds below ten minutes compare as text.
  await page.waitForFunction(
    (at) => (document.querySelector('[data-figure=time]')?.textContent ?? '').trim() >= at,
    values.at,
    { timeout: PATIENCE_MS },
  );
  const shot = await page.screenshot({ animations: 'disabled' });
  await writeFile(values.out, encode(SIZE.width, SIZE.height, await pixels(page, shot)));
} finally {
  await browser.close();
}
