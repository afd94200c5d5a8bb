/**
 * The columns of a summary: which there are, which of them a role looks at first, and which a narrow page keeps.
 *
 * Nothing is added up here but what is one figure over another of the same player, or of all.
 */
import { SPECS } from '$lib/wire/game';
import type { Role, Totals } from '$lib/wire/types';
import { rateOf, type PlayerFigures } from './figures';

/** All, as they are kept. */
export const COLUMNS = [
  'damage',
  'dps',
  'share',
  'bosses',
  'bossDps',
  'hits',
  'hpm',
  'crit',
  'lucky',
  'healing',
  'hps',
  'healShare',
  'heals',
  'healsPm',
  'taken',
  'dtps',
  'takenShare',
  'deaths',
] as const;
export type Column = (typeof COLUMNS)[number];

/** For whom a summary is: everybody, or a role. */
export const VIEWS = ['all', 'damage', 'healer', 'tank'] as const;
export type SummaryView = (typeof VIEWS)[number];

/** How a column is called, in full, and what its figures are. */
export const COLUMN_WORDS: Record<Column, { head: string; name: string; kind: 'amount' | 'share' | 'count' | 'rate' }> =
  {
    damage: { head: 'Damage', name: 'Damage', kind: 'amount' },
    dps: { head: 'DPS', name: 'Damage a second', kind: 'amount' },
    share: { head: 'Share', name: 'Share of the damage', kind: 'share' },
    bosses: { head: 'To bosses', name: 'Damage to bosses', kind: 'amount' },
    bossDps: { head: 'Boss DPS', name: 'Damage to bosses a second', kind: 'amount' },
    hits: { head: 'Hits', name: 'Hits', kind: 'count' },
    hpm: { head: 'Hits/min', name: 'Hits a minute', kind: 'rate' },
    crit: { head: 'Crit', name: 'Critical hits, where known', kind: 'share' },
    lucky: { head: 'Lucky', name: 'Lucky hits, where known', kind: 'share' },
    healing: { head: 'Healing', name: 'Healing', kind: 'amount' },
    hps: { head: 'HPS', name: 'Healing a second', kind: 'amount' },
    healShare: { head: 'Heal %', name: 'Share of the healing', kind: 'share' },
    heals: { head: 'Heals', name: 'Heals', kind: 'count' },
    healsPm: { head: 'Heals/min', name: 'Heals a minute', kind: 'rate' },
    taken: { head: 'Taken', name: 'Damage taken', kind: 'amount' },
    dtps: { head: 'DTPS', name: 'Damage taken a second', kind: 'amount' },
    takenShare: { head: 'Taken %', name: 'Share of the damage taken', kind: 'share' },
    deaths: { head: 'Deaths', name: 'Deaths', kind: 'count' },
  };

/** What a view has by itself, in its order; and what of it stays where there is little room. */
export const USUAL: Record<SummaryView, { columns: readonly Column[]; narrow: readonly Column[] }> = {
  all: {
    columns: ['damage', 'dps', 'share', 'bosses', 'healing', 'hps', 'taken', 'deaths'],
    narrow: ['damage', 'dps', 'deaths', 'healing', 'taken', 'share', 'bosses', 'hps'],
  },
  damage: {
    columns: ['damage', 'dps', 'share', 'bosses', 'bossDps', 'crit', 'lucky', 'hits', 'hpm', 'deaths'],
    narrow: ['damage', 'dps', 'share', 'deaths', 'bosses', 'crit', 'bossDps', 'hits', 'lucky', 'hpm'],
  },
  healer: {
    columns: ['healing', 'hps', 'healShare', 'heals', 'healsPm', 'damage', 'dps', 'taken', 'deaths'],
    narrow: ['healing', 'hps', 'healShare', 'deaths', 'damage', 'heals', 'dps', 'healsPm', 'taken'],
  },
  tank: {
    columns: ['taken', 'dtps', 'takenShare', 'deaths', 'damage', 'dps', 'healing', 'hps'],
    narrow: ['taken', 'dtps', 'deaths', 'takenShare', 'damage', 'dps', 'healing', 'hps'],
  },
};

/** The figure that a view is ordered by: its first. */
export const MAIN: Record<SummaryView, 'damage' | 'healing' | 'taken'> = {
  all: 'damage',
  damage: 'damage',
  healer: 'healing',
  tank: 'taken',
};

