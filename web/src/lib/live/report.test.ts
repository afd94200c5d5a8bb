import { beforeEach, describe, expect, it } from 'vitest';
import { ApiFailure, type Api, type SpanQuery, type RaidPlace } from '$lib/api/client';
import { FakeEnv } from '$lib/testing/env';
import {
  feedFight,
  keyframe,
  pointOfView,
  raidPage,
  report,
  stubReport,
  sumsReport,
  tick,
  timeline,
  totals,
  uploadsPage,
} from '$lib/testing/samples';
import type { PointsOfView, Report } from '$lib/api/types';
import { RaidSession } from './raid-page.svelte';
import { ReportSession } from './report.svelte';

const NO_TIMES = new ApiFailure(409, 'Nothing in this fight has a time.', 'no_times');

class FakeApi implements Api {
  feedTicket: Api['feedTicket'] = null;
  held: Report | null = report();
  down = false;
  /** Spans and timelines are refused: nothing has a time. */
  noTimes = false;
  reads = 0;
  timelines = 0;
  spans: SpanQuery[] = [];
  page = raidPage();

  reports = (): Promise<never> => Promise.reject(new Error('not asked for here'));
  details = this.reports;
  recaps = this.reports;
  report = (_: string, span?: SpanQuery | null): Promise<Report> => {
    if (this.down) return Promise.reject(new ApiFailure(0, 'The relay cannot be reached.'));
    if (this.held === null) return Promise.reject(new ApiFailure(404, 'There is no such report.'));
    if (span) this.spans.push(span);
    else this.reads += 1;
    if (span && this.noTimes) return Promise.reject(NO_TIMES);
    return Promise.resolve({ ...this.held, ...(span ? { span: { fromMs: span.fromMs, toMs: span.toMs ?? 0 } } : {}) });
  };
  timeline = (): ReturnType<Api['timeline']> => {
    this.timelines += 1;
    if (this.noTimes) return Promise.reject(NO_TIMES);
    return Promise.resolve(timeline());
  };
  others: PointsOfView['views'] = [];
  asksForOthers = 0;
  views = (): ReturnType<Api['views']> => {
    this.asksForOthers += 1;
    return this.down ? Promise.reject(new ApiFailure(0, '')) : Promise.resolve({ reportId: 'r1', views: this.others });
  };
  raid = (): ReturnType<Api['raid']> =>
    this.down ? Promise.reject(new ApiFailure(0, '')) : Promise.resolve(this.page);
}

let env: FakeEnv;
let api: FakeApi;
let session: ReportSession;

beforeEach(() => {
  env = new FakeEnv();
  api = new FakeApi();
  session = new ReportSession({ id: 'r1', api, env, origin: 'https://relay.example' });
});

async function started(): Promise<void> {
  session.start();
  await env.pass(250);
}

const headOf = (state: 'live' | 'final' | 'provisional', damage: number): ReturnType<typeof feedFight>['head'] => ({
  ...feedFight().head,
  state,
  totals: totals({ damage }),
});

