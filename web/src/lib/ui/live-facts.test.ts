import { cleanup, render } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Api } from '$lib/api/client';
import { amountsOfTimeline, type Amounts } from '$lib/chart/data';
import { figuresOfReport, type FightFigures } from '$lib/fight/figures';
import { FakeEnv } from '$lib/testing/env';
import { raidPage, report, summary, timeline, totals } from '$lib/testing/samples';
import type { Boss } from '$lib/wire/types';
import LiveFacts from './LiveFacts.svelte';

afterEach(cleanup);

const boss = (hp: number | null): Boss => ({
  name: 'Ogre',
  monsterId: 1,
  maxHp: 1_000,
  hp,
  damage: 0,
  hits: 0,
  defeated: null,
});

/** A fight that goes on. */
const fight = (lastMs: number, hp: number | null, some: Parameters<typeof report>[0] = {}): FightFigures =>
  figuresOfReport(report({ reportId: 'now', lastMs, bosses: [boss(hp)], ...some }));

/** So much in each of so many seconds. */
const steady = (seconds: number, aSecond: number): Amounts =>
  amountsOfTimeline(
    timeline({
      buckets: seconds,
      players: [{ playerKey: 'a', damage: new Array<number>(seconds).fill(aSecond), healing: [], taken: null }],
    }),
  );

/** A relay that holds a wipe of a minute, with 100 damage a second. */
const api: Api = {
  ...({} as Api),
  raid: () =>
    Promise.resolve(
      raidPage({ reports: [summary({ reportId: 'before', outcome: 'wipe', totals: totals({ damage: 6_000 }) })] }),
    ),
  report: () =>
    Promise.resolve(
      report({ reportId: 'before', state: 'final', outcome: 'wipe', lastMs: 60_000, bosses: [boss(null)] }),
    ),
  timeline: () =>
    Promise.resolve(
      timeline({
        buckets: 60,
        players: [{ playerKey: 'a', damage: new Array<number>(60).fill(100), healing: [], taken: null }],
      }),
    ),
};

const text = (selector: string): string =>
  document.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? '';

describe('what one asks about a fight that goes on', () => {
  it('is a dash while it is not known, and who watches is not there where it is not told', () => {
    const env = new FakeEnv();
    const rest = { amounts: steady(30, 112), atMs: null, raid: '', watching: null, api, env, ticket: null };
    render(LiveFacts, { figures: fight(30_000, null), ...rest });
    expect([text('[data-pace]'), text('[data-to-kill]')]).toEqual(['–', '–']);
    expect(document.querySelector('[data-watching]')).toBeNull();
  });

  it('is told as soon as it is known, and follows who looks back', async () => {
    const env = new FakeEnv();
    const rest = { atMs: null, raid: 'RAID', watching: 12, api, env, ticket: 'tic+ket' };
    const first = { figures: fight(20_000, 900), amounts: steady(20, 112), ...rest };
    const { rerender } = render(LiveFacts, first);
    env.advance(10_000);
    await vi.waitUntil(() => text('[data-pace]') === '12% ahead of the best attempt');
    expect(document.querySelector<HTMLAnchorElement>('[data-pace] a')?.getAttribute('href')).toBe(
      '/reports/before?ticket=tic%2Bket',
    );
    expect([text('[data-to-kill]'), text('[data-watching]')]).toEqual(['–', '12']);
    await rerender({ ...first, figures: fight(30_000, 800), amounts: steady(30, 75) });
    expect(text('[data-pace]')).toBe('25% behind the best attempt');
    expect(text('[data-to-kill] [aria-hidden]')).toBe('1:20');
    // At a moment too early to say anything.
    await rerender({ ...first, figures: fight(5_000, 950), amounts: steady(30, 75), atMs: 5_000 });
    expect([text('[data-pace]'), text('[data-to-kill]')]).toEqual(['–', '–']);
    await rerender({ ...first, figures: fight(70_000, 700), amounts: steady(70, 75) });
    expect(text('[data-pace]')).toBe('Longer than the best attempt');
  });
});
