import { describe, expect, it } from 'vitest';
import type { Amounts } from '$lib/chart/data';
import { report, summary, totals } from '$lib/testing/samples';
import type { AttemptRow, ReportSummary } from '$lib/wire/types';
import { figuresOfReport, type FightFigures } from './figures';
import {
  bestOf,
  candidatesOf,
  isBetter,
  LOOKED_INTO_MAX,
  mayBeat,
  paceOf,
  presentTry,
  sumsOf,
  triesOf,
  type Sums,
  type Try,
} from './pace';

function one(some: Partial<Try> = {}): Try {
  return { reportId: 'r', index: null, kill: false, fromMs: 0, toMs: 60_000, left: null, reached: 100, ...some };
}

function attempt(index: number, some: Partial<AttemptRow> = {}): AttemptRow {
  return {
    index,
    startMs: 0,
    endMs: null,
    reason: 'initial',
    bossHpStart: null,
    bossHpEnd: null,
    deaths: 0,
    outcome: 'unknown',
    bossDamage: null,
    ...some,
  };
}

/** So much a second, by one player of two, in each of these seconds. */
function sums(seconds: readonly number[], firstSecond = 0): Sums {
  const amounts: Amounts = {
    firstSecond,
    seconds: seconds.length,
    players: new Map([
      ['a', { damage: [...seconds], healing: null, taken: null }],
      ['b', { damage: null, healing: null, taken: null }],
    ]),
  };
  const made = sumsOf(amounts);
  if (made === null) throw new Error('nothing is told');
  return made;
}

const fight = (some: Parameters<typeof report>[0] = {}): FightFigures =>
  figuresOfReport(
    report({
      bosses: [{ name: 'Ogre', monsterId: 1, maxHp: null, hp: null, damage: 0, hits: 0, defeated: null }],
      ...some,
    }),
  );

describe('the best attempt', () => {
  it('is the quickest kill; without one what left least of the boss, or reached most', () => {
    const [slow, quick] = [one({ kill: true, toMs: 90_000 }), one({ kill: true, toMs: 80_000, reached: 1 })];
    expect(bestOf([one({ reached: 900 }), slow, quick])).toBe(quick);
    expect(isBetter(one({ left: 0.2, reached: 5 }), one({ left: 0.3, reached: 9 }))).toBe(true);
    expect(isBetter(one({ reached: 5 }), one({ left: 0.3, reached: 9 }))).toBe(false);
    expect(isBetter(one({ reached: null }), one({ reached: 0 }))).toBe(false);
    expect(bestOf([])).toBeNull();
  });

  it('is looked for in fights at the same boss that are over, kills first', () => {
    const of = (reportId: string, some: Partial<ReportSummary> = {}): ReportSummary =>
      summary({ reportId, outcome: 'wipe', ...some });
    const list = [
      of('r1', { outcome: 'kill' }),
      of('other boss', { bosses: ['Imp', 'Ogre'] }),
      of('harder', { encounter: { scene: 'Valley', sceneId: 1, difficulty: 3 } }),
      of('goes on', { state: 'live' }),
      of('not taken', { stub: true }),
      of('less', { totals: totals({ damage: 9, bossDamage: 3 }) }),
      of('more', { totals: totals({ damage: 8, bossDamage: 7 }) }),
      of('old kill', { outcome: 'kill', startedAtMs: 1 }),
      of('new kill', { outcome: 'kill', startedAtMs: 2 }),
    ];
    const names = (some: ReportSummary[]): string[] => some.map((row) => row.reportId);
    expect(names(candidatesOf(list, fight()))).toEqual(['new kill', 'old kill', 'more', 'less']);
    expect(candidatesOf(list, fight({ bosses: [] }))).toEqual([]);
    const many = Array.from({ length: 50 }, (_, at) =>
      of(`w${at}`, { totals: totals({ damage: at, bossDamage: at }) }),
    );
    expect(names(candidatesOf(many, fight()))).toEqual(
      ['w49', 'w48', 'w47', 'w46', 'w45', 'w44'].slice(0, LOOKED_INTO_MAX),
    );
  });

  it('is not looked for where none can be', () => {
    const wipe = summary({ outcome: 'wipe', totals: totals({ damage: 900, bossDamage: 500 }) });
    expect(mayBeat(wipe, null)).toBe(true);
    expect(mayBeat(wipe, one({ kill: true }))).toBe(false);
    expect(mayBeat(wipe, one({ reached: 499 }))).toBe(true);
    expect(mayBeat(wipe, one({ reached: 500 }))).toBe(false);
    // How much of the boss that left is not in the list.
    expect(mayBeat(wipe, one({ reached: 900, left: 0.5 }))).toBe(true);
    expect(mayBeat(summary(), one({ kill: true, toMs: 1 }))).toBe(true);
  });

  it('is one of those that are over, of a fight with several', () => {
    const attempts = [
      attempt(1, { endMs: 30_000, bossHpStart: 100, bossHpEnd: 40, bossDamage: 60 }),
      attempt(2, { startMs: 40_000, reason: 'wipe' }),
    ];
    const live = fight({ firstMs: 1_000, lastMs: 50_000, attempts });
    expect(triesOf(live)).toEqual([
      { reportId: 'r1', index: 1, kill: false, fromMs: 1_000, toMs: 30_000, left: 0.4, reached: 60 },
    ]);
    expect(presentTry(live)).toEqual({ fromMs: 40_000, index: 2 });
    const ended = attempts.map((row) => ({ ...row, endMs: row.endMs ?? 45_000 }));
    expect(presentTry(fight({ attempts: ended }))).toBeNull();
    expect([presentTry(fight({ firstMs: 700 })), triesOf(fight())]).toEqual([{ fromMs: 700, index: null }, []]);
    const killed = triesOf(fight({ state: 'final', outcome: 'kill', totals: totals({ damage: 9, bossDamage: 8 }) }));
    expect(killed).toMatchObject([{ index: null, kill: true, toMs: 10_000, reached: 8 }]);
  });
});

