import { describe, expect, it } from 'vitest';
import type { NightFight } from '$lib/api/types';
import { summary, totals } from '$lib/testing/samples';
import type { AttemptRow, ReportSummary } from '$lib/wire/types';
import { pullsOf, rowsOf, sparkline, totalsOf, trendsOf } from './night';

function attempt(index: number, some: Partial<AttemptRow> = {}): AttemptRow {
  const [startMs, endMs] = [(index - 1) * 60_000, index * 60_000];
  return {
    index,
    startMs,
    endMs,
    reason: 'initial',
    bossHpStart: 1000,
    bossHpEnd: null,
    deaths: 0,
    outcome: 'wipe',
    bossDamage: null,
    ...some,
  };
}

function told(line: ReportSummary, some: Partial<NightFight> = {}): NightFight {
  return { report: line, firstMs: 0, boss: null, attempts: [], players: [], ...some };
}

function player(playerKey: string, dps: number, deaths: number | null = 0): NightFight['players'][number] {
  return { playerKey, name: playerKey.toUpperCase(), classId: 1, specId: 1, damage: 1, dps, deaths };
}

/** Fights in their order, as a list that has the newest first, and what is told of them. */
function evening(...fights: NightFight[]): ReturnType<typeof rowsOf> {
  const lines = fights.map(({ report }) => report).reverse();
  return rowsOf(lines, Object.fromEntries(fights.map((fight) => [fight.report.reportId, fight])));
}

describe('the pulls of an evening', () => {
  const wipe = summary({ reportId: 'a', outcome: 'wipe', durationMs: 90_000 });
  const tries = summary({ reportId: 'b', outcome: 'kill', durationMs: 180_000 });

  it('are attempts where a fight has several, else fights, and are numbered over all of it', () => {
    const pulls = pullsOf(
      evening(
        told(wipe, {
          boss: { name: 'Ogre', monsterId: null, maxHp: 1000, hp: 430, damage: 570, hits: 1, defeated: false },
        }),
        told(tries, {
          attempts: [
            attempt(1, { bossHpEnd: 620 }),
            attempt(2, { bossHpEnd: 120, reason: 'wipe' }),
            attempt(3, { bossHpEnd: 0, outcome: 'kill' }),
          ],
        }),
      ),
    );
    expect(pulls.map((pull) => [pull.number, pull.reportId, pull.attempt, pull.outcome, pull.bossLeft])).toEqual([
      [1, 'a', null, 'wipe', 0.43],
      [2, 'b', 1, 'wipe', 0.62],
      [3, 'b', 2, 'wipe', 0.12],
      [4, 'b', 3, 'kill', null],
    ]);
    expect(pulls.map(({ durationMs }) => durationMs)).toEqual([90_000, 60_000, 60_000, 60_000]);
    expect(pulls.filter(({ best }) => best).map(({ number }) => number)).toEqual([4]);
  });

  it('have the one as best that got furthest of its boss, where something tells that and there are others', () => {
    const line = (reportId: string, some: Partial<ReportSummary>): NightFight => told(summary({ reportId, ...some }));
    const best = (...fights: NightFight[]): string[] =>
      pullsOf(evening(...fights))
        .filter((pull) => pull.best)
        .map(({ reportId }) => reportId);
    const [slow, fast] = [line('slow', { durationMs: 200_000 }), line('fast', { durationMs: 100_000 })];
    expect(best(slow, fast)).toEqual(['fast']);
    expect(best(slow)).toEqual([]);
    expect(best(slow, line('other', { bosses: ['Golem'] }))).toEqual([]);
    // A wipe of which no health is known says nothing of how far it got.
    expect(best(line('x', { outcome: 'wipe' }), line('y', { outcome: 'wipe' }))).toEqual([]);
  });

  it('guess nothing: of what is not told in full there are the fight’s own words, of another reading too', () => {
    const rows = rowsOf([summary({ reportId: 'b', revision: 2, outcome: 'wipe' })], { b: told(tries) });
    expect(pullsOf(rows)).toMatchObject([{ reportId: 'b', outcome: 'wipe', bossLeft: null, attempt: null }]);
    const live = summary({ reportId: 'c', state: 'live', outcome: 'unknown' });
    expect(pullsOf(rowsOf([live], {}))[0]?.outcome).toBe('live');
    expect(pullsOf(rowsOf([summary({ stub: true })], {}))).toEqual([]);
  });

  it('come to what the evening was', () => {
    const rows = evening(
      told(summary({ ...wipe, totals: totals({ deaths: 7 }) })),
      told(summary({ ...tries, totals: totals({ deaths: null }) })),
      told(summary({ reportId: 'c', state: 'live', totals: totals({ deaths: 3 }) })),
    );
    expect(totalsOf(rows, pullsOf(rows))).toEqual({ fightMs: 270_000, kills: 1, wipes: 1, deaths: 7 });
    const untold = evening(told(summary({ totals: totals({ deaths: null }) })));
    expect(totalsOf(untold, pullsOf(untold)).deaths).toBeNull();
  });
});

describe('a player over an evening', () => {
  it('has the damage a second of each fight, and a gap where he was not in it', () => {
    const fight = (reportId: string, ...players: NightFight['players']): NightFight =>
      told(summary({ reportId }), { players });
    const trends = trendsOf(
      evening(
        fight('a', player('x', 100, 2), player('y', 300)),
        fight('b', player('y', 100, null)),
        fight('c', player('x', 200, 1)),
      ),
    );
    expect(trends.map(({ playerKey, dps }) => [playerKey, dps])).toEqual([
      ['y', [300, 100, null]],
      ['x', [100, null, 200]],
    ]);
    expect(trends[1]).toMatchObject({ best: 200, mean: 150, fights: 2, deaths: 3 });
  });

  it('is drawn as a line that breaks where nothing is, and a dot where one value stands alone', () => {
    expect(sparkline([0, 50, null, 100], 100, 90, 20)).toBe('M0.0 20.0h0L30.0 10.0M90.0 0.0h0');
    expect(sparkline([5], 10, 90, 20)).toBe('M45.0 10.0h0');
    expect([sparkline([], 10, 90, 20), sparkline([0, 0], 0, 10, 20)]).toEqual(['', 'M0.0 20.0h0L10.0 20.0']);
  });
});
