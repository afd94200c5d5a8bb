/** A small raid, as the relay would send it. */
import type {
  FeedFight,
  FeedFrame,
  FeedPlayer,
  Keyframe,
  Player,
  RaidPage,
  Report,
  ReportSummary,
  Tick,
  Timeline,
  Totals,
} from '$lib/wire/types';

export const COLUMNS = [
  'damage',
  'bossDamage',
  'healing',
  'damageTaken',
  'hits',
  'healHits',
  'critHits',
  'luckyHits',
  'deaths',
];

export function totals(some: Partial<Totals> = {}): Totals {
  return { damage: 0, bossDamage: 0, healing: 0, damageTaken: 0, hits: 0, healHits: 0, deaths: 0, ...some };
}

export function feedPlayer(key: string, some: Partial<FeedPlayer> = {}): FeedPlayer {
  return {
    playerKey: key,
    name: key.toUpperCase(),
    classId: 1,
    specId: 1,
    abilityScore: null,
    isLocal: false,
    dead: false,
    ...some,
  };
}

export function feedFight(some: Partial<FeedFight> = {}): FeedFight {
  return {
    reportId: 'r1',
    checksum: 'v1:0',
    startedAtMs: 900_000,
    encounter: { scene: 'Valley', sceneId: 1, difficulty: 2 },
    head: {
      state: 'live',
      outcome: 'unknown',
      revision: 1,
      firstMs: 0,
      lastMs: 10_000,
      damageMs: [0, 10_000],
      healingMs: [0, 10_000],
      idle: false,
      totals: totals({ damage: 300 }),
    },
    bosses: [],
    attempts: [],
    deaths: [],
    players: [feedPlayer('a'), feedPlayer('b', { classId: 2, specId: 3 })],
    columns: COLUMNS,
    rows: [
      [200, 0, 0, 5, 20, 0, -1, -1, 0],
      [100, 0, 7, 0, 10, 1, 4, 2, 1],
    ],
    buckets: [],
    ...some,
  };
}

export function keyframe(some: Partial<Keyframe> = {}): { t: 'keyframe' } & Keyframe {
  return {
    t: 'keyframe',
    epoch: 'e.1',
    position: 5,
    events: 0,
    raid: { code: 'RAID', title: 'Night', connected: true, open: true, fights: [] },
    fight: feedFight(),
    times: [0, 0, 0],
    ...some,
  };
}

export function tick(p: number, some: Partial<Tick> = {}): FeedFrame {
  return { t: 'tick', p, ms: [0, 0, 0], ...some };
}

export function player(key: string, some: Partial<Player> = {}): Player {
  return {
    playerKey: key,
    name: key.toUpperCase(),
    classId: 1,
    specId: 1,
    abilityScore: null,
    level: null,
    isLocal: false,
    damage: 0,
    bossDamage: 0,
    healing: 0,
    damageTaken: 0,
    hits: 0,
    healHits: 0,
    critHits: null,
    luckyHits: null,
    deaths: 0,
    dps: 0,
    hps: 0,
    skills: [],
    ...some,
  };
}

export function report(some: Partial<Report> = {}): Report {
  return {
    reportId: 'r1',
    raid: 'RAID',
    state: 'live',
    revision: 1,
    visibility: 'public',
    note: null,
    unverified: null,
    meterDiffers: null,
    checksum: 'v1:0',
    startedAtMs: 900_000,
    endedAtMs: null,
    durationMs: 10_000,
    firstMs: 0,
    lastMs: 10_000,
    damageTime: { firstMs: 0, lastMs: 10_000, durationMs: 10_000 },
    healingTime: { firstMs: 0, lastMs: 10_000, durationMs: 10_000 },
    span: null,
    outcome: 'unknown',
    encounter: { scene: 'Valley', sceneId: 1, difficulty: 2 },
    bosses: [],
    totals: totals({ damage: 300 }),
    attempts: [],
    deaths: [],
    players: [player('a', { damage: 200 }), player('b', { damage: 100 })],
    missing: [],
    ...some,
  };
}

export function timeline(some: Partial<Timeline> = {}): Timeline {
  return { reportId: 'r1', revision: 1, bucketMs: 1000, firstSecond: 0, buckets: 0, players: [], ...some };
}

export function summary(some: Partial<ReportSummary> = {}): ReportSummary {
  return {
    reportId: 'r1',
    raid: 'RAID',
    state: 'final',
    revision: 1,
    startedAtMs: 900_000,
    endedAtMs: null,
    durationMs: 60_000,
    damageMs: null,
    outcome: 'kill',
    encounter: { scene: 'Valley', sceneId: 1, difficulty: 2 },
    bosses: ['Ogre'],
    players: 20,
    totals: totals({ damage: 6_000_000 }),
    ...some,
  };
}

export function raidPage(some: Partial<RaidPage> = {}): RaidPage {
  return {
    code: 'RAID',
    channel: 'CHAN',
    title: 'Night',
    visibility: 'public',
    open: true,
    connected: true,
    createdAtMs: 800_000,
    reports: [],
    ...some,
  };
}
