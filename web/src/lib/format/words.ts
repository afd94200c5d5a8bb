/** The wire's codes in plain words. */
import { METRICS, totalOf, type Metric } from '$lib/fight/figures';
import { spokenClock } from './time';
import type { AttemptRow, Outcome, Place, ReportState, Totals } from '$lib/wire/types';

/** What Raidcast does: at the foot of a page that has nothing else to say there. */
export const SLOGAN = 'Raidcast shows a fight while it happens, and keeps it as a report.';

/** How a fight went. */
export const OUTCOMES: Record<Outcome, string> = {
  kill: 'Kill',
  wipe: 'Wipe',
  reset: 'Reset',
  unfinished: 'Unfinished',
  unknown: 'Ended',
};

/** A fight in one word: while it is live, that; else how it went. */
export function outcomeWord(state: ReportState, outcome: Outcome): string {
  if (state === 'live') return 'Live';
  return state === 'provisional' && outcome === 'unknown' ? 'Provisional' : OUTCOMES[outcome];
}

/** What a fight is called: its greatest boss, else its scene, else what can be said. */
export function fightTitle(bosses: readonly string[], place: Place): string {
  return bosses[0] ?? place.scene ?? (place.sceneId === null ? 'Unknown fight' : `Scene ${place.sceneId}`);
}

/** That what is shown is behind, and why. */
export function behindWords(delayS: number): string {
  return `Shown ${spokenClock(delayS * 1000)} late: its uploader set this delay for all but the raid’s members.`;
}

/** How an attempt ended, as far as the data tell. */
export type AttemptOutcome = Outcome | 'running';

/** In a word. */
export const ATTEMPT_OUTCOMES: Record<AttemptOutcome, string> = { ...OUTCOMES, running: 'Running' };

/** Why an attempt began. */
export function attemptReason(row: Pick<AttemptRow, 'reason'>): string {
  const words: Record<string, string> = {
    initial: 'First attempt',
    rollback: 'After a reset of the boss',
    wipe: 'After a wipe',
    manual: 'Started by hand',
  };
  return words[row.reason] ?? 'New attempt';
}

/** A skill's name, else its number. */
export function skillName(name: string | null, id: number): string {
  return name ?? `Skill ${id}`;
}

/** A metric in words: in full, its amount in a column's head, a second of it, and what counts it, if anything does. */
export const METRIC_WORDS: Record<Metric, { name: string; amount: string; rate: string; hits: string | null }> = {
  damage: { name: 'Damage', amount: 'Damage', rate: 'DPS', hits: 'Hits' },
  healing: { name: 'Healing', amount: 'Healing', rate: 'HPS', hits: 'Heals' },
  taken: { name: 'Damage taken', amount: 'Taken', rate: 'DTPS', hits: null },
};

/** A tab of a fight. */
export interface MetricTab {
  id: Metric;
  label: string;
}

/** The tabs of a fight: one for each metric of which something is known. */
export function tabsOf(totals: Totals): MetricTab[] {
  return METRICS.filter((id) => totalOf(totals, id) !== null).map((id) => ({ id, label: METRIC_WORDS[id].name }));
}

/** The tab that an address asks for; damage where there is no such one. */
export function tabOf(tabs: readonly MetricTab[], asked: Metric): Metric {
  return tabs.some(({ id }) => id === asked) ? asked : 'damage';
}
