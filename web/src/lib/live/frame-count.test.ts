import { describe, expect, it } from 'vitest';
import { FakeEnv } from '$lib/testing/env';
import { keyframe, tick } from '$lib/testing/samples';
import { FrameLedger } from './frame-count';
import { LiveRaid } from './raid.svelte';

const event = (n: number): { t: 'event'; n: number; reportId: string; what: { kind: 'viewsChanged' } } => ({
  t: 'event',
  n,
  reportId: 'r1',
  what: { kind: 'viewsChanged' },
});

describe('the count of frames', () => {
  it('has none missed where each follows the one before', () => {
    const ledger = new FrameLedger();
    ledger.keyframe(keyframe({ position: 5, events: 2 }), true);
    for (const p of [6, 7, 8]) ledger.tick({ p });
    ledger.event(event(3));
    expect(ledger.count).toEqual({ came: 4, madeGood: 0, missed: 0 });
  });

  it('counts ticks that were left out as made good when the keyframe has come that stands for them', () => {
    const ledger = new FrameLedger();
    ledger.keyframe(keyframe({ position: 5 }), true);
    ledger.tick({ p: 6 });
    // It is behind, or was away: the next is the whole picture.
    ledger.keyframe(keyframe({ position: 20 }), false);
    ledger.tick({ p: 21 });
    expect(ledger.count).toEqual({ came: 2, madeGood: 14, missed: 0 });
    // One that does not follow: until the keyframe comes, what is between them is missed.
    ledger.tick({ p: 25 });
    expect(ledger.count).toEqual({ came: 2, madeGood: 14, missed: 3 });
    ledger.keyframe(keyframe({ position: 26 }), false);
    expect(ledger.count).toEqual({ came: 2, madeGood: 19, missed: 0 });
    // Another fight: its positions are others.
    ledger.keyframe(keyframe({ epoch: 'e.2', position: 0 }), false);
    ledger.tick({ p: 1 });
    expect(ledger.count).toEqual({ came: 3, madeGood: 19, missed: 0 });
  });

  it('counts events that did not come before their keyframe as missed for good, and none twice', () => {
    const ledger = new FrameLedger();
    ledger.keyframe(keyframe({ events: 2 }), true);
    ledger.event(event(3));
    ledger.event(event(3));
    // Those that were owed come first.
    ledger.event(event(4));
    ledger.keyframe(keyframe({ events: 4 }), false);
    expect(ledger.count.missed).toBe(0);
    ledger.keyframe(keyframe({ events: 90, eventsLost: true }), false);
    expect(ledger.count).toMatchObject({ came: 2, missed: 86 });
    ledger.event(event(93));
    expect(ledger.count).toMatchObject({ came: 3, missed: 88 });
    // Another run counts from where it stands: nobody knows what it told before.
    ledger.keyframe(keyframe({ epoch: 'f.1', events: 7 }), true);
    ledger.event(event(8));
    expect(ledger.count).toMatchObject({ came: 4, missed: 88 });
  });
});

describe('a feed', () => {
  it('tells with its delay whether all came, and how many watch where it is told', () => {
    const env = new FakeEnv();
    const raid = new LiveRaid({ env, ticket: null, origin: 'http://relay.example/' });
    raid.listen({ kind: 'raid', name: 'RAID' });
    env.socket.give(keyframe());
    env.socket.give({ t: 'echo', clock: env.now(), relayMs: env.now(), watching: 3 });
    expect(raid.watching).toBe(3);
    const times = (): [number, number, number] => [env.now() - 20, env.now() - 10, env.now()];
    env.advance(100);
    env.socket.give(tick(6, { ms: times() }));
    expect(raid.frames).toEqual({ came: 1, madeGood: 0, missed: 0 });
    env.advance(1_500);
    env.socket.give(keyframe({ position: 9 }));
    env.socket.give(tick(10, { ms: times() }));
    expect(raid.frames).toEqual({ came: 2, madeGood: 3, missed: 0 });
    // Of a raid that became private nobody is told any more.
    env.socket.give({ t: 'echo', clock: env.now(), relayMs: env.now() });
    expect(raid.watching).toBeNull();
    raid.close();
  });
});