describe('a live report', () => {
  it('shows the feed of its raid, with a ticket for it where the page has one of its own', async () => {
    const asked: RaidPlace[] = [];
    api.feedTicket = (place) => {
      asked.push(place);
      return Promise.resolve('feed-1');
    };
    session = new ReportSession({ id: 'r1', api, env, origin: 'https://relay.example' });
    await started();
    expect(asked).toEqual([{ kind: 'raid', name: 'RAID' }]);
    expect(env.socket.url).toBe('wss://relay.example/api/v1/raids/RAID/feed?ticket=feed-1');
    env.socket.give(keyframe({ fight: feedFight({ head: headOf('live', 400) }) }));
    expect(session.fromFeed).toBe(true);
    expect(session.figures?.totals.damage).toBe(400);
    expect(session.status.kind).toBe('live');
    env.socket.give(tick(6, { head: headOf('live', 500), rows: [0, 1, 400] }));
    expect(session.figures?.players[0]?.damage).toBe(400);
  });

  it('knows from the feed by how much it is behind', async () => {
    await started();
    expect(session.delayS).toBe(0);
    const { raid } = keyframe();
    env.socket.give(keyframe({ raid: { ...raid, delayS: 90 } }));
    expect(session.delayS).toBe(90);
    env.socket.give(keyframe({ epoch: 'e.2' }));
    expect(session.delayS).toBe(0);
  });

  it('is live where all that it is told is behind, and idle where nothing more comes', async () => {
    await started();
    const { raid } = keyframe();
    const behind = (): [number, number, number] => [env.now() - 90_060, env.now() - 90_040, env.now()];
    env.socket.give(keyframe({ raid: { ...raid, delayS: 90 }, times: behind() }));
    await env.pass(1_000);
    env.socket.give(tick(6, { head: { ...headOf('live', 400), lastMs: 11_000 }, ms: behind() }));
    await env.pass(500);
    expect(session.status.kind).toBe('live');
    expect(session.durationMs).toBeGreaterThan(11_000);
    for (const p of [7, 8, 9]) {
      await env.pass(4_000);
      env.socket.give(tick(p, { bosses: [] }));
    }
    await env.pass(500);
    expect(session.status.kind).toBe('idle');
    expect(session.durationMs).toBe(11_000);
  });

  it('becomes its record when the fight ends', async () => {
    await started();
    env.socket.give(keyframe());
    api.held = report({ state: 'final', outcome: 'kill', totals: totals({ damage: 999 }) });
    env.socket.give(tick(6, { head: headOf('final', 999) }));
    expect(session.figures?.totals.damage).toBe(999);
    expect(session.status.kind).toBe('ended');
    await env.pass(500);
    expect(session.fromFeed).toBe(false);
    expect(session.figures?.outcome).toBe('kill');
    expect(api.timelines).toBeGreaterThan(0);
  });

  it('stays with itself when another fight begins, and says so', async () => {
    await started();
    env.socket.give(keyframe());
    api.held = report({ state: 'final' });
    env.socket.give(keyframe({ epoch: 'e.2', position: 0, fight: feedFight({ reportId: 'r2' }) }));
    await env.pass(6_000);
    expect(session.figures?.reportId).toBe('r1');
    expect(session.elsewhere).toBe('r2');
    expect(session.status.kind).toBe('ended');
  });

  it('shows the last frame through a cut, then the record, then the feed again', async () => {
    await started();
    env.socket.give(keyframe({ fight: feedFight({ head: headOf('live', 400) }) }));
    await env.pass(250);
    env.socket.cut();
    expect(session.status).toMatchObject({ kind: 'reconnecting' });
    expect(session.figures?.totals.damage).toBe(400);
    api.held = report({ totals: totals({ damage: 450 }) });
    await env.pass(8_000);
    expect(session.figures?.totals.damage).toBe(450);
    env.socket.give(keyframe({ position: 60, fight: feedFight({ head: headOf('live', 700) }) }));
    expect(session.figures?.totals.damage).toBe(700);
    expect(session.status.kind).toBe('live');
  });

  it('learns of an end that it slept through', async () => {
    await started();
    env.socket.give(keyframe());
    env.socket.cut();
    api.held = report({ state: 'final', outcome: 'wipe' });
    await env.pass(8_000);
    expect(session.status.kind).toBe('ended');
    expect(session.figures?.outcome).toBe('wipe');
  });

  it('follows its uploader to another raid', async () => {
    await started();
    env.socket.give(keyframe());
    api.held = report({ raid: 'OTHER' });
    env.socket.give({ t: 'bye', reason: 'closed', retryMs: null });
    await env.pass(250);
    expect(env.socket.url).toContain('/raids/OTHER/feed');
  });

  it('that was let go looks at once whether it may still be seen', async () => {
    await started();
    env.socket.give(keyframe());
    api.held = null;
    env.socket.give({ t: 'bye', reason: 'this raid is not for you any more', retryMs: null });
    await env.pass(250);
    expect(session.status.kind).toBe('notFound');
  });

  it('has skills from the feed while they are looked at, and reads no record for them', async () => {
    await started();
    env.socket.give(keyframe());
    await env.pass(3_000);
    const before = api.reads;
    const key = keyframe().fight?.players[0]?.playerKey ?? '';
    expect(session.skillsOf(key)).toBeNull();
    session.lookAtSkills(key);
    expect(env.socket.sent.at(-1)).toEqual({ t: 'watch', players: [key] });
    const skills = [
      {
        skillId: 1,
        variantId: null,
        name: 'A',
        kind: 'damage',
        total: 5,
        hits: 1,
        critHits: null,
        luckyHits: null,
        max: 5,
      },
    ] as const;
    const reportId = keyframe().fight?.reportId ?? '';
    env.socket.give({ t: 'detail', position: 5, reportId, playerKey: key, skills: [...skills] });
    expect(session.skillsOf(key)).toEqual(skills);
    for (let s = 0; s < 10; s++) {
      env.socket.give(tick(6 + s));
      await env.pass(1_000);
    }
    expect(api.reads).toBe(before);
    // A new connection is asked again.
    env.socket.cut();
    await env.pass(1_000);
    env.socket.give(keyframe());
    expect(env.socket.sent).toContainEqual({ t: 'watch', players: [key] });
    session.lookAtSkills(null);
    expect(env.socket.sent.at(-1)).toEqual({ t: 'watch', players: [] });
    expect(session.skillsOf(key)).toBeNull();
  });

  it('stands still when nothing happens', async () => {
    await started();
    env.socket.give(keyframe());
    for (let s = 0; s < 12; s++) {
      env.socket.give({ t: 'echo', clock: env.now(), relayMs: env.now() });
      await env.pass(1_000);
    }
    expect(session.status.kind).toBe('idle');
    expect(session.durationMs).toBe(10_000);
  });

  it('is live again when a fight that was closed goes on', async () => {
    api.held = report({ state: 'provisional' });
    await started();
    expect(session.status.kind).toBe('provisional');
    env.socket.give(keyframe({ fight: feedFight({ head: headOf('live', 800) }) }));
    expect(session.status.kind).toBe('live');
    expect(session.figures?.totals.damage).toBe(800);
  });
});

