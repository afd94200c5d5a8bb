/**
 * The running time of a live fight between two frames.
 *
 * It follows the fight, not the wall: it goes on for a while after the last combat event that is known, since more are
 * on their way, and when none come it goes back to that event, which is where the report will end too.
 */

/** Without a combat event for this long nothing happens, ms: longer than the changes of a boss' phase usually take. */
export const QUIET_MS = 10_000;
/** Beyond this the delay of the feed has changed and the clock is set anew, ms. */
const RESET_MS = 1_500;

/** See the module. */
export interface FightTimer {
  firstMs: number;
  lastMs: number;
  /** Unix ms here when the fight's clock stood at 0, as frames tell. */
  anchorMs: number;
  /** Unix ms here when `lastMs` last went on. */
  advancedMs: number;
}

/**
 * The timer after a frame: `previous` is `null` for the first frame of a fight.
 *
 * @param heardMs Unix ms here when the fight's newest event was news
 */
export function advanceTimer(
  previous: FightTimer | null,
  firstMs: number,
  lastMs: number,
  heardMs: number,
): FightTimer {
  const anchorMs = heardMs - lastMs;
  if (previous === null) return { firstMs, lastMs, anchorMs, advancedMs: heardMs };
  if (lastMs === previous.lastMs) return { ...previous, firstMs };
  const moved = anchorMs - previous.anchorMs;
  // Frames come in steps; the clock does not.
  const smooth = Math.abs(moved) > RESET_MS || lastMs < previous.lastMs ? moved : moved / 10;
  return { firstMs, lastMs, anchorMs: previous.anchorMs + smooth, advancedMs: heardMs };
}

/** Whether nothing has happened in the fight for so long that its clock stands. */
export function isQuiet(timer: FightTimer, nowMs: number): boolean {
  return nowMs - timer.advancedMs > QUIET_MS;
}

/** Time of the fight now, ms from its first combat event. `frozen`: it has ended, is idle, or nobody knows. */
export function elapsedMs(timer: FightTimer, nowMs: number, frozen: boolean): number {
  const last = timer.lastMs - timer.firstMs;
  if (frozen || isQuiet(timer, nowMs)) return Math.max(0, last);
  return Math.max(0, last, nowMs - timer.anchorMs - timer.firstMs);
}
