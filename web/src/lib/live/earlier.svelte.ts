/**
 * Seconds of the feed's fight that the feed does not carry, as a Svelte class: those before its last five minutes, for who
 * came later or was away.
 *
 * The invariant: what is held is of one fight, and is asked for once after each keyframe that leaves something out.
 */
import type { Api } from '$lib/api/client';
import { amountsOfTimeline, type Amounts } from '$lib/chart/data';
import type { Timeline } from '$lib/api/types';
import type { PageEnv } from './env';
import type { FightView } from './fold';
import { Reading } from './reading';

/** What could not be read is asked for again after this, ms. */
const AGAIN_MS = 5_000;

/** See the module. */
export class EarlierSeconds {
  #held = $state.raw<{ of: string; amounts: Amounts } | null>(null);
  readonly #reading: Reading<Timeline>;
  /** Which fight is read. */
  #of = '';
  /** After which keyframe it was asked for; also of what is not there. */
  #asked = '';

  constructor(options: { api: Pick<Api, 'timeline'>; env: Pick<PageEnv, 'now'> }) {
    this.#reading = new Reading(options.env, {
      ask: (signal) => options.api.timeline(this.#of, signal),
      got: (timeline) => {
        this.#held = { of: this.#of, amounts: amountsOfTimeline(timeline) };
      },
      failed: (failure) => {
        // There is none, or not for this reader.
        if (failure.notFound || failure.noTimes) this.#reading.stop();
      },
      againMs: (tries) => (tries > 0 ? AGAIN_MS * tries : null),
    });
  }

  /** Those that are held of a fight; `null`: none. */
  of(reportId: string): Amounts | null {
    return this.#held?.of === reportId ? this.#held.amounts : null;
  }

  /** Once each beat of the page's clock: does the feed's fight lack some? */
  beat(fight: FightView | null, keyframes: number): void {
    if (fight !== null && this.#lacks(fight)) {
      const asked = `${fight.reportId} ${keyframes}`;
      if (asked !== this.#asked) {
        this.#asked = asked;
        this.#of = fight.reportId;
        this.#reading.renew();
      }
    }
    this.#reading.readIfDue();
  }

  /** What is on its way may never come. */
  wake(): void {
    if (this.#reading.goesOn) this.#reading.renew();
  }

  stop(): void {
    this.#reading.stop();
  }

  #lacks({ reportId, buckets, head }: FightView): boolean {
    let first = Infinity;
    for (const second of buckets.keys()) first = Math.min(first, second);
    if (first === Infinity || first <= Math.ceil(head.firstMs / 1000)) return false;
    const held = this.of(reportId);
    return held === null || held.firstSecond + held.seconds < first;
  }
}
