/**
 * What a relay answers of a part of a fight, of a saved one: the same shapes, in the same order, with the same figures.
 * Who somebody is (name, class, a boss' full health) is of the whole fight.
 */
import { ApiFailure } from '$lib/api/client';
import type { Details, Player, ReachedRow, Recaps, Report, TakenRow, TargetRow, Timeline } from '$lib/api/types';
import type { Boss, SkillRow } from '$lib/wire/types';
import { reachOf, rowsIn, type Part, type RowSum } from './rows';
import type { Saved, SavedActor, SavedSkill } from './saved';

const ALL: Part = { fromMs: 0, toMs: Infinity };
/** How the API writes that a part has no end. */
const NO_END_MS = 4_294_967_295;

/** The report of a part; `null`: of the whole fight. */
export function reportOf(saved: Saved, part: Part | null): Report {
  const whole = saved.report;
  if (part === null) return whole;
  if (!whole.timed) throw noTimes();
  const { fromMs, toMs } = part;
  const inside = (atMs: number): boolean => atMs >= fromMs && atMs < toMs;
  const rows = rowsIn(saved, part);
  const reach = reachOf(saved, part);
  const falls = saved.falls.filter(([atMs]) => inside(atMs));
  const durationMs = Math.max(0, Math.min(whole.lastMs, toMs) - Math.max(whole.firstMs, fromMs));
  const damageTime = within(whole.damageTime, part);
  const healingTime = within(whole.healingTime, part);
  const knowsDeaths = saved.knowsDeaths || falls.length > 0;
  const rated = {
    damage: Math.max(1_000, damageTime?.durationMs ?? durationMs) / 1_000,
    healing: Math.max(1_000, healingTime?.durationMs ?? durationMs) / 1_000,
  };
  const players = whole.players
    .map((player) => {
      const died = falls.filter(([, actor]) => saved.actors[actor]?.playerKey === player.playerKey).length;
      return playerOf(saved, player, rows, knowsDeaths ? died : null, rated);
    })
    .filter((player) => player.isLocal || !isNothing(player))
    .sort(
      (a, b) =>
        b.damage - a.damage ||
        b.healing - a.healing ||
        (b.damageTaken ?? -1) - (a.damageTaken ?? -1) ||
        b.hits - a.hits ||
        b.healHits - a.healHits ||
        compare(a.name, b.name) ||
        compare(a.playerKey, b.playerKey),
    );
  const sum = (of: (player: Player) => number): number => players.reduce((all, player) => all + of(player), 0);
  return {
    ...whole,
    // It names the state of the whole fight.
    checksum: '',
    durationMs,
    firstMs: reach?.firstMs ?? 0,
    lastMs: reach?.lastMs ?? 0,
    damageTime,
    healingTime,
    span: { fromMs, toMs: Math.min(toMs, NO_END_MS) },
    bosses: bossesOf(saved, rows, toMs),
    totals: {
      damage: sum((player) => player.damage),
      bossDamage: saved.knowsTargets ? sum((player) => player.bossDamage ?? 0) : null,
      healing: sum((player) => player.healing),
      damageTaken: saved.knowsTargets ? sum((player) => player.damageTaken ?? 0) : null,
      hits: sum((player) => player.hits),
      healHits: sum((player) => player.healHits),
      deaths: knowsDeaths ? sum((player) => player.deaths ?? 0) : null,
    },
    attempts: whole.attempts
      .filter((attempt) => attempt.startMs < toMs)
      .map((attempt) => {
        const over = attempt.endMs !== null && attempt.endMs < toMs;
        const endMs = over ? attempt.endMs : null;
        const died = ([atMs]: readonly [number, number]): boolean =>
          atMs >= attempt.startMs && atMs < (endMs ?? Infinity);
        return {
          ...attempt,
          endMs,
          bossHpEnd: over ? attempt.bossHpEnd : null,
          deaths: falls.filter(died).length,
        };
      }),
    deaths: whole.deaths.filter((death) => inside(death.atMs)),
    players,
  };
}

