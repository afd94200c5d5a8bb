import { describe, expect, it } from 'vitest';
import { player, report, totals, untoldReport } from '$lib/testing/samples';
import { COLUMNS, columnsOf, isUsual, knownColumns, layOut, roleOf, USUAL, valueOf, VIEWS, viewOf } from './columns';
import { figuresOfReport } from './figures';

const ALL = new Set(COLUMNS);

describe('a player’s role', () => {
  it('is that of the spec, or of a class whose specs are all for one thing, and else not known', () => {
    expect(roleOf({ classId: 5, specId: 10 })).toBe('healer');
    expect(roleOf({ classId: 13, specId: null })).toBe('healer');
    expect(roleOf({ classId: 12, specId: null })).toBe('tank');
    expect(roleOf({ classId: null, specId: 1 })).toBe('damage');
    expect([roleOf({ classId: null, specId: null }), roleOf({ classId: 99, specId: null })]).toEqual([null, null]);
  });
});

describe('columns of a summary', () => {
  it('are the role’s own first', () => {
    const first = VIEWS.map((view) => layOut(view, USUAL[view].columns, ALL)[0]?.column);
    expect(first).toEqual(['damage', 'damage', 'healing', 'taken']);
    // What somebody adds stands behind, in one order.
    const added = layOut('healer', [...USUAL.healer.columns, 'bosses', 'hits'], ALL).map((one) => one.column);
    expect(added.slice(-2)).toEqual(['bosses', 'hits']);
  });

  it('stay on a phone as far as there is room, the most needed ones, and come one by one with more room', () => {
    const phone = (view: (typeof VIEWS)[number], wanted = USUAL[view].columns): string[] =>
      layOut(view, wanted, ALL)
        .filter((one) => one.room === 0)
        .map((one) => one.column);
    expect(phone('all')).toEqual(['damage', 'dps', 'deaths']);
    expect(phone('healer')).toEqual(['healing', 'hps', 'healShare']);
    expect(phone('all', ['crit', 'healing'])).toEqual(['healing', 'crit']);
    const rooms = layOut('all', COLUMNS, ALL).map((one) => one.room);
    expect([rooms.length, Math.max(...rooms)]).toEqual([13, 5]);
  });

  it('of which nothing is known, or that say the same, are not there', () => {
    const untold = figuresOfReport(untoldReport());
    const known = knownColumns(untold.players, untold.totals);
    for (const column of ['bosses', 'bossDps', 'taken', 'dtps', 'takenShare', 'deaths', 'crit', 'lucky'] as const) {
      expect(known.has(column)).toBe(false);
    }
    expect(layOut('tank', USUAL.tank.columns, known).map((one) => one.column)).toEqual([
      'damage',
      'dps',
      'healing',
      'hps',
    ]);
    expect(knownColumns([], totals({ damage: 5, bossDamage: 5 })).has('bosses')).toBe(false);
  });

  it('hold figures of the relay over one another, and none where one is not known', () => {
    const told = report({
      totals: totals({ damage: 400, healing: 0, damageTaken: 100 }),
      players: [player('a', { damage: 100, hits: 20, critHits: 5, healing: 0, damageTaken: 25, bossDamage: null })],
    });
    const [one] = figuresOfReport(told).players;
    if (one === undefined) throw new Error('nobody');
    const of = { totals: told.totals, damageS: 10, healingS: 10, fightS: 50 };
    const values = (['dps', 'share', 'hpm', 'crit', 'takenShare', 'dtps'] as const).map((column) =>
      valueOf(one, column, of),
    );
    expect(values).toEqual([10, 0.25, 120, 0.25, 0.25, 0.5]);
    expect((['lucky', 'bosses', 'bossDps', 'healShare'] as const).map((column) => valueOf(one, column, of))).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('what a device holds of them', () => {
  it('is taken as far as it makes sense', () => {
    expect([viewOf('tank'), viewOf('x'), viewOf(undefined)]).toEqual(['tank', 'all', 'all']);
    expect(columnsOf(['hps', 'x', 'damage'])).toEqual(['damage', 'hps']);
    expect([columnsOf([]), columnsOf(['x']), columnsOf('damage'), columnsOf(null)]).toEqual([null, null, null, null]);
    expect(isUsual('tank', [...USUAL.tank.columns].reverse())).toBe(true);
    expect(isUsual('tank', USUAL.tank.columns.slice(1))).toBe(false);
  });
});
