/**
 * A raid or a channel with its fights: the list over HTTP, the present fight over the feed.
 *
 * The invariant: a fight that was shown stays until the next begins, and a fight that the feed tells of is in the list.
 */
import type { Api, ApiFailure, RaidPlace } from '$lib/api/client';
import { amountsOfFeed, NO_AMOUNTS, type Amounts } from '$lib/chart/data';
import { figuresOfFeed, type FightFigures } from '$lib/fight/figures';
import { elapsedMs, isQuiet } from '$lib/fight/timer';
import type { RaidPage } from '$lib/api/types';
import type { FeedFightRef, ReportSummary } from '$lib/wire/types';
import { EarlierSeconds } from './earlier.svelte';
import type { PageEnv } from './env';
import { PageClock } from './page-clock';
import { LiveRaid } from './raid.svelte';
import { Reading } from './reading';
import { isOld, statusOf, type PageStatus } from './status';

/** The page's clock, ms. */
const CLOCK_MS = 250;
/** How often the list is read again though nothing was heard, ms: figures of fights that ended elsewhere. */
const LIST_MS = 30_000;
/** The same while the feed is cut, ms. */
const LIST_CUT_MS = 5_000;
/** How long a try to read it again waits for each that failed, and at most, ms. */
const RETRY_MS = 2_000;
const RETRY_MAX_MS = 30_000;
/** How long the list waits for the feed's fight, which is above it, ms: a feed that takes longer moves it. */
const FIGHT_MS = 2_000;

/** See the module. */
export class RaidSession {
  page = $state.raw<RaidPage | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  nowMs = $state(0);

  readonly raid: LiveRaid;
  readonly #env: PageEnv;
  readonly #reading: Reading<RaidPage>;
  readonly #earlier: EarlierSeconds;
  readonly #clock: PageClock;
  #readMs = $state<number | null>(null);
  #keyframes = 0;
  /** When its page came, Unix ms; `null` before. */
  #cameMs = $state<number | null>(null);