describe('pace', () => {
  const steady = (aSecond: number, seconds = 60): Sums => sums(new Array<number>(seconds).fill(aSecond));

  it('is what was dealt against the best attempt after the same time', () => {
    const best = one();
    expect(paceOf(steady(112, 20), 0, 20_000, best, steady(100))).toEqual({ kind: 'ahead', share: 112 / 100 - 1 });
    const behind = paceOf(steady(75, 20), 0, 20_000, best, steady(100));
    expect(behind).toEqual({ kind: 'ahead', share: -0.25 });
    // A moment that is looked back to: what came after it does not count.
    const late = sums([...new Array<number>(20).fill(50), ...new Array<number>(20).fill(950)]);
    expect(paceOf(late, 0, 20_000, best, steady(100))).toEqual({ kind: 'ahead', share: -0.5 });
  });

  it('counts from when each of them began, also within a second', () => {
    const best = one({ fromMs: 5_500, toMs: 60_000 });
    // Only what was dealt since: the first half second of it was of something else.
    const bestSums = sums([...new Array<number>(5).fill(9_999), ...new Array<number>(55).fill(100)]);
    const now = sums(new Array<number>(40).fill(100), 100);
    const pace = paceOf(now, 110_250, 140_000, best, bestSums);
    expect(pace.kind === 'ahead' ? pace.share : null).toBeCloseTo(0, 6);
  });

  it('is not known too early, without a best attempt that tells when, or where the beginning is not known', () => {
    const best = one();
    for (const pace of [
      paceOf(steady(100, 9), 0, 9_900, best, steady(100)),
      paceOf(null, 0, 30_000, best, steady(100)),
      paceOf(steady(100), 0, 30_000, best, null),
      paceOf(sums(new Array<number>(40).fill(100), 20), 0, 60_000, best, steady(100)),
      paceOf(steady(100), 0, 30_000, best, sums(new Array<number>(40).fill(100), 20)),
      paceOf(steady(100), 0, 30_000, best, steady(0)),
    ]) {
      expect(pace).toEqual({ kind: 'unknown' });
    }
  });

  it('ends where the best attempt did', () => {
    expect(paceOf(steady(100), 0, 30_000, one({ toMs: 29_000 }), steady(100, 29))).toEqual({ kind: 'longer' });
  });

  it('has no sums of what has no time', () => {
    const untold: Amounts = {
      firstSecond: 0,
      seconds: 5,
      players: new Map([['a', { damage: null, healing: [1], taken: null }]]),
    };
    expect(sumsOf(untold)).toBeNull();
  });
});
