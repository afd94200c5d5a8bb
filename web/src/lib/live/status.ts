/** In which of its states a page is: each looks different, and each says what it is. */
import type { ReportState } from '$lib/wire/types';
import type { ConnectionState } from './connection';

/** Without news for this long a live page says so if somebody is to blame for it, ms: three heartbeats of the uploader. */
export const STALE_MS = 6_000;

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
  /** The connection was cut; it is tried again for ever. */
  | { kind: 'reconnecting'; sinceMs: number | null }
  /** The record of a fight that its meter ended. */
  | { kind: 'ended' }
  /** The record of a fight that just stopped. */
  | { kind: 'provisional' }
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
  connection: ConnectionState;
  /** Whether the fight is the feed's, so that frames are about it. */
  inFeed: boolean;
  /** Whether the uploader is connected to the relay, as the feed last said. */
  uploaderConnected: boolean;
  /** When the last keyframe or tick came, Unix ms; `null` before the first. */
  lastFrameMs: number | null;
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
  if (facts.state === 'final') return { kind: 'ended' };
  if (facts.state === 'provisional') return { kind: 'provisional' };
  const { connection, lastFrameMs } = facts;
  switch (connection.kind) {
    case 'connecting':
    case 'waiting':
      return connection.tries === 0 && lastFrameMs === null
        ? { kind: 'connecting' }
        : { kind: 'reconnecting', sinceMs: lastFrameMs };
    case 'closed':
      return { kind: 'reconnecting', sinceMs: lastFrameMs };
    case 'open':
      return statusOfOpen(facts, connection.askedMs);
  }
}

/** The relay sends nothing while nothing changes, so silence alone is no fault: somebody has to be missing. */
function statusOfOpen(facts: PageFacts, askedMs: number | null): PageStatus {
  // Another fight is in the feed: this one is read over HTTP, and frames say nothing about it.
  if (!facts.inFeed || facts.lastFrameMs === null) return facts.idle ? { kind: 'idle' } : { kind: 'live' };
  if (facts.nowMs - facts.lastFrameMs > STALE_MS) {
    if (askedMs !== null) return { kind: 'stale', sinceMs: facts.lastFrameMs, who: 'relay' };
    if (!facts.uploaderConnected) return { kind: 'stale', sinceMs: facts.lastFrameMs, who: 'uploader' };
  }
  return facts.idle ? { kind: 'idle' } : { kind: 'live' };
}
