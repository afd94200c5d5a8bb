/**
 * A raid's feed as a Svelte class: owns the connection and the view that its frames fold to.
 *
 * Frames are folded when they come, and shown together once a frame of the screen: however many came, the page is
 * rendered once.
 */
import { feedUrl, type Api, type RaidPlace } from '$lib/api/client';
import { advanceTimer, type FightTimer } from '$lib/fight/timer';
import { FrameError } from '$lib/wire/frame';
import type { FeedEvent, FeedFrame, FrameTimes, SkillRow } from '$lib/wire/types';
import { ClockEstimate, frameDelay, medianDelay, type FrameDelay } from './clock';
import { FeedConnection, type ConnectionState } from './connection';
import type { PageEnv } from './env';
import { applyTick, viewOfKeyframe, type RaidView } from './fold';
import { FrameLedger, type FrameCount } from './frame-count';

/** Frames whose delay is remembered: four seconds of them. */
const DELAYS = 20;
/** How often it is told anew, ms: it can be read, and what stands beside it stays where it is. */
const DELAY_MS = 1_000;

/** What is known of a feed at one moment. */
interface Known {
  view: RaidView | null;
  connection: ConnectionState;
  lastFrameMs: number | null;
  heardMs: number | null;
  timer: FightTimer | null;
  delay: FrameDelay | null;
  details: Readonly<Record<string, readonly SkillRow[]>>;
  keyframes: number;
  watching: number | null;
  frames: FrameCount;
}

const NO_FRAMES: FrameCount = { came: 0, madeGood: 0, missed: 0 };

/** See the module. */
export class LiveRaid {
  /** What the feed shows; `null` before the first keyframe. Kept through a cut, until the next keyframe. */
  view = $state.raw<RaidView | null>(null);
  connection = $state.raw<ConnectionState>({ kind: 'connecting', tries: 0 });
  /** When the last keyframe or tick came, Unix ms. */
  lastFrameMs = $state<number | null>(null);
  /** When anything at all last came: until then the figures shown were the present ones. */
  heardMs = $state<number | null>(null);
  /** The running time of the feed's fight. */
  timer = $state.raw<FightTimer | null>(null);
  /** Where the time goes between a hit and this page. */
  delay = $state.raw<FrameDelay | null>(null);
  /** Skill rows of watched players in the feed's fight, by key. */
  details = $state.raw<Readonly<Record<string, readonly SkillRow[]>>>({});
  /** How many keyframes came: each says that things may have happened unseen. */
  keyframes = $state(0);
  /** How many watch the raid; `null` where that is not told. */
  watching = $state<number | null>(null);
  /** Whether all came, as of when the delay was last told. */
  frames = $state.raw<FrameCount>(NO_FRAMES);

