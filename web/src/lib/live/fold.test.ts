import { describe, expect, it } from 'vitest';
import { figuresOfFeed } from '$lib/fight/figures';
import { feedFight, feedPlayer, keyframe, totals } from '$lib/testing/samples';
import { FrameError } from '$lib/wire/frame';
import type { Tick } from '$lib/wire/types';
import { applyTick, viewOfKeyframe } from './fold';

const next = (p: number, some: Partial<Tick> = {}): Tick => ({ p, ms: [1, 2, 3], ...some });

describe('the fold of frames', () => {
  it('is the keyframe after a keyframe, and nothing of what was before', () => {
    const before = applyTick(
      viewOfKeyframe(keyframe()),
      next(6, { players: [[2, feedPlayer('c')]], rows: [2, 1, 50], buckets: [{ s: 3, d: [0, 1], h: [], x: [] }] }),
    );
    expect(before.fight?.players).toHaveLength(3);
    const after = viewOfKeyframe(keyframe({ epoch: 'e.2', position: 0, fight: feedFight({ reportId: 'r2' }) }));
    expect(after.fight?.players).toHaveLength(2);
    expect(after.fight?.buckets.size).toBe(0);
    expect(after.position).toBe(0);
  });

  it('takes what a tick carries and keeps the rest', () => {
    const view = viewOfKeyframe(keyframe());
    const deaths = [{ atMs: 1, playerKey: 'b', name: 'B', killer: null, skillId: null, skill: null }];
    const after = applyTick(
      view,
      next(6, { rows: [0, 0b1, 250], deaths, players: [[1, feedPlayer('b', { dead: true })]] }),
    );
    expect(after.fight?.rows[0]?.[0]).toBe(250);
    expect(after.fight?.rows[1]).toBe(view.fight?.rows[1]);
    expect(after.fight?.deaths).toBe(deaths);
    expect(after.fight?.players[1]?.dead).toBe(true);
    expect(after.fight?.head).toBe(view.fight?.head);
    expect(after.times).toEqual([1, 2, 3]);
    expect(view.fight?.rows[0]?.[0]).toBe(200);
  });

  it('takes the present sums of a second in place of earlier ones', () => {
    let view = viewOfKeyframe(keyframe());
    view = applyTick(view, next(6, { buckets: [{ s: 3, d: [0, 10, 1, 4], h: [], x: [] }] }));
    view = applyTick(view, next(7, { buckets: [{ s: 3, d: [0, 12], h: [], x: [] }] }));
    expect(view.fight?.buckets.get(3)?.d).toEqual([0, 12]);
  });

  it('refuses a tick that is not the next, or does not fit', () => {
    const view = viewOfKeyframe(keyframe());
    expect(() => applyTick(view, next(5))).toThrow(FrameError);
    expect(() => applyTick(view, next(7))).toThrow(FrameError);
    expect(() => applyTick(view, next(6, { players: [[9, feedPlayer('z')]] }))).toThrow(FrameError);
    expect(() => applyTick(view, next(6, { players: [[2, feedPlayer('c')]] }))).toThrow(FrameError);
  });

  it('counts positions through a pause between fights', () => {
    const view = viewOfKeyframe(keyframe({ fight: null }));
    expect(applyTick(view, next(6)).fight).toBeNull();
  });

  it('shows as null what the source cannot know', () => {
    const fight = viewOfKeyframe(keyframe()).fight;
    if (fight === null) throw new Error('no fight');
    const figures = figuresOfFeed(fight);
    expect(figures.players.map((row) => row.critHits)).toEqual([null, 4]);
    expect(figures.players[1]).toMatchObject({ damage: 100, healing: 7, hits: 10, deaths: 1 });
    expect(figures.totals).toEqual(totals({ damage: 300 }));
  });
});
