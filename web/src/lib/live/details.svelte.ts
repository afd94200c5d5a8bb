/**
 * What stands beside a report's figures, read only while somebody looks at it: details of a span, and what led to one
 * death.
 *
 * The invariant: what is shown is of the span, or the death, that is looked at; what is on its way for another is given up.
 */
import type { Api, SpanQuery } from '$lib/api/client';
import type { Details, Recap } from '$lib/api/types';
import type { PageEnv } from './env';
import { PageClock } from './page-clock';
import { Reading } from './reading';

/** The clock by which things are due, ms. */
const CLOCK_MS = 500;
/** How often what goes on is read again, ms. */
const REFRESH_MS = 2_000;
/** Where it could not be read the wait grows with each try, to this at most, ms. */
const RETRY_MAX_MS = 30_000;

/** A death, as a report tells it. */
export interface DeathRef {
  atMs: number;
  playerKey: string;
}

/** See the module. */
export class ReportDetails {
  details = $state.raw<Details | null>(null);
  /** What led to the death that is looked at; `null` while it is read, `'none'` where nothing is told of it. */
  recap = $state.raw<Recap | 'none' | null>(null);
  /** Whether all hits of its fight are known singly. */
  singly = $state(true);
  /** Why nothing comes, if so. */
  problem = $state<string | null>(null);

  readonly #details: Reading<Details>;
  readonly #recaps: Reading<{ recap: Recap | null; singly: boolean }>;
  readonly #clock: PageClock;
  readonly #id: () => string;
  #span: SpanQuery | null = null;
  #wanted = '';
  #goesOn = false;
  #death: DeathRef | null = null;

  /** `id`: which report's; asked anew whenever something is looked at. */
  constructor(options: { id: () => string; api: Pick<Api, 'details' | 'recaps'>; env: PageEnv }) {
    const { api, env, id } = options;
    this.#id = id;
    this.#details = new Reading(env, {
      ask: (signal) => api.details(id(), this.#span, signal),
      got: (details) => {
        this.details = details;
        this.problem = null;
      },
      failed: (failure) => {
        if (this.details === null) this.problem = failure.message;
      },
      againMs: (tries) => {
        if (tries > 0) return Math.min(REFRESH_MS * tries, RETRY_MAX_MS);
        return this.#goesOn ? REFRESH_MS : null;
      },
    });
    this.#recaps = new Reading(env, {
      ask: async (signal) => {
        const death = this.#death;
        const span = { fromMs: death?.atMs ?? 0, toMs: (death?.atMs ?? 0) + 1 };
        const { deaths, singly } = await api.recaps(id(), span, signal);
        return { recap: deaths.find((one) => one.death.playerKey === death?.playerKey) ?? null, singly };
      },
      got: ({ recap, singly }) => {
        this.recap = recap ?? 'none';
        this.singly = singly;
        this.problem = null;
      },
      failed: (failure) => {
        this.problem = failure.message;
      },
      againMs: (tries) => {
        if (tries > 0) return Math.min(REFRESH_MS * tries, RETRY_MAX_MS);
        // What led to a death that just happened may still come.
        return this.#goesOn ? REFRESH_MS : null;
      },
    });
    this.#clock = new PageClock(env, CLOCK_MS, () => {
      this.#details.readIfDue();
      this.#recaps.readIfDue();
    });
  }

  /**
   * Looks at details of a span (`null`: of the whole fight), or at none.
   *
   * @param goesOn whether more of it may come
   */
  look(wanted: { span: SpanQuery | null } | null, goesOn: boolean): void {
    const key = wanted === null ? '' : `${this.#id()} ${wanted.span?.fromMs ?? 'all'} ${wanted.span?.toMs ?? ''}`;
    const ended = this.#goesOn && !goesOn;
    this.#goesOn = goesOn;
    if (key === this.#wanted && !ended) return;
    const another = key !== this.#wanted;
    this.#wanted = key;
    this.#span = wanted?.span ?? null;
    if (wanted === null) {
      this.details = null;
      this.problem = null;
      this.#details.stop();
    } else {
      // A moment that moves on keeps what was shown until the next has come.
      if (another && !goesOn) this.details = null;
      this.#details.renew();
    }
    this.#run();
  }

  /** Looks at what led to a death, or at none. */
  lookAtDeath(death: DeathRef | null): void {
    if (death?.atMs === this.#death?.atMs && death?.playerKey === this.#death?.playerKey) return;
    this.#death = death;
    this.recap = null;
    this.problem = null;
    if (death === null) this.#recaps.stop();
    else this.#recaps.renew();
    this.#run();
  }

  /** The page was shown again: what is on its way may never come. */
  wake(): void {
    if (this.#details.goesOn) this.#details.renew();
    if (this.#recaps.goesOn) this.#recaps.renew();
  }

  stop(): void {
    this.#clock.stop();
    this.#details.stop();
    this.#recaps.stop();
  }

  #run(): void {
    if (this.#wanted === '' && this.#death === null) this.#clock.stop();
    else this.#clock.start();
  }
}
