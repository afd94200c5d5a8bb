import { describe, expect, it } from 'vitest';
import { statusWords } from '$lib/ui/status-words';
import { statusOf, statusOfList, type PageFacts } from './status';

const live: PageFacts = {
  failure: null,
  state: 'live',
  connection: { kind: 'open', askedMs: null },
  inFeed: true,
  uploaderConnected: true,
  lastFrameMs: 100_000,
  newsMs: 100_000,
  idle: false,
  nowMs: 100_200,
};
const kind = (some: Partial<PageFacts>): string => statusOf({ ...live, ...some }).kind;

describe('the state of a page', () => {
  it('is told apart for each of its causes', () => {
    expect(kind({})).toBe('live');
    expect(kind({ state: null })).toBe('connecting');
    expect(kind({ connection: { kind: 'connecting', tries: 0 }, lastFrameMs: null })).toBe('connecting');
    expect(kind({ connection: { kind: 'connecting', tries: 1 } })).toBe('reconnecting');
    expect(kind({ connection: { kind: 'waiting', tries: 1, retryAtMs: 0 } })).toBe('reconnecting');
    expect(kind({ connection: { kind: 'closed', reason: '' } })).toBe('reconnecting');
    expect(kind({ idle: true })).toBe('idle');
    expect(kind({ state: 'final' })).toBe('ended');
    expect(kind({ state: 'provisional' })).toBe('provisional');
    expect(kind({ state: 'final', stub: true })).toBe('stub');
    expect(kind({ state: null, failure: { notFound: true, message: '' } })).toBe('notFound');
    expect(kind({ state: null, failure: { notFound: false, message: 'x' } })).toBe('failed');
  });

  it('is stale after six seconds if the relay or the uploader is missing, and says since when', () => {
    const asked = { kind: 'open', askedMs: 104_000 } as const;
    expect(kind({ nowMs: 105_900, connection: asked })).toBe('live');
    expect(statusOf({ ...live, nowMs: 106_100, connection: asked })).toEqual({
      kind: 'stale',
      sinceMs: 100_000,
      who: 'relay',
    });
    expect(kind({ nowMs: 106_100, uploaderConnected: false })).toBe('stale');
    expect(kind({ nowMs: 106_100, uploaderConnected: false, idle: true })).toBe('stale');
  });

  it('is not stale because nothing changes: the relay sends nothing then', () => {
    expect(kind({ nowMs: 109_000 })).toBe('live');
    expect(kind({ nowMs: 500_000, idle: true })).toBe('idle');
  });

  it('of uploads is that, and waits for nobody but the relay', () => {
    const uploads = { uploads: true, inFeed: false, uploaderConnected: false, idle: true };
    expect(kind(uploads)).toBe('uploads');
    expect(kind({ ...uploads, lastFrameMs: 0, newsMs: 100_000, nowMs: 129_000 })).toBe('uploads');
    expect(kind({ ...uploads, state: null })).toBe('connecting');
    expect(kind({ ...uploads, connection: { kind: 'waiting', tries: 1, retryAtMs: 0 } })).toBe('reconnecting');
    expect(statusOf({ ...live, ...uploads, nowMs: 131_000 })).toEqual({
      kind: 'stale',
      sinceMs: 100_000,
      who: 'relay',
    });
  });

  it('does not depend on frames of another fight', () => {
    expect(kind({ inFeed: false, lastFrameMs: 0 })).toBe('live');
    expect(kind({ inFeed: false, lastFrameMs: 0, nowMs: 131_000 })).toBe('stale');
  });

  it('says since when there are no news for as long as there are none, whatever is tried meanwhile', () => {
    const tries = [
      { kind: 'waiting', tries: 1, retryAtMs: 0 },
      { kind: 'connecting', tries: 1 },
      { kind: 'waiting', tries: 9, retryAtMs: 0 },
      { kind: 'closed', reason: '' },
    ] as const;
    for (const connection of tries) {
      expect(kind({ connection, nowMs: 105_000 })).toBe('reconnecting');
      for (const nowMs of [106_001, 108_001, 900_000]) {
        expect(statusOf({ ...live, connection, nowMs })).toEqual({ kind: 'stale', sinceMs: 100_000, who: 'relay' });
      }
    }
  });

  it('is not stale in the moment between a question after silence and its answer', () => {
    const asked = { kind: 'open', askedMs: 119_900 } as const;
    expect(kind({ nowMs: 120_000, connection: asked })).toBe('live');
    expect(kind({ nowMs: 121_500, connection: asked })).toBe('stale');
  });

  it('of a list is live while it is read, and stale when it could not be for long', () => {
    const list = { failure: null, readMs: 100_000, everyMs: 15_000, nowMs: 110_000 };
    const failure = { message: 'The relay cannot be reached.' };
    expect(statusOfList({ ...list, readMs: null }).kind).toBe('connecting');
    expect(statusOfList({ ...list, readMs: null, failure }).kind).toBe('failed');
    expect(statusOfList(list).kind).toBe('live');
    expect(statusOfList({ ...list, failure, nowMs: 103_000 }).kind).toBe('reconnecting');
    expect(statusOfList({ ...list, failure })).toEqual({ kind: 'stale', sinceMs: 100_000, who: 'relay' });
    // Whoever slept asked nobody, and knows no more than whoever was refused.
    expect(statusOfList({ ...list, nowMs: 145_000 }).kind).toBe('stale');
  });

  it('has a label and a sentence for each', () => {
    const all = [
      { kind: 'connecting' },
      { kind: 'live' },
      { kind: 'idle' },
      { kind: 'stale', sinceMs: 1, who: 'relay' },
      { kind: 'stale', sinceMs: 1, who: 'uploader' },
      { kind: 'reconnecting', sinceMs: null },
      { kind: 'reconnecting', sinceMs: 1 },
      { kind: 'uploads' },
      { kind: 'ended' },
      { kind: 'stub' },
      { kind: 'provisional' },
      { kind: 'notFound' },
      { kind: 'failed', message: 'The relay cannot be reached.' },
    ] as const;
    const sentences = all.map((status) => statusWords(status).sentence);
    expect(new Set(sentences).size).toBe(all.length);
    for (const sentence of sentences) expect(sentence).toMatch(/\.$/);
  });
});
