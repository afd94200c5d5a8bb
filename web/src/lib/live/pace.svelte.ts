/**
 * The best attempt that a raid has made at the boss of its present fight, as a Svelte class: looked for once a fight, in
 * what the relay lists and folds, and only as far as this reader may see it.
 *
 * The invariant: what is held is of the fight that was looked at last, and never of a fight that goes on.
 */
import { ApiFailure, type Api } from '$lib/api/client';
import { amountsOfTimeline } from '$lib/chart/data';
import { figuresOfReport, type FightFigures } from '$lib/fight/figures';
import { bestOf, candidatesOf, mayBeat, sumsOf, triesOf, type Sums, type Try } from '$lib/fight/pace';
import type { PageEnv } from './env';

/** All who watch a fight begin ask within this, ms, and not in one moment. */
export const SPREAD_MS = 5_000;
/** What could not be had is asked for again after this, ms, and at most so often: the fight goes on without it. */
const AGAIN_MS = 10_000;
const TRIES_MAX = 5;
/** A fight's boss may turn out to be another: so often it is looked anew, at most. */
const LOOKS_MAX = 3;
/** Fights whose tries are remembered: those that were looked into for one fight serve the next. */
const REMEMBERED_MAX = 64;

/** See the module. */
export class BestAttempt {
  /** The best try of other fights, and what was dealt in its fight; `null` while none is known. */
  held = $state.raw<{ best: Try; sums: Sums } | null>(null);
  readonly #api: Pick<Api, 'raid' | 'report' | 'timeline'>;
  readonly #env: Pick<PageEnv, 'random' | 'setTimer' | 'clearTimer'>;
  /** Which fight it is looked for, and what that is of. */
  #of: { reportId: string; what: string } | null = null;
  #timer: number | null = null;
  #asking: AbortController | null = null;
  #tries = 0;
  #looks = 0;
  /** The oldest first. */
  #remembered: readonly { key: string; tries: readonly Try[] }[] = [];

  constructor(options: {
    api: Pick<Api, 'raid' | 'report' | 'timeline'>;
    env: Pick<PageEnv, 'random' | 'setTimer' | 'clearTimer'>;
  }) {
    this.#api = options.api;
    this.#env = options.env;
  }

  /** Looks for that of a fight's boss; once, however often it is said. Nothing is asked before the boss is known. */
  look(raid: string, fight: FightFigures): void {
    const boss = fight.bosses[0]?.name;
    if (raid === '' || boss === undefined) return;
    const of = { reportId: fight.reportId, what: `${boss} ${fight.place.difficulty ?? ''}` };
    const isSameFight = of.reportId === this.#of?.reportId;
    if (isSameFight && (of.what === this.#of?.what || this.#looks >= LOOKS_MAX)) return;
    this.stop();
    this.#of = of;
    this.#looks = isSameFight ? this.#looks + 1 : 1;
    this.held = null;
    this.#tries = 0;
    this.#askIn(this.#env.random() * SPREAD_MS, raid, fight);
  }

  /** What is on its way is given up. */
  stop(): void {
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
    this.#asking?.abort();
    this.#asking = null;
  }

  #askIn(ms: number, raid: string, fight: FightFigures): void {
    this.#timer = this.#env.setTimer(() => {
      this.#timer = null;
      void this.#ask(raid, fight);
    }, ms);
  }

  async #ask(raid: string, fight: FightFigures): Promise<void> {
    const own = new AbortController();
    this.#asking = own;
    try {
      const held = await this.#find(raid, fight, own.signal);
      if (this.#asking === own) this.held = held;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.#tries += 1;
      // What is not there, or not for this reader, does not come by asking again.
      if (this.#asking === own && !error.notFound && !error.noTimes && this.#tries < TRIES_MAX) {
        this.#askIn(AGAIN_MS * this.#tries, raid, fight);
      }
    } finally {
      if (this.#asking === own) this.#asking = null;
    }
  }

  async #find(raid: string, fight: FightFigures, signal: AbortSignal): Promise<{ best: Try; sums: Sums } | null> {
    const { reports } = await this.#api.raid({ kind: 'raid', name: raid }, signal);
    let best: Try | null = null;
    for (const candidate of candidatesOf(reports, fight)) {
      if (!mayBeat(candidate, best)) continue;
      const tries = await this.#triesOf(candidate.reportId, candidate.revision, signal);
      best = bestOf([...(best === null ? [] : [best]), ...tries]);
    }
    if (best === null) return null;
    const sums = sumsOf(amountsOfTimeline(await this.#api.timeline(best.reportId, signal)));
    return sums === null ? null : { best, sums };
  }

  async #triesOf(reportId: string, revision: number, signal: AbortSignal): Promise<readonly Try[]> {
    const key = `${reportId} ${revision}`;
    const known = this.#remembered.find((one) => one.key === key);
    if (known !== undefined) return known.tries;
    const report = await this.#api.report(reportId, null, signal).catch((error: unknown) => {
      // It was there a moment ago: it counts no more.
      if (error instanceof ApiFailure && error.notFound) return null;
      throw error;
    });
    if (report === null) return [];
    // It may go on again.
    const tries = report.state === 'live' || !report.timed ? [] : triesOf(figuresOfReport(report));
    if (report.state === 'final') {
      this.#remembered = [...this.#remembered.slice(1 - REMEMBERED_MAX), { key, tries }];
    }
    return tries;
  }
}
