/** Rows of what the staged relay holds for people: some short, some as long as the relay takes them. */

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** As long as a name may be, without a place to break it. */
const LONG = 'Abcdefghijklmnopqrstuvwxyz'.repeat(3).slice(0, 64);

/** The proofs that a relay may take. */
export const PROOFS = ['code', 'officer', 'administrator'];
/** What is told to the one who is to confirm a claim. */
export const CONFIRMATION = { code: 'k7m2q9', by: 'Bran', called: 'Frostlily' };

/** Why somebody is not given what is held about a character of his. */
export const NOT_CONFIRMED =
  'for this an administrator has to confirm that the character is yours: claim it once more, by an administrator, or ask one for what is held about it';

/** @param {number} now */
export function characters(now) {
  const one = { hidden: false, hiddenByAdministrator: false, agrees: false, provedAtMs: now - DAY_MS, way: 'code' };
  return [
    { ...one, id: 301, called: 'Mira', agrees: true, way: 'administrator' },
    { ...one, id: 302, called: LONG, hidden: true },
    { ...one, id: 303, called: 'Mirabel', hidden: true, hiddenByAdministrator: true },
  ];
}

/** @param {number} now */
export function claims(now) {
  const one = { createdAtMs: now - HOUR_MS, endsAtMs: now + 6 * DAY_MS, code: null };
  return [
    { ...one, id: 311, called: 'Frostlily', way: 'officer', code: 'k7m2q9' },
    { ...one, id: 312, called: 'Dusk', way: 'code', code: 'rc4f81' },
    { ...one, id: 313, called: LONG, way: 'administrator' },
  ];
}

/**
 * Claims that wait for an administrator.
 *
 * @param {number} now
 */
export function openClaims(now) {
  const one = {
    by: 'Bran',
    createdAtMs: now - HOUR_MS,
    endsAtMs: now + 6 * DAY_MS,
    others: 0,
    calledSo: 0,
    names: [],
    holder: null,
    hidden: false,
    hiddenByAdministrator: false,
    player: 'p'.repeat(26),
  };
  return [
    { ...one, id: 321, called: 'Frostlily' },
    {
      ...one,
      id: 322,
      by: 'Somebody of the guild with a long name',
      called: LONG,
      others: 3,
      calledSo: 2,
      names: [
        { name: LONG, accounts: 2 },
        { name: 'Dusk', accounts: 1 },
      ],
      holder: { id: 4, name: LONG },
      hidden: true,
      hiddenByAdministrator: true,
    },
  ];
}

/**
 * Who signs in.
 *
 * @param {number} now
 */
export function people(now) {
  return [
    { id: 1, name: 'Mira', role: 'administrator', isSelf: true, createdAtMs: now - 90 * DAY_MS },
    { id: 2, name: 'Bran', role: 'member', isSelf: false, createdAtMs: now - 40 * DAY_MS },
    { id: 4, name: LONG, role: 'member', isSelf: false, createdAtMs: now - HOUR_MS },
  ];
}

/**
 * Who asks to be removed.
 *
 * @param {number} now
 */
export function removals(now) {
  const link = `https://raidcast.example/reports/${'0123456789abcdefghjkmnpqrstvwxyz'.repeat(3)}`;
  return [
    {
      id: 331,
      player: 'Frostlily',
      links: 'https://raidcast.example/reports/k2186zmzvg0j',
      contact: 'lily@example.org',
      message: 'I left the guild, and do not want to be found by it.',
      createdAtMs: now - HOUR_MS,
    },
    { id: 332, player: LONG, links: `${link}\n${link}`, contact: '', message: '', createdAtMs: now - 9 * DAY_MS },
  ];
}

/**
 * What the relay lets through, and holds back.
 *
 * @param {number} now
 */
export function limits(now) {
  const most = {
    fights_per_account_day: 4000,
    bytes_per_account_day: 2_147_483_648,
    raids_per_account_hour: 60,
    connections_per_account: 16,
    memory_per_account: 268_435_456,
    memory: 1_073_741_824,
    uploads_per_address_hour: 4000,
    requests_per_second: 50,
    sent_per_second: 16_777_216,
    connections_per_address: 100,
    replays_per_address: 8,
    wrong_keys_per_minute: 30,
  };
  return {
    limits: Object.entries(most).map(([name, most]) => ({ name, most })),
    refused: 3,
    spent: [{ account: 1, limit: 'fights_per_account_day', againAtMs: now + HOUR_MS }],
    setAside: [{ why: "a report's log: the stored log is damaged", fights: 2, raids: 0 }],
    waiting: [
      { work: 'uploads', count: 1, dueAtMs: now + 60_000 },
      { work: 'derive', count: 0, dueAtMs: null },
    ],
  };
}

