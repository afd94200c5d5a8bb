import { describe, expect, it } from 'vitest';
import { player, report, totals } from '$lib/testing/samples';
import { attemptsOf } from './attempts';
import { figuresOfReport, isAscending, pressed, rateSeconds, SORT_DEFAULT, sortPlayers, totalOf } from './figures';
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
    expect(keys('damage', { column: 'deaths', turned: false })).toBe('abc');
    expect(keys('damage', { column: 'amount', turned: true })).toBe('bca');
    expect(keys('damage', { column: 'rate', turned: false })).toBe('abc');
    expect(keys('damage', { column: 'share', turned: true })).toBe('bca');
    expect(keys('damage', { column: 'name', turned: false })).toBe('abc');
    expect(keys('damage', { column: 'name', turned: true })).toBe('cba');
    expect(sortPlayers([...players].reverse(), 'damage').map((row) => row.key)).toEqual(['a', 'b', 'c']);
  });

  it('whose criticals nobody knows come last, whichever way round', () => {
    const { players } = figuresOfReport(
      report({
        players: [
          player('a', { hits: 10, critHits: 5 }),
          player('b', { hits: 10, critHits: null }),
          player('c', { hits: 10, critHits: 9 }),
        ],
      }),
    );
    for (const [turned, order] of [
      [false, 'cab'],
      [true, 'acb'],
    ] as const) {
      const rows = sortPlayers(players, 'damage', { column: 'crit', turned });
      expect(rows.map((row) => row.key).join('')).toBe(order);
    }
  });

  it('are turned round by a second press on the same head', () => {
    const once = pressed(SORT_DEFAULT, 'name');
    expect([once, isAscending(once)]).toEqual([{ column: 'name', turned: false }, true]);
    const twice = pressed(once, 'name');
    expect([twice, isAscending(twice)]).toEqual([{ column: 'name', turned: true }, false]);
    expect(pressed(twice, 'rate')).toEqual({ column: 'rate', turned: false });
    expect(isAscending(pressed(SORT_DEFAULT, 'amount'))).toBe(true);
  });

  it('have the sums of the relay, not ours', () => {
    expect(totalOf(totals({ damage: 1, healing: 2, damageTaken: 3 }), 'taken')).toBe(3);
  });
});

describe('rates', () => {
  it('are taken over the time in which something was done, where that is told, and over a second at least', () => {
    const told = { ...report(), damageTime: { firstMs: 2_000, lastMs: 7_000, durationMs: 5_000 }, healingTime: null };
    const figures = figuresOfReport(told);
    expect(rateSeconds(figures, 'damage', 10_000)).toBe(5);
    expect(rateSeconds(figures, 'healing', 10_000)).toBe(10);
    expect(rateSeconds(figuresOfReport(report()), 'damage', 10_000)).toBe(10);
    const short = { ...report(), damageTime: { firstMs: 2_000, lastMs: 2_000, durationMs: 0 } };
    expect(rateSeconds(figuresOfReport(short), 'damage', 10_000)).toBe(1);
  });
});

describe('attempts', () => {
  const row = {
    endMs: null,
    reason: 'initial',
    bossHpStart: null,
    bossHpEnd: null,
    deaths: 0,
    outcome: 'unknown' as const,
    bossDamage: null,
  };
  const rows = [
    { ...row, index: 1, startMs: 0, endMs: 30_000, bossHpStart: 100, bossHpEnd: 40, deaths: 5 },
    { ...row, index: 2, startMs: 40_000, endMs: 60_000, reason: 'wipe', bossHpStart: 100, bossHpEnd: 80 },
    { ...row, index: 3, startMs: 61_000, endMs: 90_900, reason: 'rollback', bossHpStart: 100, bossHpEnd: 0 },
  ];
  const shown = (some: Parameters<typeof report>[0]): ReturnType<typeof attemptsOf> =>
    attemptsOf(figuresOfReport(report({ firstMs: 500, lastMs: 90_400, attempts: rows, ...some })));

  it('end as the next one says why it began, and the last as the fight', () => {
    const words = (some: Parameters<typeof report>[0]): string[] => shown(some).map((one) => one.outcome);
    expect(words({ state: 'final', outcome: 'kill' })).toEqual(['wipe', 'reset', 'kill']);
    expect(words({ state: 'final', outcome: 'wipe' })).toEqual(['wipe', 'reset', 'wipe']);
    expect(words({ state: 'final', outcome: 'unknown' })).toEqual(['wipe', 'reset', 'kill']);
    expect(words({ attempts: rows.map((one) => ({ ...one, endMs: one.index === 3 ? null : one.endMs })) })).toEqual([
      'wipe',
      'reset',
      'running',
    ]);
  });

  it('end as the relay says, where it does', () => {
    const told = rows.map((one) => ({ ...one, outcome: 'kill' as const, bossDamage: 60 }));
    const [first] = shown({ state: 'final', outcome: 'wipe', attempts: told });
    expect(first).toMatchObject({ outcome: 'kill', bossLeft: null, bossDamage: 60 });
  });

  it('tell what was left of the boss, but not of one that died', () => {
    expect(shown({ state: 'final', outcome: 'kill' }).map((one) => one.bossLeft)).toEqual([0.4, 0.8, null]);
  });

  it('lie within the fight, so that all its times end alike', () => {
    const [first, , last] = shown({ state: 'final', outcome: 'kill' });
    expect([first?.fromMs, last?.toMs]).toEqual([500, 90_400]);
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
