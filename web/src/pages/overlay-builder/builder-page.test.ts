import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { who } from '$lib/account/who.svelte';
import { fault, FakeRelay } from '$lib/testing/relay';
import { me } from '$lib/testing/samples';
import BuilderPage from './BuilderPage.svelte';

afterEach(() => {
  cleanup();
  who.left();
  vi.unstubAllGlobals();
});

const address = (): string | undefined => document.querySelector('[data-address]')?.textContent;

describe('the page that makes overlays', () => {
  it('puts a link of its own behind the #, and never the one of the channel', async () => {
    const relay = new FakeRelay({
      'GET /api/v1/live/MIRA/overlays': () => Response.json({ overlays: [] }),
      'POST /api/v1/live/MIRA/links': () =>
        Response.json(
          {
            url: 'https://relay.example/live/MIRA?ticket=s3cret',
            link: { id: 1, name: 'Overlay', createdAtMs: 1, endsAtMs: 2, usedAtMs: null },
          },
          { status: 201 },
        ),
    });
    vi.stubGlobal('fetch', relay.fetch);
    who.entered(me({ accounts: [{ id: 1, name: null, channelUrl: 'https://relay.example/live/MIRA?ticket=whole' }] }));
    render(BuilderPage);
    await fireEvent.click(await screen.findByRole('button', { name: 'Make a link for this overlay' }));
    await screen.findByText(/The link is made/);
    expect(address()).toBe(`${location.origin}/overlay/live/MIRA#ticket=s3cret`);
    expect(relay.bodies).toEqual([{ name: 'Overlay', days: 365 }]);
    expect(await screen.findByText('No overlay is connected.')).toBeTruthy();
  });

  it('tells nothing of overlays of what is not his', async () => {
    const relay = new FakeRelay({ 'GET /api/v1/raids/R/overlays': () => fault(404, 'not_found', 'nothing is here') });
    vi.stubGlobal('fetch', relay.fetch);
    who.entered(me({ accounts: [] }));
    render(BuilderPage);
    await fireEvent.input(screen.getByLabelText('Link to show'), { target: { value: '/raids/R' } });
    await vi.waitUntil(() => relay.asked.includes('GET /api/v1/raids/R/overlays'));
    await vi.waitUntil(() => screen.queryByText('Connected now') === null);
    expect(address()).toBe(`${location.origin}/overlay/raids/R`);
    expect(screen.queryByRole('button', { name: 'Make a link for this overlay' })).toBeNull();
  });
});
