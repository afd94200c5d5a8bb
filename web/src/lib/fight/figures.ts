/**
 * One fight as a page shows it, whether its figures come from the feed or from a report.
 *
 * Nothing is added up here: sums are the relay's. What a source cannot know is `null`.
 */
import type { FightView } from '$lib/live/fold';
import type { ActiveTime, PointOfView, Report } from '$lib/api/types';
import type { AttemptRow, Boss, DeathRow, Outcome, Place, ReportState, Totals } from '$lib/wire/types';

/** Which figures a page is about. */
export type Metric = 'damage' | 'healing' | 'taken';

/** All, in the order of their tabs. */
export const METRICS: readonly Metric[] = ['damage', 'healing', 'taken'];

/** One player's figures. */
export interface PlayerFigures {
  key: string;
  name: string | null;
  classId: number | null;
  specId: number | null;
  abilityScore: number | null;
  isLocal: boolean;
  /** Whether they are down now; of a live fight only. */
  dead: boolean;
  damage: number;
  bossDamage: number | null;
  healing: number;
  taken: number | null;
  hits: number;
  healHits: number;
  critHits: number | null;
  luckyHits: number | null;
  /** Hits among which the critical and lucky ones are counted: of another meter where that told them. */
  critOf: number;
  /** The report whose meter told some of it: the player's own. */
  toldBy: string | null;
  deaths: number | null;
}

/** An attempt as relays tell it; what those of before did not tell is absent. */
export type AttemptFigures = AttemptRow & { outcome?: Outcome; bossDamage?: number | null };

/** When something was first and last done, ms since the encounter began; what relays of before did not tell is absent. */
interface ReportTimes {
  damageTime?: ActiveTime | null;
  healingTime?: ActiveTime | null;
}
interface HeadTimes {
  damageMs?: readonly [number, number] | null;
  healingMs?: readonly [number, number] | null;
}

/** One fight. Times without `At` are ms since the encounter began. */
export interface FightFigures {
  reportId: string;
  state: ReportState;
  outcome: Outcome;
  revision: number;
  startedAtMs: number;
  firstMs: number;
  lastMs: number;
  /** Whether the uploader says that nothing happens at present. */
  idle: boolean;
  place: Place;
  bosses: readonly Boss[];
  totals: Totals;
  /** How long damage was dealt, and healed, first to last, ms; `null` where that is not known: then the whole fight. */
  damageMs: number | null;
  healingMs: number | null;
  attempts: readonly AttemptFigures[];
  deaths: readonly DeathRow[];
  players: readonly PlayerFigures[];
}

/** The figures of a report, or of the span that it was asked for. */
export function figuresOfReport(report: Report & ReportTimes): FightFigures {
  const long = (time: ReportTimes['damageTime']): number | null => time?.durationMs ?? null;
  return {
    damageMs: long(report.damageTime),
    healingMs: long(report.healingTime),
    reportId: report.reportId,
    state: report.state,
    outcome: report.outcome,
    revision: report.revision,
    startedAtMs: report.startedAtMs,
    firstMs: report.firstMs,
    lastMs: report.lastMs,
    idle: false,
    place: report.encounter,
    bosses: report.bosses,
    totals: report.totals,
    attempts: report.attempts,
    deaths: report.deaths,
    players: report.players.map((player) => ({
      key: player.playerKey,
      name: player.name,
      classId: player.classId,
      specId: player.specId,
      abilityScore: player.abilityScore,
      isLocal: player.isLocal,
      dead: false,
      damage: player.damage,
      bossDamage: player.bossDamage,
      healing: player.healing,
      taken: player.damageTaken,
      hits: player.hits,
      healHits: player.healHits,
      critHits: player.critHits,
      luckyHits: player.luckyHits,
      critOf: player.hits,
      toldBy: null,
      deaths: player.deaths,
    })),
  };
}

/** What a fight came from, as its relay's notes call it: an upload that does not say who was hit is no meter's reading. */
export function sourceOf(totals: Pick<Totals, 'bossDamage'>): 'meter' | 'upload' {
  return totals.bossDamage === null ? 'upload' : 'meter';
}

/** A fight with what players' own meters tell of them where its own does not: a game tells crits to their own player. */
export function withViews(figures: FightFigures, views: readonly PointOfView[]): FightFigures {
  const own = new Map(
    views.toReversed().flatMap((view) => view.own.map((player) => [player.playerKey, { view, player }] as const)),
  );
  const better = (row: PlayerFigures): PlayerFigures => {
    const told = own.get(row.key);
    if (told === undefined) return row;
    const { hits, critHits, luckyHits, deaths } = told.player;
    const crits = row.critHits === null && critHits !== null;
    const died = row.deaths === null && deaths !== null;
    if (!crits && !died) return row;
    return {
      ...row,
      ...(crits ? { critHits, luckyHits, critOf: hits } : {}),
      ...(died ? { deaths } : {}),
      toldBy: told.view.report.reportId,
    };
  };
  return own.size === 0 ? figures : { ...figures, players: figures.players.map(better) };
}

