import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FakeSocket } from '$lib/testing/env';
import { feedFight, keyframe, raidPage, summary, tick, timeline, totals, uploadsPage } from '$lib/testing/samples';
import type { RaidPage as Raid } from '$lib/api/types';
import RaidPage from './RaidPage.svelte';

// uPlot draws on a canvas, which happy-dom has not.
vi.mock('uplot', () => ({
  default: class {
    setData = (): void => undefined;
    setSize = (): void => undefined;
    redraw = (): void => undefined;
    destroy = (): void => undefined;
  },
}));

let held: Raid;
/** What the relay knows beside the raid, by the end of its address. */
let others: Record<string, unknown>;
let asked: string[];
let socket: FakeSocket | undefined;

beforeEach(() => {
  others = { '/night': { code: 'RAID', fights: [], next: null } };
  asked = [];
  vi.stubGlobal('fetch', (url: string) => {
    const { pathname } = new URL(url, 'http://relay.example');
    asked.push(pathname);
    const other = Object.entries(others).find(([path]) => pathname.endsWith(path));
    if (other !== undefined) return Promise.resolve(Response.json(other[1]));
    if (!pathname.includes('/raids/')) return Promise.resolve(Response.json({ code: 'not_found' }, { status: 404 }));
    return Promise.resolve(Response.json(held));
  });
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
  history.replaceState(null, '', '/');
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

  it('has its pulls above its fights when one of them is over', async () => {
    await opened(raidPage({ reports: [summary({ reportId: 'r2', outcome: 'wipe' }), summary()] }));
    await vi.waitUntil(() => document.querySelectorAll('[data-pull]').length === 2, { timeout: 4_000 });
    const pulls = [...document.querySelectorAll<HTMLAnchorElement>('[data-pull]')];
    expect(pulls.map((pull) => [pull.pathname, pull.dataset['outcome']])).toEqual([
      ['/reports/r1', 'kill'],
      ['/reports/r2', 'wipe'],
    ]);
  });

  it('says whether its uploader is there', async () => {
    await opened(raidPage({ connected: false }));
    expect(await screen.findByText('Uploader not connected')).toBeTruthy();
    expect(screen.getByText('It appears here by itself when it begins.')).toBeTruthy();
  });
});