/** Amounts by second of each player. */
export function timelineOf(saved: Saved): Timeline {
  const { report } = saved;
  if (!report.timed) throw noTimes();
  const firstSecond = Math.floor(report.firstMs / 1_000);
  const buckets = reachOf(saved, ALL) === null ? 0 : Math.floor(report.lastMs / 1_000) - firstSecond + 1;
  const empty = (): number[] => new Array<number>(buckets).fill(0);
  const series = new Map(
    report.players.map(({ playerKey }) => [playerKey, { damage: empty(), healing: empty(), taken: empty() }]),
  );
  const of = (actor: number | undefined) => series.get(saved.actors[actor ?? -1]?.playerKey ?? '');
  const add = (line: number[] | undefined, atMs: number, amount: number): void => {
    const second = Math.floor(atMs / 1_000) - firstSecond;
    if (line !== undefined && second >= 0 && second < buckets) line[second] = (line[second] ?? 0) + amount;
  };
  for (const { atMs, row, amount } of [saved.hits, saved.sums]) {
    for (let at = 0; at < atMs.length; at++) {
      const [source, target, , heals] = saved.rows[row[at] ?? -1] ?? [];
      const [ms, much] = [atMs[at] ?? 0, amount[at] ?? 0];
      if (heals === 1) {
        add(of(source)?.healing, ms, much);
        continue;
      }
      const reached = of(target);
      add(reached?.taken, ms, much);
      if (saved.actors[target ?? -1]?.playerKey === null) add(of(source)?.damage, ms, much);
    }
  }
  return {
    reportId: report.reportId,
    revision: report.revision,
    bucketMs: 1_000,
    firstSecond,
    buckets,
    players: [...series].map(([playerKey, line]) => ({
      playerKey,
      damage: line.damage,
      healing: line.healing,
      taken: saved.knowsTargets ? line.taken : null,
    })),
  };
}

/** What stands beside the figures of a part; `null`: of the whole fight. */
export function detailsOf(saved: Saved, part: Part | null): Details {
  const { reportId, revision, timed } = saved.report;
  if (part !== null && !timed) throw noTimes();
  const span = part === null ? null : { fromMs: part.fromMs, toMs: Math.min(part.toMs, NO_END_MS) };
  const head = { reportId, revision, span };
  if (!saved.knowsTargets) return { ...head, taken: null, targets: null, reached: null };
  const rows = rowsIn(saved, part ?? ALL);
  return { ...head, taken: takenOf(saved, rows), targets: targetsOf(saved, rows), reached: reachedOf(saved, rows) };
}

/** What led to the deaths of a part. */
export function recapsOf(saved: Saved, part: Part): Recaps {
  const inside = (atMs: number): boolean => atMs >= part.fromMs && atMs < part.toMs;
  return { ...saved.recaps, deaths: saved.recaps.deaths.filter(({ death }) => inside(death.atMs)) };
}

function noTimes(): ApiFailure {
  return new ApiFailure(409, 'When anything happened in this fight is not known.', 'no_times');
}

function within(time: Report['damageTime'], { fromMs, toMs }: Part): Report['damageTime'] {
  if (time === null || time === undefined) return null;
  const [firstMs, lastMs] = [Math.max(time.firstMs, fromMs), Math.min(time.lastMs, toMs)];
  return firstMs <= lastMs ? { firstMs, lastMs, durationMs: lastMs - firstMs } : null;
}

const NOBODY: SavedActor = { playerKey: null, name: null, monsterId: null, boss: false, bossName: null };
const NO_SKILL: SavedSkill = { skillId: 0, variantId: null, name: null };

function actorOf(saved: Saved, place: number): SavedActor {
  return saved.actors[place] ?? NOBODY;
}

function skillOf(saved: Saved, place: number): SavedSkill {
  return saved.skills[place] ?? NO_SKILL;
}

/** Whether a row is of what its source does: what players do to each other is no damage of theirs. */
function isOwn(saved: Saved, row: RowSum): boolean {
  const byPlayer = actorOf(saved, row.source).playerKey !== null;
  return byPlayer && (row.heals || actorOf(saved, row.target).playerKey === null);
}

