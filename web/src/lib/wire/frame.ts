/**
 * Bytes to feed frames and back. Beyond `wire` nobody sees bytes; beyond `live` nobody sees frames.
 *
 * What a frame holds is the relay's word and not checked again field by field; what would make folding it go wrong in
 * silence (no kind, rows that do not fit their columns) is.
 */
import type { FeedFrame, FeedRequest } from './types';

/** The subprotocol with MessagePack frames. */
export const SUBPROTOCOL = 'raidcast.feed.v1';
/** The subprotocol with JSON frames. */
export const SUBPROTOCOL_JSON = 'raidcast.feed.v1.json';

const KINDS: ReadonlySet<string> = new Set<FeedFrame['t']>(['keyframe', 'tick', 'event', 'detail', 'bye', 'echo']);

/** A frame could not be read: the connection is of no more use. */
export class FrameError extends Error {
  override name = 'FrameError';
}

/** How frames are written. */
export interface Wire {
  /** What is asked for. */
  readonly subprotocol: string;
  /** Reads one frame; `null` for a kind that this page does not know: later relays may send more. */
  decode(data: ArrayBuffer | string): FeedFrame | null;
  /** Writes one request in the format of the subprotocol that was agreed upon. */
  encode(request: FeedRequest, subprotocol: string): string | Uint8Array<ArrayBuffer>;
}

/** Text alone: more bytes on the way, and less to load. */
export const json: Wire = {
  subprotocol: SUBPROTOCOL_JSON,
  decode: (data) => {
    if (typeof data !== 'string') throw new FrameError('bytes where text was agreed upon');
    return frameOf(() => JSON.parse(data));
  },
  encode: (request) => JSON.stringify(request),
};

/** What was read, if it is a frame. */
export function frameOf(read: () => unknown): FeedFrame | null {
  let value: unknown;
  try {
    value = read();
  } catch (cause) {
    throw new FrameError('the frame is not readable', { cause });
  }
  if (typeof value !== 'object' || value === null || !('t' in value) || typeof value.t !== 'string') {
    throw new FrameError('the frame has no kind');
  }
  if (!KINDS.has(value.t)) return null;
  return value as FeedFrame;
}
