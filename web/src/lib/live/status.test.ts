import { describe, expect, it } from 'vitest';
import { statusWords } from '$lib/ui/status-words';
import { statusOf, type PageFacts } from './status';

const live: PageFacts = {
  failure: null,
  state: 'live',
  connection: { kind: 'open', askedMs: null },
  inFeed: true,
  uploaderConnected: true,
  lastFrameMs: 100_000,
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

  it('does not depend on frames of another fight', () => {
    expect(kind({ inFeed: false, lastFrameMs: 0 })).toBe('live');
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
      { kind: 'ended' },
      { kind: 'provisional' },
      { kind: 'notFound' },
      { kind: 'failed', message: 'The relay cannot be reached.' },
    ] as const;
    const sentences = all.map((status) => statusWords(status).sentence);
    expect(new Set(sentences).size).toBe(all.length);
    for (const sentence of sentences) expect(sentence).toMatch(/\.$/);
  });
});
