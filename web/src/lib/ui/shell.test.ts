import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { createRawSnippet } from 'svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { who } from '$lib/account/who.svelte';
import { FakeRelay, fault, type Answers } from '$lib/testing/relay';
import { me } from '$lib/testing/samples';
import Shell from './Shell.svelte';

/** A page whose browser keeps this name, if any. */
function opened(name: string | null, answers: Answers = {}): FakeRelay {
  const relay = new FakeRelay(answers);
  vi.stubGlobal('fetch', relay.fetch);
  if (name !== null) localStorage.setItem('raidcast.name', name);
  who.recall();
  render(Shell, { children: createRawSnippet(() => ({ render: () => '<p>A page</p>' })) });
  return relay;
}
const link = (): string[] => {
  const found = document.querySelector('header a[href="/sign-in"], header a[href="/account"]');
  return [found?.textContent.trim() ?? '', found?.getAttribute('href') ?? ''];
};

afterEach(() => {
  cleanup();
  who.left();
  vi.unstubAllGlobals();
});

describe('the head of a page', () => {
  it('leads to signing in, and asks for nothing, where nobody has signed in', async () => {
    const relay = opened(null);
    await Promise.resolve();
    expect(link()).toEqual(['Sign in', '/sign-in']);
    expect(relay.asked).toEqual([]);
  });

  it('has the name that the browser keeps at once, and asks once whether that is so', async () => {
    const relay = opened('Mira', { 'GET /api/v1/me': () => Response.json(me({ name: 'Mira of Asteria' })) });
    expect(link()).toEqual(['Mira', '/account']);
    expect(await screen.findByText('Mira of Asteria')).toBeTruthy();
    await who.ask();
    expect(relay.asked).toEqual(['GET /api/v1/me']);
    expect(localStorage.getItem('raidcast.name')).toBe('Mira of Asteria');
  });

  it('forgets the name where nobody is signed in any more', async () => {
    opened('Mira', { 'GET /api/v1/me': () => fault(401, 'signed_out', 'nobody is signed in here') });
    expect(await screen.findByText('Sign in')).toBeTruthy();
    expect(localStorage.getItem('raidcast.name')).toBeNull();
  });

  it('keeps it where the relay cannot say', async () => {
    opened('Mira', { 'GET /api/v1/me': () => fault(503, 'unavailable', 'in a moment') });
    await new Promise((later) => setTimeout(later, 20));
    expect(link()).toEqual(['Mira', '/account']);
  });

  it('follows what happens in another tab', async () => {
    opened('Mira', { 'GET /api/v1/me': () => Response.json(me()) });
    localStorage.removeItem('raidcast.name');
    window.dispatchEvent(new StorageEvent('storage', { key: 'raidcast.name' }));
    expect(await screen.findByText('Sign in')).toBeTruthy();
  });
});

describe('the sheet of keys', () => {
  const open = (): boolean => document.querySelector('dialog')?.open === true;

  it('is opened by its key or its button, each time anew, and closed again', async () => {
    vi.stubGlobal('fetch', new FakeRelay({}).fetch);
    const children = createRawSnippet(() => ({ render: () => '<p>A page</p>' }));
    render(Shell, { keys: [['L', 'Back to live']], children });
    expect(open()).toBe(false);
    await fireEvent.keyDown(window, { key: '?' });
    await vi.waitUntil(open, { timeout: 5_000 });
    expect(screen.getByText('Back to live')).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'Close' }));
    await vi.waitUntil(() => !open());
    await fireEvent.click(screen.getByRole('button', { name: 'Keys' }));
    await vi.waitUntil(open);
  });
});
