import { describe, expect, it } from 'vitest';
import type { Boss } from '$lib/wire/types';
import { HealthTrend, TREND_LEAST_MS, TREND_MS } from './health';

function boss(hp: number | null, some: Partial<Boss> = {}): Boss {
  return { name: 'Ogre', monsterId: 1, maxHp: 1_000, hp, damage: 0, hits: 0, defeated: null, ...some };
}

/** Told every 100 ms, from one moment to another, losing so much a second. */
function told(trend: HealthTrend, fromMs: number, toMs: number, hp: number, aSecond: number): number {
  let left = hp;
  for (let at = fromMs; at <= toMs; at += 100) {
    left = hp - ((at - fromMs) / 1_000) * aSecond;
    trend.add('r1', at, [boss(left)]);
  }
  return left;
}

describe('the time until a boss is dead', () => {
  it('is known after some seconds in which its health was told, from how fast it went', () => {
    const trend = new HealthTrend();
    const early = told(trend, 0, TREND_LEAST_MS - 100, 1_000, 10);
    expect(trend.timeToKill([boss(early)])).toBeNull();
    const left = told(trend, TREND_LEAST_MS, 10_000, 950, 10);
    expect(left).toBe(900);
    expect(trend.timeToKill([boss(left)])).toBeCloseTo(90_000, 3);
  });

  it('is of what happened of late alone', () => {
    const trend = new HealthTrend();
    const slow = told(trend, 0, 60_000, 1_000, 1);
    told(trend, 60_000, 60_000 + TREND_MS + 1_000, slow, 20);
    const left = slow - 20 * (TREND_MS / 1_000 + 1);
    expect((trend.timeToKill([boss(left)]) ?? 0) / 1_000).toBeCloseTo(left / 20, 0);
  });

  it('is not known where its health is not, does not fall, or is whole again', () => {
    const trend = new HealthTrend();
    for (let at = 0; at < 20_000; at += 1_000) trend.add('r1', at, [boss(null, { damage: at })]);
    expect(trend.timeToKill([boss(null)])).toBeNull();
    told(trend, 20_000, 40_000, 500, 0);
    expect(trend.timeToKill([boss(500)])).toBeNull();
    told(trend, 40_000, 60_000, 500, 10);
    trend.add('r1', 60_100, [boss(1_000)]);
    expect(trend.timeToKill([boss(1_000)])).toBeNull();
    // Another fight says nothing of this one.
    told(trend, 70_000, 80_000, 900, 10);
    trend.add('r2', 0, [boss(800)]);
    expect(trend.timeToKill([boss(800)])).toBeNull();
  });

  it('is that of the last to die, and none where one of them is not known', () => {
    const trend = new HealthTrend();
    const [ogre, imp] = [(hp: number) => boss(hp), (hp: number | null) => boss(hp, { name: 'Imp', monsterId: 2 })];
    for (let s = 0; s <= 10; s++) trend.add('r1', s * 1_000, [ogre(500 - 10 * s), imp(100 - 5 * s)]);
    expect(trend.timeToKill([ogre(400), imp(50)])).toBe(40_000);
    expect(trend.timeToKill([ogre(400), boss(0, { name: 'Imp', monsterId: 2, defeated: true })])).toBe(40_000);
    expect(trend.timeToKill([ogre(400), boss(null, { name: 'Elf', monsterId: 3 })])).toBeNull();
    expect(trend.timeToKill([])).toBeNull();
    // Which of two that are called alike lost it is not known.
    for (let s = 11; s <= 20; s++) trend.add('r1', s * 1_000, [ogre(400 - 10 * s), ogre(300)]);
    expect(trend.timeToKill([ogre(200), ogre(300)])).toBeNull();
  });

  it('is of what was seen since somebody looked back', () => {
    const trend = new HealthTrend();
    told(trend, 0, 30_000, 1_000, 10);
    trend.add('r1', 5_000, [boss(950)]);
    expect(trend.timeToKill([boss(950)])).toBeNull();
    told(trend, 5_100, 15_000, 950, 20);
    expect(trend.timeToKill([boss(752)])).not.toBeNull();
  });
});
