import { beforeEach, describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import { FakeEnv } from '$lib/testing/env';
import { keyframe, tick } from '$lib/testing/samples';
import { FrameError } from '$lib/wire/frame';
import type { FeedFrame } from '$lib/wire/types';
import { BACKOFF_MAX_MS, backoffMs } from './backoff';
import { FeedConnection, LINK_OVER, type ConnectionState } from './connection';

describe('the wait before the next try', () => {
  it('doubles up to its longest, and is never less than half of that', () => {
    expect([0, 1, 2].map((attempt) => backoffMs(attempt, 0))).toEqual([250, 500, 1000]);
    expect(backoffMs(0, 0.999_999)).toBe(500);
    for (const attempt of [5, 50, 5000]) {
      expect(backoffMs(attempt, 0)).toBe(BACKOFF_MAX_MS / 2);
      expect(backoffMs(attempt, 0.999_999)).toBe(BACKOFF_MAX_MS);
    }
  });
});

describe('a connection to a feed', () => {
  let env: FakeEnv;
  let states: ConnectionState[];
  let frames: FeedFrame[];
  let connection: FeedConnection;
  let refuse: boolean;
  let address: string;
  let held: { epoch: string; position: number } | null;
  const kind = (): string | undefined => states.at(-1)?.kind;

  const nextTry = (): void => {
    const tried = env.sockets.length;
    for (let ms = 0; env.sockets.length === tried && ms < BACKOFF_MAX_MS; ms += 50) env.advance(50);
  };

  beforeEach(() => {
    env = new FakeEnv();
    states = [];
    frames = [];
    refuse = false;
    held = null;
    address = 'ws://relay/feed';
    connection = new FeedConnection(env, {
      url: (anew) => (anew || held === null ? address : `${address}?epoch=${held.epoch}&position=${held.position}`),
      state: (state) => states.push(state),
      frame: (frame) => {
        if (refuse) throw new FrameError('refused');
        frames.push(frame);
      },
    });
    connection.start();
  });

  it('is open with its first frame, not before', () => {
    expect(kind()).toBe('connecting');
    env.socket.give(keyframe());
    expect(kind()).toBe('open');
    expect(frames).toHaveLength(1);
  });

  it('gets a ticket for each try, and makes nothing of one that comes too late', async () => {
    connection.close();
    const given: ((ticket: string | null) => void)[] = [];
    const ticket = (): Promise<string> =>
      new Promise((give, refuse) => given.push((got) => (got === null ? refuse(new Error('none')) : give(got))));
    const before = env.sockets.length;
    connection = new FeedConnection(env, {
      url: (_, paid) => `ws://relay/feed?ticket=${paid ?? ''}`,
      ticket,
      state: (state) => states.push(state),
      frame: (frame) => frames.push(frame),
    });
    connection.start();
    expect([env.sockets.length - before, kind()]).toEqual([0, 'connecting']);
    given[0]?.('one');
    await env.pass(250);
    expect(env.socket.url).toBe('ws://relay/feed?ticket=one');
    env.socket.cut();
    await env.pass(BACKOFF_MAX_MS);
    // It takes too long: another try, and the first ticket is good for nothing.
    await env.pass(BACKOFF_MAX_MS + 10_000);
    given[1]?.('late');
    await env.pass(250);
    expect(env.sockets.length - before).toBe(1);
    const asked = given.length;
    expect(asked).toBeGreaterThan(2);
    given[asked - 1]?.(null);
    await env.pass(250);
    expect(kind()).toBe('waiting');
    await env.pass(BACKOFF_MAX_MS);
    given.at(-1)?.('three');
    await env.pass(250);
    expect(env.socket.url).toBe('ws://relay/feed?ticket=three');
    connection.close();
  });

  it('ends where its link is good no more, and only there', async () => {
    connection.close();
    const byes: (number | null)[] = [];
    let failure = new ApiFailure(503, 'not now');
    let asked = 0;
    const ticket = (): Promise<string> => {
      asked += 1;
      return Promise.reject(failure);
    };
    connection = new FeedConnection(env, {
      url: () => 'ws://relay/feed',
      ticket,
      state: (state) => states.push(state),
      frame: (frame) => frames.push(frame),
      bye: ({ retryMs }) => byes.push(retryMs),
    });
    connection.start();
    await env.pass(250);
    expect([kind(), byes]).toEqual(['waiting', []]);
    failure = new ApiFailure(404, 'There is no such raid.');
    await env.pass(BACKOFF_MAX_MS);
    expect(states.at(-1)).toEqual({ kind: 'closed', reason: LINK_OVER });
    expect(byes).toEqual([null]);
    const before = asked;
    await env.pass(10 * BACKOFF_MAX_MS);
    expect(asked).toBe(before);
  });

  it('tries again for ever after a cut', () => {
    env.socket.give(keyframe());
    for (let cuts = 1; cuts <= 40; cuts++) {
      env.socket.cut();
      expect(kind()).toBe('waiting');
      nextTry();
      expect(env.sockets).toHaveLength(cuts + 1);
    }
    env.socket.give(keyframe());
    expect(kind()).toBe('open');
  });

  it('says where the view stands when it comes back, unless a frame could not be built upon', () => {
    expect(env.socket.url).toBe('ws://relay/feed');
    env.socket.give(keyframe());
    held = { epoch: 'a.5.1', position: 7 };
    env.socket.cut();
    nextTry();
    expect(env.socket.url).toBe('ws://relay/feed?epoch=a.5.1&position=7');
    env.socket.onopen?.(new Event('open'));
    expect(env.socket.sent).toEqual([{ t: 'probe', clock: env.now() }]);
    env.socket.give({ t: 'echo', clock: env.now(), relayMs: env.now() });
    expect(kind()).toBe('open');
    refuse = true;
    env.socket.give(tick(9));
    nextTry();
    expect(env.socket.url).toBe('ws://relay/feed');
  });

  it('gives up a try that brings nothing', () => {
    env.advance(10_001);
    expect(kind()).toBe('waiting');
    expect(env.socket.closed).toBe(true);
  });

  it('asks when it hears nothing, and tries again when no answer comes', () => {
    env.socket.give(keyframe());
    const first = env.socket;
    env.advance(4_500);
    expect(states.at(-1)).toMatchObject({ kind: 'open' });
    expect(states.at(-1)).not.toMatchObject({ askedMs: null });
    env.advance(5_000);
    expect(first.closed).toBe(true);
    expect(kind()).not.toBe('open');
  });

  it('stays when an answer comes, and then has more patience', () => {
    env.socket.give(keyframe());
    for (let ms = 0; ms < 120_000; ms += 500) {
      env.advance(500);
      const asked = states.at(-1);
      if (asked?.kind === 'open' && asked.askedMs !== null) env.socket.give({ t: 'echo', clock: 1, relayMs: 2 });
    }
    expect(env.sockets).toHaveLength(1);
    const asks = states.filter((state) => state.kind === 'open' && state.askedMs !== null);
    expect(asks.length).toBeLessThan(8);
  });

  it('drops a socket whose frames cannot be folded, and waits longer if that goes on', () => {
    refuse = true;
    const waits: number[] = [];
    for (let i = 0; i < 3; i++) {
      env.socket.give(keyframe());
      const state = states.at(-1);
      if (state?.kind === 'waiting') waits.push(state.retryAtMs - env.now());
      nextTry();
    }
    expect(waits).toEqual([375, 750, 1500]);
  });

  it('hears nothing more from a socket that it dropped', () => {
    env.socket.give(keyframe());
    const old = env.socket;
    old.cut();
    old.give(tick(6));
    old.cut();
    expect(frames).toHaveLength(1);
    expect(states.filter((state) => state.kind === 'waiting')).toHaveLength(1);
  });

  it('comes back when the relay says so, and not when it says not to', () => {
    env.socket.give(keyframe());
    env.socket.give({ t: 'bye', reason: 'restart', retryMs: 3_000 });
    env.advance(2_900);
    expect(env.sockets).toHaveLength(1);
    env.advance(1_000);
    expect(env.sockets).toHaveLength(2);
    env.socket.give({ t: 'bye', reason: 'gone', retryMs: null });
    env.advance(60_000);
    expect(env.sockets).toHaveLength(2);
    expect(states.at(-1)).toEqual({ kind: 'closed', reason: 'gone' });
  });

  it('does not wait any longer when the page wakes up', () => {
    env.socket.cut();
    connection.wake();
    expect(env.sockets).toHaveLength(2);
  });

  it('finds out quickly after a sleep whether its socket lives', () => {
    env.socket.give(keyframe());
    connection.wake();
    env.advance(2_100);
    expect(kind()).toBe('waiting');
  });

  it('follows to another address at once', () => {
    env.socket.give(keyframe());
    address = 'ws://relay/other';
    connection.restart();
    expect(env.socket.url).toBe('ws://relay/other');
    expect(env.sockets[0]?.closed).toBe(true);
  });

  it('probes the clock soon after opening, then now and then', () => {
    env.socket.give(keyframe());
    for (let s = 0; s < 60; s++) {
      env.advance(1_000);
      env.socket.give(tick(6 + s));
    }
    const probes = env.socket.sent.filter((request) => request.t === 'probe');
    expect(probes.length).toBeGreaterThanOrEqual(4);
    expect(probes.length).toBeLessThanOrEqual(7);
  });
});
