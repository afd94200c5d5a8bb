/** Positional rows of a keyframe, and the masked changes of a tick. */
import { FrameError } from './frame';

/**
 * Rows after the changes of one tick: row index, bits of the columns that follow (bit 0 is the first), values; one row
 * behind the other. Rows that did not change are the same arrays.
 */
export function applyRowChanges(rows: readonly number[][], changes: readonly number[], columns: number): number[][] {
  const next = [...rows];
  let at = 0;
  while (at < changes.length) {
    const index = changes[at++];
    const mask = changes[at++];
    if (index === undefined || mask === undefined || index < 0 || index > next.length) {
      throw new FrameError('a row change has no place');
    }
    if (mask >= 2 ** columns) throw new FrameError('a row change names columns that no row has');
    const row = next[index]?.slice() ?? new Array<number>(columns).fill(0);
    for (let column = 0; column < columns; column++) {
      if ((mask & (1 << column)) === 0) continue;
      const value = changes[at++];
      if (value === undefined) throw new FrameError('a row change is cut short');
      row[column] = value;
    }
    next[index] = row;
  }
  return next;
}
