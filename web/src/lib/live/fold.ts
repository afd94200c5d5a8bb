/**
 * Folds frames into what a page shows. Pure: a view goes in, another comes out, and what did not change is the same
 * object.
 *
 * The one invariant: after a keyframe the view is the keyframe and nothing of what was before.
 */
import { FrameError } from '$lib/wire/frame';
import { applyRowChanges } from '$lib/wire/row';
import type {
  AttemptRow,
  Boss,
  Bucket,
  DeathRow,
  FeedFight,
  FeedPlayer,
  FeedRaid,
  FightHead,
  FrameTimes,
  Keyframe,
  Place,
  Tick,
} from '$lib/wire/types';

/** A raid as its feed shows it at one position. */
export interface RaidView {
  epoch: string;
  position: number;
  raid: FeedRaid;
  /** The current or last fight; `null` before the first. */
  fight: FightView | null;
  times: FrameTimes;
}

/** The fight of a raid's feed. */
export interface FightView {
  reportId: string;
  startedAtMs: number;
  place: Place;
  head: FightHead;
  bosses: readonly Boss[];
  attempts: readonly AttemptRow[];
  deaths: readonly DeathRow[];
  players: readonly FeedPlayer[];
  /** Place of each column in a row. */
  columns: ReadonlyMap<string, number>;
  rows: readonly number[][];
  /** Seconds of the timeline that are known, by second since the encounter began. */
  buckets: ReadonlyMap<number, Bucket>;
}

/** The view that a keyframe is. */
export function viewOfKeyframe(frame: Keyframe): RaidView {
  return {
    epoch: frame.epoch,
    position: frame.position,
    raid: frame.raid,
    fight: frame.fight === null ? null : viewOfFight(frame.fight),
    times: frame.times,
  };
}

function viewOfFight(fight: FeedFight): FightView {
  if (fight.rows.length !== fight.players.length) throw new FrameError('a keyframe has rows without players');
  return {
    reportId: fight.reportId,
    startedAtMs: fight.startedAtMs,
    place: fight.encounter,
    head: fight.head,
    bosses: fight.bosses,
    attempts: fight.attempts,
    deaths: fight.deaths,
    players: fight.players,
    columns: new Map(fight.columns.map((name, at) => [name, at])),
    rows: fight.rows,
    buckets: new Map(fight.buckets.map((bucket) => [bucket.s, bucket])),
  };
}

/**
 * The view after one tick.
 *
 * Throws FrameError if the tick is not the next or does not fit: the caller drops the connection, and the next one
 * begins with a keyframe.
 */
export function applyTick(view: RaidView, tick: Tick): RaidView {
  if (tick.p !== view.position + 1) throw new FrameError(`tick ${tick.p} does not follow ${view.position}`);
  return {
    ...view,
    position: tick.p,
    fight: view.fight === null ? null : applyToFight(view.fight, tick),
    times: tick.ms,
  };
}

function applyToFight(fight: FightView, tick: Tick): FightView {
  const next: FightView = { ...fight };
  if (tick.head) next.head = tick.head;
  if (tick.encounter) next.place = tick.encounter;
  if (tick.bosses) next.bosses = tick.bosses;
  if (tick.attempts) next.attempts = tick.attempts;
  if (tick.deaths) next.deaths = tick.deaths;
  if (tick.players) {
    const players = [...fight.players];
    for (const [at, player] of tick.players) {
      if (at > players.length) throw new FrameError('a player has no place');
      players[at] = player;
    }
    next.players = players;
  }
  if (tick.rows) next.rows = applyRowChanges(fight.rows, tick.rows, fight.columns.size);
  if (next.rows.length !== next.players.length) throw new FrameError('a tick has rows without players');
  if (tick.buckets) {
    const buckets = new Map(fight.buckets);
    for (const bucket of tick.buckets) buckets.set(bucket.s, bucket);
    next.buckets = buckets;
  }
  return next;
}
