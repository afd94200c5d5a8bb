/**
 * One report, live and after: decides which figures its page shows, the feed's or the record's, and when to read the
 * record anew.
 *
 * The invariant: whatever the raid does, this stays with its own report.
 */
import type { Api, ApiFailure, SpanQuery } from '$lib/api/client';
import { amountsOfFeed, amountsOfTimeline, NO_AMOUNTS, type Amounts } from '$lib/chart/data';
import { figuresOfFeed, figuresOfReport, withViews, type FightFigures } from '$lib/fight/figures';
import { elapsedMs, isQuiet } from '$lib/fight/timer';
import type { PointOfView, PointsOfView, RaidPage, Report, Timeline } from '$lib/api/types';
import type { NamesPolicy, SkillRow } from '$lib/wire/types';
import type { PageEnv } from './env';
import type { FightView } from './fold';
import { PageClock } from './page-clock';
import { LiveRaid } from './raid.svelte';
import { Reading } from './reading';
import { statusOf, type PageStatus } from './status';

/** The page's clock, ms: fast enough for a running DPS, slow enough to be read. */
const CLOCK_MS = 250;
/** How often a record is read again while its reader looks at what the feed does not carry, ms. */
const REFRESH_MS = 2_000;
/** Where it could not be read the wait grows with each try, to this at most, ms. */
const RETRY_MAX_MS = 30_000;
/** How often it is read again while the feed does not tell of it, ms. */
const WATCH_MS = 5_000;
/** The same of a fight that just stopped: it may go on, but hardly ever does. */
const WATCH_PROVISIONAL_MS = 30_000;
/** How often the raid of a fight that is over is asked whether the next one began, ms: a fight is rarely shorter. */
const NEXT_FIGHT_MS = 15_000;

/** So long after a fight's end other uploaders' reports of it may still come, ms. */
const VIEWS_COME_MS = 15 * 60_000;
/** How often these are asked for meanwhile where no feed tells of them, ms. */
const VIEWS_MS = 15_000;
/** The same where one does: it does not tell of one that is deleted, or shown to fewer. */
const VIEWS_TOLD_MS = 120_000;
/** Once told, all who look at a report ask within this, ms, and not in one moment. */
const VIEWS_SPREAD_MS = 2_000;
/** However often it is told, so much lies between two asks, ms: how often others upload is theirs to say. */
const VIEWS_APART_MS = 10_000;
/** What is asked with the first frame of a feed that is about to open is asked without it after this, ms. */
const FEED_OPENS_MS = 1_000;
/** Ticks a second where nothing of a fight is shown. */
const PACE_UNSEEN = 1;
/** And where one is. */
const PACE = 5;

/** See the module. */
export class ReportSession {
  /** The record of the whole fight, as last read. */
  report = $state.raw<Report | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  timeline = $state.raw<Timeline | null>(null);
  /** The record of the span that is looked at; `null` for the whole fight, or while it is read. */
  spanReport = $state.raw<Report | null>(null);
  spanFailure = $state.raw<ApiFailure | null>(null);
  span = $state.raw<SpanQuery | null>(null);
  nowMs = $state(0);
  /** Other uploaders' reports of this fight. */
  views = $state.raw<readonly PointOfView[]>([]);
  /** Another fight of the raid that is live, if this one is not. */
  elsewhere = $state<string | null>(null);

  readonly raid: LiveRaid;
  readonly #id: string;
  readonly #api: Api;
  readonly #env: PageEnv;
  readonly #reading: Reading<Report>;
  readonly #spanReading: Reading<Report>;
  readonly #timelineReading: Reading<Timeline>;
  readonly #raidReading: Reading<RaidPage>;
  readonly #viewsReading: Reading<PointsOfView>;
  readonly #clock: PageClock;
  #reportMs = $state<number | null>(null);
  #nextTimelineMs = 0;
  #timelineFor = '';
  #timelineHeld = $state('');
  #noTimeline = $state(false);
  /** Of which record the relay said that nothing in it has a time. */
  #timeless = $state<string | null>(null);
  #seen = '';
  /** When other uploaders' reports were told last. */
  #viewsMs = -Infinity;
  /** Whether the feed is listened to for these alone: the fight was over when its page opened. */
  #forViews = $state(false);

