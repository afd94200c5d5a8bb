/**
 * What the rows of a saved fight come to in a part of it: the entries of the part are added up, and nothing else is
 * decided here. Whose a row is, the relay's view has said when the fight was saved.
 */
import type { Saved } from './saved';

const CRIT = 1;
const LUCKY = 2;
const BOSS = 4;

/** A half-open part of a fight, ms since the encounter began. */
export interface Part {
  fromMs: number;
  toMs: number;
}

/** What one row comes to. */
export interface RowSum {
  /** Places of source, target and skill, and whether it heals. */
  source: number;
  target: number;
  skill: number;
  heals: boolean;
  amount: number;
  hits: number;
  crit: number;
  lucky: number;
  /** What of it went to a boss. */
  bossAmount: number;
  bossHits: number;
  /** The greatest hit; `null` where some of it is told as sums. */
  max: number | null;
}

/** The rows of which anything came in the part. */
export function rowsIn(saved: Saved, part: Part): RowSum[] {
  const rows = new Map<number, RowSum>();
  const row = (at: number): RowSum => {
    let held = rows.get(at);
    if (held === undefined) {
      const [source, target, skill, heals] = saved.rows[at] ?? [0, 0, 0, 0];
      held = { source, target, skill, heals: heals === 1, amount: 0, hits: 0, crit: 0, lucky: 0, ...NO_BOSS, max: 0 };
      rows.set(at, held);
    }
    return held;
  };
  const { hits, sums } = saved;
  for (let at = first(hits.atMs, part.fromMs), end = first(hits.atMs, part.toMs); at < end; at++) {
    const held = row(hits.row[at] ?? 0);
    const amount = hits.amount[at] ?? 0;
    const flags = hits.flags[at] ?? 0;
    held.amount += amount;
    held.hits += 1;
    if ((flags & CRIT) !== 0) held.crit += 1;
    if ((flags & LUCKY) !== 0) held.lucky += 1;
    if ((flags & BOSS) !== 0) {
      held.bossAmount += amount;
      held.bossHits += 1;
    }
    if (held.max !== null && amount > held.max) held.max = amount;
  }
  for (let at = first(sums.atMs, part.fromMs), end = first(sums.atMs, part.toMs); at < end; at++) {
    const held = row(sums.row[at] ?? 0);
    const amount = sums.amount[at] ?? 0;
    const count = sums.hits[at] ?? 0;
    held.amount += amount;
    held.hits += count;
    held.crit += sums.crit[at] ?? 0;
    held.lucky += sums.lucky[at] ?? 0;
    if (saved.actors[held.target]?.boss === true) {
      held.bossAmount += amount;
      held.bossHits += count;
    }
    if (amount > 0 || count > 0) held.max = null;
  }
  return [...rows.values()];
}

const NO_BOSS = { bossAmount: 0, bossHits: 0 };

/** First and last of what says that the fight went on in the part; `null` where nothing does. */
export function reachOf(saved: Saved, part: Part): { firstMs: number; lastMs: number } | null {
  const { atMs } = saved.hits;
  const [from, end] = [first(atMs, part.fromMs), first(atMs, part.toMs)];
  const [began, ended] = [first(saved.moments, part.fromMs), first(saved.moments, part.toMs)];
  const all: number[] = [];
  for (const [times, at, to] of [
    [atMs, from, end],
    [saved.moments, began, ended],
  ] as const) {
    if (at < to) all.push(times[at] ?? 0, times[to - 1] ?? 0);
  }
  return all.length === 0 ? null : { firstMs: Math.min(...all), lastMs: Math.max(...all) };
}

/** The first place of times that are in order at which it is `atMs` or later. */
function first(times: ArrayLike<number>, atMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] ?? 0) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
