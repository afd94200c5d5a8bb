/**
 * Two parts of fights side by side: what differs, the greatest difference first.
 *
 * Nothing is added up here: each figure is the relay's, of its own fold of the part. Players are those of one key; names
 * tell nothing, for under hidden names "Frost Mage 2" of one raid is somebody else in the next.
 */
import type { Player, Report, TakenRow } from '$lib/api/types';
import { classLook } from '$lib/format/game';
import { skillName } from '$lib/format/words';
import type { SkillRow } from '$lib/wire/types';
import { skillKey } from './details';
import { nameOf, rateOf, rateSeconds } from './figures';
import type { Measure } from './measures';

/** One figure of both sides; `null`: not known there, or there is nobody, or nothing, to have one. */
export interface Pair {
  here: number | null;
  there: number | null;
}

/** What is more here than there; `null` where one of them is not known. */
export function differenceOf({ here, there }: Pair): number | null {
  return here === null || there === null ? null : here - there;
}

/** The same as a part of what is there; `null` also where nothing is there. */
export function changeOf(pair: Pair): number | null {
  const difference = differenceOf(pair);
  return difference === null || pair.there === null || pair.there === 0 ? null : difference / pair.there;
}

/** A figure of a whole side. */
export interface TotalLine extends Pair {
  id: Measure | 'time' | 'active' | 'healed';
  kind: 'amount' | 'count' | 'time';
}

/** What both sides come to, what changed most first, by its part; what is alike, or not known, in its own order. */
export function totalLines(here: Report, there: Report): TotalLine[] {
  const lines: TotalLine[] = [
    { id: 'dps', kind: 'amount', ...both(here, there, (side) => rate(side, 'damage')) },
    { id: 'damage', kind: 'amount', ...both(here, there, ({ totals }) => totals.damage) },
    { id: 'bosses', kind: 'amount', ...both(here, there, ({ totals }) => totals.bossDamage) },
    { id: 'healing', kind: 'amount', ...both(here, there, ({ totals }) => totals.healing) },
    { id: 'hps', kind: 'amount', ...both(here, there, (side) => rate(side, 'healing')) },
    { id: 'taken', kind: 'amount', ...both(here, there, ({ totals }) => totals.damageTaken) },
    { id: 'deaths', kind: 'count', ...both(here, there, ({ totals }) => totals.deaths) },
    { id: 'time', kind: 'time', ...both(here, there, (side) => side.durationMs) },
    { id: 'active', kind: 'time', ...both(here, there, (side) => side.damageTime?.durationMs ?? null) },
    { id: 'healed', kind: 'time', ...both(here, there, (side) => side.healingTime?.durationMs ?? null) },
  ];
  return lines
    .filter((line) => line.here !== null || line.there !== null)
    .map((line, at) => ({ line, at, size: sizeOf(line) }))
    .sort((a, b) => b.size - a.size || a.at - b.at)
    .map(({ line }) => line);
}

/** How much changed, as a part; what there was nothing of before changed by all of it. */
function sizeOf(pair: Pair): number {
  const difference = differenceOf(pair);
  if (difference === null) return -1;
  return difference === 0 ? 0 : Math.abs(changeOf(pair) ?? Infinity);
}

function both(here: Report, there: Report, of: (side: Report) => number | null): Pair {
  return { here: of(here), there: of(there) };
}

function rate(side: Report, metric: 'damage' | 'healing'): number | null {
  return rateOf(side.totals[metric], rateSeconds(timesOf(side), metric, side.durationMs));
}

function timesOf(side: Report): { damageMs: number | null; healingMs: number | null } {
  return { damageMs: side.damageTime?.durationMs ?? null, healingMs: side.healingTime?.durationMs ?? null };
}

/** A player's figure, as the relay tells it. */
export function figureOf(player: Player, by: Measure): number | null {
  switch (by) {
    case 'dps':
      return player.dps;
    case 'hps':
      return player.hps;
    case 'damage':
      return player.damage;
    case 'healing':
      return player.healing;
    case 'bosses':
      return player.bossDamage;
    case 'taken':
      return player.damageTaken;
    case 'deaths':
      return player.deaths;
  }
}

