/** A small fight as a relay saves it. */
import { player, report, totals } from './samples';

/** Numbers as the relay packs them, in one block of zlib that is not compressed. */
export function packed(values: readonly number[]): string {
  const bytes = values.flatMap((value) => {
    const own: number[] = [];
    for (; value >= 128; value = Math.floor(value / 128)) own.push((value % 128) + 128);
    return [...own, value];
  });
  let [low, high] = [1, 0];
  for (const byte of bytes) {
    low = (low + byte) % 65_521;
    high = (high + low) % 65_521;
  }
  const short = (number: number): number[] => [number >> 8, number & 0xff];
  const length = short(bytes.length).reverse();
  const block = [1, ...length, ...length.map((byte) => byte ^ 0xff), ...bytes];
  return btoa(String.fromCharCode(0x78, 0x01, ...block, ...short(high), ...short(low)));
}

function steps(times: readonly number[]): number[] {
  return times.map((time, at) => time - (times[at - 1] ?? 0));
}

export const MAGE = 'p1';
export const PRIEST = 'p2';

/**
 * A mage (0) and a priest (1) before a boss (2): the mage hits it at 1 s (critical), 2 s and 9 s, the boss the mage at 3 s,
 * who is healed at 4 s and dies at 5 s; a summon (3) that is no boss takes 7 at 9 s. The priest's healing at 8 s is told as
 * a sum.
 */
const HITS = [
  [1_000, 0, 300, 5],
  [2_000, 0, 100, 4],
  [3_000, 1, 50, 0],
  [4_000, 2, 40, 0],
  [9_000, 0, 500, 4],
  [9_000, 3, 7, 0],
] as const;

export const whole = report({
  state: 'final',
  raid: '',
  firstMs: 1_000,
  lastMs: 9_000,
  durationMs: 8_000,
  damageTime: { firstMs: 1_000, lastMs: 9_000, durationMs: 8_000 },
  healingTime: { firstMs: 4_000, lastMs: 8_000, durationMs: 4_000 },
  bosses: [{ name: 'Golem', monsterId: 9, maxHp: 1_000, hp: 100, damage: 900, hits: 3, defeated: false }],
  deaths: [{ atMs: 5_000, playerKey: MAGE, name: 'P1', killer: 'Golem', skillId: 8, skill: null }],
  attempts: [
    {
      index: 1,
      startMs: 1_000,
      endMs: 6_000,
      reason: 'initial',
      bossHpStart: 1_000,
      bossHpEnd: 600,
      deaths: 1,
      outcome: 'wipe',
      bossDamage: 400,
    },
  ],
  totals: totals({ damage: 907, bossDamage: 900, healing: 100, damageTaken: 50, hits: 4, healHits: 3, deaths: 1 }),
  players: [
    player(MAGE, {
      damage: 907,
      bossDamage: 900,
      damageTaken: 50,
      hits: 4,
      critHits: 1,
      luckyHits: 0,
      deaths: 1,
      isLocal: true,
    }),
    player(PRIEST, { healing: 100, healHits: 3 }),
  ],
});

export function block(): Record<string, unknown> {
  const column = (at: 1 | 2 | 3): string => packed(HITS.map((hit) => hit[at]));
  const actor = { monsterId: null, boss: false, bossName: null };
  return {
    version: 1,
    report: whole,
    recaps: {
      reportId: 'r1',
      revision: 1,
      singly: true,
      leftOut: 0,
      deaths: [{ death: whole.deaths[0], down: [], hits: [], hitsLeftOut: 0 }],
    },
    knowsTargets: true,
    knowsDeaths: true,
    actors: [
      { ...actor, playerKey: MAGE, name: 'P1' },
      { ...actor, playerKey: PRIEST, name: 'P2' },
      { playerKey: null, name: 'Golem', monsterId: 9, boss: true, bossName: 'Golem' },
      { ...actor, playerKey: null, name: 'Imp' },
    ],
    skills: [
      { skillId: 7, variantId: null, name: 'Bolt' },
      { skillId: 8, variantId: null, name: 'Fist' },
    ],
    rows: [
      [0, 2, 0, 0],
      [2, 0, 1, 0],
      [1, 0, 1, 1],
      [0, 3, 0, 0],
    ],
    moments: [5_000, 8_000],
    falls: [[5_000, 0]],
    health: [
      [1_500, 2, 700],
      [9_000, 2, 100],
    ],
    hits: {
      count: HITS.length,
      atMs: packed(steps(HITS.map(([atMs]) => atMs))),
      row: column(1),
      amount: column(2),
      flags: column(3),
    },
    sums: {
      count: 1,
      atMs: packed([8_000]),
      row: packed([2]),
      hits: packed([2]),
      amount: packed([60]),
      crit: packed([1]),
      lucky: packed([0]),
    },
  };
}
