/** A raid's feed as a Svelte class: owns the connection and the view that its frames fold to. */
import { feedUrl, type RaidPlace } from '$lib/api/client';
import { advanceTimer, type FightTimer } from '$lib/fight/timer';
import { FrameError } from '$lib/wire/frame';
import type { FeedEvent, FeedFrame, FrameTimes, SkillRow } from '$lib/wire/types';
import { ClockEstimate, frameDelay, medianDelay, type FrameDelay } from './clock';
import { FeedConnection, type ConnectionEnv, type ConnectionState } from './connection';
import { applyTick, viewOfKeyframe, type RaidView } from './fold';

/** Frames whose delay is remembered: four seconds of them. */
const DELAYS = 20;

/** See the module. */
export class LiveRaid {
  /** What the feed shows; `null` before the first keyframe. Kept through a cut, until the next keyframe. */
  view = $state.raw<RaidView | null>(null);
  connection = $state.raw<ConnectionState>({ kind: 'connecting', tries: 0 });
  /** When the last keyframe or tick came, Unix ms. */
  lastFrameMs = $state<number | null>(null);
  /** The running time of the feed's fight. */
  timer = $state.raw<FightTimer | null>(null);
  /** Where the time goes between a hit and this page. */
  delay = $state.raw<FrameDelay | null>(null);
  /** Skill rows of watched players in the feed's fight, by key. */
  details = $state.raw<Readonly<Record<string, readonly SkillRow[]>>>({});
  /** How many keyframes came: each says that things may have happened unseen. */
  keyframes = $state(0);

  readonly #env: ConnectionEnv;
  readonly #ticket: string | null;
  readonly #origin: string;
  readonly #happened: (event: FeedEvent) => void;
  #connection: FeedConnection | null = null;
  #place: RaidPlace | null = null;
  #clock = new ClockEstimate();
  #delays: FrameDelay[] = [];
  #captured = 0;
  #watched: readonly string[] = [];
  #told = 0;
  #anew = true;
  #boot = '';

  constructor(options: {
    env: ConnectionEnv;
    ticket: string | null;
    origin: string;
    happened?: (event: FeedEvent) => void;
  }) {
    this.#env = options.env;
    this.#ticket = options.ticket;
    this.#origin = options.origin;
    this.#happened = options.happened ?? (() => undefined);
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
      url: (anew) => this.#url(anew),
      state: (state) => {
        const opened = state.kind === 'open' && this.connection.kind !== 'open';
        this.connection = state;
        if (opened && this.#watched.length > 0) this.#askToWatch();
      },
      frame: (frame, receivedMs) => {
        this.#apply(frame, receivedMs);
      },
    });
    this.#connection.start();
  }

  /** Wants the skill rows of these players, at most four, from now on and through every cut. */
  watch(players: readonly string[]): void {
    if (players.join() === this.#watched.join()) return;
    this.#watched = players;
    this.details = Object.fromEntries(Object.entries(this.details).filter(([key]) => players.includes(key)));
    this.#askToWatch();
  }

  /** The feed, from where the view stands if that can be built upon. */
  #url(anew: boolean): string {
    const held = anew ? null : this.view;
    const resume = { epoch: held?.epoch ?? null, position: held?.position ?? null };
    return this.#place === null ? '' : feedUrl(this.#place, { ticket: this.#ticket, ...resume }, this.#origin);
  }

  #askToWatch(): void {
    this.#connection?.ask({ t: 'watch', players: [...this.#watched] });
  }

  /** See FeedConnection. */
  wake(): void {
    this.#connection?.wake();
  }

  /** Ends the connection. */
  close(): void {
    this.#connection?.close();
  }

  #apply(frame: FeedFrame, receivedMs: number): void {
    switch (frame.t) {
      case 'keyframe':
        this.#show(viewOfKeyframe(frame), frame.times, receivedMs, true);
        this.keyframes += 1;
        // Another run of the relay counts events anew.
        this.#anew = this.#boot !== bootOf(frame.epoch);
        this.#boot = bootOf(frame.epoch);
        break;
      case 'tick':
        if (this.view === null) throw new FrameError('a tick before the keyframe');
        this.#show(applyTick(this.view, frame), frame.ms, receivedMs, false);
        break;
      case 'event':
        // Who came back may be told of one again.
        if (frame.n <= this.#told && !this.#anew) break;
        this.#anew = false;
        this.#told = frame.n;
        this.#happened(frame);
        break;
      case 'echo':
        this.#clock.add(frame.clock, receivedMs, frame.relayMs);
        break;
      case 'detail':
        if (frame.reportId === this.view?.fight?.reportId && this.#watched.includes(frame.playerKey)) {
          this.details = { ...this.details, [frame.playerKey]: frame.skills };
        }
        break;
      case 'bye':
        break;
    }
  }

  #show(view: RaidView, times: FrameTimes, receivedMs: number, whole: boolean): void {
    const fight = view.fight;
    const same = fight?.reportId === this.view?.fight?.reportId;
    // How long the newest event lay in the relay before this frame: long, if nothing has happened for long.
    const ageMs = times[1] === 0 ? 0 : Math.max(0, times[2] - times[1]);
    this.timer =
      fight === null
        ? null
        : advanceTimer(same ? this.timer : null, fight.head.firstMs, fight.head.lastMs, receivedMs - ageMs);
    if (!same) this.details = {};
    this.view = view;
    this.lastFrameMs = receivedMs;
    // A frame that holds nothing newer than the last says nothing about delays, nor does a keyframe.
    if (!whole && times[0] !== this.#captured) {
      const delay = frameDelay(times, receivedMs, this.#clock.best);
      if (delay !== null) {
        this.#delays = [...this.#delays.slice(1 - DELAYS), delay];
        this.delay = medianDelay(this.#delays);
      }
    }
    this.#captured = times[0];
  }
}

/** The part of an epoch that names the relay's run. */
function bootOf(epoch: string): string {
  return epoch.split('.')[0] ?? '';
}