  /** All of the above as it is; above is what is shown of it. */
  readonly #known: Known = {
    view: null,
    connection: { kind: 'connecting', tries: 0 },
    lastFrameMs: null,
    heardMs: null,
    timer: null,
    delay: null,
    details: {},
    keyframes: 0,
    watching: null,
    frames: NO_FRAMES,
  };
  #showing = false;
  #takeBack: () => void = () => undefined;
  readonly #env: PageEnv;
  readonly #ticket: Api['feedTicket'];
  readonly #origin: string;
  readonly #as: 'overlay' | null;
  readonly #happened: (event: FeedEvent) => void;
  readonly #missed: () => void;
  readonly #letGo: () => void;
  #connection: FeedConnection | null = null;
  #place: RaidPlace | null = null;
  #clock = new ClockEstimate();
  readonly #ledger = new FrameLedger();
  #delays: FrameDelay[] = [];
  #captured = 0;
  #delayMs = -Infinity;
  #watched: readonly string[] = [];
  #told = 0;
  #anew = true;
  #boot = '';
  /** The next keyframe is built upon nothing: what happened before it was not told. */
  #unbuilt = true;
  /** Ticks a second that were asked for; `null`: as many as the relay gives. */
  #pace: number | null = null;

  constructor(options: {
    env: PageEnv;
    ticket: Api['feedTicket'];
    origin: string;
    /** What it says that it is, where its uploader is told so. */
    as?: 'overlay' | null;
    happened?: (event: FeedEvent) => void;
    /** Things may have happened that were not told: it was not there, or they were too many. */
    missed?: () => void;
    /** The relay said goodbye for good: what is shown may not be seen any more, or is elsewhere. */
    letGo?: () => void;
  }) {
    this.#env = options.env;
    this.#ticket = options.ticket;
    this.#origin = options.origin;
    this.#as = options.as ?? null;
    this.#happened = options.happened ?? (() => undefined);
    this.#missed = options.missed ?? (() => undefined);
    this.#letGo = options.letGo ?? (() => undefined);
  }

  /** Whether a connection was ever asked for. */
  get started(): boolean {
    return this.#connection !== null;
  }

  /** Whether frames come. */
  get open(): boolean {
    return this.connection.kind === 'open';
  }

  /** Listens to this raid; to another one than before, if so. */
  listen(place: RaidPlace): void {
    if (this.#place?.kind === place.kind && this.#place.name === place.name) return;
    this.#place = place;
    if (this.#connection !== null) {
      this.#connection.restart();
      return;
    }
    this.#connection = new FeedConnection(this.#env, {
      url: (anew, ticket) => this.#url(anew, ticket),
      ticket: () => (this.#place === null ? null : (this.#ticket?.(this.#place) ?? null)),
      state: (state) => {
        const opened = state.kind === 'open' && this.#known.connection.kind !== 'open';
        this.#known.connection = state;
        this.#show();
        if (opened && this.#pace !== null) this.#askForPace(this.#pace);
        if (opened && this.#watched.length > 0) this.#askToWatch();
      },
      frame: (frame, receivedMs) => {
        this.#apply(frame, receivedMs);
      },
      bye: ({ retryMs }) => {
        if (retryMs === null) this.#letGo();
      },
    });
    this.#connection.start();
  }

  /** Wants the skill rows of these players, at most four, from now on and through every cut. */
  watch(players: readonly string[]): void {
    if (players.join() === this.#watched.join()) return;
    this.#watched = players;
    this.#known.details = Object.fromEntries(
      Object.entries(this.#known.details).filter(([key]) => players.includes(key)),
    );
    this.details = this.#known.details;
    this.#askToWatch();
  }

  /** Wants so many ticks a second (1, 5 or 10), from now on and through every cut. */
  pace(ticks: number): void {
    if (ticks === this.#pace) return;
    this.#pace = ticks;
    this.#askForPace(ticks);
  }

  /** The feed, from where the view stands if that can be built upon. */
  #url(anew: boolean, ticket: string | null): string {
    const held = anew ? null : this.#known.view;
    this.#unbuilt = held === null;
    const resume = { epoch: held?.epoch ?? null, position: held?.position ?? null };
    return this.#place === null ? '' : feedUrl(this.#place, { ticket, as: this.#as, ...resume }, this.#origin);
  }

  #askForPace(ticks: number): void {
    this.#connection?.ask({ t: 'pace', ticks });
  }

  #askToWatch(): void {
    this.#connection?.ask({ t: 'watch', players: [...this.#watched] });
  }

  /** See FeedConnection. Our clock may be another now. */
  wake(): void {
    this.#clock.clear();
    this.#connection?.wake();
  }

  /** Ends the connection. */
  close(): void {
    this.#connection?.close();
    this.#takeBack();
    this.#showing = false;
  }

  /** Listens to no raid any more, until it is asked to again. What it showed stays. */
  leave(): void {
    this.#connection?.close();
    this.#connection = null;
    this.#place = null;
  }

  #apply(frame: FeedFrame, receivedMs: number): void {
    const known = this.#known;
    switch (frame.t) {
      case 'keyframe':
        this.#fold(viewOfKeyframe(frame), frame.times, receivedMs, true);
        known.keyframes += 1;
        // Another run of the relay counts events anew.
        this.#anew = this.#boot !== bootOf(frame.epoch);
        this.#boot = bootOf(frame.epoch);
        this.#ledger.keyframe(frame, this.#anew);
        if (this.#anew || this.#unbuilt || frame.eventsLost === true) this.#missed();
        this.#unbuilt = false;
        break;
      case 'tick':
        if (known.view === null) throw new FrameError('a tick before the keyframe');
        this.#ledger.tick(frame);
        this.#fold(applyTick(known.view, frame), frame.ms, receivedMs, false);
        break;
      case 'event':
        this.#ledger.event(frame);
        // Who came back may be told of one again.
        if (frame.n <= this.#told && !this.#anew) break;
        this.#anew = false;
        this.#told = frame.n;
        this.#happened(frame);
        break;
      case 'echo':
        this.#clock.add(frame.clock, receivedMs, frame.relayMs);
        known.watching = frame.watching ?? null;
        break;
      case 'detail':
        if (frame.reportId === known.view?.fight?.reportId && this.#watched.includes(frame.playerKey)) {
          known.details = { ...known.details, [frame.playerKey]: frame.skills };
        }
        break;
      case 'bye':
        break;
    }
    known.heardMs = receivedMs;
    this.#show();
  }

  #fold(view: RaidView, times: FrameTimes, receivedMs: number, whole: boolean): void {
    const known = this.#known;
    const fight = view.fight;
    const same = fight?.reportId === known.view?.fight?.reportId;
    // How long the newest event lay in the relay before this frame: long, if nothing has happened for long. So long as its
    // raid is behind, each lies there.
    const behindMs = (view.raid.delayS ?? 0) * 1000;
    const ageMs = times[1] === 0 ? 0 : Math.max(0, times[2] - times[1] - behindMs);
    known.timer =
      fight === null
        ? null
        : advanceTimer(same ? known.timer : null, fight.head.firstMs, fight.head.lastMs, receivedMs - ageMs);
    if (!same) known.details = {};
    known.view = view;
    known.lastFrameMs = receivedMs;
    // A frame that holds nothing newer than the last says nothing about delays, nor does a keyframe.
    if (!whole && times[0] !== this.#captured) {
      const delay = frameDelay(times, receivedMs, this.#clock.best);
      if (delay !== null) {
        this.#delays = [...this.#delays.slice(1 - DELAYS), delay];
        if (Math.abs(receivedMs - this.#delayMs) >= DELAY_MS) {
          this.#delayMs = receivedMs;
          known.delay = medianDelay(this.#delays);
          known.frames = this.#ledger.count;
        }
      }
    }
    this.#captured = times[0];
  }

  /** Shows what is known, with the next frame of the screen. */
  #show(): void {
    if (this.#showing) return;
    this.#showing = true;
    this.#takeBack = this.#env.frame(() => {
      this.#showing = false;
      Object.assign(this, this.#known);
    });
  }
}

/** The part of an epoch that names the relay's run. */
function bootOf(epoch: string): string {
  return epoch.split('.')[0] ?? '';
}
