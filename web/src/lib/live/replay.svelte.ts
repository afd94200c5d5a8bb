/**
 * A fight played again, as a Svelte class: the feed of the past, from a moment on and as fast as its reader wants.
 *
 * The invariant: what is shown is the fight until `atMs`, give or take what is on its way. A moment that stands is
 * exactly that; going to another asks for the feed anew.
 */
import { ApiFailure, feedUrl, type Api, type RaidPlace, type ReportPlace } from '$lib/api/client';
import { figuresOfFeed, type FightFigures } from '$lib/fight/figures';
import { FrameError } from '$lib/wire/frame';
import type { FeedFrame, SkillRow } from '$lib/wire/types';
import { FeedConnection } from './connection';
import type { PageEnv } from './env';
import { applyTick, viewOfKeyframe, type RaidView } from './fold';

/** Times as fast as it was. */
export const SPEEDS = [0.5, 1, 2, 5, 10, 20] as const;
/** The replay's clock, ms: the slider moves smoothly, and no faster than can be seen. */
const CLOCK_MS = 100;
/** Where figures are further behind the clock than this (ms here, at its speed of the fight's), the clock waits. */
const LAG_MS = 600;
/** How often skills are read again while it plays, ms. */
const SKILLS_MS = 2_000;

/** What a replay is of. */
export interface Replayed {
  raid: string;
  /** Where it begins and ends at present, ms since the encounter began. */
  firstMs: number;
  lastMs: number;
}

/** See the module. */
export class Replay {
  /** Where it stands, ms since the encounter began; `null`: nothing is played again. */
  atMs = $state<number | null>(null);
  speed = $state(1);
  playing = $state(false);
  /** A moment was asked for and has not come. */
  loading = $state(false);
  /** Why nothing comes, if so. */
  problem = $state<string | null>(null);
  /** The open player's skills until this moment; `null` while they are read. */
  skills = $state.raw<readonly SkillRow[] | null>(null);
  view = $state.raw<RaidView | null>(null);

  /** What the feed told; what is shown of it is `view`. */
  #held: RaidView | null = null;
  /** Whether it told that the fight is over. */
  #over = false;
  #showing = false;
  #takeShowBack: () => void = () => undefined;
  #takeBeatBack: () => void = () => undefined;
  readonly #id: () => string;
  readonly #api: Api;
  readonly #env: PageEnv;
  readonly #origin: string;
  readonly #of: () => Replayed | null;
  readonly #caughtUp: () => void;
  readonly #doubt: () => void;
  #connection: FeedConnection | null = null;
  /** What the feed was asked for: changed while it is on its way, it is asked again when it has come. */
  #asked = { atMs: 0, speed: 0 };
  /** Where it stood at `anchorMs` of the clock; `null` while nothing plays. */
  #fromMs = 0;
  #anchorMs: number | null = null;
  #timer: number | null = null;
  #player: string | null = null;
  #skillsAsked = 0;
  #skillsDueMs = 0;

  constructor(options: {
    /** Which report is played again; asked anew with each moment. */
    id: () => string;
    api: Api;
    env: PageEnv;
    origin: string;
    of: () => Replayed | null;
    /** A live fight's present was reached: it is followed live from here. */
    caughtUp: () => void;
    /** It was let go, or the relay takes nobody for it: the report may be another now, or not be seen any more. */
    doubt: () => void;
  }) {
    this.#id = options.id;
    this.#api = options.api;
    this.#env = options.env;
    this.#origin = options.origin;
    this.#of = options.of;
    this.#caughtUp = options.caughtUp;
    this.#doubt = options.doubt;
  }

  /** Figures of the fight until this moment; `null` while nothing is played again, or nothing has come. */
  figures: FightFigures | null = $derived.by(() => {
    const fight = this.view?.fight ?? null;
    return this.atMs === null || fight === null ? null : figuresOfFeed(fight);
  });

