/**
 * One thing that is read over HTTP again and again: at most one request at a time, given up when its page wakes up.
 *
 * The invariant: what was given up is never heard of again, however late its answer comes.
 */
import { ApiFailure } from '$lib/api/client';

/** What is read, and who is told. */
export interface ReadingOf<T> {
  ask(signal: AbortSignal): Promise<T>;
  got(value: T): void;
  failed(failure: ApiFailure): void;
  /** After either of them. */
  done?(): void;
}

/** See the module. */
export class Reading<T> {
  readonly #of: ReadingOf<T>;
  #current: AbortController | null = null;
  #again = false;

  constructor(of: ReadingOf<T>) {
    this.#of = of;
  }

  /** Whether an answer is waited for. */
  get waiting(): boolean {
    return this.#current !== null;
  }

  /** Reads; once more after the answer that is on its way, if one is. */
  read(): void {
    if (this.#current === null) void this.#start();
    else this.#again = true;
  }

  /** Reads anew: what is on its way may hang on a connection that died. */
  renew(): void {
    this.stop();
    void this.#start();
  }

  /** Gives up what is on its way. */
  stop(): void {
    this.#current?.abort();
    this.#current = null;
    this.#again = false;
  }

  async #start(): Promise<void> {
    const own = new AbortController();
    this.#current = own;
    try {
      const value = await this.#of.ask(own.signal);
      if (this.#current !== own) return;
      this.#of.got(value);
    } catch (error) {
      if (this.#current !== own) return;
      if (!(error instanceof ApiFailure)) throw error;
      this.#of.failed(error);
    } finally {
      if (this.#current === own) {
        this.#current = null;
        this.#of.done?.();
        if (this.#again) {
          this.#again = false;
          void this.#start();
        }
      }
    }
  }
}
