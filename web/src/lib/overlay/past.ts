/** What was known at each moment of the last minutes: for who shows it late. */

/** See the module. */
export class Past<T> {
  readonly #longMs: number;
  /** By time, oldest first. */
  #held: { atMs: number; value: T }[] = [];

  /** @param longMs so far back it can be asked */
  constructor(longMs: number) {
    this.#longMs = longMs;
  }

  /** Notes what is known at a moment, not before the one that was noted last; a clock that was set back begins anew. */
  note(atMs: number, value: T): void {
    const last = this.#held.at(-1);
    if (last !== undefined && atMs < last.atMs) this.#held = [];
    this.#held.push({ atMs, value });
    // The newest of those that are too old is what was known when the time that can be asked for begins.
    const from = this.#held.findLastIndex((one) => one.atMs <= atMs - this.#longMs);
    if (from > 0) this.#held.splice(0, from);
  }

  /** What was known at a moment; `null` of one before the first. */
  at(ms: number): T | null {
    return this.#held.findLast((one) => one.atMs <= ms)?.value ?? null;
  }

  /** The first moment of which anything is known; `null` where there is none. */
  get fromMs(): number | null {
    return this.#held[0]?.atMs ?? null;
  }
}