  /**
   * The moment that the figures are of, ms since the encounter began: what they are divided by. While it plays that is
   * the last event that has come, whatever the clock says.
   */
  figuresMs: number | null = $derived.by(() => {
    const fight = this.view?.fight ?? null;
    if (this.atMs === null || fight === null) return null;
    return this.playing ? Math.min(this.atMs, Math.max(fight.head.firstMs, fight.head.lastMs)) : this.atMs;
  });

  /** Goes to a moment, and plays on from there if it plays; `null`: ends. */
  look(atMs: number | null): void {
    if (atMs === this.atMs) return;
    if (atMs === null) this.#end();
    else this.#seek(atMs);
  }

  /** Plays on; from the beginning where it stands at the end. */
  play(): void {
    const of = this.#of();
    if (of === null) return;
    this.playing = true;
    this.#seek(this.atMs === null || this.atMs >= of.lastMs ? of.firstMs : this.atMs);
  }

  /** Stands still, exactly at the moment that it gives. */
  pause(): number {
    const atMs = Math.round(this.atMs ?? 0);
    this.playing = false;
    this.#seek(atMs);
    return atMs;
  }

  /** Goes on at another speed. */
  hurry(speed: number): void {
    this.speed = speed;
    if (this.playing && this.atMs !== null) this.#seek(this.atMs);
  }

  /** This player's skills are looked at from now on, or nobody's. */
  lookAtSkills(player: string | null): void {
    if (player === this.#player) return;
    this.#player = player;
    this.skills = null;
    this.#skillsDueMs = 0;
    this.#readSkills();
  }

  /** See FeedConnection. */
  wake(): void {
    if (this.atMs !== null) this.#connection?.wake();
  }

  #seek(atMs: number): void {
    const of = this.#of();
    if (of === null) return;
    this.atMs = Math.round(Math.max(0, Math.min(atMs, of.lastMs)));
    this.#anchorMs = null;
    this.#skillsDueMs = 0;
    if (this.#timer === null) this.#beat();
    // One moment at a time: while one is on its way, the next is only noted.
    if (this.loading) return;
    this.loading = true;
    if (this.#connection !== null) {
      this.#connection.restart();
      return;
    }
    this.#connection = new FeedConnection(this.#env, {
      url: (_, ticket) => this.#url(ticket),
      ticket: () => {
        const place = this.#place();
        return place.kind === 'report' ? null : (this.#api.feedTicket?.(place) ?? null);
      },
      state: (state) => {
        if (state.kind !== 'closed') this.problem = null;
        if (state.kind === 'waiting') {
          this.problem = 'The relay does not answer. Trying again.';
          // Who may not see it is not answered either.
          if (state.tries > 1) this.#doubt();
        }
        // Cut while it plays: the next try goes on from where it stands.
        if (state.kind === 'waiting' || state.kind === 'connecting') this.#anchorMs = null;
      },
      frame: (frame, receivedMs) => {
        this.#apply(frame, receivedMs);
      },
      bye: ({ retryMs, reason }) => {
        if (retryMs === 0) this.#caughtUp();
        else if (retryMs === null) this.#goodbye(reason);
      },
    });
    this.#connection.start();
  }

  #place(): RaidPlace | ReportPlace {
    const raid = this.#of()?.raid ?? '';
    return raid === '' ? { kind: 'report', name: this.#id() } : { kind: 'raid', name: raid };
  }

  #url(ticket: string | null): string {
    this.#asked = this.#wanted();
    const place = this.#place();
    const query = {
      report: place.kind === 'report' ? null : this.#id(),
      at: this.#asked.atMs,
      speed: this.#asked.speed,
      ticket,
    };
    return feedUrl(place, query, this.#origin);
  }

