/**
 * Rows that changed places move there, drawn by the compositor: nothing of the page is measured and nothing laid out
 * for it. Where a row stands follows from the order and from the heights that the table last told.
 */

/** How long a move takes, ms. */
const MOVE_MS = 250;

/** Heights of a table's rows, px. */
export interface RowHeights {
  row: number;
  /** What opened below one of the rows adds. */
  opened: number;
}

interface Move {
  animation: Animation;
  fromPx: number;
}

/** See the module. One for a table. */
export class RowMotion {
  #order: readonly string[] = [];
  #moves = new Map<string, Move>();

  /**
   * The rows show this order from now on; those that are elsewhere than before move there.
   *
   * @param rowAt the row that stands at a place now
   * @param may whether anything may move at all
   */
  follow(
    order: readonly string[],
    open: string | null,
    heights: RowHeights,
    rowAt: (place: number) => HTMLElement | undefined,
    may: boolean,
  ): void {
    const before = tops(this.#order, open, heights);
    const after = tops(order, open, heights);
    this.#order = order;
    const running = this.#moves;
    this.#moves = new Map();
    // A move that is under way is gone on with from where it has come to.
    const left = new Map([...running].map(([key, move]) => [key, leftOf(move)]));
    for (const { animation } of running.values()) animation.cancel();
    if (!may) return;
    for (const [place, key] of order.entries()) {
      const [was, is] = [before.get(key), after.get(key)];
      if (was === undefined || is === undefined) continue;
      const fromPx = was - is + (left.get(key) ?? 0);
      const row = Math.abs(fromPx) < 1 ? undefined : rowAt(place);
      if (row === undefined) continue;
      const animation = row.animate([{ transform: `translateY(${fromPx}px)` }, { transform: 'none' }], {
        duration: MOVE_MS,
        easing: 'ease-out',
      });
      this.#moves.set(key, { animation, fromPx });
    }
  }
}

function leftOf({ animation, fromPx }: Move): number {
  const progress = animation.playState === 'running' ? animation.effect?.getComputedTiming().progress : 1;
  return fromPx * (1 - (progress ?? 1));
}

/** Where each row stands, px below the first. */
function tops(order: readonly string[], open: string | null, heights: RowHeights): Map<string, number> {
  const found = new Map<string, number>();
  let top = 0;
  for (const key of order) {
    found.set(key, top);
    top += heights.row + (key === open ? heights.opened : 0);
  }
  return found;
}
