import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, expect, it, vi } from 'vitest';
import text from '../../../../docs/openapi.json?raw';
import ApiPage from './ApiPage.svelte';

afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

it('shows each operation, and each schema that one leads to', async () => {
  vi.stubGlobal('fetch', () => Promise.resolve(new Response(text)));
  const { container } = render(ApiPage);
  const list = await vi.waitUntil(() => container.querySelector('nav[aria-label=Operations]'));
  const leads = (links: Iterable<Element>): string[] => [...links].map((link) => link.getAttribute('href') ?? '');
  expect(leads(list.querySelectorAll('a'))).toContain('#uploadEncounters');
  const ids = new Set([...container.querySelectorAll('[id]')].map(({ id }) => `#${id}`));
  const all = leads(container.querySelectorAll('main a')).filter((href) => href.startsWith('#'));
  expect(all.length).toBeGreaterThan(100);
  expect(all.filter((href) => !ids.has(href))).toEqual([]);
  expect(container.querySelector('a[href="#main"]')?.textContent).toBe('Skip to the description');
  const told = [...container.querySelectorAll('dd p')].map((line) => line.textContent.trim());
  expect(told.filter((line) => line === '' || line.startsWith('·'))).toEqual([]);
  expect(told).toContain('With ETag');
  // A thousand rows take a busy machine some seconds here.
}, 30_000);

it('says why there is nothing to show', async () => {
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('offline')));
  render(ApiPage);
  expect(await screen.findByText('The relay does not answer.')).toBeTruthy();
});
