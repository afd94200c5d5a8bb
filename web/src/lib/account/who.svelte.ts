/**
 * Who is signed in on this browser: for the head of every page, and for the pages that are his.
 *
 * His name is kept in the browser's storage from signing in to signing out. Where none is, nobody is asked for: pages of
 * spectators make no request more.
 */
import { accountClient, type AccountApi } from '$lib/api/account';
import type { Me } from '$lib/api/account-types';
import { ApiFailure } from '$lib/api/client';

const KEY = 'raidcast.name';

/** See the module. */
export class Who {
  /** `null`: nobody, as far as this browser knows. */
  name = $state<string | null>(null);
  readonly #api: AccountApi;
  #asked: Promise<Me> | null = null;

  constructor(api: AccountApi) {
    this.#api = api;
    this.recall();
    // Somebody signed in or out in another tab, or the page comes back from the browser's cache.
    window.addEventListener('storage', ({ key }) => {
      if (key === KEY || key === null) this.recall();
    });
    window.addEventListener('pageshow', ({ persisted }) => {
      if (persisted) this.recall();
    });
  }

  /** Takes what the browser keeps. */
  recall(): void {
    try {
      this.name = localStorage.getItem(KEY);
    } catch {
      // Storage is off: only what this page does itself is known.
    }
  }

  /** Asks the relay, once for each page that is loaded, however many want to know. */
  ask(): Promise<Me> {
    this.#asked ??= this.#ask();
    return this.#asked;
  }

  /** Somebody has signed in. */
  entered(me: Me): void {
    this.#asked = Promise.resolve(me);
    this.#keep(me.name);
  }

  /** Nobody is signed in any more. */
  left(): void {
    this.#asked = null;
    this.#keep(null);
  }

  async #ask(): Promise<Me> {
    try {
      const me = await this.#api.me();
      this.#keep(me.name);
      return me;
    } catch (error) {
      // It may be asked again.
      this.#asked = null;
      if (error instanceof ApiFailure && error.signedOut) this.#keep(null);
      throw error;
    }
  }

  #keep(name: string | null): void {
    this.name = name;
    try {
      if (name === null) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, name);
    } catch {
      // Storage is off: see above.
    }
  }
}

/** The one of this page. */
export const who = new Who(accountClient());
