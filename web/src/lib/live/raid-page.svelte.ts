/** A raid or a channel with its fights: the list over HTTP, the present fight over the feed. */
import { ApiFailure, type Api, type RaidPlace } from '$lib/api/client';
import { figuresOfFeed, type FightFigures } from '$lib/fight/figures';
import { elapsedMs, isQuiet } from '$lib/fight/timer';
import type { RaidPage, ReportSummary } from '$lib/wire/types';
import type { ConnectionEnv } from './connection';
import { LiveRaid } from './raid.svelte';
import { statusOf, type PageStatus } from './status';

/** The page's clock, ms. */
const CLOCK_MS = 250;
/** How often the list is read again though nothing was heard, ms: figures of fights that ended elsewhere. */
const LIST_MS = 30_000;
/** The same while the feed is cut, ms. */
const LIST_CUT_MS = 5_000;

/** See the module. */
export class RaidSession {
  page = $state.raw<RaidPage | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  nowMs = $state(0);

  readonly raid: LiveRaid;
  readonly #place: RaidPlace;
  readonly #api: Api;
  readonly #env: ConnectionEnv;
  #reading = false;
  #nextReadMs = 0;
  #keyframes = 0;
  #timer: number | null = null;
  #tries = 0;

  constructor(options: { place: RaidPlace; api: Api; env: ConnectionEnv; ticket: string | null; origin: string }) {
    this.#place = options.place;
    this.#api = options.api;
    this.#env = options.env;
    this.nowMs = options.env.now();
    this.raid = new LiveRaid({
      env: options.env,
      ticket: options.ticket,
      origin: options.origin,
      happened: (event) => {
        if (event.what.kind === 'fightBegan' || event.what.kind === 'fightEnded') this.#nextReadMs = 0;
      },
    });
  }

  /** The present fight, while it is live. */
  fight: FightFigures | null = $derived.by(() => {
    const fight = this.raid.view?.fight ?? null;
    return fight?.head.state === 'live' ? figuresOfFeed(fight) : null;
  });

  /** Its running time, ms. */
  durationMs: number = $derived.by(() => {
    const timer = this.raid.timer;
    if (this.fight === null || timer === null) return 0;
    return elapsedMs(timer, this.nowMs, this.status.kind !== 'live');
  });

  /** Whether the uploader is connected. */
  connected: boolean = $derived.by(() =>
    this.raid.open ? (this.raid.view?.raid.connected ?? false) : (this.page?.connected ?? false),
  );

  /** Whether the raid goes on. */
  open: boolean = $derived.by(() =>
    this.raid.open ? (this.raid.view?.raid.open ?? false) : (this.page?.open ?? false),
  );

  /** What the uploader calls it. */
  title: string | null = $derived.by(() => this.raid.view?.raid.title ?? this.page?.title ?? null);

  status: PageStatus = $derived.by(() => {
    const timer = this.raid.timer;
    return statusOf({
      failure: this.failure,
      state: this.page === null ? null : this.open ? 'live' : 'final',
      connection: this.raid.connection,
      inFeed: this.fight !== null,
      uploaderConnected: this.connected,
      lastFrameMs: this.raid.lastFrameMs,
      idle: this.fight === null || this.fight.idle || (timer !== null && isQuiet(timer, this.nowMs)),
      nowMs: this.nowMs,
    });
  });

  /** Its fights, newest first; the present one with the feed's figures. */
  fights: readonly ReportSummary[] = $derived.by(() => {
    const live = this.fight;
    return (this.page?.reports ?? []).map((row) =>
      live === null || row.reportId !== live.reportId
        ? row
        : {
            ...row,
            state: live.state,
            bosses: live.bosses.map((boss) => boss.name),
            players: live.players.length,
            totals: live.totals,
            durationMs: this.durationMs,
          },
    );
  });

  start(): void {
    void this.#read();
    const beat = (): void => {
      this.#beat();
      this.#timer = this.#env.setTimer(beat, CLOCK_MS);
    };
    this.#timer = this.#env.setTimer(beat, CLOCK_MS);
  }

  stop(): void {
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
    this.raid.close();
  }

  /** The page was shown again. */
  wake(): void {
    this.raid.wake();
    this.#nextReadMs = 0;
    this.#beat();
  }

  #beat(): void {
    const now = this.#env.now();
    this.nowMs = now;
    if (this.raid.keyframes !== this.#keyframes) {
      // The list of fights, or the raid of the channel, may be another.
      this.#keyframes = this.raid.keyframes;
      this.#nextReadMs = Math.min(this.#nextReadMs, now);
    }
    if (now >= this.#nextReadMs && this.failure?.notFound !== true) void this.#read();
  }

  async #read(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    try {
      this.page = await this.#api.raid(this.#place);
      this.failure = null;
      this.#tries = 0;
      this.raid.listen(this.#place);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.#tries += 1;
      if (this.page === null || error.notFound) this.failure = error;
    } finally {
      this.#reading = false;
      const pause = this.#tries > 0 ? Math.min(2_000 * this.#tries, 30_000) : this.raid.open ? LIST_MS : LIST_CUT_MS;
      this.#nextReadMs = this.#env.now() + pause;
    }
  }
}
