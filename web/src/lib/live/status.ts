/** In which of its states a page is: each looks different, and each says what it is. */
import type { ReportState } from '$lib/wire/types';
import type { ConnectionState } from './connection';

/** Without news for this long a page says so if somebody is to blame for it, ms: three heartbeats of the uploader. */
export const STALE_MS = 6_000;
/** An answer of the relay that is owed for longer than this is late, ms. */
const OWED_MS = 1_500;
/** A record that could not be read for this long is old, ms: several tries. */
const UNREAD_MS = 30_000;

/** See the module. */
export type PageStatus =
  /** Nothing to show yet. */
  | { kind: 'connecting' }
  /** Frames come, and things happen. */
  | { kind: 'live' }
  /** Frames come, and nothing happens. */
  | { kind: 'idle' }
  /** Nothing comes though it should: the relay does not answer, or the uploader is not connected to it. */
  | { kind: 'stale'; sinceMs: number; who: 'relay' | 'uploader' }
  /** The connection was cut a moment ago, or was never there; it is tried again for ever. */
  | { kind: 'reconnecting'; sinceMs: number | null }
  /** A raid whose fights are uploaded one by one when they are over: none is ever live. */
  | { kind: 'uploads' }
  /** The record of a fight that its meter ended. */
  | { kind: 'ended' }
  /** The record of a fight that just stopped. */
  | { kind: 'provisional' }
  /** The record of a fight of which nothing could be taken. */
  | { kind: 'stub' }
  /** A moment of a fight that is played again. */
  | { kind: 'replay' }
  /** There is none, or not for this reader. */
  | { kind: 'notFound' }
  /** The relay does not answer, and there is nothing to show. */
  | { kind: 'failed'; message: string };

/** What a page knows of itself. */
export interface PageFacts {
  /** Why nothing could be had, if so. */
  failure: { notFound: boolean; message: string } | null;
  /** Where the report stands; `null` while nothing is loaded. */
  state: ReportState | null;
  /** Whether nothing of the fight could be taken. */
  stub?: boolean;
  /** Whether fights are uploaded when they are over: nothing happens meanwhile, and nobody has to be connected. */
  uploads?: boolean;
  connection: ConnectionState;
  /** Whether the fight is the feed's, so that frames are about it. */
  inFeed: boolean;
  /** Whether the uploader is connected to the relay, as the feed last said. */
  uploaderConnected: boolean;
  /** When the last keyframe or tick came, Unix ms; `null` before the first. */
  lastFrameMs: number | null;
  /** Until when the figures shown were known to be the present ones, Unix ms; `null` before there were any. */
  newsMs: number | null;
  /** Whether the uploader said that nothing happens, or nothing has for a while. */
  idle: boolean;
  nowMs: number;
}

/** The state that these facts make. */
export function statusOf(facts: PageFacts): PageStatus {
  if (facts.failure?.notFound === true) return { kind: 'notFound' };
  if (facts.state === null) {
    return facts.failure === null ? { kind: 'connecting' } : { kind: 'failed', message: facts.failure.message };
  }
  if (facts.stub === true) return { kind: 'stub' };
  if (facts.state === 'final') return { kind: 'ended' };
  if (facts.state === 'provisional') return { kind: 'provisional' };
  const { connection, newsMs, nowMs } = facts;
  if (connection.kind === 'open') return statusOfOpen(facts, connection.askedMs);
  if (facts.lastFrameMs === null && connection.kind !== 'closed' && connection.tries === 0)
    return { kind: 'connecting' };
  if (newsMs === null) return { kind: 'reconnecting', sinceMs: null };
  // A cut that lasts is told by its age, and stays so told until figures come again.
  return nowMs - newsMs > STALE_MS
    ? { kind: 'stale', sinceMs: newsMs, who: 'relay' }
    : { kind: 'reconnecting', sinceMs: newsMs };
}

/** The relay sends nothing while nothing changes, so silence alone is no fault: somebody has to be missing. */
function statusOfOpen(facts: PageFacts, askedMs: number | null): PageStatus {
  const { lastFrameMs, newsMs, nowMs } = facts;
  const calm: PageStatus = { kind: facts.uploads === true ? 'uploads' : facts.idle ? 'idle' : 'live' };
  if (newsMs !== null && nowMs - newsMs > STALE_MS && askedMs !== null && nowMs - askedMs > OWED_MS) {
    return { kind: 'stale', sinceMs: newsMs, who: 'relay' };
  }
  // Another fight is in the feed: this one is read over HTTP, and frames say nothing about it.
  if (!facts.inFeed || lastFrameMs === null) {
    return newsMs !== null && nowMs - newsMs > UNREAD_MS ? { kind: 'stale', sinceMs: newsMs, who: 'relay' } : calm;
  }
  if (!facts.uploaderConnected && nowMs - lastFrameMs > STALE_MS) {
    return { kind: 'stale', sinceMs: lastFrameMs, who: 'uploader' };
  }
  return calm;
}

/** Of a list that is read over HTTP again and again; `everyMs`: how often. */
export function statusOfList(facts: {
  failure: { message: string } | null;
  /** When it was last read, Unix ms; `null` before. */
  readMs: number | null;
  everyMs: number;
  nowMs: number;
}): PageStatus {
  const { failure, readMs, everyMs, nowMs } = facts;
  if (readMs === null) {
    return failure === null ? { kind: 'connecting' } : { kind: 'failed', message: failure.message };
  }
  if (failure === null && nowMs - readMs <= everyMs + STALE_MS) return { kind: 'live' };
  return nowMs - readMs > STALE_MS
    ? { kind: 'stale', sinceMs: readMs, who: 'relay' }
    : { kind: 'reconnecting', sinceMs: readMs };
}

/** Whether figures are of a moment ago, and the page does not know what came since. */
export function isOld(status: PageStatus): boolean {
  return status.kind === 'stale' || status.kind === 'reconnecting';
}
