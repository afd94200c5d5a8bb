/**
 * What a reader chose for this device: how pages are laid out and used. It stands in no address, so a link carries
 * nobody's layout.
 */

const KEY = 'raidcast.choices';

interface Held {
  keys?: boolean;
  /** Which columns summaries have: `summary-choice.svelte.ts` reads it. */
  summary?: unknown;
}

class Choices {
  /** Whether single keys do something. */
  #keys = $state(true);

  constructor() {
    this.#keys = held().keys !== false;
  }

  get keys(): boolean {
    return this.#keys;
  }

  set keys(on: boolean) {
    this.#keys = on;
    keep({ keys: on });
  }
}

function held(): Held {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    // Storage is off, or holds what is not ours.
    return {};
  }
}

function keep(change: Held): void {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...held(), ...change }));
  } catch {
    // Storage is off: the choice lasts as long as the page.
  }
}

/** What is held of one choice, whoever wrote it. */
export function heldChoice(name: keyof Held): unknown {
  return held()[name];
}

/** Holds it from now on. */
export function keepChoice(name: keyof Held, value: unknown): void {
  keep({ [name]: value });
}

/** This device's. */
export const choices = new Choices();
