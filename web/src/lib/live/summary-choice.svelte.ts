/** Which columns this device's reader wants in summaries: for each view those of its own choice, or the usual ones. */
import { COLUMNS, columnsOf, isUsual, USUAL, VIEWS, viewOf, type Column, type SummaryView } from '$lib/fight/columns';
import { heldChoice, keepChoice } from './choices.svelte';

class SummaryChoice {
  #view = $state<SummaryView>('all');
  #columns = $state.raw<Partial<Record<SummaryView, Column[]>>>({});

  /** Reads what the device holds: another page of it may have chosen since. */
  read(): void {
    const held = heldChoice('summary');
    // Nothing is held, or nothing can be: what was chosen on this page lasts as long as it.
    if (held === undefined) return;
    const { view, columns } = record(held);
    this.#view = viewOf(view);
    const own = record(columns);
    const kept = VIEWS.flatMap((one) => {
      const wanted = columnsOf(own[one]);
      return wanted === null ? [] : [[one, wanted] as const];
    });
    this.#columns = Object.fromEntries(kept);
  }

  get view(): SummaryView {
    return this.#view;
  }

  set view(view: SummaryView) {
    this.#view = view;
    this.#keep();
  }

  /** What is wanted in the present view. */
  get columns(): readonly Column[] {
    return this.#columns[this.#view] ?? USUAL[this.#view].columns;
  }

  /** Whether they are those that the view has by itself. */
  get usual(): boolean {
    return isUsual(this.#view, this.columns);
  }

  /** Wants a column, or does not; the last one stays. */
  want(column: Column, on: boolean): void {
    const columns = COLUMNS.filter((one) => (one === column ? on : this.columns.includes(one)));
    if (columns.length === 0) return;
    const rest = this.#others();
    this.#columns = isUsual(this.#view, columns) ? rest : { ...rest, [this.#view]: columns };
    this.#keep();
  }

  /** The usual ones again. */
  reset(): void {
    this.#columns = this.#others();
    this.#keep();
  }

  /** What was chosen in the other views. */
  #others(): Partial<Record<SummaryView, Column[]>> {
    return Object.fromEntries(Object.entries(this.#columns).filter(([view]) => view !== this.#view));
  }

  #keep(): void {
    keepChoice('summary', { view: this.#view, columns: this.#columns });
  }
}

function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** This device's. */
export const summaryChoice = new SummaryChoice();
