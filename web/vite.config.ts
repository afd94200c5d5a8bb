import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { themeScript } from './vite/theme.ts';

const root = import.meta.dirname;
const relay = process.env['RAIDCAST_RELAY'] ?? 'http://127.0.0.1:8787';

/** Serves the pages under the relay's own paths while developing. */
function relayPaths(): Plugin {
  return {
    name: 'raidcast:paths',
    configureServer(server) {
      server.middlewares.use((request, _response, next) => {
        const url = request.url ?? '/';
        if (/^\/reports\/[^/?]+/.test(url)) request.url = '/report.html';
        else if (/^\/(raids|live)\/[^/?]+/.test(url)) request.url = '/raid.html';
        else if (/^\/overlay\/(raids|live)\/[^/?]+/.test(url)) request.url = '/overlay.html';
        else if (/^\/overlay-builder(\?|$)/.test(url)) request.url = '/overlay-builder.html';
        else if (/^\/docs\/api(\?|$)/.test(url)) request.url = '/api.html';
        else if (/^\/sign-in(\?|$)/.test(url)) request.url = '/sign-in.html';
        else if (/^\/account(\?|$)/.test(url)) request.url = '/account.html';
        else if (/^\/search(\?|$)/.test(url)) request.url = '/search.html';
        else if (/^\/removal(\?|$)/.test(url)) request.url = '/removal.html';
        else if (/^\/pair(\?|$)/.test(url)) request.url = '/pair.html';
        next();
      });
    },
  };
}

export default defineConfig({
  plugins: [themeScript(), relayPaths(), tailwindcss(), svelte()],
  resolve: {
    alias: { $lib: resolve(root, 'src/lib') },
    // Component tests mount in happy-dom: they need Svelte's browser build.
    ...(process.env['VITEST'] === undefined ? {} : { conditions: ['browser'] }),
  },
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: true,
    // data: URLs are not in the relay's policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: {
      input: {
        index: resolve(root, 'index.html'),
        report: resolve(root, 'report.html'),
        raid: resolve(root, 'raid.html'),
        overlay: resolve(root, 'overlay.html'),
        'overlay-builder': resolve(root, 'overlay-builder.html'),
        api: resolve(root, 'api.html'),
        'sign-in': resolve(root, 'sign-in.html'),
        account: resolve(root, 'account.html'),
        pair: resolve(root, 'pair.html'),
        removal: resolve(root, 'removal.html'),
        search: resolve(root, 'search.html'),
        // Served with status 404, for every address that leads nowhere.
        'not-found': resolve(root, '404.html'),
      },
    },
  },
  server: {
    proxy: { '^/api/': { target: relay, ws: true } },
    // Tests read the API's description.
    fs: { allow: [root, resolve(root, '../docs')] },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.ts'],
    restoreMocks: true,
    // Its colours are tested, as they stand in the file.
    css: { include: /(look|dist-desktop\/assets\/desktop-[\w-]+)\.css\?raw/ },
  },
});