/** The figures of the feed's fight. */
export function figuresOfFeed(fight: FightView): FightFigures {
  const { columns } = fight;
  const head: FightView['head'] & HeadTimes = fight.head;
  const long = (time: HeadTimes['damageMs']): number | null => (time ? time[1] - time[0] : null);
  const player = (at: number): PlayerFigures | null => {
    const who = fight.players[at];
    const row = fight.rows[at];
    if (!who || !row) return null;
    const value = (name: string): number => row[columns.get(name) ?? -1] ?? 0;
    // -1 on the wire: not known.
    const known = (name: string): number | null => {
      const held = row[columns.get(name) ?? -1] ?? -1;
      return held < 0 ? null : held;
    };
    return {
      key: who.playerKey,
      name: who.name,
      classId: who.classId,
      specId: who.specId,
      abilityScore: who.abilityScore,
      isLocal: who.isLocal,
      dead: who.dead,
      damage: value('damage'),
      bossDamage: known('bossDamage'),
      healing: value('healing'),
      taken: known('damageTaken'),
      hits: value('hits'),
      healHits: value('healHits'),
      critHits: known('critHits'),
      luckyHits: known('luckyHits'),
      critOf: value('hits'),
      toldBy: null,
      deaths: known('deaths'),
    };
  };
  return {
    damageMs: long(head.damageMs),
    healingMs: long(head.healingMs),
    reportId: fight.reportId,
    state: head.state,
    outcome: head.outcome,
    revision: head.revision,
    startedAtMs: fight.startedAtMs,
    firstMs: head.firstMs,
    lastMs: head.lastMs,
    idle: head.idle,
    place: fight.place,
    bosses: fight.bosses,
    totals: head.totals,
    attempts: fight.attempts,
    deaths: fight.deaths,
    players: fight.players.map((_, at) => player(at)).filter((row) => row !== null),
  };
}

/** A player's amount of a metric; `null` where it is not known. */
export function amountOf(player: PlayerFigures, metric: Metric): number | null {
  return player[metric];
}

/** The whole raid's amount of a metric; `null` where it is not known. */
export function totalOf(totals: Totals, metric: Metric): number | null {
  return metric === 'taken' ? totals.damageTaken : totals[metric];
}

/**
 * The seconds that a metric's rate is taken over, at least one: those in which it was done, where that is known.
 *
 * @param durationMs the fight's running time
 */
export function rateSeconds(
  times: { damageMs: number | null; healingMs?: number | null },
  metric: Metric,
  durationMs: number,
): number {
  const ms = { damage: times.damageMs, healing: times.healingMs, taken: null }[metric];
  return Math.max(1, (ms ?? durationMs) / 1000);
}

/** An amount a second; `null` where the amount is not known. */
export function rateOf(amount: number | null, seconds: number): number | null {
  return amount === null ? null : amount / seconds;
}

/** A player's hits of a metric; `null` where nothing counts them. */
export function hitsOf(player: PlayerFigures, metric: Metric): number | null {
  return metric === 'damage' ? player.hits : metric === 'healing' ? player.healHits : null;
}

/** How a player's name is shown: "Frost Mage 3" style names come ready from the relay; who has none gets a dash. */
export function nameOf(player: { name: string | null }): string {
  return player.name ?? 'Unnamed player';
}

/** What a table can be ordered by. */
export const SORT_COLUMNS = ['name', 'amount', 'rate', 'share', 'hits', 'crit', 'deaths'] as const;
export type SortColumn = (typeof SORT_COLUMNS)[number];

/** An order: greatest first and names from A, or `turned` round. */
export interface Sort {
  column: SortColumn;
  turned: boolean;
}

/** The order that a table has by itself. */
export const SORT_DEFAULT: Sort = { column: 'amount', turned: false };

/** The order after a press on a column's head: by that column; turned round, if it was that already. */
export function pressed(sort: Sort, column: SortColumn): Sort {
  return { column, turned: sort.column === column && !sort.turned };
}

/** Whether an order has the least first. */
export function isAscending(sort: Sort): boolean {
  return (sort.column === 'name') !== sort.turned;
}

/** What a column orders a player by; `null` where it is not known, or the metric has no such column. */
function valueOf(player: PlayerFigures, metric: Metric, column: Exclude<SortColumn, 'name'>): number | null {
  switch (column) {
    // Rate and share are the amount by what is the same for all.
    case 'amount':
    case 'rate':
    case 'share':
      return amountOf(player, metric);
    case 'hits':
      return hitsOf(player, metric);
    case 'crit':
      return metric !== 'damage' || player.critHits === null ? null : player.critHits / Math.max(1, player.critOf);
    case 'deaths':
      return player.deaths;
  }
}

/** The order that players have: as asked, unless nothing is known of that column (an address may be of another tab). */
export function orderOf(sort: Sort, players: readonly PlayerFigures[], metric: Metric): Sort {
  const { column } = sort;
  const known = column === 'name' || players.some((player) => valueOf(player, metric, column) !== null);
  return known ? sort : SORT_DEFAULT;
}

/**
 * Players in an order. Ties have one order, whichever way round, so that rows never flicker; what is not known comes
 * last, whichever way round.
 */
export function sortPlayers(
  players: readonly PlayerFigures[],
  metric: Metric,
  { column, turned }: Sort = SORT_DEFAULT,
): PlayerFigures[] {
  const byName = (a: PlayerFigures, b: PlayerFigures): number =>
    nameOf(a).localeCompare(nameOf(b)) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  const greatest = (one: number | null, two: number | null, way: 1 | -1): number =>
    one === null || two === null ? Number(one === null) - Number(two === null) : way * (two - one);
  const way = turned ? -1 : 1;
  const ordered = (a: PlayerFigures, b: PlayerFigures): number =>
    column === 'name' ? way * byName(a, b) : greatest(valueOf(a, metric, column), valueOf(b, metric, column), way);
  return [...players].sort(
    (a, b) => ordered(a, b) || greatest(amountOf(a, metric), amountOf(b, metric), 1) || byName(a, b),
  );
}