describe('a page that slept', () => {
  it('asks anew for what hung on a connection that died', async () => {
    const never = new Promise<never>(() => undefined);
    const real = api.report;
    api.report = () => never;
    await started();
    await env.pass(60_000);
    expect(session.report).toBeNull();
    api.report = real;
    session.wake();
    await env.pass(250);
    expect(session.figures?.totals.damage).toBe(300);
  });

  it('knows a raid’s fights from the feed while the list hangs, and reads the list anew', async () => {
    api.page = raidPage({ reports: [{ ...summaryOf('r0'), startedAtMs: 1 }] });
    const raid = new RaidSession({
      place: { kind: 'raid', name: 'RAID' },
      api,
      env,
      origin: 'http://relay.example',
    });
    raid.start();
    await env.pass(250);
    const real = api.raid;
    api.raid = () => new Promise<never>(() => undefined);
    const told = {
      reportId: 'r7',
      state: 'final',
      outcome: 'wipe',
      title: 'Ogre',
      startedAtMs: 500_000,
      durationMs: 60_000,
      damageMs: null,
    } as const;
    env.socket.give(
      keyframe({ raid: { code: 'RAID', title: null, names: 'full', connected: true, open: true, fights: [told] } }),
    );
    await env.pass(1_000);
    expect(raid.fights.map((row) => row.reportId)).toEqual(['r1', 'r7', 'r0']);
    expect(raid.fights[1]).toMatchObject({ outcome: 'wipe', bosses: ['Ogre'], durationMs: 60_000 });
    api.raid = real;
    api.page = raidPage({ reports: ['r1', 'r7', 'r0'].map(summaryOf) });
    raid.wake();
    await env.pass(250);
    expect(raid.page?.reports).toHaveLength(3);
  });
});