  constructor(options: { place: RaidPlace; api: Api; env: PageEnv; origin: string }) {
    this.#env = options.env;
    this.nowMs = options.env.now();
    this.#earlier = new EarlierSeconds(options);
    this.raid = new LiveRaid({
      env: options.env,
      ticket: options.api.feedTicket,
      origin: options.origin,
      happened: (event) => {
        if (event.what.kind === 'fightBegan' || event.what.kind === 'fightEnded') this.#reading.soon();
      },
      letGo: () => {
        this.#reading.read();
      },
    });
    this.#reading = new Reading(options.env, {
      ask: (signal) => options.api.raid(options.place, signal),
      got: (page) => {
        this.page = page;
        this.failure = null;
        this.#readMs = this.#env.now();
        this.#cameMs ??= this.#readMs;
        this.raid.listen(options.place);
      },
      failed: (failure) => {
        if (this.page === null || failure.notFound) this.failure = failure;
      },
      againMs: (tries) => {
        // Who may not see it is told so, and asks no more.
        if (this.failure?.notFound === true) return null;
        if (tries > 0) return Math.min(RETRY_MS * tries, RETRY_MAX_MS);
        return this.raid.open ? LIST_MS : LIST_CUT_MS;
      },
    });
    this.#clock = new PageClock(options.env, CLOCK_MS, (nowMs) => {
      this.#beat(nowMs);
    });
  }

  /** Whether its fights are uploaded one by one when they are over: then all there is of them is the list. */
  uploads: boolean = $derived(this.page?.uploads === true);

  /** The present fight; between pulls the last one. */
  fight: FightFigures | null = $derived.by(() => {
    const fight = this.raid.view?.fight ?? null;
    return fight === null || this.uploads ? null : figuresOfFeed(fight);
  });

  // Of their own, so that a tick without a new second leaves the chart alone.
  #fightId = $derived.by(() => this.raid.view?.fight?.reportId ?? null);
  #buckets = $derived.by(() => this.raid.view?.fight?.buckets ?? null);
  #players = $derived.by(() => this.raid.view?.fight?.players ?? null);
  /** What was done in each second of it. */
  amounts: Amounts = $derived.by(() => {
    if (this.#fightId === null || this.#buckets === null || this.#players === null) return NO_AMOUNTS;
    const seconds = { buckets: this.#buckets, players: this.#players };
    return amountsOfFeed(seconds, this.#earlier.of(this.#fightId));
  });

  /** Whether the feed is about to tell of that fight. */
  awaited: boolean = $derived.by(() => {
    const { page } = this;
    if (page === null || this.uploads || !page.open || page.reports.length === 0) return false;
    return this.raid.view === null && this.nowMs - (this.#cameMs ?? 0) < FIGHT_MS;
  });

  /** Whether that goes on. */
  fighting: boolean = $derived(this.fight?.state === 'live');

  /** Its running time, ms. */
  durationMs: number = $derived.by(() => {
    if (this.fight === null) return 0;
    const timer = this.raid.timer;
    if (!this.fighting || timer === null) return Math.max(0, this.fight.lastMs - this.fight.firstMs);
    return elapsedMs(timer, this.nowMs, this.status.kind !== 'live');
  });

  /** Whether the uploader is connected; `null` while nobody knows, and where nobody ever is. */
  connected: boolean | null = $derived.by(() => {
    if (this.uploads) return null;
    if (isOld(this.status)) return this.raid.open && this.raid.view?.raid.connected === false ? false : null;
    return this.raid.open ? (this.raid.view?.raid.connected ?? null) : (this.page?.connected ?? null);
  });

  /** Whether the raid goes on: its uploader may begin a fight. */
  open: boolean = $derived.by(() => {
    if (this.uploads) return false;
    return this.raid.open ? (this.raid.view?.raid.open ?? false) : (this.page?.open ?? false);
  });

  /** What the uploader calls it. */
  title: string | null = $derived.by(() => this.raid.view?.raid.title ?? this.page?.title ?? null);

  status: PageStatus = $derived.by(() => {
    const timer = this.raid.timer;
    const fight = this.fight;
    return statusOf({
      failure: this.failure,
      state: this.page === null ? null : this.open || this.uploads ? 'live' : 'final',
      uploads: this.uploads,
      connection: this.raid.connection,
      inFeed: this.fighting,
      uploaderConnected: this.raid.view?.raid.connected ?? true,
      lastFrameMs: this.raid.lastFrameMs,
      newsMs: this.raid.open ? this.raid.heardMs : Math.max(this.raid.heardMs ?? 0, this.#readMs ?? 0),
      idle: fight === null || !this.fighting || fight.idle || (timer !== null && isQuiet(timer, this.nowMs)),
      nowMs: this.nowMs,
    });
  });

  /** Its fights, newest first: the list's, with the feed's figures where those are newer. */
  fights: readonly ReportSummary[] = $derived.by(() => {
    const present = this.#presentRow;
    const listed = this.page?.reports ?? [];
    const known = listed.map((row) => row.reportId);
    const told = this.#told.filter((row) => !known.includes(row.reportId) && row.reportId !== present?.reportId);
    const rows = listed.map((row) => (row.reportId === present?.reportId && row.state === 'live' ? present : row));
    if (present !== null && !known.includes(present.reportId)) told.push(present);
    return [...told, ...rows].sort((a, b) => b.startedAtMs - a.startedAtMs);
  });

  /** The feed's fight as a row of the list. */
  #presentRow: ReportSummary | null = $derived.by(() => {
    const fight = this.fight;
    if (fight === null) return null;
    return {
      reportId: fight.reportId,
      raid: this.raid.view?.raid.code ?? '',
      state: fight.state,
      revision: fight.revision,
      startedAtMs: fight.startedAtMs,
      endedAtMs: null,
      stub: false,
      verified: false,
      durationMs: this.durationMs,
      damageMs: fight.damageMs,
      outcome: fight.outcome,
      encounter: fight.place,
      bosses: fight.bosses.map((boss) => boss.name),
      players: fight.players.length,
      totals: fight.totals,
    };
  });

  #refs: readonly FeedFightRef[] = $derived.by(() => this.raid.view?.raid.fights ?? []);
  /** Fights that the feed told of in a line: until the list has come, their sums are not known. */
  #told: ReportSummary[] = $derived.by(() => this.#refs.map((ref) => rowOf(ref, this.raid.view?.raid.code ?? '')));

  start(): void {
    this.#reading.read();
    this.#clock.start();
  }

  stop(): void {
    this.#clock.stop();
    this.#reading.stop();
    this.#earlier.stop();
    this.raid.close();
  }

  /** The page was shown again, or time jumped: what is on its way may never come, and what was due may be long due. */
  wake(): void {
    this.raid.wake();
    if (this.#reading.goesOn) this.#reading.renew();
    this.#earlier.wake();
    this.#clock.now();
  }

  /** Reads its page anew: it may not be there for this reader any more. */
  check(): void {
    this.#reading.read();
  }

  #beat(nowMs: number): void {
    this.nowMs = nowMs;
    if (this.raid.keyframes !== this.#keyframes) {
      // The list of fights, or the raid of the channel, may be another.
      this.#keyframes = this.raid.keyframes;
      this.#reading.soon();
    }
    this.#reading.readIfDue();
    if (!this.uploads) this.#earlier.beat(this.raid.view?.fight ?? null, this.raid.keyframes);
  }
}

function rowOf(ref: FeedFightRef, raid: string): ReportSummary {
  const unknown = NaN;
  return {
    reportId: ref.reportId,
    raid,
    state: ref.state,
    revision: 0,
    startedAtMs: ref.startedAtMs,
    endedAtMs: null,
    stub: false,
    verified: false,
    durationMs: ref.durationMs,
    damageMs: null,
    outcome: ref.outcome,
    encounter: { scene: null, sceneId: null, difficulty: null },
    bosses: ref.title === null ? [] : [ref.title],
    players: unknown,
    totals: {
      damage: unknown,
      bossDamage: unknown,
      healing: unknown,
      damageTaken: unknown,
      hits: unknown,
      healHits: unknown,
      deaths: unknown,
    },
  };
}
