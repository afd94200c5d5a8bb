import { beforeEach, describe, expect, it } from 'vitest';
import type { Api, SpanQuery } from '$lib/api/client';
import { FakeEnv } from '$lib/testing/env';
import { feedFight, keyframe, player, report, tick, totals } from '$lib/testing/samples';
import type { FeedFrame } from '$lib/wire/types';
import { Replay } from './replay.svelte';

let env: FakeEnv;
let raid: string;
let spans: SpanQuery[];
let caughtUp: number;
let doubts: number;
let replay: Replay;

const asked = (): Record<string, string> => Object.fromEntries(new URL(env.socket.url).searchParams);
const ended: FeedFrame = {
  t: 'event',
  n: 6,
  reportId: 'r1',
  what: { kind: 'fightEnded', state: 'final', outcome: 'kill', revision: 1, checksum: 'v1:0' },
};
const bye = (retryMs: number | null) => ({ t: 'bye', reason: 'over', retryMs }) as const;

beforeEach(() => {
  env = new FakeEnv();
  spans = [];
  caughtUp = 0;
  doubts = 0;
  raid = 'RAID';
  const api = {
    feedTicket: null,
    report: (_: string, span?: SpanQuery | null) => {
      if (span) spans.push(span);
      return Promise.resolve(report({ players: [player('a', { damage: spans.length })] }));
    },
  } as unknown as Api;
  replay = new Replay({
    id: () => 'r1',
    api,
    env,
    origin: 'https://relay.example',
    of: () => ({ raid, firstMs: 1_000, lastMs: 61_000 }),
    caughtUp: () => (caughtUp += 1),
    doubt: () => (doubts += 1),
  });
});

