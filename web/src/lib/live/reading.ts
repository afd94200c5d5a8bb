/**
 * One thing that is read over HTTP again and again: at most one request at a time, given up when its page wakes up, and
 * due anew some time after each answer.
 *
 * The invariant: what was given up is never heard of again, however late its answer comes.
 */
import { ApiFailure } from '$lib/api/client';

/** What is read, and who is told. */
export interface ReadingOf<T> {
  ask(signal: AbortSignal): Promise<T>;
  got(value: T): void;
  failed(failure: ApiFailure): void;
  /**
   * After either of them: how long until it is due again, ms; `null`: it is not by itself.
   *
   * @param tries how many failed since something came
   */
  againMs(tries: number): number | null;
}

/** See the module. */
export class Reading<T> {
  readonly #env: { now(): number };
  readonly #of: ReadingOf<T>;
  #current: AbortController | null = null;
  #again = false;
  #tries = 0;
  #dueMs: number | null = null;

  constructor(env: { now(): number }, of: ReadingOf<T>) {
    this.#env = env;
    this.#of = of;
  }

  /** Whether an answer is waited for. */
  get waiting(): boolean {
    return this.#current !== null;
  }

  /** Whether it is read now, or will be by itself. */
  get goesOn(): boolean {
    return this.#current !== null || this.#dueMs !== null;
  }

  /** Reads; once more after the answer that is on its way, if one is. */
  read(): void {
    if (this.#current === null) void this.#start();
    else this.#again = true;
  }

  /** Reads if it is due and nothing is on its way: for the beat of a page's clock. */
  readIfDue(): void {
    if (this.#current === null && this.#dueMs !== null && this.#env.now() >= this.#dueMs) void this.#start();
  }

  /** It is due with the next beat, however many say so until then. */
  soon(): void {
    if (this.#current === null) this.#dueMs = -Infinity;
    else this.#again = true;
  }

  /** It is due within so long, ms, if not before; once more after the answer that is on its way, if one is. */
  within(ms: number): void {
    if (this.#current === null) this.#dueMs = Math.min(this.#dueMs ?? Infinity, this.#env.now() + ms);
    else this.#again = true;
  }

  /** Reads anew: what is on its way may hang on a connection that died. */
  renew(): void {
    this.stop();
    void this.#start();
  }

  /** Gives up what is on its way; nothing is due any more. */
  stop(): void {
    this.#current?.abort();
    this.#current = null;
    this.#again = false;
    this.#dueMs = null;
  }

  async #start(): Promise<void> {
    const own = new AbortController();
    this.#current = own;
    try {
      const value = await this.#of.ask(own.signal);
      if (this.#current !== own) return;
      this.#tries = 0;
      this.#of.got(value);
    } catch (error) {
      if (this.#current !== own) return;
      if (!(error instanceof ApiFailure)) throw error;
      this.#tries += 1;
      this.#of.failed(error);
    } finally {
      if (this.#current === own) {
        this.#current = null;
        const waitMs = this.#of.againMs(this.#tries);
        this.#dueMs = waitMs === null ? null : this.#env.now() + waitMs;
        if (this.#again) {
          this.#again = false;
          void this.#start();
        }
      }
    }
  }
}