/** What a player is for: by the spec; by the class alone where all its specs are for one thing; else not known. */
export function roleOf(player: Pick<PlayerFigures, 'classId' | 'specId'>): Role | null {
  const spec = SPECS.find((one) => one.id === player.specId);
  if (spec !== undefined) return spec.role;
  const roles = new Set(SPECS.filter((one) => one.classId === player.classId).map((one) => one.role));
  const [role] = roles;
  return roles.size === 1 && role !== undefined ? role : null;
}

/** What a column's figures are of. */
export interface SummaryOf {
  totals: Totals;
  /** What amounts are taken over, seconds. */
  damageS: number;
  healingS: number;
  fightS: number;
}

/** A player's figure in a column; `null`: not known. Shares are 0 to 1. */
export function valueOf(player: PlayerFigures, column: Column, of: SummaryOf): number | null {
  const part = (own: number | null, all: number | null): number | null =>
    own === null || all === null || all === 0 ? null : own / all;
  switch (column) {
    case 'damage':
      return player.damage;
    case 'dps':
      return rateOf(player.damage, of.damageS);
    case 'share':
      return part(player.damage, of.totals.damage);
    case 'bosses':
      return player.bossDamage;
    case 'bossDps':
      return rateOf(player.bossDamage, of.damageS);
    case 'hits':
      return player.hits;
    case 'hpm':
      return (60 * player.hits) / of.damageS;
    case 'crit':
      return part(player.critHits, player.critOf);
    case 'lucky':
      return part(player.luckyHits, player.critOf);
    case 'healing':
      return player.healing;
    case 'hps':
      return rateOf(player.healing, of.healingS);
    case 'healShare':
      return part(player.healing, of.totals.healing);
    case 'heals':
      return player.healHits;
    case 'healsPm':
      return (60 * player.healHits) / of.healingS;
    case 'taken':
      return player.taken;
    case 'dtps':
      return rateOf(player.taken, of.fightS);
    case 'takenShare':
      return part(player.taken, of.totals.damageTaken);
    case 'deaths':
      return player.deaths;
  }
}

/** The columns of which something is known, and which tell something of their own. */
export function knownColumns(players: readonly PlayerFigures[], totals: Totals): ReadonlySet<Column> {
  const known = new Set<Column>(COLUMNS);
  const drop = (...columns: Column[]): void => {
    for (const column of columns) known.delete(column);
  };
  // All of the damage went to bosses: it is the same column.
  if (totals.bossDamage === null || totals.bossDamage === totals.damage) drop('bosses', 'bossDps');
  if (totals.damageTaken === null) drop('taken', 'dtps', 'takenShare');
  if (totals.deaths === null) drop('deaths');
  if (!players.some((player) => player.critHits !== null)) drop('crit');
  if (!players.some((player) => player.luckyHits !== null)) drop('lucky');
  return known;
}

/** A column as it is laid out. */
export interface LaidOut {
  column: Column;
  /** From which room on it is there: 0 always. */
  room: 0 | 1 | 2 | 3 | 4 | 5;
}

/** So many columns at the most in each room. */
const ROOMS = [3, 5, 6, 8, 10, 13] as const;

/**
 * The columns of a table: those that are wanted and known, the view's own first, in its order. Where there is little room
 * the view's most needed stay.
 */
export function layOut(view: SummaryView, wanted: readonly Column[], known: ReadonlySet<Column>): LaidOut[] {
  const usual = USUAL[view];
  const behind = (order: readonly Column[]): Column[] => [
    ...order,
    ...COLUMNS.filter((column) => !order.includes(column)),
  ];
  const there = (column: Column): boolean => wanted.includes(column) && known.has(column);
  const needed = behind(usual.narrow).filter(there).slice(0, ROOMS.at(-1));
  return behind(usual.columns)
    .filter((column) => needed.includes(column))
    .map((column) => {
      const at = needed.indexOf(column);
      const room = ROOMS.findIndex((most) => at < most);
      return { column, room: room as LaidOut['room'] };
    });
}

/** Whether these are what a view has by itself. */
export function isUsual(view: SummaryView, wanted: readonly Column[]): boolean {
  const { columns } = USUAL[view];
  return wanted.length === columns.length && columns.every((column) => wanted.includes(column));
}

/** What of a device's memory is a view. */
export function viewOf(held: unknown): SummaryView {
  return VIEWS.find((view) => view === held) ?? 'all';
}

/** What of a device's memory are columns; `null`: none are held, or none that there still are. */
export function columnsOf(held: unknown): Column[] | null {
  if (!Array.isArray(held)) return null;
  const columns = COLUMNS.filter((column) => held.includes(column));
  return columns.length === 0 ? null : columns;
}
