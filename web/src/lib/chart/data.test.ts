import { describe, expect, it } from 'vitest';
import { contrast } from '$lib/format/game';
import { viewOfKeyframe, type FightView } from '$lib/live/fold';
import { feedFight, keyframe, timeline } from '$lib/testing/samples';
import type { Bucket } from '$lib/wire/types';
import { CLASSES } from '$lib/wire/game';
import { Dashes, fullHex, lineColor } from './color';
import {
  breaksOf,
  amountsOfFeed,
  amountsOfTimeline,
  chartData,
  NO_AMOUNTS,
  recentRates,
  rolling,
  summarize,
} from './data';

function fight(buckets: Bucket[]): FightView {
  const held = viewOfKeyframe(keyframe({ fight: feedFight({ buckets }) })).fight;
  if (held === null) throw new Error('no fight');
  return held;
}
const bucket = (s: number, d: number[], h: number[] = [], x: number[] = []): Bucket => ({ s, d, h, x });

describe('amounts by second', () => {
  it('come from buckets, with nothing where there is none', () => {
    const amounts = amountsOfFeed(fight([bucket(2, [0, 5, 1, 7]), bucket(4, [1, 9], [0, 3], [1, 2])]), null);
    expect(amounts).toMatchObject({ firstSecond: 2, seconds: 3 });
    expect(amounts.players.get('a')).toEqual({ damage: [5, 0, 0], healing: [0, 0, 3], taken: [0, 0, 0] });
    expect(amounts.players.get('b')).toEqual({ damage: [7, 0, 9], healing: [0, 0, 0], taken: [0, 0, 2] });
  });

  it('come from HTTP before the first bucket, and from the feed from there on', () => {
    const earlier = amountsOfTimeline(
      timeline({
        firstSecond: 0,
        buckets: 4,
        players: [{ playerKey: 'a', damage: [1, 2, 3, 4], healing: [0, 0, 0, 0], taken: [0, 0, 0, 0] }],
      }),
    );
    const amounts = amountsOfFeed(fight([bucket(3, [0, 40]), bucket(4, [0, 50])]), earlier);
    expect(amounts.firstSecond).toBe(0);
    expect(amounts.players.get('a')?.damage).toEqual([1, 2, 3, 40, 50]);
    expect(amounts.players.get('b')?.damage).toEqual([0, 0, 0, 0, 0]);
  });

  it('are none of an empty fight', () => {
    expect(amountsOfFeed(fight([]), null)).toBe(NO_AMOUNTS);
    expect(summarize(chartData(NO_AMOUNTS, 'damage', 5, ['a'], 0))).toBeNull();
  });
});

describe('the rolling mean', () => {
  it('is of the seconds that there are, at most the window', () => {
    expect(rolling([10, 20, 60, 0], 1)).toEqual([10, 20, 60, 0]);
    expect(rolling([10, 20, 60, 0], 2)).toEqual([10, 15, 40, 30]);
    expect(rolling([10, 20, 60], 30)).toEqual([10, 15, 30]);
    expect(rolling([], 5)).toEqual([]);
  });

  it('begins anew where another attempt does', () => {
    expect(rolling([10, 20, 60, 0, 8, 4], 30, new Set([3, 4]))).toEqual([10, 15, 30, 0, 8, 6]);
    expect(rolling([10, 20, 60, 0, 8, 4], 2, new Set([4]))).toEqual([10, 15, 40, 30, 8, 6]);
    const amounts = amountsOfFeed(fight([0, 1, 2, 3, 4].map((s) => bucket(s, [0, 10 * (s + 1)]))), null);
    const attempts = [
      { startMs: 200, endMs: 2_100 },
      { startMs: 4_000, endMs: null },
    ];
    // The wipe was in the third second, the next pull begins with the fifth.
    expect(chartData(amounts, 'damage', 30, ['a'], 0, breaksOf(attempts)).total).toEqual([10, 15, 20, 40, 50]);
  });
});

