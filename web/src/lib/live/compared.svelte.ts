/**
 * One side of a comparison: a report, and the part of it that is looked at, as the relay folds that.
 *
 * The invariant: what is shown is of the part that is wanted; what is on its way for another is given up. A part that the
 * report does not have is its whole fight, and that is said.
 */
import type { Api, ApiFailure, SpanQuery } from '$lib/api/client';
import type { Report } from '$lib/api/types';
import type { PageEnv } from './env';
import { PageClock } from './page-clock';
import type { OtherSide } from './place';
import { Reading } from './reading';

/** The clock by which things are due, ms. */
const CLOCK_MS = 500;
/** How often what may change is read again, ms. */
const REFRESH_MS = 4_000;
/** Where it could not be read the wait grows with each try, to this at most, ms. */
const RETRY_MAX_MS = 30_000;

/** See the module. */
export class ComparedSide {
  /** The whole fight: what it is called, and which attempts it has. */
  whole = $state.raw<Report | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  #part = $state.raw<Report | null>(null);
  #side = $state.raw<OtherSide | null>(null);
  /** The relay said that nothing in it has a time. */
  #timeless = $state(false);
  readonly #whole: Reading<Report>;
  readonly #parts: Reading<Report>;
  readonly #clock: PageClock;
  #askedKey = '';

  /** `api`: whom to ask with a side's ticket. */
  constructor(options: { api: (ticket: string | null) => Api; env: PageEnv }) {
    const { api, env } = options;
    const againMs = (tries: number): number | null => {
      if (this.failure?.notFound === true) return null;
      if (tries > 0) return Math.min(REFRESH_MS * tries, RETRY_MAX_MS);
      return this.whole?.state === 'final' ? null : REFRESH_MS;
    };
    const failed = (failure: ApiFailure): void => {
      // What is shown stays, unless it is not there any more.
      if (this.shown === null || failure.notFound) this.failure = failure;
    };
    this.#whole = new Reading(env, {
      ask: (signal) => api(this.#side?.ticket ?? null).report(this.#side?.report ?? '', null, signal),
      got: (report) => {
        this.whole = report;
        this.failure = null;
        this.#readPart();
      },
      failed,
      againMs,
    });
    this.#parts = new Reading(env, {
      ask: (signal) => api(this.#side?.ticket ?? null).report(this.#side?.report ?? '', this.asked, signal),
      got: (report) => {
        this.#part = report;
        this.failure = null;
      },
      failed: (failure) => {
        if (failure.noTimes) this.#timeless = true;
        else failed(failure);
      },
      againMs: (tries) => (this.#timeless ? null : againMs(tries)),
    });
    this.#clock = new PageClock(env, CLOCK_MS, () => {
      this.#whole.readIfDue();
      this.#parts.readIfDue();
    });
  }

  /** What of it is asked for; `null`: all of it. */
  asked: SpanQuery | null = $derived.by(() => {
    const [side, whole] = [this.#side, this.whole];
    if (side === null || whole === null || !whole.timed || this.#timeless) return null;
    if (side.span !== null) return side.span;
    const attempt = whole.attempts.find((one) => one.index === side.attempt);
    return attempt === undefined ? null : { fromMs: attempt.startMs, toMs: attempt.endMs };
  });

  /** Whether a part was wanted that the report does not have. */
  lacksPart: boolean = $derived.by(() => {
    const side = this.#side;
    return side !== null && this.whole !== null && (side.span !== null || side.attempt !== null) && this.asked === null;
  });

  /** The fold that is compared; `null` while it is read. */
  shown: Report | null = $derived(this.asked === null ? this.whole : this.#part);

  /** Looks at a part of a report, or at none. */
  look(side: OtherSide | null): void {
    const was = this.#side;
    const another = side?.report !== was?.report || side?.ticket !== was?.ticket;
    this.#side = side;
    if (another) {
      this.whole = null;
      this.failure = null;
      this.#timeless = false;
      this.#whole.stop();
      this.#forgetPart();
      if (side !== null) this.#whole.renew();
    } else if (this.whole !== null) {
      this.#readPart();
    }
    if (side === null) this.#clock.stop();
    else this.#clock.start();
  }

  /** The page was shown again: what is on its way may never come. */
  wake(): void {
    if (this.#whole.goesOn) this.#whole.renew();
    if (this.#parts.goesOn) this.#parts.renew();
  }

  stop(): void {
    this.look(null);
  }

  /** The part is another one, or may be: of what has ended it is read once. */
  #readPart(): void {
    const asked = this.asked;
    const key = asked === null ? '' : `${asked.fromMs} ${asked.toMs ?? ''}`;
    if (key === this.#askedKey) return;
    this.#forgetPart();
    this.#askedKey = key;
    if (asked !== null) this.#parts.renew();
  }

  #forgetPart(): void {
    this.#askedKey = '';
    this.#part = null;
    this.#parts.stop();
  }
}