function playerOf(
  saved: Saved,
  whole: Player,
  rows: readonly RowSum[],
  deaths: number | null,
  rated: { damage: number; healing: number },
): Player {
  const is = (place: number): boolean => actorOf(saved, place).playerKey === whole.playerKey;
  const own = rows.filter((row) => is(row.source) && isOwn(saved, row));
  const sum = (of: readonly RowSum[], figure: (row: RowSum) => number): number =>
    of.reduce((all, row) => all + figure(row), 0);
  const [damage, healing] = [own.filter((row) => !row.heals), own.filter((row) => row.heals)];
  const taken = rows.filter((row) => !row.heals && is(row.target));
  const crits = whole.critHits !== null;
  const dealt = sum(damage, (row) => row.amount);
  const healed = sum(healing, (row) => row.amount);
  return {
    ...whole,
    damage: dealt,
    bossDamage: saved.knowsTargets ? sum(damage, (row) => row.bossAmount) : null,
    healing: healed,
    damageTaken: saved.knowsTargets ? sum(taken, (row) => row.amount) : null,
    hits: sum(damage, (row) => row.hits),
    healHits: sum(healing, (row) => row.hits),
    critHits: crits ? sum(damage, (row) => row.crit) : null,
    luckyHits: crits ? sum(damage, (row) => row.lucky) : null,
    deaths,
    dps: dealt / rated.damage,
    hps: healed / rated.healing,
    skills: skillsOf(saved, own, crits),
  };
}

function isNothing({ damage, bossDamage, healing, damageTaken, hits, healHits, deaths }: Player): boolean {
  return [damage, bossDamage, healing, damageTaken, hits, healHits, deaths].every((figure) => (figure ?? 0) === 0);
}

function skillsOf(saved: Saved, own: readonly RowSum[], crits: boolean): SkillRow[] {
  const skills = new Map<string, SkillRow>();
  for (const row of own) {
    const skill = skillOf(saved, row.skill);
    const key = `${row.skill} ${Number(row.heals)}`;
    const line = skills.get(key) ?? {
      ...skill,
      kind: row.heals ? 'healing' : 'damage',
      total: 0,
      hits: 0,
      critHits: crits ? 0 : null,
      luckyHits: crits ? 0 : null,
      max: 0,
    };
    skills.set(key, {
      ...line,
      total: line.total + row.amount,
      hits: line.hits + row.hits,
      critHits: line.critHits === null ? null : line.critHits + row.crit,
      luckyHits: line.luckyHits === null ? null : line.luckyHits + row.lucky,
      max: greatest(line.max, row.max),
    });
  }
  return [...skills.values()].sort((a, b) => b.total - a.total || bySkill(a, b));
}

function bossesOf(saved: Saved, rows: readonly RowSum[], toMs: number): Boss[] {
  const hp = new Map<number, number>();
  for (const [atMs, actor, health] of saved.health) if (atMs < toMs) hp.set(actor, health);
  const dealt = new Map<number, { damage: number; hits: number }>();
  for (const row of rows) {
    if (row.heals || !isOwn(saved, row) || row.bossHits === 0) continue;
    const held = dealt.get(row.target) ?? { damage: 0, hits: 0 };
    dealt.set(row.target, { damage: held.damage + row.bossAmount, hits: held.hits + row.bossHits });
  }
  const bosses = new Map<string, Boss>();
  for (const [place, actor] of saved.actors.entries()) {
    const sums = dealt.get(place);
    if (actor.bossName === null || (sums === undefined && !actor.boss)) continue;
    const whole = saved.report.bosses.find((boss) => boss.name === actor.bossName);
    const line = bosses.get(actor.bossName) ?? {
      name: actor.bossName,
      monsterId: whole?.monsterId ?? actor.monsterId,
      maxHp: whole?.maxHp ?? null,
      hp: null,
      damage: 0,
      hits: 0,
      defeated: whole?.defeated ?? null,
    };
    const health = hp.get(place) ?? null;
    bosses.set(actor.bossName, {
      ...line,
      hp: line.hp === null || health === null ? (line.hp ?? health) : Math.max(line.hp, health),
      damage: line.damage + (sums?.damage ?? 0),
      hits: line.hits + (sums?.hits ?? 0),
    });
  }
  return [...bosses.values()].sort((a, b) => b.damage - a.damage || compare(a.name, b.name));
}

