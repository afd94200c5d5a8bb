import { describe, expect, it } from 'vitest';
import { viewOfKeyframe } from '$lib/live/fold';
import { keyframe, feedFight, player, report, totals, UNTOLD, untoldReport } from '$lib/testing/samples';
import { attemptsOf } from './attempts';
import { idsBeside } from './details';
import {
  figuresOfFeed,
  figuresOfReport,
  isAscending,
  orderOf,
  pressed,
  rateOf,
  rateSeconds,
  SORT_DEFAULT,
  sortPlayers,
  totalOf,
  type Metric,
  type SortColumn,
} from './figures';
import { advanceTimer, elapsedMs, isQuiet, QUIET_MS } from './timer';

const never = (): never => {
  throw new Error('there is nobody');
};

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

  it('of whom a figure is not known come last, whichever way round, and are not the one with none', () => {
    const { players } = figuresOfReport(
      report({
        players: [
          player('a', { deaths: null, damageTaken: null, damage: 9 }),
          player('b', { deaths: 0, damageTaken: 0 }),
          player('c', { deaths: 2, damageTaken: 5 }),
        ],
      }),
    );
    for (const [column, turned, order] of [
      ['deaths', false, 'cba'],
      ['deaths', true, 'bca'],
      ['amount', false, 'cba'],
      ['amount', true, 'bca'],
      ['rate', true, 'bca'],
    ] as const) {
      const rows = sortPlayers(players, 'taken', { column, turned });
      expect(rows.map((row) => row.key).join('')).toBe(order);
    }
  });

  it('have their own order where nothing is known of the column that is asked for', () => {
    const { players } = figuresOfReport(untoldReport());
    const order = (column: SortColumn, metric: Metric): string =>
      orderOf({ column, turned: true }, players, metric).column;
    expect(order('deaths', 'damage')).toBe('amount');
    expect(order('crit', 'damage')).toBe('amount');
    expect(orderOf({ column: 'deaths', turned: true }, players, 'damage')).toBe(SORT_DEFAULT);
    for (const column of ['name', 'rate', 'hits'] as const) expect(order(column, 'damage')).toBe(column);
    const known = [{ ...(players[0] ?? never()), critHits: 1, deaths: 0, taken: 5 }];
    const by = (column: SortColumn, metric: Metric): string => orderOf({ column, turned: false }, known, metric).column;
    expect([by('deaths', 'taken'), by('crit', 'damage')]).toEqual(['deaths', 'crit']);
    expect([by('crit', 'healing'), by('hits', 'taken')]).toEqual(['amount', 'amount']);
  });

  it('have no figure of what is not known, and no rate of it', () => {
    const figures = figuresOfReport(untoldReport());
    expect(figures.players[0]).toMatchObject({ damage: 200, bossDamage: null, taken: null, deaths: null });
    expect(totalOf(figures.totals, 'taken')).toBeNull();
    expect([rateOf(null, 10), rateOf(0, 10), rateOf(50, 10)]).toEqual([null, 0, 5]);
  });

  it('of a feed have no figure of what it does not know', () => {
    const fight = viewOfKeyframe(
      keyframe({
        fight: feedFight({
          rows: [
            [200, -1, 0, -1, 20, 0, -1, -1, -1],
            [100, 0, 7, 0, 10, 1, 4, 2, 0],
          ],
        }),
      }),
    ).fight;
    if (fight === null) throw new Error('no fight');
    const [unknown, none] = figuresOfFeed(fight).players;
    expect(unknown).toMatchObject({ damage: 200, healing: 0, bossDamage: null, taken: null, deaths: null });
    expect(none).toMatchObject({ damage: 100, bossDamage: 0, taken: 0, deaths: 0 });
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

describe('skills of one name', () => {
  it('are told apart by their ids, and by the finer ones where those are the same', () => {
    const row = (name: string, skillId: number, variantId: number | null = null) => ({ name, skillId, variantId });
    const rows = [
      row('Moonblade', 1),
      row('Moonblade', 2),
      row('Frost', 3, 30),
      row('Frost', 3, 31),
      row('Frost', 3),
      row('Alone', 4, 40),
    ];
    const ids = idsBeside(rows, ({ name }) => name);
    expect(rows.map((one) => ids.get(one))).toEqual(['1', '2', '3/30', '3/31', '3', undefined]);
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

  it('have no deaths and no damage to bosses where the source tells none at all, but what it tells of one', () => {
    const told = rows.map((one, at) => ({ ...one, deaths: at === 1 ? 3 : 0, bossDamage: at === 1 ? 60 : 0 }));
    const unknown = shown({ attempts: told, totals: totals(UNTOLD) });
    expect(unknown.map((one) => [one.deaths, one.bossDamage])).toEqual([
      [null, null],
      [3, 60],
      [null, null],
    ]);
    expect(shown({ attempts: told }).map((one) => one.deaths)).toEqual([0, 3, 0]);
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
