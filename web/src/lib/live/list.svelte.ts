/** One page of the public reports, read again while it is looked at. */
import type { Api, ApiFailure } from '$lib/api/client';
import type { ReportPage } from '$lib/wire/types';
import type { PageEnv } from './env';
import { Reading } from './reading';
import { statusOfList, type PageStatus } from './status';

/** The page's clock, ms: ages are told in minutes, but an outage in seconds. */
const CLOCK_MS = 1_000;
/** How often the list is read again, ms: live fights go on. */
const REFRESH_MS = 15_000;
/** The same where the last try failed, ms. */
const RETRY_MS = 4_000;

/** See the module. */
export class ReportList {
  page = $state.raw<ReportPage | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  nowMs = $state(0);

  readonly #env: PageEnv;
  readonly #reading: Reading<ReportPage>;
  readonly #visible: () => boolean;
  #readMs = $state<number | null>(null);
  #nextReadMs = 0;
  #timer: number | null = null;

  constructor(options: { api: Api; env: PageEnv; number: number; limit: number; visible: () => boolean }) {
    this.#env = options.env;
    this.#visible = options.visible;
    this.nowMs = options.env.now();
    this.#reading = new Reading({
      ask: (signal) => options.api.reports(options.number, options.limit, signal),
      got: (page) => {
        this.page = page;
        this.failure = null;
        this.#readMs = this.#env.now();
        this.nowMs = this.#readMs;
      },
      failed: (failure) => {
        this.failure = failure;
        this.nowMs = this.#env.now();
      },
      done: () => {
        this.#nextReadMs = this.#env.now() + (this.failure === null ? REFRESH_MS : RETRY_MS);
      },
    });
  }

  status: PageStatus = $derived.by(() =>
    statusOfList({ failure: this.failure, readMs: this.#readMs, everyMs: REFRESH_MS, nowMs: this.nowMs }),
  );

  start(): void {
    this.#reading.read();
    const beat = (): void => {
      this.#env.frame(() => {
        if (this.#timer !== null) this.#beat();
      });
      this.#timer = this.#env.setTimer(beat, CLOCK_MS);
    };
    this.#timer = this.#env.setTimer(beat, CLOCK_MS);
  }

  stop(): void {
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
    this.#reading.stop();
  }

  /** The page was shown again, or time jumped. */
  wake(): void {
    this.#reading.renew();
    this.nowMs = this.#env.now();
  }

  #beat(): void {
    const now = this.#env.now();
    this.nowMs = now;
    // A list that nobody looks at is read when it is looked at again.
    if (now >= this.#nextReadMs && !this.#reading.waiting && this.#visible()) this.#reading.read();
  }
}
