/** Attempts of a fight: how each ended and how far it got, as far as the data tell. */
import type { FightFigures } from './figures';
import type { AttemptOutcome } from '$lib/format/words';

/** One attempt as a page shows it. Times are ms since the encounter began, and within the fight. */
export interface Attempt {
  index: number;
  fromMs: number;
  toMs: number;
  outcome: AttemptOutcome;
  /** What of the boss' health was left, 0 to 1; `null` where not told, or dead. */
  bossLeft: number | null;
  /** Players' damage to bosses; `null` where not told. */
  bossDamage: number | null;
  /** Players' deaths in it; `null` where not told. */
  deaths: number | null;
  reason: string;
}

/** What of a fight tells of its attempts. */
export type AttemptFacts = Pick<FightFigures, 'attempts' | 'firstMs' | 'lastMs' | 'state' | 'outcome'> & {
  totals: Pick<FightFigures['totals'], 'bossDamage' | 'deaths'>;
};

/** The attempts of a fight, by number. */
export function attemptsOf(figures: AttemptFacts): Attempt[] {
  const { attempts, firstMs, lastMs, state, totals } = figures;
  // Nothing of what a source does not tell at all is not none of it.
  const counted = (own: number | null, total: number | null): number | null =>
    total === null && own === 0 ? null : own;
  // A meter's begin and end lie beside the hits: within the fight all its times end alike.
  const within = (ms: number): number => Math.min(lastMs, Math.max(firstMs, ms));
  return attempts.map((attempt, at) => {
    const outcome = outcomeOf(figures, at);
    const { bossHpStart, bossHpEnd } = attempt;
    const told = bossHpStart !== null && bossHpEnd !== null && bossHpStart > 0 && outcome !== 'kill';
    const running = outcome === 'running' && state === 'live';
    return {
      index: attempt.index,
      fromMs: within(attempt.startMs),
      toMs: running ? lastMs : within(attempt.endMs ?? attempts[at + 1]?.startMs ?? lastMs),
      outcome,
      bossLeft: told ? Math.min(1, bossHpEnd / bossHpStart) : null,
      bossDamage: counted(attempt.bossDamage ?? null, totals.bossDamage),
      deaths: counted(attempt.deaths, totals.deaths),
      reason: attempt.reason,
    };
  });
}

/** What the relay says; where it says nothing, what the next attempt's beginning and the fight's end tell. */
function outcomeOf(figures: AttemptFacts, at: number): AttemptOutcome {
  const { attempts, outcome: ofFight, state } = figures;
  const attempt = attempts[at];
  const next = attempts[at + 1];
  if (attempt?.outcome !== undefined && attempt.outcome !== 'unknown') return attempt.outcome;
  if (next === undefined) {
    if (state === 'live') return (attempt?.endMs ?? null) === null ? 'running' : 'unknown';
    return attempt?.bossHpEnd === 0 && ofFight === 'unknown' ? 'kill' : ofFight;
  }
  if (attempt?.bossHpEnd === 0) return 'kill';
  if (next.reason === 'wipe') return 'wipe';
  return next.reason === 'rollback' ? 'reset' : 'unknown';
}

/** The attempt after or before the one that is looked at; without one the first, or the last; `null` at either end. */
export function attemptBeside(attempts: readonly Attempt[], selected: number | null, step: 1 | -1): number | null {
  const at = attempts.findIndex((attempt) => attempt.index === selected);
  if (at < 0) return attempts.at(step === 1 ? 0 : -1)?.index ?? null;
  return attempts[at + step]?.index ?? null;
}
