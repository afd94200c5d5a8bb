import { cleanup, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeSocket } from '$lib/testing/env';
import { keyframe, raidPage, summary, uploadsPage } from '$lib/testing/samples';
import type { RaidPage as Raid } from '$lib/api/types';
import RaidPage from './RaidPage.svelte';

let held: Raid;
let socket: FakeSocket | undefined;

beforeEach(() => {
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json(held)));
  vi.stubGlobal(
    'WebSocket',
    class extends FakeSocket {
      constructor(url: string) {
        super(url);
        socket = this as FakeSocket;
      }
    },
  );
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

async function opened(page: Raid): Promise<void> {
  held = page;
  render(RaidPage, { place: { kind: 'raid', name: 'RAID' } });
  await screen.findByRole('heading', { level: 1, name: page.title ?? '' });
  const { code, title, connected, open } = page;
  socket?.give(keyframe({ raid: { code, title, connected, open, fights: [] }, fight: null }));
}

const status = (): string | undefined => document.querySelector('[data-status]')?.textContent.trim();

describe('the page of a raid of uploads', () => {
  it('says what it is, and calls nobody missing and nothing closed', async () => {
    await opened(uploadsPage({ reports: [summary()] }));
    await vi.waitUntil(() => status() === 'Uploads');
    expect(document.title).toBe('Uploads · Uploads · Raidcast');
    expect(document.querySelector('[data-connected]')).toBeNull();
    expect(screen.queryByText(/closed|not connected|Waiting/)).toBeNull();
    expect(screen.getByText('Kill')).toBeTruthy();
  });

  it('without a fight says how one comes', async () => {
    await opened(uploadsPage());
    expect(screen.getByText('A fight appears here by itself when it is uploaded.')).toBeTruthy();
  });
});

describe('the page of a raid', () => {
  it('says that it is behind, and by how much, as long as it is', async () => {
    await opened(raidPage({ delayS: 75 }));
    expect(document.querySelector('[data-behind]')?.textContent).toContain('Shown 1 minute 15 seconds late');
    // The delay is another one: the feed begins anew, and the page is read.
    held = raidPage({ delayS: 0 });
    socket?.give(keyframe({ epoch: 'e.2', fight: null }));
    await vi.waitUntil(() => document.querySelector('[data-behind]') === null);
  });

  it('has its list when the fight above it has come, or does not come soon', async () => {
    held = raidPage({ reports: [summary()] });
    render(RaidPage, { place: { kind: 'raid', name: 'RAID' } });
    await screen.findByRole('heading', { name: 'Loading the fight' });
    expect(screen.queryByText('Kill')).toBeNull();
    await screen.findByText('Kill', {}, { timeout: 4_000 });
    expect(screen.queryByRole('heading', { name: 'Loading the fight' })).toBeNull();
    cleanup();
    await opened(raidPage({ reports: [summary()] }));
    await screen.findByText('Kill', {}, { timeout: 500 });
  });

  it('says whether its uploader is there', async () => {
    await opened(raidPage({ connected: false }));
    expect(await screen.findByText('Uploader not connected')).toBeTruthy();
    expect(screen.getByText('It appears here by itself when it begins.')).toBeTruthy();
  });
});
