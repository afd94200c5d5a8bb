/** Amounts by second to lines of a chart. Pure; knows no chart library. */
import type { FightView } from '$lib/live/fold';
import type { Metric } from '$lib/fight/figures';
import type { Timeline } from '$lib/api/types';
import type { Bucket } from '$lib/wire/types';

/** Amounts of each player by second, `null` where not told; index 0 is `firstSecond` since the encounter began. */
export interface Amounts {
  firstSecond: number;
  seconds: number;
  players: ReadonlyMap<string, Readonly<Record<Metric, readonly number[] | null>>>;
}

/** Nothing yet. */
export const NO_AMOUNTS: Amounts = { firstSecond: 0, seconds: 0, players: new Map() };

/** The amounts of a whole report. */
export function amountsOfTimeline(timeline: Timeline): Amounts {
  return {
    firstSecond: timeline.firstSecond,
    seconds: timeline.buckets,
    players: new Map(
      timeline.players.map(({ playerKey, damage, healing, taken }) => [playerKey, { damage, healing, taken }]),
    ),
  };
}

/**
 * The amounts of a fight in the feed: its buckets, and before the first of them what HTTP told.
 *
 * Where both know a second, the feed does: it is newer.
 */
export function amountsOfFeed(fight: Pick<FightView, 'buckets' | 'players'>, earlier: Amounts | null): Amounts {
  const known = [...fight.buckets.keys()];
  if (known.length === 0) return earlier ?? NO_AMOUNTS;
  const from = Math.min(...known);
  const firstSecond = earlier !== null && earlier.seconds > 0 ? Math.min(from, earlier.firstSecond) : from;
  const seconds = Math.max(...known) - firstSecond + 1;
  const players = new Map<string, Record<Metric, number[]>>();
  const lines = fight.players.map(({ playerKey }) => {
    const line = {
      damage: new Array<number>(seconds).fill(0),
      healing: new Array<number>(seconds).fill(0),
      taken: new Array<number>(seconds).fill(0),
    };
    players.set(playerKey, line);
    return line;
  });
  if (earlier !== null) {
    for (const [key, line] of players) {
      const before = earlier.players.get(key);
      if (!before) continue;
      const until = Math.min(from, earlier.firstSecond + earlier.seconds);
      for (let second = earlier.firstSecond; second < until; second++) {
        for (const metric of ['damage', 'healing', 'taken'] as const) {
          line[metric][second - firstSecond] = before[metric]?.[second - earlier.firstSecond] ?? 0;
        }
      }
    }
  }
  for (const bucket of fight.buckets.values()) {
    for (const [metric, pairs] of pairsOf(bucket)) {
      for (let at = 0; at + 1 < pairs.length; at += 2) {
        const line = lines[pairs[at] ?? -1];
        if (line) line[metric][bucket.s - firstSecond] = pairs[at + 1] ?? 0;
      }
    }
  }
  return { firstSecond, seconds, players };
}

function pairsOf(bucket: Bucket): [Metric, readonly number[]][] {
  return [
    ['damage', bucket.d],
    ['healing', bucket.h],
    ['taken', bucket.x],
  ];
}

/**
 * The mean of the `window` seconds that end with each second; at the beginning, of as many as there were.
 *
 * Cost: linear, whatever the window.
 *
 * @param breaks places where another stretch begins: a mean is never of both sides of one
 */
export function rolling(values: readonly number[], window: number, breaks: ReadonlySet<number> = new Set()): number[] {
  let sum = 0;
  let start = 0;
  return values.map((value, at) => {
    if (breaks.has(at)) {
      start = at;
      sum = 0;
    }
    sum += value - (at - window >= start ? (values[at - window] ?? 0) : 0);
    return sum / Math.min(window, at - start + 1);
  });
}

/** Where stretches of a fight begin, ms since the encounter began: at each attempt, and behind its end. */
export function breaksOf(attempts: readonly { startMs: number; endMs: number | null }[]): number[] {
  return attempts.flatMap(({ startMs, endMs }) => [startMs, ...(endMs === null ? [] : [endMs + 1000])]);
}

/**
 * What each player did a second over the last `window` whole seconds before a moment, or as many as there were; `null`
 * where nobody's is told.
 *
 * @param untilMs ms since the encounter began
 * @param breaksMs a mean is never of both sides of one
 */
export function recentRates(
  amounts: Amounts,
  metric: Metric,
  window: number,
  untilMs: number,
  breaksMs: readonly number[] = [],
): ReadonlyMap<string, number> | null {
  const end = Math.min(Math.floor(untilMs / 1000), amounts.firstSecond + amounts.seconds);
  const begun = breaksMs.map((ms) => Math.floor(ms / 1000)).filter((second) => second < end);
  const start = Math.max(end - window, amounts.firstSecond, ...begun);
  const rates = new Map<string, number>();
  for (const [key, lines] of amounts.players) {
    const line = lines[metric];
    if (line === null) continue;
    const some = line.slice(Math.max(0, start - amounts.firstSecond), Math.max(0, end - amounts.firstSecond));
    rates.set(key, some.reduce((sum, value) => sum + value, 0) / Math.max(1, end - start));
  }
  return rates.size === 0 ? null : rates;
}

/** One line of a chart. */
export interface Line {
  key: string;
  values: number[];
}

/** What a chart draws: `x` is seconds since the fight's first combat event. */
export interface ChartData {
  x: number[];
  total: number[];
  lines: Line[];
}

/**
 * The lines of a metric, one for each of `order` (keys of players), and the raid's; nothing where nobody's is told.
 *
 * @param zeroMs the fight's first combat event, ms since the encounter began
 * @param breaksMs where means begin anew, likewise
 */
export function chartData(
  amounts: Amounts,
  metric: Metric,
  window: number,
  order: readonly string[],
  zeroMs: number,
  breaksMs: readonly number[] = [],
): ChartData {
  const breaks = new Set(breaksMs.map((ms) => Math.floor(ms / 1000) - amounts.firstSecond));
  const offset = amounts.firstSecond - Math.floor(zeroMs / 1000);
  const told = [...amounts.players.values()].map((line) => line[metric]).filter((line) => line !== null);
  const seconds = told.length === 0 && amounts.players.size > 0 ? 0 : amounts.seconds;
  const total = new Array<number>(seconds).fill(0);
  for (const line of told) {
    for (let at = 0; at < seconds; at++) total[at] = (total[at] ?? 0) + (line[at] ?? 0);
  }
  return {
    x: Array.from({ length: seconds }, (_, at) => at + offset),
    total: rolling(total, window, breaks),
    lines: order.flatMap((key) => {
      const line = amounts.players.get(key)?.[metric] ?? null;
      return line === null ? [] : [{ key, values: rolling(line, window, breaks) }];
    }),
  };
}

/** What stands beside a chart for whoever cannot see it. */
export interface ChartSummary {
  peak: number;
  peakAtMs: number;
  mean: number;
}

/** Peak and mean of the raid's line; `null` where there is none. */
export function summarize(data: ChartData): ChartSummary | null {
  if (data.total.length === 0) return null;
  let peakAt = 0;
  let sum = 0;
  for (const [at, value] of data.total.entries()) {
    sum += value;
    if (value > (data.total[peakAt] ?? 0)) peakAt = at;
  }
  return {
    peak: data.total[peakAt] ?? 0,
    peakAtMs: (data.x[peakAt] ?? 0) * 1000,
    mean: sum / data.total.length,
  };
}