/**
 * Who changed what.
 *
 * @param {number} now
 */
export function audit(now) {
  const line = { about: null, aboutName: null, by: 1, byName: 'Mira', key: null, keyName: null };
  return [
    { ...line, id: 345, atMs: now - 60_000, what: 'fight_deleted', about: 1 },
    { ...line, id: 344, atMs: now - HOUR_MS, what: 'raid_shown', by: null, byName: null, key: 102, keyName: 'Meter' },
    { ...line, id: 343, atMs: now - 2 * HOUR_MS, what: 'raid_expired', by: null, byName: null },
    { ...line, id: 342, atMs: now - DAY_MS, what: 'person_removed', by: 3, byName: null, about: 7 },
    { ...line, id: 341, atMs: now - 2 * DAY_MS, what: 'invitation_made', by: 4, byName: LONG },
  ];
}

/**
 * His raids, the newest first.
 *
 * @param {number} now
 */
export function raids(now) {
  const one = {
    account: 1,
    reportVisibility: null,
    names: 'full',
    delayS: 0,
    pinned: false,
    title: null,
    visibility: 'unlisted',
    createdAtMs: now - HOUR_MS,
    activeAtMs: now - 60_000,
  };
  const all = [
    { ...one, code: 'NIGHT1', title: 'Thursday of the second group', fights: 3 },
    {
      ...one,
      code: 'NIGHT2',
      visibility: 'private',
      reportVisibility: 'public',
      pinned: true,
      createdAtMs: now - 8 * DAY_MS,
      activeAtMs: now - 7 * DAY_MS,
      fights: 25,
    },
    { ...one, code: 'NIGHT3', title: LONG, createdAtMs: now - 30 * DAY_MS, activeAtMs: now - 30 * DAY_MS, fights: 1 },
    // The page folds it.
    { ...one, code: 'NIGHT4', createdAtMs: now - 31 * DAY_MS, activeAtMs: now - 31 * DAY_MS, fights: 0 },
  ];
  return all.map((raid) => ({ ...raid, url: `/raids/${raid.code}` }));
}

/**
 * The fights of a raid, the newest first.
 *
 * @param {ReturnType<typeof raids>[number]} raid
 */
export function fightsOf(raid) {
  const totals = {
    damage: 4e9,
    bossDamage: 3e9,
    healing: 1e9,
    damageTaken: 1e8,
    hits: 90_000,
    healHits: 5000,
    deaths: 2,
  };
  const outcomes = ['kill', 'wipe', 'unknown'];
  return Array.from({ length: raid.fights }, (_, at) => ({
    reportId: `${raid.code.toLowerCase()}x${raid.fights - at}`,
    raid: raid.code,
    state: raid.code === 'NIGHT1' && at === 0 ? 'live' : 'final',
    revision: 1,
    startedAtMs: raid.activeAtMs - at * 600_000,
    endedAtMs: raid.activeAtMs - at * 600_000 + 240_000,
    stub: at === 2,
    verified: false,
    durationMs: 240_000,
    damageMs: null,
    outcome: outcomes[at % 3],
    encounter: { scene: 'Towering Ruin', sceneId: 1021, difficulty: 8 },
    bosses: at === 1 ? [LONG] : ['Super Battle Mech 99'],
    players: 20,
    totals,
  }));
}

/** Whom administrators have hidden. */
export const HIDDEN = [{ player: '0123456789abcdef0123456789abcdef', sinceMs: 1_790_000_000_000 }];

/** Whom an administrator looks at who is to be hidden. */
export const LOOKED_AT = {
  player: 'fedcba9876543210fedcba9876543210',
  hidden: false,
  hiddenByAdministrator: false,
  fights: 12,
  names: [{ name: 'Frostlily', fights: 12 }],
};
