/** The raid whose code is typed, if there is one that may be seen: codes stand in no search. */
import { ApiFailure, type Api } from '$lib/api/client';
import type { RaidPage } from '$lib/api/types';
import { codeOf } from './lead';
import { PAUSE_MS } from './search.svelte';

interface RaidEnv {
  setTimer(run: () => void, ms: number): number;
  clearTimer(id: number): void;
}

/** See the module. */
export class RaidByCode {
  found = $state.raw<RaidPage | null>(null);

  readonly #api: Pick<Api, 'raid'>;
  readonly #env: RaidEnv;
  #current: AbortController | null = null;
  #timer: number | null = null;

  constructor(api: Pick<Api, 'raid'>, env: RaidEnv) {
    this.#api = api;
    this.#env = env;
  }

  /** Looks for a raid with this code, and for none that was looked for before. While somebody types: when he pauses. */
  look(text: string, typing = false): void {
    this.stop();
    this.found = null;
    const code = codeOf(text);
    if (code === null) return;
    if (typing) {
      this.#timer = this.#env.setTimer(() => {
        void this.#look(code);
      }, PAUSE_MS);
    } else {
      void this.#look(code);
    }
  }

  stop(): void {
    this.#current?.abort();
    this.#current = null;
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
  }

  async #look(code: string): Promise<void> {
    const own = new AbortController();
    this.#current = own;
    try {
      const raid = await this.#api.raid({ kind: 'raid', name: code }, own.signal);
      if (this.#current === own) this.found = raid;
    } catch (error) {
      // What is not there, or cannot be asked now, is not offered: the search beside it says what is wrong.
      if (!(error instanceof ApiFailure)) throw error;
    }
  }
}
