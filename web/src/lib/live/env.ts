/** The browser's own time, chance and network. */
import type { ConnectionEnv } from './connection';
import { FrameGate } from './frame-gate';

/** What pages need of the browser: a connection's environment, and the moment before the next paint. */
export interface PageEnv extends ConnectionEnv {
  /** Runs this once before the next paint, together with all else that asked: see FrameGate. Gives what takes it back. */
  frame(run: () => void): () => void;
}

const time = {
  // Not `performance.now()`: on most systems that stands still while the machine sleeps.
  now: () => Date.now(),
  setTimer: (run: () => void, ms: number) => setTimeout(run, ms),
  clearTimer: (id: number) => {
    clearTimeout(id);
  },
};

const gate = new FrameGate({
  ...time,
  paint: (run) => {
    requestAnimationFrame(run);
  },
  // A task that is queued before a paint runs behind it.
  painted: (run) => {
    setTimeout(run, 0);
  },
});

/** The real ones, but for how frames are written. */
export const plainEnv: Omit<PageEnv, 'wire'> = {
  ...time,
  open: (url, protocol) => new WebSocket(url, protocol),
  random: () => Math.random(),
  frame: (run) => gate.ask(run),
};

/** Whether things may move for beauty's sake: not for who does not want it, not unseen, not where time is short. */
export function mayMove(): boolean {
  return (
    !gate.behind &&
    document.visibilityState === 'visible' &&
    !matchMedia('(prefers-reduced-motion: reduce)').matches &&
    !matchMedia('print').matches
  );
}

/** How far apart drawings are where time is short, ms. */
const SPARSE_MS = 3_000;

/**
 * Runs this in a frame of its own; where time is short, not before long after `lastMs` (by `performance.now()`). Gives
 * what takes it back.
 */
export function drawLater(run: () => void, lastMs: number): () => void {
  const waitMs = gate.behind ? Math.max(0, lastMs + SPARSE_MS - performance.now()) : 0;
  if (waitMs === 0) return gate.askAlone(run);
  let takeBack = (): void => {
    clearTimeout(timer);
  };
  const timer = setTimeout(() => {
    takeBack = gate.askAlone(run);
  }, waitMs);
  return () => {
    takeBack();
  };
}

/** How often the clock is looked at for a jump, ms. */
const LOOK_MS = 1_000;
/** A clock that went this much further than its timer slept, or was set back, ms. */
const JUMP_MS = 5_000;

/**
 * Calls `wake` when the page is shown again, comes back from the browser's cache, the network returns, or the clock
 * jumped: a machine that slept with the page in front tells nothing else.
 */
export function onWake(wake: () => void): () => void {
  const visible = (): void => {
    if (document.visibilityState === 'visible') wake();
  };
  let lookedMs = Date.now();
  const look = setInterval(() => {
    const passed = Date.now() - lookedMs;
    lookedMs += passed;
    // Timers of hidden pages come late as a rule; being shown again wakes those.
    if (document.visibilityState === 'visible' && (passed > LOOK_MS + JUMP_MS || passed < -LOOK_MS)) wake();
  }, LOOK_MS);
  document.addEventListener('visibilitychange', visible);
  window.addEventListener('pageshow', wake);
  window.addEventListener('online', wake);
  return () => {
    clearInterval(look);
    document.removeEventListener('visibilitychange', visible);
    window.removeEventListener('pageshow', wake);
    window.removeEventListener('online', wake);
  };
}