describe('any report', () => {
  it('that does not exist says so and asks no more', async () => {
    api.held = null;
    await started();
    expect(session.status.kind).toBe('notFound');
    await env.pass(60_000);
    expect(env.sockets).toHaveLength(0);
  });

  it('is loaded as soon as the relay answers', async () => {
    api.down = true;
    await started();
    expect(session.status).toEqual({ kind: 'failed', message: 'The relay cannot be reached.' });
    api.down = false;
    await env.pass(8_000);
    expect(session.figures).not.toBeNull();
  });

  it('that is long over opens no feed, but tells of its raid', async () => {
    api.held = report({ state: 'final', endedAtMs: env.now() - 3_600_000 });
    api.page = raidPage({ reports: [{ ...summaryOf('r9'), state: 'live' }] });
    await started();
    expect(env.sockets).toHaveLength(0);
    expect(session.elsewhere).toBe('r9');
  });

  it('that is long over says when the next pull begins, and asks no more when its raid has closed', async () => {
    api.held = report({ state: 'final', endedAtMs: env.now() - 3_600_000 });
    await started();
    expect(session.elsewhere).toBeNull();
    api.page = raidPage({ reports: [{ ...summaryOf('r2'), state: 'live' }] });
    await env.pass(16_000);
    expect(session.elsewhere).toBe('r2');
    api.page = raidPage({ open: false, reports: [summaryOf('r2')] });
    await env.pass(16_000);
    expect(session.elsewhere).toBeNull();
    api.page = raidPage({ open: false, reports: [{ ...summaryOf('r3'), state: 'live' }] });
    await env.pass(60_000);
    expect(session.elsewhere).toBeNull();
  });

  it('shows a span as the relay folds it, again and again while live', async () => {
    await started();
    env.socket.give(keyframe());
    session.look({ fromMs: 1_000, toMs: null });
    await env.pass(250);
    expect(session.spanFigures).not.toBeNull();
    await env.pass(5_000);
    expect(api.spans.length).toBeGreaterThanOrEqual(3);
    session.look(null);
    expect(session.spanFigures).toBeNull();
  });
});

describe('a fight in which nothing has a time', () => {
  it('is asked for no timeline', async () => {
    api.held = sumsReport();
    await started();
    expect([session.untimed, session.status.kind, session.figures?.totals.damage]).toEqual([true, 'ended', 300]);
    await env.pass(60_000);
    expect(api.timelines).toBe(0);
  });

  it('is known as that when the relay says so, and what is held is read anew', async () => {
    api.held = report({ state: 'final' });
    api.noTimes = true;
    await started();
    expect([session.untimed, session.timelineMissing, api.timelines, api.reads]).toEqual([true, true, 1, 2]);
    await env.pass(60_000);
    expect([api.timelines, api.reads]).toEqual([1, 2]);
    // Another reading came, and that has times.
    api.noTimes = false;
    api.held = report({ state: 'final', revision: 2 });
    session.check();
    await env.pass(250);
    expect([session.untimed, api.timelines]).toEqual([false, 2]);
  });

  it('has no part that failed', async () => {
    api.held = sumsReport();
    api.noTimes = true;
    // The address names a part before anything of the fight is known.
    session.look({ fromMs: 1_000, toMs: 2_000 });
    await started();
    expect([session.untimed, session.spanFailure, session.spanFigures]).toEqual([true, null, null]);
    session.look(null);
    api.held = report({ state: 'final' });
    session.check();
    await env.pass(250);
    session.look({ fromMs: 1_000, toMs: 2_000 });
    await env.pass(250);
    expect([session.untimed, session.spanFailure]).toEqual([true, null]);
  });

  it('is not one that has just begun', async () => {
    api.held = report({ timed: false });
    await started();
    expect(session.untimed).toBe(false);
    env.socket.give(keyframe());
    env.socket.give(tick(6, { head: headOf('final', 900) }));
    // The record that is held is of its beginning.
    expect([session.figures?.state, session.untimed]).toEqual(['final', false]);
  });
});

describe('a fight of which nothing could be taken', () => {
  it('says so and asks for no more', async () => {
    api.held = stubReport();
    await started();
    expect([session.stub, session.status.kind]).toEqual([true, 'stub']);
    await env.pass(60_000);
    expect([api.timelines, env.sockets.length]).toEqual([0, 0]);
  });
});

