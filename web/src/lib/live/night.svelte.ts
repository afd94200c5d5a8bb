/**
 * What is told of the fights of an evening beside their lines: read in pages, the oldest first, and read again from the
 * first page on which something is another.
 *
 * The invariant: what is held of a fight is of one reading of it, and one request is on its way at the most.
 */
import { ApiFailure } from '$lib/api/client';
import type { NightApi } from '$lib/api/night';
import type { NightFight } from '$lib/api/types';
import type { ReportSummary } from '$lib/wire/types';
import type { PageEnv } from './env';

/** Fights of a page, as the relay gives them. */
export const PAGE_FIGHTS = 10;
/** Pages that are read at the most: nobody has so long an evening, and a raid of old fights may have thousands. */
export const PAGES_MAX = 20;
/** How long a page that did not come is left alone, ms, unless the relay says how long. */
const AGAIN_MS = 5_000;
/** How long the list may change before it is read anew, ms. */
const SOON_MS = 500;

/** See the module. */
export class RaidNight {
  /** By report. */
  told = $state.raw<Readonly<Record<string, NightFight>>>({});
  /** Whether there are fights that are not told of, as there are so many. */
  leftOut = $state(false);

  readonly #api: NightApi;
  readonly #env: Pick<PageEnv, 'setTimer' | 'clearTimer'>;
  #code: string | null = null;
  /** The fights that are over, the oldest first, as they were when they were read last. */
  #read: string[] = [];
  #current: AbortController | null = null;
  #timer: number | null = null;

  constructor(options: { api: NightApi; env: Pick<PageEnv, 'setTimer' | 'clearTimer'> }) {
    this.#api = options.api;
    this.#env = options.env;
  }

  /** These are the raid's fights now, the newest first: what of them is not told yet is read. */
  look(code: string, lines: readonly ReportSummary[]): void {
    const over = lines
      .filter(({ state }) => state !== 'live')
      .map(({ reportId, revision }) => `${reportId} ${revision}`);
    over.reverse();
    if (code !== this.#code) {
      this.#code = code;
      this.#read = [];
      this.told = {};
    }
    const from = over.findIndex((fight, at) => fight !== this.#read[at]);
    if (from < 0) {
      // Some may be gone: what is held of them is shown nowhere.
      this.#read = over;
      return;
    }
    this.stop();
    this.#timer = this.#env.setTimer(
      () => {
        void this.#readFrom(code, over, Math.floor(from / PAGE_FIGHTS) * PAGE_FIGHTS);
      },
      this.#read.length === 0 ? 0 : SOON_MS,
    );
  }

  stop(): void {
    this.#current?.abort();
    this.#current = null;
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
  }

  async #readFrom(code: string, over: string[], from: number): Promise<void> {
    const own = new AbortController();
    this.#current = own;
    let after: number | null = from;
    try {
      while (after !== null && after < PAGES_MAX * PAGE_FIGHTS) {
        const { fights, next } = await this.#api.night(code, after, own.signal);
        if (this.#current !== own) return;
        this.told = { ...this.told, ...byReport(fights) };
        after = next !== null && next > after ? next : null;
      }
      this.leftOut = after !== null;
      this.#read = over;
      this.#current = null;
    } catch (error) {
      if (this.#current !== own) return;
      this.#current = null;
      if (!(error instanceof ApiFailure)) throw error;
      // Who may not see it is told so by the page.
      if (error.notFound) return;
      const goOn = after ?? from;
      this.#timer = this.#env.setTimer(
        () => {
          void this.#readFrom(code, over, goOn);
        },
        error.retryS === null ? AGAIN_MS : error.retryS * 1000,
      );
    }
  }
}

function byReport(fights: readonly NightFight[]): Record<string, NightFight> {
  return Object.fromEntries(fights.map((fight) => [fight.report.reportId, fight]));
}
