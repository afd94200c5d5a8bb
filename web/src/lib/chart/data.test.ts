import { describe, expect, it } from 'vitest';
import { contrast } from '$lib/format/game';
import { viewOfKeyframe, type FightView } from '$lib/live/fold';
import { feedFight, keyframe, timeline } from '$lib/testing/samples';
import type { Bucket } from '$lib/wire/types';
import { CLASSES } from '$lib/wire/game';
import { fullHex, lineColor } from './color';
import { amountsOfFeed, amountsOfTimeline, chartData, NO_AMOUNTS, rolling, summarize } from './data';

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
    // A new attempt begins at the third, and one before the first second.
    expect(rolling([10, 20, 60, 0, 30], 3, [-4, 2])).toEqual([10, 15, 60, 30, 30]);
    expect(rolling([10, 20], 3, [7])).toEqual([10, 15]);
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

  it('has lines that can be seen on both papers', () => {
    for (const paper of ['#141820', '#ffffff']) {
      for (const { color } of CLASSES) expect(contrast(lineColor(color, paper), paper)).toBeGreaterThanOrEqual(3);
    }
    expect(fullHex('#fa0')).toBe('#ffaa00');
    expect(fullHex('#ffaa00')).toBe('#ffaa00');
  });
});