function takenOf(saved: Saved, rows: readonly RowSum[]): TakenRow[] {
  const lines = new Map<string, TakenRow>();
  for (const row of rows) {
    const playerKey = actorOf(saved, row.target).playerKey;
    if (row.heals || playerKey === null) continue;
    const by = actorOf(saved, row.source);
    const skill = skillOf(saved, row.skill);
    const key = JSON.stringify([playerKey, by.playerKey, by.name, row.skill]);
    const line = lines.get(key) ?? {
      playerKey,
      byPlayer: by.playerKey,
      by: by.name,
      skillId: skill.skillId,
      variantId: skill.variantId,
      skill: skill.name,
      total: 0,
      hits: 0,
      max: 0,
    };
    const [total, hits] = [line.total + row.amount, line.hits + row.hits];
    lines.set(key, { ...line, total, hits, max: greatest(line.max, row.max) });
  }
  return [...lines.values()].sort(
    (a, b) =>
      b.total - a.total ||
      compare(a.playerKey, b.playerKey) ||
      compare(a.byPlayer, b.byPlayer) ||
      compare(a.by, b.by) ||
      bySkill(a, b),
  );
}

function targetsOf(saved: Saved, rows: readonly RowSum[]): TargetRow[] {
  const lines = new Map<string | null, TargetRow>();
  for (const row of rows) {
    if (row.heals || !isOwn(saved, row)) continue;
    const target = actorOf(saved, row.target);
    const playerKey = actorOf(saved, row.source).playerKey ?? '';
    let line = lines.get(target.name);
    if (line === undefined) {
      line = { name: target.name, monsterId: null, boss: false, damage: 0, hits: 0, players: [] };
      lines.set(target.name, line);
    }
    if (target.monsterId !== null) line.monsterId = Math.max(line.monsterId ?? target.monsterId, target.monsterId);
    line.boss ||= target.boss || row.bossHits > 0;
    line.damage += row.amount;
    line.hits += row.hits;
    let player = line.players.find((one) => one.playerKey === playerKey);
    if (player === undefined) {
      player = { playerKey, damage: 0, hits: 0 };
      line.players.push(player);
    }
    player.damage += row.amount;
    player.hits += row.hits;
  }
  for (const line of lines.values()) {
    line.players.sort((a, b) => b.damage - a.damage || compare(a.playerKey, b.playerKey));
  }
  return [...lines.values()].sort((a, b) => b.damage - a.damage || compare(a.name, b.name));
}

function reachedOf(saved: Saved, rows: readonly RowSum[]): ReachedRow[] {
  const lines = new Map<string, { row: ReachedRow; targets: Set<number> }>();
  for (const one of rows) {
    if (!isOwn(saved, one)) continue;
    const playerKey = actorOf(saved, one.source).playerKey ?? '';
    const { skillId, variantId } = skillOf(saved, one.skill);
    const key = JSON.stringify([playerKey, one.skill, one.heals]);
    let line = lines.get(key);
    if (line === undefined) {
      const kind = one.heals ? 'healing' : 'damage';
      const row: ReachedRow = { playerKey, skillId, variantId, kind, targets: 0, bossTotal: one.heals ? null : 0 };
      line = { row, targets: new Set() };
      lines.set(key, line);
    }
    line.targets.add(one.target);
    line.row.targets = line.targets.size;
    if (line.row.bossTotal !== null) line.row.bossTotal += one.bossAmount;
  }
  return [...lines.values()].map(({ row }) => row).sort((a, b) => compare(a.playerKey, b.playerKey) || bySkill(a, b));
}

function greatest(one: number | null, two: number | null): number | null {
  return one === null || two === null ? null : Math.max(one, two);
}

/** What is not told comes first. */
function compare(a: string | null, b: string | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  return b === null ? 1 : a < b ? -1 : 1;
}

function bySkill(
  a: { kind?: string; skillId: number; variantId: number | null },
  b: { kind?: string; skillId: number; variantId: number | null },
): number {
  return (
    compare(a.kind ?? null, b.kind ?? null) ||
    a.skillId - b.skillId ||
    Number(b.variantId === null) - Number(a.variantId === null) ||
    (a.variantId ?? 0) - (b.variantId ?? 0)
  );
}
