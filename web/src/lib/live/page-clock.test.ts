import { describe, expect, it } from 'vitest';
import { FakeEnv } from '$lib/testing/env';
import { PageClock } from './page-clock';

function clock(): { env: FakeEnv; clock: PageClock; told: number[] } {
  const env = new FakeEnv();
  const begun = env.now();
  const told: number[] = [];
  return { env, clock: new PageClock(env, 250, (nowMs) => told.push(nowMs - begun)), told };
}

describe('a page’s clock', () => {
  it('tells the time again and again until it is stopped', () => {
    const { env, clock: one, told } = clock();
    one.start();
    env.advance(1_000);
    expect(told).toEqual([250, 500, 750, 1_000]);
    one.stop();
    env.advance(1_000);
    expect([told.length, one.running]).toEqual([4, false]);
  });

  it('is one clock, however often it is started', () => {
    const { env, clock: one, told } = clock();
    one.start();
    one.start();
    env.advance(250);
    expect(told).toEqual([250]);
  });

  it('waits for the frame of the screen, and says nothing with one that comes after its stop', () => {
    const { env, clock: one, told } = clock();
    env.frames = [];
    one.start();
    env.advance(250);
    expect(told).toEqual([]);
    for (const run of env.frames.splice(0)) run();
    expect(told).toEqual([250]);
    env.advance(250);
    one.stop();
    for (const run of env.frames.splice(0)) run();
    expect(told).toEqual([250]);
  });

  it('tells the time at once where the page woke up', () => {
    const { env, clock: one, told } = clock();
    one.start();
    env.advance(300);
    one.now();
    expect(told).toEqual([250, 300]);
  });
});