  constructor(options: { id: string; api: Api; env: PageEnv; origin: string }) {
    this.#id = options.id;
    this.#api = options.api;
    this.#env = options.env;
    this.nowMs = options.env.now();
    this.raid = new LiveRaid({
      env: options.env,
      ticket: options.api.feedTicket,
      origin: options.origin,
      happened: (event) => {
        if (event.reportId !== options.id) return;
        if (event.what.kind === 'fightEnded') this.#reading.read();
        if (event.what.kind === 'viewsChanged') this.#viewsChanged();
      },
      missed: () => {
        this.#viewsChanged();
      },
      letGo: () => {
        this.check();
      },
    });
    this.#reading = new Reading(options.env, {
      ask: (signal) => this.#api.report(this.#id, null, signal),
      got: (report) => {
        this.#got(report);
      },
      failed: (failure) => {
        // What is shown stays, unless there is no such report any more.
        if (this.report === null || failure.notFound) this.failure = failure;
      },
      againMs: (tries) => this.#pauseMs(tries),
    });
    this.#spanReading = new Reading(options.env, {
      ask: (signal) => this.#api.report(this.#id, this.span, signal),
      got: (report) => {
        this.spanReport = report;
        this.spanFailure = null;
      },
      failed: (failure) => {
        if (failure.noTimes) this.#hasNoTimes();
        else if (this.spanReport === null) this.spanFailure = failure;
      },
      againMs: (tries) => Math.min(REFRESH_MS * Math.max(1, tries), RETRY_MAX_MS),
    });
    this.#timelineReading = new Reading(options.env, {
      ask: (signal) => this.#api.timeline(this.#id, signal),
      got: (timeline) => {
        this.timeline = timeline;
        this.#noTimeline = timeline.buckets === 0;
        this.#timelineHeld = this.#timelineFor;
      },
      failed: (failure) => {
        if (failure.noTimes) this.#hasNoTimes();
        // The chart says that there is nothing to draw. What may come yet is asked for again.
        if (failure.notFound || failure.noTimes) {
          this.#noTimeline = true;
          return;
        }
        this.#timelineFor = '';
        this.#nextTimelineMs = this.#env.now() + WATCH_MS;
      },
      // The record that it has to be of says when.
      againMs: () => null,
    });
    let goesOn = true;
    this.#raidReading = new Reading(options.env, {
      ask: (signal) => this.#api.raid({ kind: 'raid', name: this.report?.raid ?? '' }, signal),
      got: (page) => {
        this.elsewhere =
          page.reports.find((one) => one.state === 'live' && one.reportId !== this.#id)?.reportId ?? null;
        goesOn = page.open;
      },
      failed: (failure) => {
        // Who may see a fight may not always see its raid.
        goesOn = !failure.notFound;
      },
      againMs: () => (goesOn ? NEXT_FIGHT_MS : null),
    });
    this.#viewsReading = new Reading(options.env, {
      ask: (signal) => this.#api.views(this.#id, signal),
      got: ({ views }) => {
        this.views = views;
        this.#viewsMs = this.#env.now();
      },
      failed: () => {
        // What is known stays: nobody waits for it.
        this.#viewsMs = this.#env.now();
      },
      againMs: (tries) => {
        if (!this.#viewsMayCome()) return null;
        return this.raid.open && tries === 0 ? VIEWS_TOLD_MS : VIEWS_MS;
      },
    });
    this.#clock = new PageClock(options.env, CLOCK_MS, (nowMs) => {
      this.#beat(nowMs);
    });
  }

  /** The feed's fight, if it is this report. */
  feedFight: FightView | null = $derived.by(() => {
    const fight = this.raid.view?.fight ?? null;
    return fight?.reportId === this.#id ? fight : null;
  });

  /** Whether the figures shown are the feed's. */
  fromFeed: boolean = $derived.by(() => {
    const fight = this.feedFight;
    if (fight === null) return false;
    const report = this.report;
    if (report === null) return true;
    if (report.state !== 'live') return fight.head.state === 'live' && this.raid.open;
    // Through a cut the record is read again and again, and soon newer than the last frame.
    return this.raid.open || (this.raid.lastFrameMs ?? 0) >= (this.#reportMs ?? 0);
  });

  /** The whole fight as shown. */
  figures: FightFigures | null = $derived.by(() => {
    if (this.fromFeed && this.feedFight !== null) return figuresOfFeed(this.feedFight);
    return this.report === null ? null : withViews(figuresOfReport(this.report), this.views);
  });

  /** Whether nothing of the fight could be taken. */
  stub: boolean = $derived(this.report?.stub === true);

  /** By how many seconds what is shown of a running fight is behind. */
  get delayS(): number {
    return this.#forViews ? 0 : (this.raid.view?.raid.delayS ?? 0);
  }

  /** Which names those see who are no members of its raid. */
  get names(): NamesPolicy {
    return this.raid.view?.raid.names ?? this.report?.names ?? 'full';
  }

  /** Whether the reading that is shown came signed by its uploader. */
  verified: boolean = $derived(!this.fromFeed && this.report?.verified === true);

  /**
   * Whether no amount of the fight has a time: then it has no timeline, no parts, and nothing to play. While it goes on
   * some may come that has.
   */
  untimed: boolean = $derived.by(() => {
    const report = this.report;
    if (report === null || report.state === 'live' || this.figures?.state === 'live') return false;
    return report.stub || !report.timed || this.#timeless === this.#recordKey;
  });

  /** The span looked at, if one is; `null` while it is read. */
  spanFigures: FightFigures | null = $derived(this.spanReport === null ? null : figuresOfReport(this.spanReport));

  /** Whether nothing happens at present. */
  idle: boolean = $derived.by(() => {
    if (!this.fromFeed || this.figures === null) return false;
    return this.figures.idle || (this.raid.timer !== null && isQuiet(this.raid.timer, this.nowMs));
  });

  /** Until when what is shown was the present: frames tell, and the record where it is read meanwhile. */
  #newsMs: number | null = $derived.by(() => {
    const record = this.#reportMs;
    if (this.feedFight === null) return record;
    if (this.raid.open) return this.raid.heardMs;
    return Math.max(this.raid.heardMs ?? 0, record ?? 0);
  });

  status: PageStatus = $derived.by(() =>
    statusOf({
      failure: this.failure,
      state: this.figures?.state ?? null,
      stub: this.stub,
      connection: this.raid.connection,
      inFeed: this.feedFight !== null,
      uploaderConnected: this.raid.view?.raid.connected ?? true,
      lastFrameMs: this.raid.lastFrameMs,
      newsMs: this.#newsMs,
      idle: this.idle,
      nowMs: this.nowMs,
    }),
  );

  /** Which record the timeline has to be of. */
  #recordKey: string = $derived.by(() => {
    const report = this.report;
    return report === null ? '' : `${report.state} ${report.revision} ${report.checksum}`;
  });

  /** Running time of the fight, ms. */
  durationMs: number = $derived.by(() => {
    const figures = this.figures;
    if (figures === null) return 0;
    if (figures.state === 'live' && this.fromFeed && this.raid.timer !== null) {
      return elapsedMs(this.raid.timer, this.nowMs, this.status.kind !== 'live');
    }
    return figures.lastMs - figures.firstMs;
  });

  // Of their own, so that a tick without a new second leaves the chart alone.
  #buckets = $derived(this.feedFight?.buckets ?? null);
  #feedPlayers = $derived(this.feedFight?.players ?? null);
  #recorded = $derived(this.timeline === null ? null : amountsOfTimeline(this.timeline));
  /** Whether there is no timeline, as far as is known: not while one is read. */
  timelineMissing: boolean = $derived(this.#noTimeline);
  /** Until the record's own timeline has come, the feed's last one stays: the chart does not jump at the end. */
  #feedIsNewer: boolean = $derived(
    this.feedFight !== null && (this.fromFeed || this.#timelineHeld !== this.#recordKey),
  );

  /** Amounts by second. */
  amounts: Amounts = $derived.by(() => {
    if (this.#feedIsNewer && this.#buckets !== null && this.#feedPlayers !== null) {
      return amountsOfFeed({ buckets: this.#buckets, players: this.#feedPlayers }, this.#recorded);
    }
    return this.#recorded ?? NO_AMOUNTS;
  });

  /** Reads the record and goes on from what it says. */
  start(): void {
    this.#reading.read();
    this.#clock.start();
  }

  stop(): void {
    this.#clock.stop();
    for (const reading of [
      this.#reading,
      this.#spanReading,
      this.#timelineReading,
      this.#raidReading,
      this.#viewsReading,
    ]) {
      reading.stop();
    }
    this.raid.close();
  }

  /** The page was shown again, or time jumped: what is on its way may never come, and what was due may be long due. */
  wake(): void {
    this.raid.wake();
    if (this.#timelineReading.waiting) this.#timelineReading.renew();
    if (this.#wantsRecord()) this.#reading.renew();
    if (this.#wantsSpan()) this.#spanReading.renew();
    if (this.#raidReading.goesOn) this.#raidReading.renew();
    if (this.report?.state === 'final') this.#viewsReading.renew();
    this.#nextTimelineMs = 0;
    this.#clock.now();
  }

  /** Reads the record anew: it may be another now, or not be there for this reader any more. */
  check(): void {
    this.#reading.read();
  }

  /** Looks at a part of the fight; `null`: at all of it. */
  look(span: SpanQuery | null): void {
    if (span?.fromMs === this.span?.fromMs && span?.toMs === this.span?.toMs) return;
    this.span = span;
    this.spanReport = null;
    this.spanFailure = null;
    if (span === null) this.#spanReading.stop();
    else this.#spanReading.renew();
  }

  /** This player's skills are looked at from now on, or nobody's. */
  lookAtSkills(player: string | null): void {
    this.raid.watch(player === null || this.#forViews ? [] : [player]);
  }

  /** A player's present skill rows from the feed; `null` where the record has to tell them. */
  skillsOf(player: string | null): readonly SkillRow[] | null {
    return this.fromFeed && player !== null ? (this.raid.details[player] ?? null) : null;
  }

  /** Once each beat of the page's clock: what is due? */
  #beat(nowMs: number): void {
    this.nowMs = nowMs;
    const feed = this.feedFight;
    // The feed says something of this fight that the record does not say yet: its end, its return, a new reading.
    const seen = feed === null ? '' : `${feed.head.state} ${feed.head.revision}`;
    if (feed !== null && this.report !== null && seen !== this.#seen) {
      const record = `${this.report.state} ${this.report.revision}`;
      if (seen !== record) this.#reading.soon();
    }
    this.#seen = seen;
    if (this.#wantsRecord()) this.#reading.readIfDue();
    if (this.#wantsSpan()) this.#spanReading.readIfDue();
    // Where its feed tells of the raid, that is not asked.
    if (!this.raid.open) this.#raidReading.readIfDue();
    this.#viewsReading.readIfDue();
    this.#readTimeline();
    this.#lookElsewhere();
    this.#leaveFeed();
  }

  /** A part that goes on is read again and again; one that could not be read, until it is. */
  #wantsSpan(): boolean {
    return this.span !== null && (this.spanReport === null || this.figures?.state === 'live');
  }

  #wantsRecord(): boolean {
    const report = this.report;
    if (report === null) return this.failure?.notFound !== true;
    const feed = this.feedFight;
    if (feed !== null && this.raid.open) {
      return feed.head.state !== report.state || feed.head.revision !== report.revision;
    }
    return report.state !== 'final';
  }

  /** Other uploaders send theirs when the fight has ended, and the relay compares them after that. */
  #viewsMayCome(): boolean {
    const report = this.report;
    if (report?.state !== 'final' || report.stub) return false;
    return this.#env.now() < (report.endedAtMs ?? report.startedAtMs + report.lastMs) + VIEWS_COME_MS;
  }

  /** The feed says that they are others now, or that it may not have said so. */
  #viewsChanged(): void {
    if (this.report?.state !== 'final' || this.report.stub) return;
    const sinceMs = this.#env.now() - this.#viewsMs;
    const soonMs = this.#viewsMs === -Infinity ? 0 : this.#env.random() * VIEWS_SPREAD_MS;
    // By a clock that was set back nobody waits for longer.
    this.#viewsReading.within(Math.min(Math.max(soonMs, VIEWS_APART_MS - sinceMs), VIEWS_APART_MS));
  }

  /** Once no more of them come, a fight that was over when its page opened needs no feed. */
  #leaveFeed(): void {
    if (!this.#forViews || !this.raid.started || this.#viewsMayCome()) return;
    this.raid.leave();
    this.#raidReading.read();
  }

  /** The relay says so of what it holds: the record may be an older one, so it is read anew. */
  #hasNoTimes(): void {
    if (this.report === null) return;
    this.#timeless = this.#recordKey;
    this.#reading.read();
  }

  #got(report: Report): void {
    this.#reportMs = this.#env.now();
    this.report = report;
    this.failure = null;
    const isOver = report.state === 'final';
    // One whose raid is not for this reader stands alone; one that was long over when its page opened listens to nothing,
    // but asks whether its raid goes on.
    const listens = report.raid !== '' && (!isOver || this.raid.started || this.#viewsMayCome());
    if (isOver && !report.stub) {
      if (listens && !this.raid.open) this.#viewsReading.within(FEED_OPENS_MS);
      else this.#viewsReading.read();
    }
    if (listens) this.#listen(report, isOver);
    else if (report.raid !== '') this.#raidReading.read();
    this.#readTimeline();
  }

  #listen(report: Report, isOver: boolean): void {
    const forViews = isOver && (this.#forViews || !this.raid.started);
    if (forViews) {
      this.raid.pace(PACE_UNSEEN);
      this.#raidReading.within(FEED_OPENS_MS);
    } else if (this.#forViews) {
      this.raid.pace(PACE);
      this.#raidReading.stop();
    }
    this.#forViews = forViews;
    this.raid.listen({ kind: 'raid', name: report.raid });
  }

  #pauseMs(tries: number): number {
    if (tries > 0) return Math.min(REFRESH_MS * tries, RETRY_MAX_MS);
    if (this.feedFight !== null && this.feedFight.head.state !== this.report?.state) return REFRESH_MS;
    return this.report?.state === 'provisional' ? WATCH_PROVISIONAL_MS : WATCH_MS;
  }

  /** Reads the timeline where the feed does not carry it: before its five minutes, and of what has ended. */
  #readTimeline(): void {
    if (this.report === null || this.untimed) return;
    let wanted: string;
    if (this.fromFeed && this.feedFight !== null) {
      const known = [...this.feedFight.buckets.keys()];
      const first = known.length === 0 ? 0 : Math.min(...known);
      if (first <= Math.ceil(this.feedFight.head.firstMs / 1000)) return;
      // A keyframe after a cut may begin later than what is held.
      const held = this.timeline === null ? 0 : this.timeline.firstSecond + this.timeline.buckets;
      if (held >= first) return;
      wanted = `before ${this.raid.keyframes}`;
    } else {
      wanted = this.#recordKey;
    }
    if (wanted === this.#timelineFor || this.#env.now() < this.#nextTimelineMs) return;
    this.#timelineFor = wanted;
    this.#timelineReading.renew();
  }

  #lookElsewhere(): void {
    const fight = this.raid.view?.fight ?? null;
    if (fight === null || !this.raid.open) return;
    this.elsewhere = fight.reportId !== this.#id && fight.head.state === 'live' ? fight.reportId : null;
  }
}