describe('a fight that came signed', () => {
  it('is said to be verified as its record says', async () => {
    api.held = report({ state: 'final', verified: true });
    await started();
    expect(session.verified).toBe(true);
  });
});

describe('a report whose raid is not for its reader', () => {
  it('stands alone', async () => {
    api.held = report({ raid: '', state: 'final' });
    const asked: RaidPlace[] = [];
    api.raid = (place?: RaidPlace) => {
      if (place) asked.push(place);
      return Promise.reject(new ApiFailure(404, 'There is no such raid.'));
    };
    await started();
    await env.pass(60_000);
    expect(session.report?.raid).toBe('');
    expect([env.sockets.length, asked.length]).toEqual([0, 0]);
    expect(session.failure).toBeNull();
  });
});

describe('a raid of uploads', () => {
  let raid: RaidSession;
  beforeEach(async () => {
    api.page = uploadsPage({ reports: [summaryOf('r1')] });
    raid = new RaidSession({
      place: { kind: 'raid', name: 'RAID' },
      api,
      env,
      origin: 'http://relay.example',
    });
    raid.start();
    await env.pass(250);
  });
  const told = (...ids: string[]): Parameters<typeof env.socket.give>[0] =>
    keyframe({
      raid: {
        code: 'RAID',
        title: null,
        names: 'full',
        connected: false,
        open: false,
        fights: ids.map((reportId) => ({
          reportId,
          state: 'final',
          outcome: 'kill',
          title: 'Ogre',
          startedAtMs: 900_000,
          durationMs: 1,
        })),
      },
      fight: null,
    });

  it('waits for no uploader and no live fight', async () => {
    env.socket.give(told('r1'));
    for (let s = 0; s < 60; s++) {
      env.socket.give({ t: 'echo', clock: env.now(), relayMs: env.now() });
      await env.pass(1_000);
      expect([raid.status.kind, raid.open, raid.connected]).toEqual(['uploads', false, null]);
    }
    // The relay has to answer all the same.
    env.socket.cut();
    expect(raid.status.kind).toBe('reconnecting');
  });

  it('shows a new fight when the feed tells that the raid has changed', async () => {
    env.socket.give(told('r1'));
    await env.pass(500);
    api.page = uploadsPage({ reports: [summaryOf('r2'), summaryOf('r1')] });
    env.socket.give(told('r1', 'r2'));
    expect(raid.fights.map((row) => row.reportId)).toEqual(['r2', 'r1']);
    await env.pass(500);
    expect(raid.page?.reports.map((row) => row.reportId)).toEqual(['r2', 'r1']);
    expect([raid.status.kind, raid.fight]).toEqual(['uploads', null]);
  });

  it('has its last fight in the list alone', () => {
    const last = feedFight({ head: headOf('final', 5) });
    env.socket.give(keyframe({ fight: last }));
    expect(raid.fight).toBeNull();
    expect(raid.fights.map((row) => row.reportId)).toEqual(['r1']);
  });
});

describe('a raid', () => {
  it('waits for its first fight, then shows it', async () => {
    const raid = new RaidSession({
      place: { kind: 'channel', name: 'CHAN' },
      api,
      env,
      origin: 'http://relay.example',
    });
    raid.start();
    await env.pass(250);
    expect(env.socket.url).toBe('ws://relay.example/api/v1/live/CHAN/feed');
    env.socket.give(keyframe({ fight: null }));
    expect(raid.fight).toBeNull();
    expect(raid.status.kind).toBe('idle');
    api.page = raidPage({ reports: [{ ...summaryOf('r1'), state: 'live' }] });
    env.socket.give(keyframe({ position: 0 }));
    await env.pass(500);
    expect(raid.fight?.reportId).toBe('r1');
    expect(raid.fights[0]?.totals.damage).toBe(300);
    expect(raid.status.kind).toBe('live');
  });

  it('keeps its last fight until the next begins', async () => {
    const raid = new RaidSession({
      place: { kind: 'raid', name: 'RAID' },
      api,
      env,
      origin: 'http://relay.example',
    });
    raid.start();
    await env.pass(250);
    env.socket.give(keyframe());
    env.socket.give(tick(6, { head: headOf('final', 900) }));
    expect([raid.fight?.reportId, raid.fighting, raid.status.kind]).toEqual(['r1', false, 'idle']);
    expect(raid.fight?.players).toHaveLength(2);
    env.socket.give(keyframe({ epoch: 'e.2', position: 0, fight: feedFight({ reportId: 'r2' }) }));
    expect([raid.fight?.reportId, raid.fighting, raid.status.kind]).toEqual(['r2', true, 'live']);
  });
});

