import { resolve } from 'node:path';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vite';
import { oneFile } from './vite/one-file.ts';
import { themeScript } from './vite/theme.ts';

const root = import.meta.dirname;

/** The page that a saved fight stands in: one file, which the relay has in it and puts the fight into. */
export default defineConfig({
  plugins: [themeScript(), tailwindcss(), svelte(), oneFile()],
  resolve: { alias: { $lib: resolve(root, 'src/lib') } },
  build: {
    target: 'es2022',
    outDir: 'dist-file',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
    rollupOptions: { input: { file: resolve(root, 'file.html') }, output: { codeSplitting: false } },
  },
});
