import { describe, expect, it } from 'vitest';
import { FakeEnv } from '$lib/testing/env';
import { FrameGate } from './frame-gate';

function gate(): { gate: FrameGate; env: FakeEnv; paint: (tookMs?: number) => void; paints: () => number } {
  const env = new FakeEnv();
  let waiting: (() => void)[] = [];
  const painted: (() => void)[] = [];
  const made = new FrameGate({ ...env, paint: (run) => waiting.push(run), painted: (run) => painted.push(run) });
  return {
    gate: made,
    env,
    paint: (tookMs = 0) => {
      const due = waiting;
      waiting = [];
      for (const run of due) run();
      env.advance(tookMs);
      for (const run of painted.splice(0)) run();
    },
    paints: () => waiting.length,
  };
}

describe('the gate of frames', () => {
  it('runs all that asked in one frame, in their order', () => {
    const { gate: one, paint, paints } = gate();
    const ran: number[] = [];
    for (let i = 0; i < 20; i++) one.ask(() => ran.push(i));
    expect([ran.length, paints()]).toEqual([0, 1]);
    paint();
    expect(ran).toEqual(Array.from({ length: 20 }, (_, i) => i));
    paint();
    expect(ran).toHaveLength(20);
  });

  it('leaves what is asked while a frame runs to the next', () => {
    const { gate: one, paint } = gate();
    const ran: string[] = [];
    one.ask(() => {
      ran.push('first');
      one.ask(() => ran.push('second'));
    });
    paint();
    expect(ran).toEqual(['first']);
    paint();
    expect(ran).toEqual(['first', 'second']);
  });

  it('leaves out what was taken back, and asks for no frame for it again', () => {
    const { gate: one, env, paint, paints } = gate();
    const ran: string[] = [];
    const first = one.ask(() => ran.push('first'));
    one.ask(() => ran.push('second'));
    const alone = one.askAlone(() => ran.push('alone'));
    first();
    alone();
    paint(40);
    expect([ran, paints()]).toEqual([['second'], 0]);
    one.ask(() => ran.push('in a pause'))();
    env.advance(1_000);
    expect([ran, paints()]).toEqual([['second'], 0]);
    one.ask(() => ran.push('last'));
    paint();
    expect(ran).toEqual(['second', 'last']);
  });

  it('goes on where nothing is painted, and does nothing twice when that comes after all', () => {
    const { gate: one, env, paint } = gate();
    let ran = 0;
    one.ask(() => (ran += 1));
    env.advance(500);
    expect(ran).toBe(1);
    one.ask(() => (ran += 1));
    paint();
    expect(ran).toBe(2);
  });

  it('leaves more time free than a render takes, where that takes long', () => {
    const { gate: one, env, paint, paints } = gate();
    one.ask(() => undefined);
    paint(40);
    let ran = 0;
    one.ask(() => (ran += 1));
    one.ask(() => (ran += 1));
    env.advance(59);
    expect(paints()).toBe(0);
    env.advance(1);
    expect(paints()).toBe(1);
    paint(10);
    expect(ran).toBe(2);
    // A cheap one is followed at once.
    one.ask(() => undefined);
    expect(paints()).toBe(1);
  });

  it('pauses no longer than half a second, whatever the clock does', () => {
    const { gate: one, env, paint, paints } = gate();
    one.ask(() => undefined);
    paint(5_000);
    one.ask(() => undefined);
    env.advance(500);
    expect(paints()).toBe(1);
  });

  it('gives what is dear a frame of its own, in turn with all else', () => {
    const { gate: one, paint } = gate();
    const ran: string[] = [];
    one.ask(() => ran.push('figures'));
    one.askAlone(() => ran.push('chart'));
    one.askAlone(() => ran.push('other chart'));
    one.ask(() => ran.push('clock'));
    paint();
    expect(ran).toEqual(['chart']);
    one.ask(() => ran.push('more figures'));
    paint();
    expect(ran).toEqual(['chart', 'figures', 'clock', 'more figures']);
    paint();
    expect(ran).toEqual(['chart', 'figures', 'clock', 'more figures', 'other chart']);
    paint();
    expect(ran).toHaveLength(5);
  });

  it('runs what waits for a frame of its own where nothing is painted, too', () => {
    const { gate: one, env } = gate();
    const ran: string[] = [];
    one.askAlone(() => ran.push('chart'));
    one.ask(() => ran.push('figures'));
    env.advance(500);
    expect(ran).toEqual(['chart']);
    env.advance(500);
    expect(ran).toEqual(['chart', 'figures']);
  });

  it('knows for a while that the page was late', () => {
    const { gate: one, env, paint } = gate();
    one.ask(() => undefined);
    env.advance(50);
    paint();
    expect(one.behind).toBe(false);
    one.ask(() => undefined);
    env.advance(200);
    paint();
    expect(one.behind).toBe(true);
    env.advance(2_000);
    expect(one.behind).toBe(false);
  });
});
