import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import svelte from 'eslint-plugin-svelte';
import globals from 'globals';
import ts from 'typescript-eslint';
import svelteConfig from './svelte.config.js';

export default ts.config(
  {
    ignores: [
      'dist/',
      'dist-desktop/',
      'dist-file/',
      'node_modules/',
      'src/lib/wire/types.ts',
      'src/lib/wire/game.ts',
      'src/lib/desktop/types.ts',
      'src/lib/api/schema.d.ts',
    ],
  },
  js.configs.recommended,
  ...ts.configs.strict,
  ...ts.configs.stylistic,
  ...svelte.configs.recommended,
  prettier,
  ...svelte.configs.prettier,
  {
    languageOptions: { globals: { ...globals.browser } },
    rules: {
      eqeqeq: 'error',
      'no-console': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
    },
  },
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
    rules: {
      // Names come from strangers: they are text, never markup.
      'svelte/no-at-html-tags': 'error',
      'svelte/button-has-type': 'error',
    },
  },
  {
    // Only `wire` sees frames as bytes and only `live` folds them; components get values.
    files: ['src/lib/ui/**', 'src/lib/format/**'],
    rules: {
      'no-restricted-globals': ['error', 'fetch', 'WebSocket'],
    },
  },
  {
    // The app's own calls go through `desktop/bridge.ts` alone, which tests have another of.
    files: ['src/**'],
    ignores: ['src/lib/desktop/bridge.ts'],
    rules: {
      'no-restricted-imports': ['error', { patterns: ['@tauri-apps/*'] }],
    },
  },
  {
    files: ['e2e/**/*.js', '*.config.{js,ts}', 'vite/*.ts'],
    languageOptions: { globals: { ...globals.node, ...globals.browser } },
    rules: { 'no-console': 'off' },
  },
);
