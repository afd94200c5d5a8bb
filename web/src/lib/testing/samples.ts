/** A small raid, as the relay would send it. */
import type { DeviceLine, InvitationLine, KeyLine, Me, RelayLimits, SessionLine } from '$lib/api/account-types';
import type { Player, PointOfView, RaidPage, Report, Timeline } from '$lib/api/types';
import type { FeedFight, FeedFrame, FeedPlayer, Keyframe, ReportSummary, Tick, Totals } from '$lib/wire/types';

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
    raid: { code: 'RAID', title: 'Night', names: 'full', connected: true, open: true, fights: [] },
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
    names: 'full',
    note: null,
    stub: false,
    verified: false,
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
    timed: true,
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
    stub: false,
    verified: false,
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

/** The same fight in another uploader's report, whose own player has crits. */
export function pointOfView(key: string, some: Partial<ReportSummary> = {}): PointOfView {
  return {
    report: summary({ reportId: `of-${key}`, durationMs: 10_000, players: 2, ...some }),
    firstMs: 0,
    own: [player(key, { isLocal: true, hits: 8, critHits: 2, luckyHits: 1, deaths: 1 })],
    attempts: 0,
  };
}

export function raidPage(some: Partial<RaidPage> = {}): RaidPage {
  return {
    code: 'RAID',
    channel: 'CHAN',
    title: 'Night',
    visibility: 'public',
    names: 'full',
    delayS: 0,
    open: true,
    connected: true,
    uploads: false,
    createdAtMs: 800_000,
    reports: [],
    ...some,
  };
}

/** What a fight's totals are where it came whole and tells no targets and no deaths. */
export const UNTOLD = { bossDamage: null, damageTaken: null, deaths: null } as const;

/** A fight that came as sums: nothing in it has a time. */
export function sumsReport(some: Partial<Report> = {}): Report {
  return report({
    state: 'final',
    outcome: 'kill',
    timed: false,
    damageTime: null,
    healingTime: null,
    note: 'The meter keeps sums alone of this fight: there are no single hits.',
    ...some,
  });
}

/** A fight that came whole and tells no targets, no deaths and no attempts. */
export function untoldReport(some: Partial<Report> = {}): Report {
  return report({
    state: 'final',
    totals: totals({ damage: 300, hits: 30, ...UNTOLD }),
    players: [
      player('a', { damage: 200, hits: 20, ...UNTOLD }),
      player('b', { damage: 100, hits: 10, healing: 7, healHits: 1, ...UNTOLD }),
    ],
    ...some,
  });
}

/** A fight of which nothing could be taken. */
export function stubReport(some: Partial<Report> = {}): Report {
  return report({
    state: 'final',
    stub: true,
    timed: false,
    note: 'This fight could not be taken: none of its rows can be read.',
    durationMs: 0,
    lastMs: 0,
    damageTime: null,
    healingTime: null,
    totals: totals(),
    players: [],
    missing: [{ what: 'rows', expected: 4, read: 0 }],
    ...some,
  });
}

/** A raid whose fights are uploaded one by one when they are over. */
export function uploadsPage(some: Partial<RaidPage> = {}): RaidPage {
  return raidPage({ title: 'Uploads', open: false, connected: false, uploads: true, ...some });
}

export function me(some: Partial<Me> = {}): Me {
  return {
    name: 'Mira',
    role: 'member',
    signedInAtMs: 1_000,
    freshUntilMs: 901_000,
    accounts: [{ id: 1, name: null, channelUrl: 'https://relay.example/live/MIRA' }],
    ...some,
  };
}

export function keyLine(id: number, some: Partial<KeyLine> = {}): KeyLine {
  return {
    id,
    account: 1,
    name: `Key ${id}`,
    scopes: ['upload'],
    visibility: 'unlisted',
    uploadsPerDay: null,
    createdAtMs: 1_000,
    endsAtMs: null,
    usedAtMs: null,
    ...some,
  };
}

export function invitationLine(id: string, some: Partial<InvitationLine> = {}): InvitationLine {
  return { id, role: 'member', note: 'Bran', left: 1, createdAtMs: 1_000, endsAtMs: 2_000, ...some };
}

export const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';

export function sessionLine(id: number, some: Partial<SessionLine> = {}): SessionLine {
  return { id, agent: FIREFOX, createdAtMs: 1_000, usedAtMs: 1_000, isThis: false, ...some };
}

/** A program that asks from here. */
export function deviceLine(some: Partial<DeviceLine> = {}): DeviceLine {
  return {
    name: 'raidcast on pc',
    address: '192.0.2.7',
    isHere: true,
    askedAtMs: Date.now(),
    scopes: ['upload', 'read'],
    ...some,
  };
}

/** A relay that holds nothing back. */
export function relayLimits(over: Partial<RelayLimits> = {}): RelayLimits {
  return {
    limits: [
      { name: 'fights_per_account_day', most: 4000 },
      { name: 'memory', most: 1024 * 1024 * 1024 },
    ],
    refused: 0,
    spent: [],
    setAside: [],
    waiting: [{ work: 'derive', count: 0, dueAtMs: null }],
    ...over,
  };
}
