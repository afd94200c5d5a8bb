/**
 * How fast bosses lose health, and when they will have none. Of what the source tells of their health, and never of what
 * was dealt to them: a source that does not tell it says nothing of when they die.
 */
import type { Boss } from '$lib/wire/types';

/** The rate is of this long at the most, ms of the fight: what was before says little of now. */
export const TREND_MS = 20_000;
/** And of this long at least, ms. */
export const TREND_LEAST_MS = 5_000;
/** So much lies between two that are kept, ms. */
const APART_MS = 500;

interface Seen {
  /** Ms since the encounter began. */
  atMs: number;
  hp: number;
}

/** What was told of the health of a fight's bosses of late. */
export class HealthTrend {
  #of = '';
  #seen = new Map<string, Seen[]>();

  /** What is told of a fight's bosses at a moment, ms since the encounter began. */
  add(reportId: string, atMs: number, bosses: readonly Boss[]): void {
    const before = reportId === this.#of ? this.#seen : new Map<string, Seen[]>();
    this.#of = reportId;
    this.#seen = new Map();
    for (const boss of bosses) {
      const hp = boss.defeated === true ? null : boss.hp;
      const key = keyOf(boss);
      // Of two that are called alike it is not known which is which.
      if (hp === null || bosses.filter((one) => keyOf(one) === key).length > 1) continue;
      this.#seen.set(key, after(before.get(key) ?? [], { atMs, hp }));
    }
  }

  /**
   * How long it takes until all of these are dead, if they go on losing health as of late, ms of the fight; `null` where
   * that is not known of one of them.
   */
  timeToKill(bosses: readonly Boss[]): number | null {
    const alive = bosses.filter((boss) => boss.defeated !== true && boss.hp !== 0);
    const each = alive.map((boss) => leftMs(this.#seen.get(keyOf(boss)) ?? []));
    if (each.length === 0 || each.includes(null)) return null;
    return Math.max(...each.map((ms) => ms ?? 0));
  }
}

function keyOf(boss: Boss): string {
  return `${boss.monsterId ?? ''} ${boss.name}`;
}

function after(seen: readonly Seen[], now: Seen): Seen[] {
  const last = seen.at(-1);
  // It is whole again, or was healed; or somebody looks back.
  if (last === undefined || now.hp > last.hp || now.atMs < last.atMs) return [now];
  const kept = seen.filter((one) => one.atMs >= now.atMs - TREND_MS);
  const [before, newest] = kept.slice(-2);
  if (before !== undefined && newest !== undefined && newest.atMs - before.atMs < APART_MS) kept.pop();
  return [...kept, now];
}

function leftMs(seen: readonly Seen[]): number | null {
  const [first, last] = [seen[0], seen.at(-1)];
  if (first === undefined || last === undefined) return null;
  const [ms, lost] = [last.atMs - first.atMs, first.hp - last.hp];
  return ms < TREND_LEAST_MS || lost <= 0 ? null : (last.hp * ms) / lost;
}
