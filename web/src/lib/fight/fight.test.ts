import { describe, expect, it } from 'vitest';
import { feedFight, keyframe, player, report, totals } from '$lib/testing/samples';
import { viewOfKeyframe } from '$lib/live/fold';
import { figuresOfFeed, figuresOfReport, rateSeconds, sortPlayers, totalOf } from './figures';
import { advanceTimer, elapsedMs, isQuiet, QUIET_MS } from './timer';

describe('players', () => {
  it('are ordered by the metric; ties by name, so that they never flicker', () => {
    const { players } = figuresOfReport(
      report({
        players: [
          player('c', { damage: 5, healing: 9 }),
          player('b', { damage: 5 }),
          player('a', { damage: 7, deaths: 1 }),
        ],
      }),
    );
    const keys = (...by: [Parameters<typeof sortPlayers>[1], Parameters<typeof sortPlayers>[2]?]): string =>
      sortPlayers(players, ...by)
        .map((row) => row.key)
        .join('');
    expect(keys('damage')).toBe('abc');
    expect(keys('healing')).toBe('cab');
    expect(keys('damage', 'deaths')).toBe('abc');
    expect(sortPlayers([...players].reverse(), 'damage').map((row) => row.key)).toEqual(['a', 'b', 'c']);
  });

  it('have the sums of the relay, not ours', () => {
    expect(totalOf(totals({ damage: 1, healing: 2, damageTaken: 3 }), 'taken')).toBe(3);
  });

  it('have rates over the time in which damage was dealt, or healing done', () => {
    const time = (firstMs: number, lastMs: number) => ({ firstMs, lastMs, durationMs: lastMs - firstMs });
    const kept = figuresOfReport(report({ damageTime: time(60_000, 120_000), healingTime: time(0, 0) }));
    const { fight } = viewOfKeyframe(
      keyframe({ fight: feedFight({ head: { ...feedFight().head, damageMs: [60_000, 120_000], healingMs: [0, 0] } }) }),
    );
    if (fight === null) throw new Error('a fight was given');
    for (const figures of [kept, figuresOfFeed(fight)]) {
      expect(rateSeconds(figures, 'damage', 120_000)).toBe(60);
      expect(rateSeconds(figures, 'healing', 120_000)).toBe(1);
      expect(rateSeconds(figures, 'taken', 120_000)).toBe(120);
    }
  });

  it('have rates over the whole fight where nobody knows when it came, and in old reports', () => {
    const old: Record<string, unknown> = { ...report({ damageTime: null }) };
    delete old.healingTime;
    const figures = figuresOfReport(old as unknown as ReturnType<typeof report>);
    expect(rateSeconds(figures, 'damage', 30_000)).toBe(30);
    expect(rateSeconds(figures, 'healing', 30_000)).toBe(30);
  });
});

describe('the timer of a live fight', () => {
  it('goes on between frames', () => {
    const timer = advanceTimer(null, 1_000, 11_000, 500_000);
    expect(elapsedMs(timer, 500_000, false)).toBe(10_000);
    expect(elapsedMs(timer, 500_700, false)).toBe(10_700);
  });

  it('stands at the last combat event when the fight has ended, is idle, or is quiet', () => {
    const timer = advanceTimer(null, 1_000, 11_000, 500_000);
    expect(elapsedMs(timer, 500_700, true)).toBe(10_000);
    const later = 500_000 + QUIET_MS + 1;
    expect(isQuiet(timer, later)).toBe(true);
    expect(elapsedMs(timer, later, false)).toBe(10_000);
  });

  it('does not jump with frames that come early or late', () => {
    let timer = advanceTimer(null, 0, 10_000, 500_000);
    for (let i = 1; i <= 50; i++) {
      const before = elapsedMs(timer, 500_000 + i * 200, false);
      timer = advanceTimer(timer, 0, 10_000 + i * 200 - (i % 3) * 60, 500_000 + i * 200);
      const jump = elapsedMs(timer, 500_000 + i * 200, false) - before;
      // Frames are up to 120 ms late.
      expect(Math.abs(jump)).toBeLessThan(80);
    }
  });

  it('is set anew when the fight was elsewhere meanwhile', () => {
    const timer = advanceTimer(advanceTimer(null, 0, 10_000, 500_000), 0, 12_000, 560_000);
    expect(elapsedMs(timer, 560_000, false)).toBe(12_000);
  });
});
