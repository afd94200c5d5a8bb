/**
 * Bytes to feed frames and back. Beyond this file nobody sees bytes; beyond `live` nobody sees frames.
 *
 * What a frame holds is the relay's word and not checked again field by field; what would make folding it go wrong in
 * silence (no kind, rows that do not fit their columns) is.
 */
import { decode, encode } from '@msgpack/msgpack';
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

/**
 * Reads one frame: binary is MessagePack, text is JSON.
 *
 * `null` for a kind that this page does not know: later relays may send more.
 */
export function decodeFrame(data: ArrayBuffer | string): FeedFrame | null {
  let value: unknown;
  try {
    value = typeof data === 'string' ? JSON.parse(data) : decode(data);
  } catch (cause) {
    throw new FrameError('the frame is not readable', { cause });
  }
  if (typeof value !== 'object' || value === null || !('t' in value) || typeof value.t !== 'string') {
    throw new FrameError('the frame has no kind');
  }
  if (!KINDS.has(value.t)) return null;
  return value as FeedFrame;
}

/** Writes one request in the format of the subprotocol. */
export function encodeRequest(request: FeedRequest, subprotocol: string): string | Uint8Array<ArrayBuffer> {
  return subprotocol === SUBPROTOCOL_JSON ? JSON.stringify(request) : encode(request);
}
