/** An evening: its pulls in their order, what they come to together, and how each player did over them. */
import type { NightFight } from '$lib/api/types';
import { fightTitle, type AttemptOutcome } from '$lib/format/words';
import type { ReportSummary } from '$lib/wire/types';
import { attemptsOf } from './attempts';

/** One try at a boss: an attempt of a fight that has several, else the fight. */
export interface Pull {
  /** From 1, over the whole evening. */
  number: number;
  reportId: string;
  /** Which attempt of the report; `null`: all of it. */
  attempt: number | null;
  title: string;
  outcome: AttemptOutcome | 'live';
  /** What of the boss' health was left, 0 to 1; `null` where not told. */
  bossLeft: number | null;
  durationMs: number;
  /** Whether no other of this boss got further, and there are others. */
  best: boolean;
}

/** What is known of a fight: all of it, or, until that has come, its line of the list. */
export interface NightRow {
  line: ReportSummary;
  told: NightFight | null;
}

/** The fights of a raid with what is told of them, the oldest first. */
export function rowsOf(lines: readonly ReportSummary[], told: Readonly<Record<string, NightFight>>): NightRow[] {
  const rows = lines.map((line) => {
    const own = told[line.reportId];
    // What another reading told is of the past.
    return { line, told: own?.report.revision === line.revision && line.state !== 'live' ? own : null };
  });
  return rows.reverse();
}

/** The pulls of an evening, in their order. */
export function pullsOf(rows: readonly NightRow[]): Pull[] {
  const pulls = rows.filter(({ line }) => !line.stub).flatMap(pullsOfFight);
  const best = bestOf(pulls);
  return pulls.map((pull, at) => ({ ...pull, number: at + 1, best: best.has(at) }));
}

type Unnumbered = Omit<Pull, 'number' | 'best'>;

function pullsOfFight({ line, told }: NightRow): Unnumbered[] {
  const whole: Unnumbered = {
    reportId: line.reportId,
    attempt: null,
    title: fightTitle(line.bosses, line.encounter),
    outcome: line.state === 'live' ? 'live' : line.outcome,
    bossLeft: null,
    durationMs: line.durationMs,
  };
  if (told === null) return [whole];
  const { firstMs, boss } = told;
  const attempts = attemptsOf({
    attempts: told.attempts,
    firstMs,
    lastMs: firstMs + line.durationMs,
    state: line.state,
    outcome: line.outcome,
    totals: line.totals,
  });
  if (attempts.length > 1) {
    return attempts.map(({ index, outcome, bossLeft, fromMs, toMs }) => ({
      ...whole,
      attempt: index,
      outcome,
      bossLeft,
      durationMs: toMs - fromMs,
    }));
  }
  const isTold = boss !== null && boss.hp !== null && boss.maxHp !== null && boss.maxHp > 0 && line.outcome !== 'kill';
  const left = isTold ? Math.min(1, (boss.hp ?? 0) / (boss.maxHp ?? 1)) : null;
  return [{ ...whole, bossLeft: attempts[0]?.bossLeft ?? left }];
}

/** Which of them got furthest, of each boss: the fastest kill, else the least health left. Of one alone, none. */
function bestOf(pulls: readonly Unnumbered[]): Set<number> {
  const best = new Map<string, number>();
  const count = new Map<string, number>();
  for (const [at, pull] of pulls.entries()) {
    count.set(pull.title, (count.get(pull.title) ?? 0) + 1);
    const held = pulls[best.get(pull.title) ?? -1];
    if (isFar(pull) && (held === undefined || isFurther(pull, held))) best.set(pull.title, at);
  }
  return new Set([...best].filter(([title]) => (count.get(title) ?? 0) > 1).map(([, at]) => at));
}

function isFar({ outcome, bossLeft }: Unnumbered): boolean {
  return outcome === 'kill' || (bossLeft !== null && outcome !== 'live' && outcome !== 'running');
}

function isFurther(pull: Unnumbered, than: Unnumbered): boolean {
  const [kill, other] = [pull.outcome === 'kill', than.outcome === 'kill'];
  if (kill !== other) return kill;
  return kill ? pull.durationMs < than.durationMs : (pull.bossLeft ?? 1) < (than.bossLeft ?? 1);
}

/** What an evening comes to. */
export interface NightTotals {
  /** Time in fights, ms. */
  fightMs: number;
  kills: number;
  wipes: number;
  /** Players' deaths, in those fights that tell them; `null` where none does. */
  deaths: number | null;
}

/** The same of all fights that are over; kills and wipes are pulls. */
export function totalsOf(rows: readonly NightRow[], pulls: readonly Pull[]): NightTotals {
  const over = rows.filter(({ line }) => line.state !== 'live' && !line.stub);
  const deaths = over.map(({ line }) => line.totals.deaths).filter((n) => n !== null && Number.isFinite(n));
  return {
    fightMs: over.reduce((sum, { line }) => sum + line.durationMs, 0),
    kills: pulls.filter(({ outcome }) => outcome === 'kill').length,
    wipes: pulls.filter(({ outcome }) => outcome === 'wipe').length,
    deaths: deaths.length === 0 ? null : deaths.reduce<number>((sum, n) => sum + (n ?? 0), 0),
  };
}

/** A player over an evening. */
export interface Trend {
  playerKey: string;
  name: string | null;
  classId: number | null;
  specId: number | null;
  /** Of each fight, in their order; `null` where the player was not in it. */
  dps: (number | null)[];
  /** Damage a second, the most of one fight, and the mean of those that the player was in. */
  best: number;
  mean: number;
  fights: number;
  deaths: number | null;
}

/** Who was in at least one of the fights that are told of, the most damage a second first. */
export function trendsOf(rows: readonly NightRow[]): Trend[] {
  const told = rows.map((row) => row.told).filter((fight) => fight !== null);
  const trends = new Map<string, Trend>();
  for (const [at, { players }] of told.entries()) {
    for (const { playerKey, name, classId, specId, dps, deaths } of players) {
      const held = trends.get(playerKey);
      const trend = held ?? {
        playerKey,
        name,
        classId,
        specId,
        dps: told.map(() => null),
        best: 0,
        mean: 0,
        fights: 0,
        deaths: null,
      };
      // As he was called last.
      trend.name = name ?? trend.name;
      trend.classId = classId ?? trend.classId;
      trend.specId = specId ?? trend.specId;
      trend.dps[at] = dps;
      trend.best = Math.max(trend.best, dps);
      trend.mean = (trend.mean * trend.fights + dps) / (trend.fights + 1);
      trend.fights += 1;
      if (deaths !== null) trend.deaths = (trend.deaths ?? 0) + deaths;
      trends.set(playerKey, trend);
    }
  }
  return [...trends.values()].sort((a, b) => b.mean - a.mean);
}

/**
 * A line through values, in a box of this size: paths, one for each stretch without a gap; a value alone is a dot.
 *
 * @param most the value at the upper edge
 */
export function sparkline(values: readonly (number | null)[], most: number, width: number, height: number): string {
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  const one = (n: number): string => n.toFixed(1);
  let path = '';
  let isOpen = false;
  for (const [at, value] of values.entries()) {
    if (value === null) {
      isOpen = false;
      continue;
    }
    const x = values.length > 1 ? at * step : width / 2;
    const y = most > 0 ? height - (height * Math.min(value, most)) / most : height;
    // A line of no length is a dot: its ends are round.
    path += isOpen ? `L${one(x)} ${one(y)}` : `M${one(x)} ${one(y)}h0`;
    isOpen = true;
  }
  return path;
}