describe('a fight that goes on', () => {
  const head = (lastMs: number, damage: number): ReturnType<typeof feedFight>['head'] => ({
    ...feedFight().head,
    lastMs,
    totals: totals({ damage }),
  });
  const amounts = (): string[] =>
    [...document.querySelectorAll('[data-amount]')].map((cell) => cell.textContent.trim());
  const line = (): string | undefined => document.querySelector<HTMLElement>('[data-line]')?.dataset['line'];

  /** Its feed, with a minute of it told, and the socket of the past once one looks back. */
  async function fighting(): Promise<{ feed: FakeSocket; past: () => FakeSocket }> {
    await opened(raidPage());
    const feed = socket;
    if (feed === undefined) throw new Error('no feed was opened');
    feed.give(keyframe({ fight: feedFight({ head: head(60_000, 300) }) }));
    await vi.waitUntil(() => line() === 'live');
    return {
      feed,
      past: () => {
        if (socket === undefined || socket === feed) throw new Error('nothing of the past was asked for');
        return socket;
      },
    };
  }

  it('is looked back at with a key, and nothing that comes moves who does', async () => {
    const { feed, past } = await fighting();
    await fireEvent.keyDown(window, { key: 'ArrowLeft' });
    expect(location.search).toBe('?at=55000&fight=r1');
    expect(new URL(past().url).searchParams.get('at')).toBe('55000');
    past().give(keyframe({ fight: feedFight({ head: head(55_000, 250), rows: [[150], [90]] }) }));
    await vi.waitUntil(() => amounts().join() === '150,90');
    feed.give(tick(6, { head: head(70_000, 900), rows: [0, 1, 900] }));
    await new Promise((done) => setTimeout(done, 50));
    expect([amounts().join(), line(), status()]).toEqual(['150,90', 'past', 'Replay']);
    // Nor does the next fight.
    feed.give(keyframe({ epoch: 'e.2', fight: feedFight({ reportId: 'r2' }) }));
    await screen.findByText('The next fight is live.');
    expect(amounts().join()).toBe('150,90');
    await fireEvent.keyDown(window, { key: 'l' });
    await vi.waitUntil(() => line() === 'live');
    expect([location.search, amounts().join()]).toEqual(['', '200,100']);
  });

  it('opens a player in place, by a click or the keyboard, and stays live', async () => {
    const { feed } = await fighting();
    const row = (): HTMLElement => screen.getByRole('button', { name: 'A' });
    await fireEvent.click(row());
    expect([location.pathname, location.search, row().getAttribute('aria-expanded')]).toEqual([
      '/',
      '?player=a',
      'true',
    ]);
    expect(feed.sent.at(-1)).toEqual({ t: 'watch', players: ['a'] });
    const skill = {
      skillId: 7,
      variantId: null,
      name: 'Moonblade',
      kind: 'damage',
      total: 200,
      hits: 4,
      critHits: null,
      luckyHits: null,
      max: 90,
    } as const;
    feed.give({ t: 'detail', position: 5, reportId: 'r1', playerKey: 'a', skills: [skill] });
    await screen.findByText('Moonblade');
    expect(line()).toBe('live');
    expect(screen.getByRole<HTMLAnchorElement>('link', { name: 'Full report' }).pathname).toBe('/reports/r1');
    await fireEvent.keyDown(window, { key: 'Escape' });
    expect([location.search, screen.queryByText('Moonblade')]).toEqual(['', null]);
    expect(feed.sent.at(-1)).toEqual({ t: 'watch', players: [] });
  });

  it('tells rates of late beside those of all of it', async () => {
    const { feed } = await fighting();
    const seconds = [55, 56, 57, 58, 59].map((s) => ({ s, d: [0, s === 59 ? 50 : 0], h: [], x: [] }));
    feed.give(tick(6, { buckets: seconds }));
    const late = (): string | undefined => document.querySelector('[data-recent]')?.textContent.trim();
    await vi.waitUntil(() => late() === '10');
    await fireEvent.click(screen.getByRole('radio', { name: '1 s' }));
    await vi.waitUntil(() => late() === '50');
    expect(location.search).toBe('?window=1');
  });

  it('has its attempts and deaths, which lead to its report', async () => {
    const { feed } = await fighting();
    const went = vi.spyOn(location, 'assign').mockImplementation(() => undefined);
    const attempt = {
      index: 1,
      startMs: 0,
      endMs: 50_000,
      reason: 'initial',
      bossHpStart: 100,
      bossHpEnd: 25,
      deaths: 1,
      outcome: 'wipe' as const,
      bossDamage: 75,
    };
    const death = {
      atMs: 40_000,
      playerKey: 'b',
      name: 'B',
      classId: 2,
      specId: 3,
      killer: 'Ogre',
      skill: null,
      skillId: null,
    };
    feed.give(tick(6, { attempts: [attempt], deaths: [death] }));
    const one = await screen.findByText(/boss at 25.0%/, {}, { timeout: 10_000 });
    await fireEvent.click(one);
    await fireEvent.click(screen.getByTitle('What led to the death of B'));
    expect(went.mock.calls).toEqual([['/reports/r1?attempt=1'], ['/reports/r1?tab=deaths&death=40000-b']]);
  }, 15_000);

  it('has its chart, with what happened before its reader came', async () => {
    others['/timeline'] = timeline({
      buckets: 55,
      players: [{ playerKey: 'a', damage: new Array<number>(55).fill(20), healing: [], taken: null }],
    });
    const { feed } = await fighting();
    feed.give(tick(6, { buckets: [{ s: 55, d: [0, 320], h: [], x: [] }] }));
    const chart = (): string => document.querySelector('[data-chart] [role=img]')?.getAttribute('aria-label') ?? '';
    await vi.waitUntil(() => chart().includes('21 on average'), { timeout: 12_000 });
    expect(chart()).toContain('at most 80 at 0:55.');
    expect(asked.filter((path) => path.endsWith('/timeline'))).toEqual(['/api/v1/reports/r1/timeline']);
  }, 15_000);
});
