/**
 * One fight as a page shows it, whether its figures come from the feed or from a report.
 *
 * Nothing is added up here: sums are the relay's. What a source cannot know is `null`.
 */
import type { FightView } from '$lib/live/fold';
import type {
  ActiveTime,
  AttemptRow,
  Boss,
  DeathRow,
  Outcome,
  Place,
  Report,
  ReportState,
  Totals,
} from '$lib/wire/types';

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
  bossDamage: number;
  healing: number;
  taken: number;
  hits: number;
  healHits: number;
  critHits: number | null;
  luckyHits: number | null;
  deaths: number;
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
  /** First and last damage of players, which is what DPS is taken over; `null` where nobody knows when it came. */
  damageMs: readonly [number, number] | null;
  /** Likewise for HPS. */
  healingMs: readonly [number, number] | null;
  /** Whether the uploader says that nothing happens at present. */
  idle: boolean;
  place: Place;
  bosses: readonly Boss[];
  totals: Totals;
  attempts: readonly AttemptRow[];
  deaths: readonly DeathRow[];
  players: readonly PlayerFigures[];
}

/** The figures of a report, or of the span that it was asked for. */
export function figuresOfReport(report: Report): FightFigures {
  return {
    reportId: report.reportId,
    state: report.state,
    outcome: report.outcome,
    revision: report.revision,
    startedAtMs: report.startedAtMs,
    firstMs: report.firstMs,
    lastMs: report.lastMs,
    damageMs: boundsOf(report.damageTime),
    healingMs: boundsOf(report.healingTime),
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
      deaths: player.deaths,
    })),
  };
}

/** The figures of the feed's fight. */
export function figuresOfFeed(fight: FightView): FightFigures {
  const { head, columns } = fight;
  const player = (at: number): PlayerFigures | null => {
    const who = fight.players[at];
    const row = fight.rows[at];
    if (!who || !row) return null;
    const value = (name: string): number => row[columns.get(name) ?? -1] ?? 0;
    // -1 on the wire: the source cannot know.
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
      bossDamage: value('bossDamage'),
      healing: value('healing'),
      taken: value('damageTaken'),
      hits: value('hits'),
      healHits: value('healHits'),
      critHits: known('critHits'),
      luckyHits: known('luckyHits'),
      deaths: value('deaths'),
    };
  };
  return {
    reportId: fight.reportId,
    state: head.state,
    outcome: head.outcome,
    revision: head.revision,
    startedAtMs: fight.startedAtMs,
    firstMs: head.firstMs,
    lastMs: head.lastMs,
    damageMs: head.damageMs,
    healingMs: head.healingMs,
    idle: head.idle,
    place: fight.place,
    bosses: fight.bosses,
    totals: head.totals,
    attempts: fight.attempts,
    deaths: fight.deaths,
    players: fight.players.map((_, at) => player(at)).filter((row) => row !== null),
  };
}

/** Reports that an earlier relay kept have no such times. */
function boundsOf(time: ActiveTime | null | undefined): [number, number] | null {
  return time ? [time.firstMs, time.lastMs] : null;
}

/**
 * The seconds that a rate is taken over, as the relay takes it: the time in which damage was dealt, or healing done,
 * at least one. Damage taken, and what came at no known time, is over `durationMs`.
 */
export function rateSeconds(
  figures: Pick<FightFigures, 'damageMs' | 'healingMs'>,
  metric: Metric,
  durationMs: number,
): number {
  const bounds = metric === 'damage' ? figures.damageMs : metric === 'healing' ? figures.healingMs : null;
  return Math.max(1, (bounds === null ? durationMs : bounds[1] - bounds[0]) / 1000);
}

/** A player's amount of a metric. */
export function amountOf(player: PlayerFigures, metric: Metric): number {
  return player[metric];
}

/** The whole raid's amount of a metric. */
export function totalOf(totals: Totals, metric: Metric): number {
  return metric === 'taken' ? totals.damageTaken : totals[metric];
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
export type SortColumn = 'amount' | 'hits' | 'crit' | 'deaths' | 'name';

/** Players in the order of a column: greatest first, names from A. Ties keep one order, so that rows never flicker. */
export function sortPlayers(
  players: readonly PlayerFigures[],
  metric: Metric,
  column: SortColumn = 'amount',
): PlayerFigures[] {
  const value = (player: PlayerFigures): number => {
    switch (column) {
      case 'amount':
        return amountOf(player, metric);
      case 'hits':
        return hitsOf(player, metric) ?? 0;
      case 'crit':
        return player.critHits === null ? -1 : player.critHits / Math.max(1, player.hits);
      case 'deaths':
        return player.deaths;
      case 'name':
        return 0;
    }
  };
  const byName = (a: PlayerFigures, b: PlayerFigures): number =>
    nameOf(a).localeCompare(nameOf(b)) || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0);
  return [...players].sort((a, b) => value(b) - value(a) || amountOf(b, metric) - amountOf(a, metric) || byName(a, b));
}