/** One player of one side, or both. */
export interface PlayerLine extends Pair {
  key: string;
  name: string;
  classId: number | null;
  specId: number | null;
  /** On which sides he is. */
  on: 'both' | 'here' | 'there';
  /** Whether he may be on the other side by a key that nobody can tell. */
  unsure: boolean;
}

/**
 * Players of both sides: those who are on both by what changed, the most first; then those of one side by what they have.
 * Whose figure is not known comes behind.
 */
export function playerLines(here: Report, there: Report, by: Measure): PlayerLine[] {
  const others = new Map(there.players.map((player) => [player.playerKey, player]));
  const keys = new Set(here.players.map((player) => player.playerKey));
  const apart = !isOneRaid(here, there);
  const anonymous = (player: Player): boolean => apart && isHidden(player);
  // Somebody hidden on one side may be anybody of the other who has no partner.
  const someHidden = {
    here: apart && here.players.some((player) => !others.has(player.playerKey) && isHidden(player)),
    there: apart && there.players.some((player) => !keys.has(player.playerKey) && isHidden(player)),
  };
  const line = (player: Player, on: PlayerLine['on'], pair: Pair, unsure: boolean): PlayerLine => ({
    key: player.playerKey,
    name: nameOf(player),
    classId: player.classId,
    specId: player.specId,
    on,
    unsure,
    ...pair,
  });
  const lines = [
    ...here.players.map((player) => {
      const other = others.get(player.playerKey);
      const own = figureOf(player, by);
      if (other !== undefined) return line(player, 'both', { here: own, there: figureOf(other, by) }, false);
      return line(player, 'here', { here: own, there: null }, anonymous(player) || someHidden.there);
    }),
    ...there.players
      .filter((player) => !keys.has(player.playerKey))
      .map((player) => {
        const pair = { here: null, there: figureOf(player, by) };
        return line(player, 'there', pair, anonymous(player) || someHidden.here);
      }),
  ];
  const group = { both: 0, here: 1, there: 2 };
  return lines.sort((a, b) => group[a.on] - group[b.on] || greatness(b) - greatness(a) || byName(a, b));
}

function greatness(line: PlayerLine): number {
  if (line.on !== 'both') return line.here ?? line.there ?? -1;
  const difference = differenceOf(line);
  return difference === null ? -1 : Math.abs(difference);
}

function byName(a: { name: string; key: string }, b: { name: string; key: string }): number {
  return a.name.localeCompare(b.name) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
}

/** Whether both are of one raid: in it a player who is hidden has one key. */
export function isOneRaid(here: Report, there: Report): boolean {
  return here.reportId === there.reportId || (here.raid !== '' && here.raid === there.raid);
}

/** Whether a player is shown by class and number alone: then his key is good in his own raid alone. */
export function isHidden(player: Pick<Player, 'name' | 'classId' | 'specId' | 'abilityScore'>): boolean {
  if (player.abilityScore !== null || player.name === null) return false;
  const { className } = classLook(player.classId, player.specId);
  const words = player.name.replace(/ \d+$/u, '');
  return words === className || words === 'Player';
}

/** A skill of a player on one side, or both. */
export interface SkillLine extends Pair {
  key: string;
  skillId: number;
  variantId: number | null;
  name: string;
  hitsHere: number | null;
  hitsThere: number | null;
}

/** Which of a player's own skills a figure is of; `null`: of none. */
export function skillKindOf(by: Measure): SkillRow['kind'] | null {
  if (by === 'taken' || by === 'deaths' || by === 'bosses') return null;
  return by === 'healing' || by === 'hps' ? 'healing' : 'damage';
}

/**
 * The skills of a player on both sides, what changed most first. A skill that one side does not have was not used there:
 * 0, where the player is there and his skills are told.
 */
