import { beforeEach, describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import { figuresOfFeed, type FightFigures } from '$lib/fight/figures';
import { FakeEnv } from '$lib/testing/env';
import { feedFight, keyframe, raidPage, report, summary, timeline, totals } from '$lib/testing/samples';
import { viewOfKeyframe } from './fold';
import { BestAttempt, SPREAD_MS } from './pace.svelte';

const BOSS = { name: 'Ogre', monsterId: 1, maxHp: null, hp: null, damage: 5, hits: 1, defeated: null };

function fight(some: Parameters<typeof feedFight>[0] = {}): FightFigures {
  const view = viewOfKeyframe(keyframe({ fight: feedFight({ reportId: 'now', bosses: [BOSS], ...some }) })).fight;
  if (view === null) throw new Error('no fight');
  return figuresOfFeed(view);
}

describe('the best attempt of a raid', () => {
  let env: FakeEnv;
  let asked: string[];
  let fails: ApiFailure | null;
  let found: BestAttempt;
  const wipe = (reportId: string, damage: number): ReturnType<typeof summary> =>
    summary({ reportId, outcome: 'wipe', totals: totals({ damage, bossDamage: damage }) });
  let reports = [wipe('a', 30), wipe('b', 90), wipe('c', 60)];

  beforeEach(() => {
    env = new FakeEnv();
    asked = [];
    fails = null;
    reports = [wipe('a', 30), wipe('b', 90), wipe('c', 60)];
    const answer = <T>(what: string, value: T): Promise<T> => {
      asked.push(what);
      return fails === null ? Promise.resolve(value) : Promise.reject(fails);
    };
    found = new BestAttempt({
      env,
      api: {
        raid: (place) => answer(`raid ${place.name}`, raidPage({ reports })),
        report: (id) => {
          const damage = reports.find((row) => row.reportId === id)?.totals.damage ?? 0;
          const own = report({
            reportId: id,
            state: 'final',
            outcome: 'wipe',
            totals: totals({ damage, bossDamage: damage }),
          });
          return answer(`report ${id}`, own);
        },
        timeline: (id) =>
          answer(
            `timeline ${id}`,
            timeline({
              reportId: id,
              buckets: 2,
              players: [{ playerKey: 'p', damage: [3, 4], healing: [], taken: null }],
            }),
          ),
      },
    });
  });

  const settled = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };

  it('is looked for once a fight, some time after it began, in no more than may hold it', async () => {
    found.look('RAID', fight({ bosses: [] }));
    found.look('', fight());
    env.advance(SPREAD_MS);
    expect(asked).toEqual([]);
    found.look('RAID', fight());
    expect(asked).toEqual([]);
    for (let i = 0; i < 5; i++) found.look('RAID', fight());
    env.advance(SPREAD_MS);
    await settled();
    expect(asked).toEqual(['raid RAID', 'report b', 'timeline b']);
    expect(found.held).toMatchObject({ best: { reportId: 'b', reached: 90 }, sums: { until: [0, 3, 7] } });
    found.look('RAID', fight());
    env.advance(10 * SPREAD_MS);
    await settled();
    expect(asked).toHaveLength(3);
    // What was looked into for this fight serves the next.
    reports = [...reports, wipe('now', 70)];
    found.look('RAID', fight({ reportId: 'next' }));
    expect(found.held).toBeNull();
    env.advance(SPREAD_MS);
    await settled();
    expect(asked.slice(3)).toEqual(['raid RAID', 'timeline b']);
  });

  it('is asked for again where the relay does not answer, but not for ever, and not where there is nothing', async () => {
    fails = new ApiFailure(503, 'not now');
    found.look('RAID', fight());
    for (let i = 0; i < 40; i++) {
      env.advance(10_000);
      await settled();
    }
    expect(asked).toHaveLength(5);
    fails = new ApiFailure(404, 'not there');
    found.look('RAID', fight({ reportId: 'next' }));
    for (let i = 0; i < 10; i++) {
      env.advance(10_000);
      await settled();
    }
    expect(asked).toHaveLength(6);
  });

  it('is none of what is given up, however late its answer comes', async () => {
    found.look('RAID', fight());
    env.advance(SPREAD_MS);
    found.stop();
    await settled();
    expect(found.held).toBeNull();
  });
});
