/** One page of the public reports, read again while it is looked at. */
import type { Api, ApiFailure } from '$lib/api/client';
import type { ReportPage } from '$lib/api/types';
import type { PageEnv } from './env';
import { PageClock } from './page-clock';
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

  readonly #env: Omit<PageEnv, 'wire'>;
  readonly #reading: Reading<ReportPage>;
  readonly #clock: PageClock;
  #readMs = $state<number | null>(null);

  constructor(options: {
    api: Api;
    env: Omit<PageEnv, 'wire'>;
    number: number;
    limit: number;
    visible: () => boolean;
  }) {
    this.#env = options.env;
    this.nowMs = options.env.now();
    this.#reading = new Reading(options.env, {
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
      againMs: (tries) => (tries === 0 ? REFRESH_MS : RETRY_MS),
    });
    this.#clock = new PageClock(options.env, CLOCK_MS, (nowMs) => {
      this.nowMs = nowMs;
      // A list that nobody looks at is read when it is looked at again.
      if (options.visible()) this.#reading.readIfDue();
    });
  }

  status: PageStatus = $derived.by(() =>
    statusOfList({ failure: this.failure, readMs: this.#readMs, everyMs: REFRESH_MS, nowMs: this.nowMs }),
  );

  start(): void {
    this.#reading.read();
    this.#clock.start();
  }

  stop(): void {
    this.#clock.stop();
    this.#reading.stop();
  }

  /** The page was shown again, or time jumped. */
  wake(): void {
    this.#reading.renew();
    this.#clock.now();
  }
}
