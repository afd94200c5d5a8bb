/**
 * One render a frame, however much arrives: what changes what is seen asks here, and runs together with all else that
 * asked, once, before the browser paints next. What is dear by itself, a chart, asks for a frame of its own: behind new
 * figures in the same frame, all styles would be worked out twice, and the page would stand still for as long as both
 * take.
 *
 * On a slow machine there is a pause between two renders that is longer than a render, so that most of the time is left
 * for what the reader does.
 *
 * Where the browser paints nothing (a hidden tab, a covered window) a timer stands in, so that titles go on.
 */

/** Time, as the gate needs it. */
export interface GateEnv {
  /** Unix ms. */
  now(): number;
  /** Calls back before the next paint, if there is one. */
  paint(run: () => void): void;
  /** Calls back when what was done before a paint is painted. */
  painted(run: () => void): void;
  setTimer(run: () => void, ms: number): number;
  clearTimer(id: number): void;
}

/** Without a paint for this long the timer stands in, ms: four paints of the slowest page that still moves. */
const UNPAINTED_MS = 500;
/** A frame that comes this long after it was asked for is late, ms: the page has more to do than time for it. */
const LATE_MS = 80;
/** A render that took no longer than this is cheap, ms: a frame of a usual screen. */
const CHEAP_MS = 16;
/** A pause is so many times as long as the render before it was, and at most so long, ms. */
const PAUSE_SHARE = 1.5;
const PAUSE_MAX_MS = 500;
/** For this long after a late frame nothing moves for beauty's sake, ms. */
const BEHIND_MS = 2_000;

/** See the module. */
export class FrameGate {
  readonly #env: GateEnv;
  #waiting: (() => void)[] = [];
  /** What wants a frame of its own; one after the other, in turn with what waits together. */
  #alone: (() => void)[] = [];
  /** Whether a frame is asked for, or a pause before it runs. */
  #due = false;
  /** Whether the last frame was one of `#alone`. */
  #wasAlone = false;
  #timer: number | null = null;
  /** Counts frames, so that the later of paint and timer finds nothing to do. */
  #frame = 0;
  #lateMs = -Infinity;
  /** The next render is not before this. */
  #pauseUntilMs = -Infinity;

  constructor(env: GateEnv) {
    this.#env = env;
  }

  /** Runs this in the next frame, behind what asked before it. Gives what takes it back. */
  ask(run: () => void): () => void {
    this.#waiting.push(run);
    this.#come();
    return () => {
      this.#waiting = this.#waiting.filter((other) => other !== run);
    };
  }

  /** Runs this in a frame in which nothing else runs. Gives what takes it back. */
  askAlone(run: () => void): () => void {
    this.#alone.push(run);
    this.#come();
    return () => {
      this.#alone = this.#alone.filter((other) => other !== run);
    };
  }

  #come(): void {
    if (this.#due) return;
    this.#due = true;
    const now = this.#env.now();
    // A clock that was set back ends the pause.
    const pauseMs = Math.min(this.#pauseUntilMs - now, PAUSE_MAX_MS);
    if (pauseMs <= 0) this.#schedule();
    else {
      this.#env.setTimer(() => {
        this.#schedule();
      }, pauseMs);
    }
  }

  /** Whether the page lately had more to do than time for it. */
  get behind(): boolean {
    return Math.abs(this.#env.now() - this.#lateMs) < BEHIND_MS;
  }

  #schedule(): void {
    // All may have been taken back in the pause, and the page be gone.
    this.#due = this.#waits;
    if (!this.#due) return;
    const frame = ++this.#frame;
    const askedMs = this.#env.now();
    this.#timer = this.#env.setTimer(() => {
      if (!this.#run(frame)) return;
      this.#comeAgain();
    }, UNPAINTED_MS);
    this.#env.paint(() => {
      const startedMs = this.#env.now();
      if (!this.#run(frame)) return;
      if (startedMs - askedMs > LATE_MS) this.#lateMs = startedMs;
      this.#env.painted(() => {
        const endedMs = this.#env.now();
        const tookMs = endedMs - startedMs;
        if (tookMs > CHEAP_MS) this.#pauseUntilMs = endedMs + Math.min(tookMs * PAUSE_SHARE, PAUSE_MAX_MS);
        if (tookMs > LATE_MS) this.#lateMs = endedMs;
        this.#comeAgain();
      });
    });
  }

  /** What wanted a frame of its own, or all else that waits; whether this frame was still to run. */
  #run(frame: number): boolean {
    if (frame !== this.#frame || !this.#due) return false;
    this.#due = false;
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
    const alone = this.#wasAlone && this.#waiting.length > 0 ? undefined : this.#alone.shift();
    this.#wasAlone = alone !== undefined;
    if (alone !== undefined) {
      alone();
      return true;
    }
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const run of waiting) run();
    return true;
  }

  get #waits(): boolean {
    return this.#waiting.length > 0 || this.#alone.length > 0;
  }

  #comeAgain(): void {
    if (this.#waits) this.#come();
  }
}
