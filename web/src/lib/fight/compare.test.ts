import { describe, expect, it } from 'vitest';
import type { Player, Report, TakenRow } from '$lib/api/types';
import { player, report, totals } from '$lib/testing/samples';
import type { SkillRow } from '$lib/wire/types';
import { changeOf, differenceOf, isHidden, playerLines, skillLines, takenLines, totalLines } from './compare';

const time = (durationMs: number) => ({ firstMs: 0, lastMs: durationMs, durationMs });
const side = (some: Partial<Report>): Report => report({ state: 'final', ...some });
const hidden = (key: string, name: string): Player => player(key, { name, classId: 2, specId: 3, damage: 50 });
const skill = (skillId: number, total: number, some: Partial<SkillRow> = {}): SkillRow => ({
  skillId,
  variantId: null,
  name: `S${skillId}`,
  kind: 'damage',
  total,
  hits: 2,
  critHits: null,
  luckyHits: null,
  max: null,
  ...some,
});

describe('a figure of two sides', () => {
  it('changes by what is more here, as a part of what is there; by none where one of them is not known', () => {
    expect([differenceOf({ here: 150, there: 100 }), changeOf({ here: 150, there: 100 })]).toEqual([50, 0.5]);
    expect([differenceOf({ here: null, there: 100 }), changeOf({ here: 1, there: null })]).toEqual([null, null]);
    expect([differenceOf({ here: 5, there: 0 }), changeOf({ here: 5, there: 0 })]).toEqual([5, null]);
  });
});

describe('both sides in all', () => {
  const here = side({
    durationMs: 20_000,
    damageTime: time(10_000),
    healingTime: time(10_000),
    totals: totals({ damage: 1_100, healing: 100, deaths: 2, damageTaken: 300, bossDamage: null }),
  });
  const there = side({
    durationMs: 20_000,
    damageTime: time(20_000),
    healingTime: time(10_000),
    totals: totals({ damage: 1_000, healing: 100, deaths: 0, damageTaken: null, bossDamage: null }),
  });

  it('begin with what changed most, end with what is not known, and leave out what neither tells', () => {
    const lines = totalLines(here, there);
    expect(lines.map((line) => line.id)).toEqual([
      'deaths',
      'dps',
      'active',
      'damage',
      'healing',
      'hps',
      'time',
      'healed',
      'taken',
    ]);
    const of = (id: string) => lines.find((line) => line.id === id);
    // Each over its own time of damage, as the relay tells it.
    expect(of('dps')).toMatchObject({ here: 110, there: 50 });
    expect(of('taken')).toMatchObject({ here: 300, there: null });
  });

  it('have rates over the whole fight where no time of damage is known', () => {
    const lines = totalLines({ ...here, damageTime: null }, there);
    expect(lines.find((line) => line.id === 'dps')?.here).toBe(55);
    expect(lines.find((line) => line.id === 'active')).toMatchObject({ here: null, there: 20_000 });
  });
});

describe('players of two sides', () => {
  it('are one by their key, whatever they are called, what changed most first, those of one side behind', () => {
    const here = side({
      players: [
        player('a', { dps: 100 }),
        player('b', { dps: 90, name: 'New name' }),
        player('c', { dps: 500 }),
        player('d', { dps: 700 }),
      ],
    });
    const there = side({
      players: [player('a', { dps: 95 }), player('b', { dps: 200 }), player('e', { dps: 10, name: 'C' })],
    });
    const lines = playerLines(here, there, 'dps');
    expect(lines.map((line) => [line.key, line.on])).toEqual([
      ['b', 'both'],
      ['a', 'both'],
      ['d', 'here'],
      ['c', 'here'],
      ['e', 'there'],
    ]);
    expect(lines[0]).toMatchObject({ name: 'New name', here: 90, there: 200, unsure: false });
    expect(lines[4]).toMatchObject({ here: null, there: 10, unsure: false });
  });

  it('come last of those on both where a figure is not known', () => {
    const some = (deaths: number | null) => [player('a', { deaths }), player('b', { deaths: 1 })];
    const lines = playerLines(side({ players: some(null) }), side({ players: some(2) }), 'deaths');
    expect(lines.map((line) => line.key)).toEqual(['b', 'a']);
    expect(differenceOf(lines[1] ?? { here: 0, there: 0 })).toBeNull();
  });

  it('of two raids are not matched by the name that stands for them, and it is said of whom that is not known', () => {
    const here = side({ reportId: 'r1', raid: 'A', players: [hidden('a1', 'Frost Mage 2'), player('z')] });
    const there = side({ reportId: 'r2', raid: 'B', players: [hidden('b1', 'Frost Mage 2'), player('z')] });
    const lines = playerLines(here, there, 'damage');
    expect(lines.map((line) => [line.key, line.on, line.unsure])).toEqual([
      ['z', 'both', false],
      ['a1', 'here', true],
      ['b1', 'there', true],
    ]);
    // Of one raid the key is the same: who is not there was not there.
    const night = playerLines(here, { ...there, raid: 'A' }, 'damage');
    expect(night.some((line) => line.unsure)).toBe(false);
    // Somebody by name may be whoever is hidden on the other side.
    const named = playerLines(side({ raid: 'A', players: [player('x')] }), { ...there, reportId: 'r3' }, 'damage');
    expect(named.find((line) => line.key === 'x')?.unsure).toBe(true);
  });

  it('are hidden where a class stands for a name, and nothing else is told of them', () => {
    expect(isHidden(hidden('a', 'Frost Mage 12'))).toBe(true);
    expect(isHidden({ name: 'Player 3', classId: null, specId: null, abilityScore: null })).toBe(true);
    expect(isHidden({ name: 'Frost Mage 2', classId: 2, specId: 3, abilityScore: 9_000 })).toBe(false);
    expect(isHidden({ name: 'Mira', classId: 2, specId: 3, abilityScore: null })).toBe(false);
    expect(isHidden({ name: null, classId: 2, specId: 3, abilityScore: null })).toBe(false);
  });
});