describe('a replay', () => {
  it('is asked of the report itself where its raid is not for the reader', () => {
    raid = '';
    replay.look(20_000);
    expect(env.socket.url).toContain('wss://relay.example/api/v1/reports/r1/feed?at=20000&speed=0');
  });

  it('opens at a moment that stands, and keeps it when the relay says goodbye', () => {
    replay.look(20_000);
    expect(env.socket.url).toContain('wss://relay.example/api/v1/raids/RAID/feed?');
    expect(asked()).toEqual({ report: 'r1', at: '20000', speed: '0' });
    expect(replay.figures).toBeNull();
    env.socket.give(keyframe());
    env.socket.give(bye(null));
    env.advance(5_000);
    expect(env.sockets).toHaveLength(1);
    expect([replay.atMs, replay.playing, replay.figures?.totals.damage]).toEqual([20_000, false, 300]);
  });

  it('shows what came since the last frame of the screen at once', () => {
    env.frames = [];
    replay.play();
    env.socket.give(keyframe());
    const head = (damage: number): ReturnType<typeof feedFight>['head'] => ({
      ...feedFight().head,
      totals: totals({ damage }),
    });
    for (let i = 0; i < 10; i++) env.socket.give(tick(6 + i, { head: head(1_000 + i) }));
    expect(replay.figures).toBeNull();
    for (const run of env.frames.splice(0)) run();
    expect(replay.figures?.totals.damage).toBe(1_009);
  });

  it('waits with its clock for figures that are late, and divides them by their own time', () => {
    replay.play();
    env.socket.give(keyframe({ fight: feedFight({ head: { ...feedFight().head, firstMs: 1_000, lastMs: 1_000 } }) }));
    const at = (lastMs: number): ReturnType<typeof feedFight>['head'] => ({
      ...feedFight().head,
      firstMs: 1_000,
      lastMs,
    });
    env.advance(1_000);
    env.socket.give(tick(6, { head: at(1_900) }));
    expect(replay.atMs).toBe(2_000);
    expect(replay.figuresMs).toBe(1_900);
    // Three seconds pass here, and of the fight came one.
    env.advance(3_000);
    env.socket.give(tick(7, { head: at(2_900) }));
    expect(replay.figuresMs).toBe(2_900);
    env.advance(100);
    expect(replay.atMs).toBe(3_000);
    // It stands exactly where it was stopped.
    expect(replay.pause()).toBe(3_000);
    expect(replay.figuresMs).toBe(3_000);
  });

  it('plays from the beginning at its speed, and its clock runs with the frames', () => {
    replay.hurry(5);
    replay.play();
    expect(asked()).toMatchObject({ at: '1000', speed: '5' });
    env.advance(1_000);
    expect(replay.atMs).toBe(1_000);
    env.socket.give(keyframe());
    env.advance(2_000);
    expect(replay.atMs).toBe(11_000);
    env.socket.give(tick(6, { head: { ...feedFight().head, totals: totals({ damage: 777 }) } }));
    expect(replay.figures?.totals.damage).toBe(777);
  });

  it('asks for exactly the moment at which it was stopped, and goes on from there', () => {
    replay.play();
    env.socket.give(keyframe());
    env.advance(3_000);
    expect(replay.pause()).toBe(4_000);
    expect(asked()).toMatchObject({ at: '4000', speed: '0' });
    env.socket.give(keyframe());
    env.socket.give(bye(null));
    replay.play();
    expect(asked()).toMatchObject({ at: '4000', speed: '1' });
  });

  it('asks for one moment at a time while it is dragged, and ends on the last', () => {
    for (const at of [10_000, 20_000, 30_000]) replay.look(at);
    expect(env.sockets).toHaveLength(1);
    env.socket.give(keyframe());
    expect(env.sockets).toHaveLength(2);
    expect(asked()).toMatchObject({ at: '30000' });
    env.socket.give(keyframe());
    expect(env.sockets).toHaveLength(2);
  });

  it('goes on where it was after a cut', () => {
    replay.play();
    env.socket.give(keyframe());
    env.advance(2_000);
    env.socket.cut();
    expect(replay.problem).not.toBeNull();
    env.advance(1_000);
    expect(env.sockets.length).toBeGreaterThan(1);
    expect(asked()).toMatchObject({ at: '3000', speed: '1' });
    env.socket.give(keyframe());
    expect(replay.problem).toBeNull();
    env.advance(1_000);
    expect(replay.atMs).toBe(4_000);
  });

  it('stands at the end when it is over, and plays again from the beginning', () => {
    replay.play();
    env.socket.give(keyframe());
    env.socket.give(ended);
    env.socket.give(bye(null));
    expect([replay.atMs, replay.playing, replay.problem, doubts]).toEqual([61_000, false, null, 0]);
    replay.play();
    expect(asked()).toMatchObject({ at: '1000', speed: '1' });
  });

  it('shows what it ended as together with its end, not a frame of the screen later', () => {
    env.frames = [];
    replay.play();
    env.socket.give(keyframe());
    env.socket.give(tick(6, { head: { ...feedFight().head, totals: totals({ damage: 1_234 }) } }));
    env.socket.give(ended);
    env.socket.give(bye(null));
    expect([replay.playing, replay.figures?.totals.damage]).toEqual([false, 1_234]);
  });

  it('that was let go is not at its end: it stays where it is, says why, and has its report looked at', () => {
    replay.play();
    env.socket.give(keyframe());
    env.advance(3_000);
    env.socket.give({ t: 'bye', reason: 'this fight is not for you any more', retryMs: null });
    expect([replay.atMs, replay.playing, doubts]).toEqual([4_000, false, 1]);
    expect(replay.problem).toBe('The replay has stopped. The relay says: this fight is not for you any more.');
    env.advance(60_000);
    expect([replay.atMs, env.sockets.length]).toEqual([4_000, 1]);
    replay.play();
    expect([replay.problem, env.sockets.length]).toEqual([null, 2]);
    // Not even the moment that was asked for came.
    env.socket.give({ t: 'bye', reason: 'this fight is not for you any more', retryMs: null });
    expect([replay.playing, replay.loading, doubts]).toEqual([false, false, 2]);
    expect(replay.problem).not.toBeNull();
  });

  it('that nobody answers has its report looked at, but not for one cut', () => {
    replay.play();
    env.socket.give(keyframe());
    env.socket.cut();
    expect(doubts).toBe(0);
    env.advance(1_000);
    env.socket.cut();
    expect([doubts, replay.problem]).toEqual([1, 'The relay does not answer. Trying again.']);
  });

  it('gives way to the live fight where it has caught up with it', () => {
    replay.play();
    env.socket.give(keyframe());
    env.socket.give(bye(0));
    expect(caughtUp).toBe(1);
  });

  it('reads the skills of an open player until the moment that it stands at', async () => {
    replay.look(20_000);
    replay.lookAtSkills('a');
    expect(spans).toEqual([]);
    env.socket.give(keyframe());
    await env.pass(250);
    expect(spans).toEqual([{ fromMs: 0, toMs: 20_000 }]);
    expect(replay.skills).toEqual([]);
  });

  it('leaves nothing behind when it is closed', () => {
    replay.play();
    env.socket.give(keyframe());
    const socket = env.socket;
    replay.look(null);
    expect(socket.closed).toBe(true);
    env.advance(60_000);
    expect(env.sockets).toHaveLength(1);
    expect([replay.atMs, replay.figures, replay.playing]).toEqual([null, null, false]);
  });
});
