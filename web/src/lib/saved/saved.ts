/**
 * A fight as it stands in a file of its own: read from the block of data that the relay wrote into the page
 * (`shared/src/saved.rs`, `relay/src/file.rs`).
 */
import type { Recaps, Report } from '$lib/api/types';

/** The version that this page reads. */
export const SAVED_VERSION = 1;

/** Who did something, or had it done to them. */
export interface SavedActor {
  /** Of a player, in this file. */
  playerKey: string | null;
  name: string | null;
  monsterId: number | null;
  /** Whether it is told to be a boss. */
  boss: boolean;
  /** What it is called among bosses, if it is one in any part of the fight. */
  bossName: string | null;
}

export interface SavedSkill {
  skillId: number;
  variantId: number | null;
  name: string | null;
}

/** Entries by time, one behind the other in each column. */
export interface SavedHits {
  atMs: Float64Array;
  row: Float64Array;
  amount: Float64Array;
  flags: Float64Array;
}

/** What rows grew by when their sums were told, likewise. */
export interface SavedSums {
  atMs: Float64Array;
  row: Float64Array;
  hits: Float64Array;
  amount: Float64Array;
  crit: Float64Array;
  lucky: Float64Array;
}

/** See the module, as far as the page reads it. Times are ms since the encounter began. */
export interface Saved {
  version: number;
  report: Report;
  recaps: Recaps;
  knowsTargets: boolean;
  knowsDeaths: boolean;
  actors: readonly SavedActor[];
  skills: readonly SavedSkill[];
  /** Places of source and target among the actors, that of the skill, and 1 where it heals. */
  rows: readonly (readonly [source: number, target: number, skill: number, heals: number])[];
  /** When the fight went on without a hit. */
  moments: readonly number[];
  /** Players' deaths: when, and the place of who died. */
  falls: readonly (readonly [atMs: number, actor: number])[];
  /** Health of bosses, by time: when, the place of the boss, how much. */
  health: readonly (readonly [atMs: number, actor: number, hp: number])[];
  hits: SavedHits;
  sums: SavedSums;
}

/** There is no fight in the file that this page can read; the text says why. */
export class SavedError extends Error {
  override name = 'SavedError';
}

type Columns<T> = { [K in keyof T]: string } & { count: number };
type Block = Omit<Saved, 'hits' | 'sums'> & { hits: Columns<SavedHits>; sums: Columns<SavedSums> };

/** Reads the block. Throws SavedError where there is no fight in it. */
export async function readSaved(text: string): Promise<Saved> {
  if (text.trim() === '') throw new SavedError('There is no fight in this file.');
  let block: Block;
  try {
    block = JSON.parse(text) as Block;
  } catch {
    throw new SavedError('This file is damaged: save the fight again.');
  }
  if (block.version !== SAVED_VERSION) {
    throw new SavedError('This file is of another version of Raidcast than the page in it.');
  }
  try {
    const [hits, sums] = [block.hits, block.sums];
    const ofHits = (packed: string): Promise<Float64Array> => numbers(packed, hits.count);
    const ofSums = (packed: string): Promise<Float64Array> => numbers(packed, sums.count);
    return {
      ...block,
      hits: {
        atMs: added(await ofHits(hits.atMs)),
        row: await ofHits(hits.row),
        amount: await ofHits(hits.amount),
        flags: await ofHits(hits.flags),
      },
      sums: {
        atMs: added(await ofSums(sums.atMs)),
        row: await ofSums(sums.row),
        hits: await ofSums(sums.hits),
        amount: await ofSums(sums.amount),
        crit: await ofSums(sums.crit),
        lucky: await ofSums(sums.lucky),
      },
    };
  } catch {
    throw new SavedError('This file is damaged: save the fight again.');
  }
}

/** Base64 of zlib of numbers of seven bits a byte, the lowest first. */
async function numbers(packed: string, count: number): Promise<Float64Array> {
  const zlib = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const stream = new Blob([zlib]).stream().pipeThrough(new DecompressionStream('deflate'));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const values = new Float64Array(count);
  let [at, value, weight] = [0, 0, 1];
  for (const byte of bytes) {
    value += (byte & 0x7f) * weight;
    weight *= 128;
    if (byte >= 0x80) continue;
    values[at++] = value;
    [value, weight] = [0, 1];
  }
  if (at !== count || weight !== 1) throw new SavedError('a column is cut short');
  return values;
}

/** Times, of how long each came after the one before. */
function added(steps: Float64Array): Float64Array {
  let sum = 0;
  return steps.map((step) => (sum += step));
}
