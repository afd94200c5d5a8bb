import { describe, expect, it } from 'vitest';
import { Replay } from '$lib/live/replay.svelte';
import { figuresOfReport } from '$lib/fight/figures';
import { totals } from '$lib/testing/samples';
import { block, MAGE, packed, PRIEST, whole } from '$lib/testing/saved';
import { FakeEnv } from '$lib/testing/env';
import { json } from '$lib/wire/frame';
import { SavedFeed } from './feed';
import { detailsOf, recapsOf, reportOf, timelineOf } from './report';
import { readSaved, SavedError, type Saved } from './saved';
import { wiredTo } from './wired';

const saved = (): Promise<Saved> => readSaved(JSON.stringify(block()));

describe('a saved fight', () => {
  it('has all that was packed, also numbers of more than 32 bits', async () => {
    const held = block();
    const big = 2 ** 45 + 3;
    const hits = held['hits'] as Record<string, unknown>;
    const read = await readSaved(
      JSON.stringify({ ...held, hits: { ...hits, amount: packed([big, 1, 2, 3, 4, 127]) } }),
    );
    expect([...read.hits.amount]).toEqual([big, 1, 2, 3, 4, 127]);
    expect([...read.hits.atMs]).toEqual([1_000, 2_000, 3_000, 4_000, 9_000, 9_000]);
  });

  it.each([
    ['nothing', ''],
    ['no JSON', '{"version": 1'],
    ['another version', JSON.stringify({ version: 2 })],
    ['no columns', JSON.stringify({ version: 1 })],
    ['a column that is cut', JSON.stringify({ ...block(), sums: { ...(block()['sums'] as object), count: 2 } })],
  ])('of %s is told as such', async (_, text) => {
    await expect(readSaved(text)).rejects.toBeInstanceOf(SavedError);
  });

  it('comes to the report, where all of it is added up', async () => {
    const all = reportOf(await saved(), { fromMs: 0, toMs: Infinity });
    expect(all.totals).toEqual(whole.totals);
    expect(
      all.players.map(({ damage, healing, damageTaken, deaths }) => [damage, healing, damageTaken, deaths]),
    ).toEqual([
      [907, 0, 50, 1],
      [0, 100, 0, 0],
    ]);
    expect([all.firstMs, all.lastMs, all.durationMs]).toEqual([1_000, 9_000, 8_000]);
    expect(all.bosses).toEqual(whole.bosses);
    expect(all.attempts).toEqual(whole.attempts);
    expect(all.deaths).toEqual(whole.deaths);
  });

  it('shows of a part what lies in it, ends left out', async () => {
    const part = reportOf(await saved(), { fromMs: 2_000, toMs: 9_000 });
    const [mage, priest] = [part.players.find((one) => one.playerKey === MAGE), part.players[0]];
    expect([mage?.damage, mage?.bossDamage, mage?.hits, mage?.critHits]).toEqual([100, 100, 1, 0]);
    expect(mage?.skills).toEqual([
      {
        skillId: 7,
        variantId: null,
        name: 'Bolt',
        kind: 'damage',
        total: 100,
        hits: 1,
        critHits: 0,
        luckyHits: 0,
        max: 100,
      },
    ]);
    // By damage, then by healing.
    expect(part.players.map((one) => one.playerKey)).toEqual([MAGE, PRIEST]);
    expect(priest).toBe(mage);
    const healing = part.players[1]?.skills[0];
    expect([healing?.total, healing?.hits, healing?.critHits, healing?.max]).toEqual([100, 3, null, null]);
    expect(part.damageTime).toEqual({ firstMs: 2_000, lastMs: 9_000, durationMs: 7_000 });
    expect(mage?.dps).toBeCloseTo(100 / 7);
    expect([part.firstMs, part.lastMs, part.durationMs]).toEqual([2_000, 8_000, 7_000]);
    expect(part.bosses[0]).toMatchObject({ damage: 100, hits: 1, hp: 700 });
  });

  it('leaves out who did nothing in a part, but for whose meter it is', async () => {
    const part = reportOf(await saved(), { fromMs: 6_000, toMs: 7_000 });
    expect(part.players.map((one) => one.playerKey)).toEqual([MAGE]);
    expect(part.totals).toEqual(totals());
    expect([part.firstMs, part.lastMs]).toEqual([0, 0]);
    expect(part.bosses[0]).toMatchObject({ damage: 0, hp: 700 });
  });

  it('has amounts by second, and what stands beside the figures', async () => {
    const held = await saved();
    const { firstSecond, buckets, players } = timelineOf(held);
    expect([firstSecond, buckets]).toEqual([1, 9]);
    expect(players[0]?.damage).toEqual([300, 100, 0, 0, 0, 0, 0, 0, 507]);
    expect(players[1]?.healing).toEqual([0, 0, 0, 40, 0, 0, 0, 60, 0]);
    const details = detailsOf(held, null);
    expect(details.targets?.map(({ name, boss, damage }) => [name, boss, damage])).toEqual([
      ['Golem', true, 900],
      ['Imp', false, 7],
    ]);
    expect(details.taken).toEqual([
      {
        playerKey: MAGE,
        byPlayer: null,
        by: 'Golem',
        skillId: 8,
        variantId: null,
        skill: 'Fist',
        total: 50,
        hits: 1,
        max: 50,
      },
    ]);
    expect(details.reached?.map(({ playerKey, targets, bossTotal }) => [playerKey, targets, bossTotal])).toEqual([
      [MAGE, 2, 900],
      [PRIEST, 1, null],
    ]);
    expect(recapsOf(held, { fromMs: 5_000, toMs: 5_001 }).deaths).toHaveLength(1);
    expect(recapsOf(held, { fromMs: 5_001, toMs: 9_000 }).deaths).toHaveLength(0);
  });

  it('without times has no part, as a relay says', async () => {
    const held = await saved();
    const untimed = { ...held, report: { ...held.report, timed: false } };
    const { api } = wiredTo(untimed);
    await expect(api.report('r1', { fromMs: 0, toMs: 5 })).rejects.toMatchObject({ noTimes: true });
    await expect(api.timeline('r1')).rejects.toMatchObject({ noTimes: true });
    await expect(api.report('r1')).resolves.toEqual(untimed.report);
  });

  it('is played again to its report', async () => {
    const held = await saved();
    const clock = new FakeEnv();
    const env = { ...clockOf(clock), wire: json, open: (url: string) => new SavedFeed(held, url, clock) };
    const { api, origin } = wiredTo(held);
    const replay = new Replay({
      id: () => 'r1',
      api,
      env,
      origin,
      of: () => ({ raid: '', firstMs: whole.firstMs, lastMs: whole.lastMs }),
      caughtUp: () => undefined,
      doubt: () => undefined,
    });
    replay.look(2_000);
    await clock.pass(500);
    // What came before this moment.
    expect(replay.figures?.totals.damage).toBe(300);
    replay.hurry(2);
    replay.play();
    await clock.pass(1_000);
    expect(replay.playing).toBe(true);
    expect(replay.figures?.totals.damage).toBe(400);
    await clock.pass(4_000);
    expect([replay.playing, replay.atMs, replay.problem]).toEqual([false, whole.lastMs, null]);
    const shown = figuresOfReport(whole);
    expect(replay.figures?.totals).toEqual(shown.totals);
    expect(replay.figures?.players).toEqual(shown.players);
    replay.look(null);
  });
});

function clockOf(clock: FakeEnv) {
  return {
    now: clock.now,
    random: clock.random,
    frame: clock.frame,
    setTimer: clock.setTimer,
    clearTimer: clock.clearTimer,
  };
}
