/** What stands beside the figures, by whom and of whom it is. Nothing is added up here but what is one line of two. */
import type { Details, ReachedRow } from '$lib/api/types';
import type { SkillRow } from '$lib/wire/types';
import type { FightFigures } from './figures';

/** What one skill reached. */
export interface Reached {
  targets: number;
  bossTotal: number | null;
}

/** Names a skill among those of a player. */
export function skillKey(row: Pick<SkillRow | ReachedRow, 'kind' | 'skillId' | 'variantId'>): string {
  return `${row.kind} ${row.skillId} ${row.variantId ?? ''}`;
}

/**
 * What tells rows apart that are called alike: their ids, with the finer one where the game's base skill is the same. Rows
 * whose name no other has are not in it.
 */
export function idsBeside<T extends { skillId: number; variantId: number | null }>(
  rows: readonly T[],
  called: (row: T) => string,
): ReadonlyMap<T, string> {
  const byName = new Map<string, T[]>();
  for (const row of rows) {
    const name = called(row);
    const alike = byName.get(name);
    if (alike === undefined) byName.set(name, [row]);
    else alike.push(row);
  }
  const ids = new Map<T, string>();
  for (const alike of byName.values()) {
    if (alike.length === 1) continue;
    const differ = new Set(alike.map((row) => row.skillId)).size === alike.length;
    for (const row of alike) {
      ids.set(row, differ || row.variantId === null ? `${row.skillId}` : `${row.skillId}/${row.variantId}`);
    }
  }
  return ids;
}

/** What a player's skills reached, by key; `null` where that is not told, or not read yet. */
export function reachedOf(details: Details | null, player: string | null): ReadonlyMap<string, Reached> | null {
  if (player === null || details === null || details.reached === null) return null;
  return new Map(details.reached.filter((row) => row.playerKey === player).map((row) => [skillKey(row), row]));
}

/** Skills by what of their damage went to bosses, the greatest first; those that reached none are left out. */
export function skillsOnBosses(skills: readonly SkillRow[], reached: ReadonlyMap<string, Reached>): SkillRow[] {
  return skills
    .map((skill) => ({ ...skill, total: reached.get(skillKey(skill))?.bossTotal ?? 0 }))
    .filter((skill) => skill.total > 0)
    .sort((a, b) => b.total - a.total);
}

/** A fight whose damage is that to bosses; as it is where that is not known. */
export function onBosses(figures: FightFigures): FightFigures {
  const { totals, players } = figures;
  if (totals.bossDamage === null) return figures;
  return {
    ...figures,
    totals: { ...totals, damage: totals.bossDamage },
    // What counts all hits says nothing of these.
    players: players.map((player) => ({
      ...player,
      damage: player.bossDamage ?? 0,
      critHits: null,
      luckyHits: null,
    })),
  };
}

/** Names a death in an address. */
export function deathKey(death: { atMs: number; playerKey: string }): string {
  return `${death.atMs}-${death.playerKey}`;
}