  #wanted(): { atMs: number; speed: number } {
    return { atMs: Math.round(this.atMs ?? 0), speed: this.playing ? this.speed : 0 };
  }

  #apply(frame: FeedFrame, receivedMs: number): void {
    if (this.atMs === null) return;
    if (frame.t === 'event') {
      if (frame.what.kind === 'fightEnded') this.#over = true;
    } else if (frame.t === 'keyframe') {
      this.#over = false;
      this.#held = viewOfKeyframe(frame);
      this.#show();
      this.loading = false;
      const wanted = this.#wanted();
      if (wanted.atMs !== this.#asked.atMs || wanted.speed !== this.#asked.speed) {
        this.#seek(wanted.atMs);
        return;
      }
      this.#fromMs = this.#asked.atMs;
      this.#anchorMs = this.playing ? receivedMs : null;
      this.#readSkills();
    } else if (frame.t === 'tick') {
      if (this.#held === null) throw new FrameError('a tick before the keyframe');
      const before = this.#held.fight?.head.lastMs ?? 0;
      this.#held = applyTick(this.#held, frame);
      this.#show();
      const lastMs = this.#held.fight?.head.lastMs ?? 0;
      if (lastMs > before) this.#follow(lastMs, receivedMs);
    }
  }

  /** Sets the clock by the data, where one has left the other behind. */
  #follow(lastMs: number, receivedMs: number): void {
    if (this.#anchorMs === null) return;
    const clockMs = this.#fromMs + (receivedMs - this.#anchorMs) * this.speed;
    if (clockMs >= lastMs && clockMs - lastMs <= LAG_MS * this.speed) return;
    this.#fromMs = lastMs;
    this.#anchorMs = receivedMs;
  }

  /** Shows what has come, with the next frame of the screen. */
  #show(): void {
    if (this.#showing) return;
    this.#showing = true;
    this.#takeShowBack = this.#env.frame(() => {
      this.#showing = false;
      if (this.atMs !== null) this.view = this.#held;
    });
  }

  /** Nothing more comes: the moment that was asked for is told, the fight is over, or the relay let this reader go. */
  #goodbye(reason: string): void {
    const told = !this.loading && this.#held !== null;
    if (told && this.playing && this.#over) {
      this.#arrive();
    } else if (!told || this.playing) {
      this.playing = false;
      this.loading = false;
      this.#anchorMs = null;
      this.problem = `The replay has stopped. The relay says: ${reason}.`;
      this.#doubt();
    }
  }

  /** The fight is over: what it ended as is shown together with that. */
  #arrive(): void {
    this.view = this.#held;
    this.playing = false;
    this.#anchorMs = null;
    this.atMs = this.#of()?.lastMs ?? this.atMs;
    this.#skillsDueMs = 0;
    this.#readSkills();
  }

  #end(): void {
    this.#connection?.close();
    this.#connection = null;
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
    this.#takeShowBack();
    this.#takeBeatBack();
    this.#showing = false;
    this.#anchorMs = null;
    this.atMs = null;
    this.#held = null;
    this.view = null;
    this.playing = false;
    this.loading = false;
    this.problem = null;
    this.skills = null;
  }

  #beat(): void {
    this.#takeBeatBack();
    this.#takeBeatBack = this.#env.frame(() => {
      const now = this.#env.now();
      const lastMs = this.#of()?.lastMs;
      if (this.#anchorMs === null || lastMs === undefined) return;
      this.atMs = Math.min(lastMs, this.#fromMs + Math.max(0, now - this.#anchorMs) * this.speed);
      this.#readSkills();
    });
    this.#timer = this.#env.setTimer(() => {
      this.#beat();
    }, CLOCK_MS);
  }

  /** The feed of the past carries no skills: they are those of the span until now. */
  #readSkills(): void {
    const [player, now] = [this.#player, this.#env.now()];
    if (player === null || this.atMs === null || this.loading || now < this.#skillsDueMs) return;
    this.#skillsDueMs = now + SKILLS_MS;
    const asked = ++this.#skillsAsked;
    this.#api.report(this.#id(), { fromMs: 0, toMs: Math.max(1, Math.round(this.atMs)) }).then(
      (report) => {
        if (asked !== this.#skillsAsked || player !== this.#player || this.atMs === null) return;
        this.skills = report.players.find((one) => one.playerKey === player)?.skills ?? [];
      },
      (error: unknown) => {
        if (!(error instanceof ApiFailure)) throw error;
        // What is shown stays; the next beat that is due asks again.
      },
    );
  }
}