describe('a chart', () => {
  it('adds up the raid, orders lines as asked, and begins where the fight does', () => {
    const amounts = amountsOfFeed(fight([bucket(2, [0, 5, 1, 7]), bucket(3, [1, 9])]), null);
    const data = chartData(amounts, 'damage', 1, ['b', 'nobody', 'a'], 2_400);
    expect(data.x).toEqual([0, 1]);
    expect(data.total).toEqual([12, 9]);
    expect(data.lines.map((line) => line.key)).toEqual(['b', 'a']);
    expect(summarize(data)).toEqual({ peak: 12, peakAtMs: 0, mean: 10.5 });
  });

  it('has nothing to draw where nobody tells when, and no line of whom it is not told', () => {
    const series = { damage: [5, 5], healing: [0, 0], taken: null };
    const held = (some: number[] | null): ReturnType<typeof amountsOfTimeline> =>
      amountsOfTimeline(
        timeline({
          buckets: 2,
          players: [
            { playerKey: 'a', ...series },
            { playerKey: 'b', ...series, taken: some },
          ],
        }),
      );
    expect(summarize(chartData(held(null), 'taken', 1, ['a', 'b'], 0))).toBeNull();
    expect(chartData(held(null), 'damage', 1, ['a', 'b'], 0).total).toEqual([10, 10]);
    const some = chartData(held([3, 4]), 'taken', 1, ['a', 'b'], 0);
    expect([some.total, some.lines.map((line) => line.key)]).toEqual([[3, 4], ['b']]);
    const feed = amountsOfFeed(fight([bucket(2, [0, 1])]), held(null));
    expect(feed.players.get('a')).toMatchObject({ damage: [5, 5, 1], taken: [0, 0, 0] });
  });

  it('gives each line of a colour its own dash, and never another one', () => {
    const dashes = new Dashes();
    const line = (key: string, color = '#ff0000'): { key: string; color: string } => ({ key, color });
    expect(dashes.of([line('b'), line('d'), line('x', '#00ff00')])).toEqual([0, 1, 0]);
    expect(dashes.of([line('a'), line('b'), line('d')])).toEqual([2, 0, 1]);
    expect(dashes.of([line('d')])).toEqual([1]);
    // Its class became known.
    expect(dashes.of([line('d', '#00ff00')])).toEqual([1]);
  });

  it('has lines that can be seen on both papers', () => {
    for (const paper of ['#141820', '#ffffff']) {
      for (const { color } of CLASSES) expect(contrast(lineColor(color, paper), paper)).toBeGreaterThanOrEqual(3);
    }
    expect(fullHex('#fa0')).toBe('#ffaa00');
    expect(fullHex('#ffaa00')).toBe('#ffaa00');
  });
});

describe('rates of late', () => {
  const told = {
    firstSecond: 2,
    seconds: 6,
    players: new Map([
      ['a', { damage: [10, 20, 30, 40, 50, 60], healing: [], taken: null }],
      ['b', { damage: null, healing: [], taken: null }],
    ]),
  };
  const of = (window: number, untilMs: number, breaks: number[] = []): number | undefined =>
    recentRates(told, 'damage', window, untilMs, breaks)?.get('a');

  it('are means of the whole seconds before a moment, or of as many as there were', () => {
    expect([of(2, 6_000), of(2, 6_999), of(1, 8_000), of(30, 5_000)]).toEqual([35, 35, 60, 20]);
    // What has not come yet is not counted as none.
    expect(of(2, 90_000)).toBe(55);
    expect(of(2, 1_000)).toBe(0);
  });

  it('are never of both sides of a break', () => {
    expect(of(5, 8_000, [6_000])).toBe(55);
    expect(of(2, 6_000, [6_000])).toBe(35);
  });

  it('are not there where nothing is told', () => {
    expect(recentRates(told, 'taken', 5, 8_000)).toBeNull();
    expect(recentRates(told, 'damage', 5, 8_000)?.has('b')).toBe(false);
  });
});
