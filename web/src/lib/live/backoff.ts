/** How long to wait before the next try. */

/** First wait, ms. */
export const BACKOFF_FIRST_MS = 500;
/** Longest wait, ms: a page that was left open finds its relay again within this. */
export const BACKOFF_MAX_MS = 15_000;

/**
 * Wait before try number `attempt` (from 0), ms: doubled each time, then anything between half of it and all of it, so
 * that a thousand spectators of a relay that restarts do not come back in one moment.
 *
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const whole = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(attempt, 10));
  return Math.round(whole * (0.5 + random / 2));
}
