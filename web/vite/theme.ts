import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Plugin } from 'vite';

/**
 * Puts `src/theme.js` into every page as a classic script of its own: it must run before the first paint, and neither
 * the relay's Content-Security-Policy nor the app's allows an inline script.
 */
export function themeScript(): Plugin {
  const source = readFileSync(resolve(import.meta.dirname, '../src/theme.js'), 'utf8');
  const hash = createHash('sha256').update(source).digest('hex').slice(0, 8);
  const file = `assets/theme-${hash}.js`;
  let building = false;
  return {
    name: 'raidcast:theme',
    configResolved(config) {
      building = config.command === 'build';
    },
    buildStart() {
      if (building) this.emitFile({ type: 'asset', fileName: file, source });
    },
    transformIndexHtml: () => [
      { tag: 'script', attrs: { src: building ? `/${file}` : '/src/theme.js' }, injectTo: 'head-prepend' },
    ],
  };
}
