/** The wire's codes in plain words. */
import type { AttemptRow, Outcome, Place, ReportState } from '$lib/wire/types';

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

/** Why an attempt began. */
export function attemptReason(row: AttemptRow): string {
  const words: Record<string, string> = {
    initial: 'First pull',
    rollback: 'After a reset of the boss',
    wipe: 'After a wipe',
    manual: 'Set by hand',
  };
  return words[row.reason] ?? 'New attempt';
}

/** A skill's name, else its number. */
export function skillName(name: string | null, id: number): string {
  return name ?? `Skill ${id}`;
}