function summaryOf(id: string): ReturnType<typeof raidPage>['reports'][number] {
  return {
    reportId: id,
    raid: 'RAID',
    state: 'final',
    revision: 1,
    startedAtMs: 0,
    endedAtMs: null,
    stub: false,
    verified: false,
    durationMs: 1,
    damageMs: null,
    outcome: 'unknown',
    encounter: { scene: null, sceneId: null, difficulty: null },
    bosses: [],
    players: 0,
    totals: totals(),
  };
}

describe("other uploaders' reports of a fight", () => {
  const asked = async (ms: number): Promise<number> => {
    const before = api.asksForOthers;
    await env.pass(ms);
    return api.asksForOthers - before;
  };

  it('are not looked for while it goes on', async () => {
    await started();
    expect(await asked(60_000)).toBe(0);
    expect(session.views).toEqual([]);
  });

  const ended = (some: Partial<Report> = {}): Report => report({ state: 'final', endedAtMs: env.now(), ...some });
  const changed = (n: number, reportId = 'r1'): Parameters<typeof env.socket.give>[0] => ({
    t: 'event',
    n,
    reportId,
    what: { kind: 'viewsChanged' },
  });
  /** The feed's socket lives: it answers what it is asked, for so long. */
  const passOpen = async (ms: number): Promise<number> => {
    const before = api.asksForOthers;
    for (let s = 0; s < ms / 1_000; s++) {
      env.socket.give({ t: 'echo', clock: env.now(), relayMs: env.now() });
      await env.pass(1_000);
    }
    return api.asksForOthers - before;
  };

  it('are asked for when the feed opens, and when it says that they are others', async () => {
    api.held = ended();
    await started();
    expect([env.sockets.length, api.asksForOthers]).toEqual([1, 0]);
    env.socket.give(keyframe({ fight: null }));
    expect(await passOpen(1_000)).toBe(1);
    expect(session.figures?.players[0]).toMatchObject({ critHits: null, toldBy: null });
    api.others = [pointOfView('a')];
    expect(await passOpen(30_000)).toBe(0);
    env.socket.give(changed(1, 'another'));
    expect(await passOpen(10_000)).toBe(0);
    env.socket.give(changed(2));
    expect(api.asksForOthers).toBe(1);
    expect(await passOpen(3_000)).toBe(1);
    expect(session.views).toHaveLength(1);
    expect(session.figures?.players[0]).toMatchObject({
      critHits: 2,
      luckyHits: 1,
      critOf: 8,
      toldBy: 'of-a',
      deaths: 0,
    });
    expect(session.figures?.players[1]).toMatchObject({ critHits: null, toldBy: null });
    // However often it is said.
    for (let n = 3; n < 13; n++) {
      env.socket.give(changed(n));
      await passOpen(1_000);
    }
    expect(api.asksForOthers).toBe(3);
    api.down = true;
    env.socket.give(changed(13));
    await passOpen(20_000);
    expect(session.views).toHaveLength(1);
  });

  it('are asked for after a cut where something may have been missed, and now and then in any case', async () => {
    api.held = ended();
    await started();
    env.socket.give(keyframe({ epoch: 'a-1.1.0', fight: null }));
    await passOpen(20_000);
    expect(api.asksForOthers).toBe(1);
    // What was missed is told, if anything was.
    env.socket.cut();
    await env.pass(1_000);
    expect(env.socket.url).toContain('epoch=a-1.1.0');
    env.socket.give(keyframe({ epoch: 'a-1.1.0', fight: null }));
    expect(await passOpen(20_000)).toBe(0);
    env.socket.give(keyframe({ epoch: 'a-1.1.1', fight: null, eventsLost: true }));
    expect(await passOpen(5_000)).toBe(1);
    await passOpen(20_000);
    // Another run of the relay knows nothing of what was before.
    env.socket.give(keyframe({ epoch: 'b-1.1.0', fight: null }));
    expect(await passOpen(5_000)).toBe(1);
    expect(await passOpen(100_000)).toBe(0);
    expect(await passOpen(30_000)).toBe(1);
  });

  it('are listened for at little cost, and for as long as they may come', async () => {
    api.held = ended();
    const asks: RaidPlace[] = [];
    const page = api.raid;
    api.raid = (place?: RaidPlace) => {
      if (place) asks.push(place);
      return page();
    };
    await started();
    env.socket.give(keyframe({ fight: feedFight({ reportId: 'r2' }) }));
    expect(env.socket.sent).toContainEqual({ t: 'pace', ticks: 1 });
    const { raid } = keyframe();
    env.socket.give(keyframe({ raid: { ...raid, delayS: 90 }, fight: feedFight({ reportId: 'r2' }) }));
    await passOpen(60_000);
    // The feed tells where the raid goes on, and nothing of what is shown here is late.
    expect([session.elsewhere, session.status.kind, session.delayS, asks.length]).toEqual(['r2', 'ended', 0, 0]);
    session.lookAtSkills('a');
    expect(env.socket.sent.some((request) => request.t === 'watch' && request.players.length > 0)).toBe(false);
    await passOpen(15 * 60_000);
    expect([env.socket.closed, env.sockets.length]).toEqual([true, 1]);
    expect(asks.length).toBeGreaterThan(0);
    expect(session.elsewhere).toBeNull();
    // One last look, which was due.
    expect(await asked(120_000)).toBeLessThanOrEqual(1);
    expect(await asked(5 * 60_000)).toBe(0);
  });

  it('are asked for again and again while no feed opens, and so is their raid', async () => {
    api.held = ended();
    api.page = raidPage({ reports: [{ ...summaryOf('r9'), state: 'live' }] });
    await started();
    expect(await asked(1_500)).toBe(1);
    expect(session.elsewhere).toBe('r9');
    const asks = await asked(60_000);
    expect(asks).toBeGreaterThanOrEqual(3);
    expect(asks).toBeLessThanOrEqual(4);
    await asked(15 * 60_000);
    expect(await asked(60_000)).toBe(0);
  });

  it('are asked for again and again where the raid is not for the reader', async () => {
    api.held = ended({ raid: '' });
    await started();
    expect(api.asksForOthers).toBe(1);
    expect(await asked(61_000)).toBe(4);
    expect(env.sockets).toHaveLength(0);
    await asked(15 * 60_000);
    expect(await asked(60_000)).toBe(0);
  });

  it('are asked for when a fight ends that was looked at', async () => {
    await started();
    env.socket.give(keyframe());
    env.socket.give(changed(1));
    expect(await passOpen(5_000)).toBe(0);
    api.held = ended();
    env.socket.give(tick(6, { head: headOf('final', 999) }));
    expect(await passOpen(2_000)).toBe(1);
    env.socket.give(changed(2));
    expect(await passOpen(12_000)).toBe(1);
    // It shows its raid as before, and goes on to do so.
    expect(env.socket.sent.some((request) => request.t === 'pace')).toBe(false);
    await passOpen(16 * 60_000);
    expect(env.socket.closed).toBe(false);
    env.socket.give(changed(3));
    expect(await passOpen(12_000)).toBe(1);
  });

  it('are looked for once where it is long over', async () => {
    api.held = report({ state: 'final', endedAtMs: env.now() - 3_600_000 });
    await started();
    expect([api.asksForOthers, await asked(60_000)]).toEqual([1, 0]);
  });
});
