import { flushSync } from 'svelte';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiFailure, type Api } from '$lib/api/client';
import { FakeEnv } from '$lib/testing/env';
import { feedFight, keyframe, tick } from '$lib/testing/samples';
import { DEFAULTS, type OverlayOptions } from './options';
import { OverlaySession } from './overlay.svelte';
import { Past } from './past';

let env: FakeEnv;
let session: OverlaySession;

beforeEach(() => {
  env = new FakeEnv();
});
afterEach(() => {
  session.stop();
});

function open(options: Partial<OverlayOptions> = {}, feedTicket: Api['feedTicket'] = null): void {
  session = new OverlaySession({
    place: { kind: 'channel', name: 'CHAN' },
    options: { ...DEFAULTS, ...options },
    api: { feedTicket } as Api,
    env,
    origin: 'http://relay.example',
  });
  session.start();
}

/** A fight whose last hit is just now. */
const now = (): ReturnType<typeof keyframe> =>
  keyframe({ fight: feedFight({ startedAtMs: env.now() - 10_000 }), times: [env.now(), env.now(), env.now()] });

const damage = (): string | undefined => {
  flushSync();
  return session.picture.rows[0]?.cells[0];
};

describe('an overlay', () => {
  it('shows everything with the first frame', () => {
    open();
    expect(env.socket.url).toBe('ws://relay.example/api/v1/live/CHAN/feed?as=overlay');
    env.socket.give(now());
    expect(damage()).toBe('20');
    env.socket.give(tick(6, { rows: [0, 1, 400] }));
    expect(damage()).toBe('40');
  });

  it('tries for ever, and doubts what it shows meanwhile', () => {
    open();
    env.socket.give(now());
    const tries = env.sockets.length;
    for (let cut = 0; cut < 200; cut++) {
      env.socket.cut();
      env.advance(15_000);
    }
    expect(env.sockets.length).toBeGreaterThan(tries + 150);
    flushSync();
    expect(session.picture).toMatchObject({ trust: 'gone', rows: [] });
    env.socket.give(now());
    expect(damage()).toBe('20');
    expect(session.picture.trust).toBe('good');
  });

  it('asks again after it was sent away for good, and shows nothing meanwhile', async () => {
    let good = false;
    open({}, () => (good ? Promise.resolve('feed-1') : Promise.reject(new ApiFailure(404, 'nothing is here'))));
    await env.pass(2_000);
    flushSync();
    expect(session.picture.note).toBe('This link is good no more');
    expect(env.sockets).toHaveLength(0);
    good = true;
    await env.pass(61_000);
    expect(env.socket.url).toBe('ws://relay.example/api/v1/live/CHAN/feed?ticket=feed-1&as=overlay');
    env.socket.give(now());
    expect(damage()).toBe('20');
  });

  it('shows all as late as it is told to', () => {
    const pass = (seconds: number): void => {
      for (let second = 0; second < seconds; second++) {
        env.advance(1_000);
        env.socket.give({ t: 'echo', clock: env.now(), relayMs: env.now() });
      }
    };
    open({ delay: 8 });
    env.socket.give(now());
    pass(1);
    flushSync();
    expect(session.picture).toMatchObject({ rows: [], note: 'Begins in 8 s' });
    pass(8);
    expect(damage()).toBe('20');
    env.socket.give(tick(6, { rows: [0, 1, 400] }));
    pass(7);
    expect(damage()).toBe('20');
    pass(2);
    expect(damage()).toBe('40');
    // What is cut now was not cut then.
    env.socket.cut();
    env.advance(5_000);
    flushSync();
    expect(session.picture.trust).toBe('good');
  });
});

describe('what was known', () => {
  it('is told of any moment that is not too long ago, and no more is kept', () => {
    const past = new Past<number>(1_000);
    expect(past.at(5)).toBeNull();
    for (let at = 0; at <= 100; at++) past.note(at * 100, at);
    expect([past.at(10_000), past.at(9_950), past.at(9_000)]).toEqual([100, 99, 90]);
    expect(past.at(8_900)).toBeNull();
    expect(past.fromMs).toBe(9_000);
    // The clock was set back.
    past.note(50, 7);
    expect([past.at(60), past.at(49)]).toEqual([7, null]);
  });
});
