/**
 * An attempt against the best one that a raid has made at the same boss: what had been dealt after the same time. Pure.
 */
import type { Amounts } from '$lib/chart/data';
import type { ReportSummary } from '$lib/wire/types';
import { attemptsOf } from './attempts';
import type { FightFigures } from './figures';

/** Before this long nothing is compared, ms: openers differ by chance. */
export const PACE_LEAST_MS = 10_000;
/** Fights that are looked into for the best attempt, at most; of kills and of others. */
export const LOOKED_INTO_MAX = 6;

/** One try at a boss. Times are ms since the encounter began. */
export interface Try {
  reportId: string;
  /** Which attempt of that fight; `null` where those are not told apart. */
  index: number | null;
  kill: boolean;
  fromMs: number;
  toMs: number;
  /** What of the boss' health was left, 0 to 1; `null` where not told. */
  left: number | null;
  /** Damage to bosses, or where that is not told all damage; `null` where not told of this try. */
  reached: number | null;
}

/** The tries of a fight that are over. */
export function triesOf(figures: FightFigures): Try[] {
  const { reportId, outcome, firstMs, lastMs, state, totals } = figures;
  const all = totals.bossDamage ?? totals.damage;
  const attempts = attemptsOf(figures);
  if (attempts.length === 0) {
    if (state === 'live') return [];
    return [
      { reportId, index: null, kill: outcome === 'kill', fromMs: firstMs, toMs: lastMs, left: null, reached: all },
    ];
  }
  const only = attempts.length === 1;
  return attempts
    .filter((attempt) => attempt.outcome !== 'running')
    .map(({ index, outcome, fromMs, toMs, bossLeft, bossDamage }) => ({
      reportId,
      index,
      kill: outcome === 'kill',
      fromMs,
      toMs,
      left: bossLeft,
      reached: bossDamage ?? (only ? all : null),
    }));
}

/** The try that goes on, from when it does; `null` between two. */
export function presentTry(figures: FightFigures): { fromMs: number; index: number | null } | null {
  const attempts = attemptsOf(figures);
  const last = attempts.at(-1);
  if (last === undefined) return { fromMs: figures.firstMs, index: null };
  if (last.outcome !== 'running' && figures.state === 'live') return null;
  return { fromMs: last.fromMs, index: last.index };
}

/** Whether one is better: a kill, the quicker one; else the one that left less of the boss, or reached more. */
export function isBetter(one: Try, other: Try): boolean {
  if (one.kill !== other.kill) return one.kill;
  if (one.kill) return one.toMs - one.fromMs < other.toMs - other.fromMs;
  if (one.left !== null && other.left !== null && one.left !== other.left) return one.left < other.left;
  return (one.reached ?? -1) > (other.reached ?? -1);
}

/** The best of several; the first of equals. */
export function bestOf(tries: readonly Try[]): Try | null {
  return tries.reduce<Try | null>((best, one) => (best === null || isBetter(one, best) ? one : best), null);
}

/** What a fight of the list could hold at best: all of its damage. */
function bound(summary: ReportSummary): number {
  return summary.totals.bossDamage ?? summary.totals.damage;
}

/**
 * Fights of the raid that were at the same boss and are over, the likeliest to hold the best attempt first: kills, the
 * newest first, then by the damage of the whole fight. `next` says whether the one after those that were looked into may
 * hold a better one.
 */
export function candidatesOf(reports: readonly ReportSummary[], fight: FightFigures): ReportSummary[] {
  const boss = fight.bosses[0]?.name;
  if (boss === undefined) return [];
  const alike = reports.filter(
    (one) =>
      one.reportId !== fight.reportId &&
      one.state !== 'live' &&
      !one.stub &&
      one.bosses[0] === boss &&
      one.encounter.difficulty === fight.place.difficulty,
  );
  const kills = alike.filter((one) => one.outcome === 'kill').sort((a, b) => b.startedAtMs - a.startedAtMs);
  const others = alike.filter((one) => one.outcome !== 'kill').sort((a, b) => bound(b) - bound(a));
  return [...kills.slice(0, LOOKED_INTO_MAX), ...others.slice(0, LOOKED_INTO_MAX)];
}

/** Whether a fight may hold a better attempt than the best so far; one that holds no kill holds none better than a kill. */
export function mayBeat(candidate: ReportSummary, best: Try | null): boolean {
  if (best === null || candidate.outcome === 'kill') return true;
  return !best.kill && (best.left !== null || best.reached === null || bound(candidate) > best.reached);
}

/** Damage of a raid by the end of each second, added up from the first. */
export interface Sums {
  firstSecond: number;
  /** One more than there are seconds: the first is 0. */
  until: readonly number[];
}

/** Adds up; `null` where nobody's damage has a time. */
export function sumsOf(amounts: Amounts): Sums | null {
  const until = new Array<number>(amounts.seconds + 1).fill(0);
  let told = false;
  for (const { damage } of amounts.players.values()) {
    if (damage === null) continue;
    told = true;
    for (let at = 0; at < amounts.seconds; at++) until[at + 1] = (until[at + 1] ?? 0) + (damage[at] ?? 0);
  }
  for (let at = 1; at < until.length; at++) until[at] = (until[at] ?? 0) + (until[at - 1] ?? 0);
  return told ? { firstSecond: amounts.firstSecond, until } : null;
}

/** What had been dealt by a moment; within a second as if it came evenly. */
function dealtUntil({ firstSecond, until }: Sums, ms: number): number {
  const at = Math.min(until.length - 1, Math.max(0, ms / 1000 - firstSecond));
  const [low, high] = [until[Math.floor(at)] ?? 0, until[Math.ceil(at)] ?? 0];
  return low + (high - low) * (at - Math.floor(at));
}

/** How an attempt stands against the best one. */
export type Pace =
  /** There is none to compare with, or it is not known what was dealt when. */
  | { kind: 'unknown' }
  /** It has gone on for longer than the best one did. */
  | { kind: 'longer' }
  /** By this share more has been dealt than after the same time of the best one; below 0: less. */
  | { kind: 'ahead'; share: number };

/**
 * @param fromMs when the attempt began
 * @param untilMs the moment that is asked about; what has not come by then is not known
 */
export function paceOf(now: Sums | null, fromMs: number, untilMs: number, best: Try, bestSums: Sums | null): Pace {
  if (now === null || bestSums === null) return { kind: 'unknown' };
  const knownMs = Math.min(untilMs, (now.firstSecond + now.until.length - 1) * 1000);
  const elapsedMs = knownMs - fromMs;
  // Seconds before those that are known: they may come yet.
  const lacks = (sums: Sums, ms: number): boolean => sums.firstSecond * 1000 >= ms + 1000;
  if (elapsedMs < PACE_LEAST_MS || lacks(now, fromMs) || lacks(bestSums, best.fromMs)) return { kind: 'unknown' };
  if (elapsedMs > best.toMs - best.fromMs) return { kind: 'longer' };
  const then = dealtUntil(bestSums, best.fromMs + elapsedMs) - dealtUntil(bestSums, best.fromMs);
  const dealt = dealtUntil(now, knownMs) - dealtUntil(now, fromMs);
  return then <= 0 ? { kind: 'unknown' } : { kind: 'ahead', share: dealt / then - 1 };
}
