/**
 * What a part of the page asks the relay for: one thing at a time, and why it did not work.
 *
 * Where the relay wants him to sign in again first, the part asks for the password in its place, and then the same is asked
 * for once more by itself. Whoever signs in by a provider leaves the page for it.
 */
import type { AccountApi } from '$lib/api/account';
import type { ProviderLine } from '$lib/api/account-types';
import { ApiFailure } from '$lib/api/client';
import type { AccountState } from './account.svelte';

/** See the module. */
export class Errand {
  busy = $state(false);
  failure = $state.raw<ApiFailure | null>(null);
  /** What the password is asked for: "make a key"; `null`: it is not. */
  passwordFor = $state<string | null>(null);
  readonly #account: AccountState;
  #answer: (given: boolean) => void = () => undefined;

  constructor(account: AccountState) {
    this.#account = account;
  }

  /** The name of whose password is asked for. */
  get name(): string {
    return this.#account.me?.name ?? '';
  }

  /** Whether he has a password. */
  get hasPassword(): boolean {
    return this.#account.hasPassword;
  }

  /** The providers by whom he can sign in again. */
  get providers(): ProviderLine[] {
    const ways = this.#account.ways.items ?? [];
    return ways.flatMap(({ provider, works }) => (provider !== null && works ? [provider] : []));
  }

  /** Whether it was done. */
  async run(what: string, request: (api: AccountApi) => Promise<void>): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.failure = null;
    try {
      return await this.#done(what, request);
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.failure = error;
      return false;
    } finally {
      this.busy = false;
    }
  }

  /** The password, which was asked for. Fails where it is wrong. */
  async give(password: string): Promise<void> {
    await this.#account.signInAgain(password);
    this.#answer(true);
  }

  /** Leaves for a provider, to sign in there. */
  async signInBy(id: string): Promise<void> {
    await this.#account.goToProvider(id, 'again');
  }

  /** It is not given. */
  giveUp(): void {
    this.#answer(false);
  }

  async #done(what: string, request: (api: AccountApi) => Promise<void>): Promise<boolean> {
    try {
      await this.#account.ask(request);
      return true;
    } catch (error) {
      if (!(error instanceof ApiFailure && error.signInAgain)) throw error;
    }
    if (this.#account.ways.items === null) await this.#account.ways.read();
    const given = await new Promise<boolean>((answer) => {
      this.#answer = answer;
      this.passwordFor = what;
    });
    this.passwordFor = null;
    if (given) await this.#account.ask(request);
    return given;
  }
}
