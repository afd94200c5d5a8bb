/** What a page loads before anybody touches it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';

const DIST = join(import.meta.dirname, '../dist');

/**
 * The bytes of all that a page loads until something of it is there, brotli; and the files.
 *
 * @param {import('playwright-core').BrowserContext} context
 * @param {{ html: string, url: string, ready: string }} what
 */
export async function loaded(context, { html, url, ready }) {
  const page = await context.newPage();
  /** @type {Set<string>} */
  const files = new Set([html]);
  page.on('request', (request) => {
    const { pathname } = new URL(request.url());
    if (pathname.startsWith('/assets/')) files.add(pathname);
  });
  await page.goto(url);
  await page.locator(ready).first().waitFor();
  const sizes = await Promise.all(
    [...files].map(async (file) => brotliCompressSync(await readFile(join(DIST, file))).length),
  );
  await page.close();
  const bytes = sizes.reduce((sum, one) => sum + one, 0);
  console.log(`      ${bytes} bytes in ${sizes.length} files`);
  return { bytes, files: [...files] };
}
