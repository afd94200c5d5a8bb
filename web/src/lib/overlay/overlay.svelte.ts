/**
 * A raid's feed as an overlay shows it: nothing is asked over HTTP but the ticket for the feed, and nothing ends it.
 *
 * Whoever is sent away for good (a link that ended, a raid that is private now) asks again after a while: the scene stays
 * as it is, and what it shows may come back.
 */
import type { Api, RaidPlace } from '$lib/api/client';
import { figuresOfFeed } from '$lib/fight/figures';
import type { PageEnv } from '$lib/live/env';
import { PageClock } from '$lib/live/page-clock';
import { LiveRaid } from '$lib/live/raid.svelte';
import type { OverlayOptions } from './options';
import { Past } from './past';
import { pictureOf, type Moment, type Picture } from './picture';

/** The overlay's clock, ms. */
const CLOCK_MS = 250;
/** How long to wait after a goodbye for good, ms; somewhere between half of it and all of it. */
const AGAIN_MS = 60_000;
/** Of what is shown late so much is noted a second: once in so many ms. */
const NOTED_MS = 500;

/** See the module. */
export class OverlaySession {
  nowMs = $state(0);
  /** How many rows have place. */
  room = $state(40);
  readonly options: OverlayOptions;
  readonly raid: LiveRaid;
  readonly #place: RaidPlace;
  readonly #clock: PageClock;
  readonly #startedMs: number;
  readonly #past: Past<Moment>;
  #notedMs = -Infinity;
  #againMs: number | null = null;

  constructor(given: {
    place: RaidPlace;
    options: OverlayOptions;
    api: Api;
    env: PageEnv;
    origin: string;
    preview?: boolean;
  }) {
    const { env, options } = given;
    this.#place = given.place;
    this.options = options;
    this.#startedMs = env.now();
    this.nowMs = this.#startedMs;
    this.#past = new Past(options.delay * 1000);
    this.raid = new LiveRaid({
      env,
      ticket: given.api.feedTicket,
      origin: given.origin,
      // One in a page of ours is a preview: nobody's scene depends on it.
      as: given.preview === true ? null : 'overlay',
      letGo: () => {
        this.#againMs = env.now() + AGAIN_MS * (0.5 + env.random() / 2);
      },
    });
    this.#clock = new PageClock(env, CLOCK_MS, (nowMs) => {
      this.#beat(nowMs);
    });
  }

  /** What is known now. */
  #moment: Moment = $derived.by(() => {
    const { view, timer, connection, lastFrameMs, heardMs } = this.raid;
    const fight = view?.fight ?? null;
    return {
      fight: fight === null ? null : figuresOfFeed(fight),
      known: view !== null,
      timer,
      connection,
      lastFrameMs,
      heardMs,
      connected: view?.raid.connected ?? true,
      delayS: view?.raid.delayS ?? 0,
    };
  });

  picture: Picture = $derived.by(() => {
    const lateMs = this.options.delay * 1000;
    const thenMs = this.nowMs - lateMs;
    const moment = lateMs === 0 ? this.#moment : this.#past.at(thenMs);
    if (moment === null) {
      const leftMs = (this.#past.fromMs ?? this.nowMs) - thenMs;
      return late(leftMs);
    }
    return pictureOf(moment, this.options, { nowMs: thenMs, startedMs: this.#startedMs, room: this.room });
  });

  start(): void {
    this.raid.listen(this.#place);
    this.#clock.start();
  }

  stop(): void {
    this.#clock.stop();
    this.raid.close();
  }

  /** The scene is shown again, or time jumped. */
  wake(): void {
    this.raid.wake();
    this.#clock.now();
  }

  #beat(nowMs: number): void {
    // A clock that was set back is no reason to wait for longer.
    if (this.#againMs !== null && (nowMs >= this.#againMs || this.#againMs - nowMs > AGAIN_MS)) {
      this.#againMs = null;
      this.raid.leave();
      this.raid.listen(this.#place);
    }
    if (this.options.delay > 0 && (nowMs - this.#notedMs >= NOTED_MS || nowMs < this.#notedMs)) {
      this.#past.note(nowMs, this.#moment);
      this.#notedMs = nowMs;
    }
    this.nowMs = nowMs;
  }
}

/** Before anything is as old as it has to be. */
function late(leftMs: number): Picture {
  const seconds = Math.max(1, Math.ceil(leftMs / 1000));
  const empty = { title: '', time: '', total: '', outcome: null, columns: [], rows: [] };
  return { trust: 'gone', note: `Begins in ${seconds} s`, hidden: false, ...empty };
}
