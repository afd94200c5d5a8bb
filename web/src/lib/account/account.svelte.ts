/** What is somebody's own: read when his page opens, and anew after each change. Who is not signed in goes to do it. */
import type { AccountApi } from '$lib/api/account';
import type { InvitationLine, KeyLine, Me, SessionLine } from '$lib/api/account-types';
import { ApiFailure } from '$lib/api/client';
import type { Who } from './who.svelte';

/** A list as the relay has it. */
export class Listed<T> {
  /** `null`: it was not read yet. */
  items = $state.raw<readonly T[] | null>(null);
  failure = $state.raw<ApiFailure | null>(null);
  /** When what it holds came, Unix ms: ages are told as they were then. */
  nowMs = $state(Date.now());
  readonly #ask: () => Promise<T[]>;
  #newest = 0;

  constructor(ask: () => Promise<T[]>) {
    this.#ask = ask;
  }

  /** What is known to be so before it is read again: nothing on the page moves twice. */
  change(by: (items: readonly T[]) => readonly T[]): void {
    this.items = by(this.items ?? []);
    this.nowMs = Date.now();
    void this.read();
  }

  /** Reads it; what was asked for before and comes later is not heard. */
  async read(): Promise<void> {
    const own = ++this.#newest;
    try {
      const items = await this.#ask();
      if (own !== this.#newest) return;
      this.items = items;
      this.nowMs = Date.now();
      this.failure = null;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      if (own === this.#newest) this.failure = error;
    }
  }
}

/** See the module. */
export class AccountState {
  me = $state.raw<Me | null>(null);
  /** Why nothing can be shown. */
  failure = $state.raw<ApiFailure | null>(null);
  /** Whether all was read that can be: the page is laid out once. */
  ready = $state(false);
  readonly keys = new Listed<KeyLine>(() => this.ask((api) => api.keys()));
  readonly sessions = new Listed<SessionLine>(() => this.ask((api) => api.sessions()));
  readonly invitations = new Listed<InvitationLine>(() => this.ask((api) => api.invitations()));
  readonly #api: AccountApi;
  readonly #who: Who;
  readonly #go: (path: string) => void;

  constructor(options: { api: AccountApi; who: Who; go: (path: string) => void }) {
    this.#api = options.api;
    this.#who = options.who;
    this.#go = options.go;
  }

  get administers(): boolean {
    return this.me?.role === 'administrator';
  }

  async start(): Promise<void> {
    this.failure = null;
    try {
      this.me = await this.ask(() => this.#who.ask());
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.failure = error;
      return;
    }
    const lists = [this.keys, this.sessions, ...(this.administers ? [this.invitations] : [])];
    await Promise.all(lists.map((list) => list.read()));
    this.ready = true;
  }

  /** Asks for something; where nobody is signed in any more, that comes first. */
  async ask<T>(request: (api: AccountApi) => Promise<T>): Promise<T> {
    try {
      return await request(this.#api);
    } catch (error) {
      if (error instanceof ApiFailure && error.signedOut) {
        this.#who.left();
        this.#go('/sign-in?next=/account');
      }
      throw error;
    }
  }

  /** He gives his password again: his session is another one then. */
  async signInAgain(password: string): Promise<void> {
    const me = await this.#api.signIn({ name: this.me?.name ?? '', password });
    this.me = me;
    this.#who.entered(me);
    void this.sessions.read();
  }

  /** He has signed out. */
  leave(): void {
    this.#who.left();
    this.#go('/');
  }
}

/** Something that is to go and is gone already is as it should be. */
export function unlessGone(error: unknown): void {
  if (!(error instanceof ApiFailure && error.notFound)) throw error;
}
