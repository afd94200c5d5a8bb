import { describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import { FakeEnv } from '$lib/testing/env';
import { feedFight, keyframe, timeline } from '$lib/testing/samples';
import { EarlierSeconds } from './earlier.svelte';
import { viewOfKeyframe, type FightView } from './fold';

describe('seconds before those of the feed', () => {
  const view = (from: number): FightView => {
    const seconds = [0, 1, 2].map((at) => ({ s: from + at, d: [], h: [], x: [] }));
    const made = viewOfKeyframe(keyframe({ fight: feedFight({ buckets: seconds }) })).fight;
    if (made === null) throw new Error('no fight');
    return made;
  };

  it('are read once after each keyframe that lacks some, and are of one fight', async () => {
    const env = new FakeEnv();
    const asked: string[] = [];
    const earlier = new EarlierSeconds({
      env,
      api: {
        timeline: (id) => {
          asked.push(id);
          return Promise.resolve(timeline({ buckets: 120 }));
        },
      },
    });
    const beat = async (fight: FightView | null, keyframes: number): Promise<void> => {
      earlier.beat(fight, keyframes);
      for (let i = 0; i < 5; i++) await Promise.resolve();
    };
    await beat(null, 0);
    await beat(view(0), 1);
    expect([asked.length, earlier.of('r1')]).toEqual([0, null]);
    await beat(view(100), 2);
    await beat(view(100), 2);
    expect([asked, earlier.of('r1')?.seconds, earlier.of('r2')]).toEqual([['r1'], 120, null]);
    // A keyframe after a cut that begins within what is held lacks nothing.
    await beat(view(120), 3);
    expect(asked).toHaveLength(1);
    await beat(view(400), 4);
    expect(asked).toHaveLength(2);
    earlier.stop();
  });

  it('that cannot be had for now are asked for again, and those that are not there are not', async () => {
    const env = new FakeEnv();
    let failure = new ApiFailure(503, 'not now');
    let asked = 0;
    const earlier = new EarlierSeconds({
      env,
      api: {
        timeline: () => {
          asked += 1;
          return Promise.reject(failure);
        },
      },
    });
    const pass = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 1_000) {
        env.advance(1_000);
        earlier.beat(view(100), 1);
        for (let i = 0; i < 5; i++) await Promise.resolve();
      }
    };
    await pass(3_000);
    expect(asked).toBe(1);
    await pass(5_000);
    expect(asked).toBe(2);
    failure = new ApiFailure(404, 'not there');
    await pass(60_000);
    expect(asked).toBe(3);
  });
});