export function skillLines(here: Report, there: Report, key: string, by: Measure): SkillLine[] {
  const kind = skillKindOf(by);
  if (kind === null) return [];
  const [ours, theirs] = [here, there].map((side) => skillsOf(side, key, kind));
  if (ours === undefined || theirs === undefined) return [];
  const rows = new Map([...ours.rows, ...theirs.rows].map((row) => [skillKey(row), row]));
  const isRate = by === 'dps' || by === 'hps';
  const [seconds, theirSeconds] = [here, there].map((side) => rateSeconds(timesOf(side), kind, side.durationMs));
  const value = (side: Skills, id: string, over: number | undefined): number | null => {
    const total = side.byKey.get(id)?.total ?? side.none;
    return isRate ? rateOf(total, over ?? 1) : total;
  };
  return [...rows]
    .map(([id, row]) => ({
      key: id,
      skillId: row.skillId,
      variantId: row.variantId,
      name: skillName(row.name, row.skillId),
      here: value(ours, id, seconds),
      there: value(theirs, id, theirSeconds),
      hitsHere: ours.byKey.get(id)?.hits ?? ours.none,
      hitsThere: theirs.byKey.get(id)?.hits ?? theirs.none,
    }))
    .sort(byChange);
}

/** What players of one side took; `null` where that is not told. */
export type Taken = readonly TakenRow[] | null;

/**
 * What a player took on both sides, by skill and source, what changed most first; 0 where it did not reach him there.
 *
 * @param names names of players, by key
 */
export function takenLines(
  sides: { here: Report; there: Report },
  taken: { here: Taken; there: Taken },
  key: string,
  names: ReadonlyMap<string, string>,
): SkillLine[] {
  const of = (side: 'here' | 'there') => {
    const rows = (taken[side] ?? []).filter((row) => row.playerKey === key);
    const isThere = sides[side].players.some((player) => player.playerKey === key);
    const none = isThere && taken[side] !== null ? 0 : null;
    return { byKey: new Map(rows.map((row) => [takenKey(row), row])), none };
  };
  const [ours, theirs] = [of('here'), of('there')];
  const source = (row: TakenRow): string =>
    (row.byPlayer === null ? row.by : (names.get(row.byPlayer) ?? row.by)) ?? 'Unknown source';
  return [...new Map([...theirs.byKey, ...ours.byKey])]
    .map(([id, row]) => ({
      key: id,
      skillId: row.skillId,
      variantId: row.variantId,
      name: `${skillName(row.skill, row.skillId)} · ${source(row)}`,
      here: ours.byKey.get(id)?.total ?? ours.none,
      there: theirs.byKey.get(id)?.total ?? theirs.none,
      hitsHere: ours.byKey.get(id)?.hits ?? ours.none,
      hitsThere: theirs.byKey.get(id)?.hits ?? theirs.none,
    }))
    .sort(byChange);
}

function takenKey(row: TakenRow): string {
  // Whoever is a player may be called otherwise by now.
  return JSON.stringify([row.byPlayer, row.byPlayer === null ? row.by : null, row.skillId, row.variantId]);
}

function byChange(a: SkillLine, b: SkillLine): number {
  return difference(b) - difference(a) || (b.here ?? b.there ?? 0) - (a.here ?? a.there ?? 0) || byName(a, b);
}

function difference(line: Pair): number {
  return Math.abs(differenceOf(line) ?? 0);
}

/** A player's skills of one kind on one side. */
interface Skills {
  rows: readonly SkillRow[];
  byKey: ReadonlyMap<string, SkillRow>;
  /** What a skill comes to that is not among them. */
  none: 0 | null;
}

function skillsOf(side: Report, key: string, kind: SkillRow['kind']): Skills {
  const player = side.players.find((one) => one.playerKey === key);
  const rows = (player?.skills ?? []).filter((row) => row.kind === kind);
  // A source that tells amounts and no skills does not tell that none was used.
  const told = player !== undefined && (rows.length > 0 || player[kind] === 0);
  return { rows, byKey: new Map(rows.map((row) => [skillKey(row), row])), none: told ? 0 : null };
}