describe('skills of a player on two sides', () => {
  const of = (skills: SkillRow[], some: Partial<Report> = {}): Report =>
    side({ players: [player('a', { damage: 100, skills })], ...some });

  it('are those of the figure, what changed most first, and 0 where one was not used', () => {
    const here = of([skill(1, 100), skill(2, 40), skill(9, 7, { kind: 'healing' })]);
    const there = of([skill(1, 90), skill(3, 80)]);
    const lines = skillLines(here, there, 'a', 'damage');
    expect(lines.map(({ skillId, here, there }) => [skillId, here, there])).toEqual([
      [3, 0, 80],
      [2, 40, 0],
      [1, 100, 90],
    ]);
    expect(skillLines(here, there, 'a', 'healing').map((line) => line.skillId)).toEqual([9]);
    expect(skillLines(here, there, 'a', 'taken')).toEqual([]);
  });

  it('have rates over each side’s own time', () => {
    const here = of([skill(1, 100)], { damageTime: time(10_000) });
    const there = of([skill(1, 100)], { damageTime: time(50_000) });
    expect(skillLines(here, there, 'a', 'dps')[0]).toMatchObject({ here: 10, there: 2 });
  });

  it('are not known, and not 0, where a side tells none of them or the player is not there', () => {
    const here = of([skill(1, 100)]);
    expect(skillLines(here, of([]), 'a', 'damage')[0]).toMatchObject({ here: 100, there: null, hitsThere: null });
    expect(skillLines(here, side({ players: [] }), 'a', 'damage')[0]).toMatchObject({ here: 100, there: null });
    const idle = side({ players: [player('a', { damage: 0 })] });
    expect(skillLines(here, idle, 'a', 'damage')[0]).toMatchObject({ there: 0 });
  });
});

describe('what a player took on two sides', () => {
  const row = (some: Partial<TakenRow>): TakenRow => ({
    playerKey: 'a',
    byPlayer: null,
    by: 'Boss',
    skillId: 900,
    variantId: null,
    skill: 'Toll',
    total: 50,
    hits: 2,
    max: 30,
    ...some,
  });
  const sides = { here: side({ players: [player('a')] }), there: side({ players: [player('a')] }) };
  const names = new Map([['b', 'Bran']]);

  it('is by skill and source, what changed most first, and 0 where it did not reach him', () => {
    const here = [row({}), row({ skillId: 901, skill: 'Wave', total: 500 }), row({ playerKey: 'x', total: 9_999 })];
    const there = [row({ total: 45 }), row({ byPlayer: 'b', by: 'Old name', total: 7 })];
    const lines = takenLines(sides, { here, there }, 'a', names);
    expect(lines.map(({ name, here, there }) => [name, here, there])).toEqual([
      ['Wave · Boss', 500, 0],
      ['Toll · Bran', 0, 7],
      ['Toll · Boss', 50, 45],
    ]);
  });

  it('is not known where a side does not tell it, or the player is not there', () => {
    expect(takenLines(sides, { here: [row({})], there: null }, 'a', names)[0]).toMatchObject({ here: 50, there: null });
    const alone = { ...sides, there: side({ players: [] }) };
    expect(takenLines(alone, { here: [row({})], there: [] }, 'a', names)[0]).toMatchObject({ there: null });
  });
});
