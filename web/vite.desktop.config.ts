import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';
import { themeScript } from './vite/theme.ts';

const root = import.meta.dirname;

/** The window of the desktop app: a folder of its own beside `dist`, which the relay has in it as a whole. */
export default defineConfig({
  plugins: [themeScript(), tailwindcss(), svelte()],
  resolve: { alias: { $lib: resolve(root, 'src/lib') } },
  build: {
    target: 'es2022',
    outDir: 'dist-desktop',
    emptyOutDir: true,
    // data: URLs are not in the app's policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: { desktop: resolve(root, 'desktop.html') } },
  },
  // As `client/desktop/tauri.conf.json` has it.
  server: { host: '127.0.0.1', port: 5174, strictPort: true },
});
