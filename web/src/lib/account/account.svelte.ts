/** What is somebody's own: read when his page opens, and anew after each change. Who is not signed in goes to do it. */
import type { AccountApi } from '$lib/api/account';
import type {
  AuditLine,
  CharacterLine,
  ClaimLine,
  HiddenPlayer,
  InvitationLine,
  JudgedClaim,
  KeyLine,
  Me,
  MyAccount,
  MyRaid,
  PersonLine,
  ProofWay,
  ProviderForm,
  ProviderLine,
  RelayLimits,
  RemovalLine,
  SessionLine,
  WayLine,
} from '$lib/api/account-types';
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
  /** Accounts that nobody holds. */
  readonly unheld = new Listed<MyAccount>(() => this.ask((api) => api.accounts()));
  /** His raids: as many pages as he has asked for. */
  readonly raids = new Listed<MyRaid>(() => this.#pages((before?: number) => this.#raidsOf(before), this.#raidPages));
  /** Where there are more of them. */
  moreRaids = $state(false);
  /** So many days raids are kept, if not for ever. */
  keepDays = $state<number | null>(null);
  /** His characters. */
  readonly characters = new Listed<CharacterLine>(async () => {
    const { characters, claims, ways } = await this.ask((api) => api.characters());
    this.claims = claims;
    this.proofs = ways;
    return characters;
  });
  /** What he says is his. */
  claims = $state.raw<readonly ClaimLine[]>([]);
  /** How characters are proved here. */
  proofs = $state.raw<readonly ProofWay[]>([]);
  /** For administrators: claims that wait for one. */
  readonly openClaims = new Listed<JudgedClaim>(() => this.ask((api) => api.claims()));
  /** For administrators: who signs in, who asks to be removed, who changed what. */
  readonly people = new Listed<PersonLine>(() => this.ask((api) => api.people()));
  readonly removals = new Listed<RemovalLine>(() => this.ask((api) => api.removals()));
  readonly audit = new Listed<AuditLine>(() =>
    this.#pages((before?: number) => this.#notesOf(before), this.#auditPages),
  );
  moreAudit = $state(false);
  /** For administrators: whom they have hidden. */
  readonly hidden = new Listed<HiddenPlayer>(() =>
    this.#pages((before?: string) => this.#hiddenOf(before), this.#hiddenPages),
  );
  moreHidden = $state(false);
  /** For administrators: what the relay lets through, and what it holds back. A list of one. */
  readonly limits = new Listed<RelayLimits>(async () => [await this.ask((api) => api.limits())]);
  #raidPages = 1;
  #auditPages = 1;
  #hiddenPages = 1;
  /** How he signs in. */
  readonly ways = new Listed<WayLine>(async () => {
    const { ways, addable } = await this.ask((api) => api.ways());
    this.addable = addable;
    return ways;
  });
  /** The providers by whom he could, too. */
  addable = $state.raw<readonly ProviderLine[]>([]);
  readonly #api: AccountApi;
  readonly #who: Who;
  readonly #page: () => string;
  readonly #go: (path: string) => void;
  readonly #leave: (url: string) => void;

  /**
   * @param options `page`: the path of the one that this is for, to which somebody comes back who has signed in, as it is
   *   then; `leave`: goes to a provider
   */
  constructor(options: {
    api: AccountApi;
    who: Who;
    page: string | (() => string);
    go: (path: string) => void;
    leave?: (url: string) => void;
  }) {
    this.#api = options.api;
    this.#who = options.who;
    const { page } = options;
    this.#page = typeof page === 'string' ? () => page : page;
    this.#go = options.go;
    this.#leave =
      options.leave ??
      ((url) => {
        location.assign(url);
      });
  }

  /** Whether he signs in by a password; also where it is not known. */
  get hasPassword(): boolean {
    return this.ways.items?.some(({ provider }) => provider === null) ?? true;
  }

  get administers(): boolean {
    return this.me?.role === 'administrator';
  }

  /** Asks who is signed in. False if that is not known. */
  async enter(): Promise<boolean> {
    this.failure = null;
    try {
      this.me = await this.ask(() => this.#who.ask());
      return true;
    } catch (error) {
      if (!(error instanceof ApiFailure)) throw error;
      this.failure = error;
      return false;
    }
  }

  /** The same, and reads what is his. */
  async start(): Promise<void> {
    if (!(await this.enter())) return;
    const own = [this.keys, this.sessions, this.ways, this.raids, this.characters];
    const administrators = [
      this.invitations,
      this.unheld,
      this.people,
      this.removals,
      this.openClaims,
      this.hidden,
      this.limits,
      this.audit,
    ];
    const lists = [...own, ...(this.administers ? administrators : [])];
    await Promise.all(lists.map((list) => list.read()));
    this.ready = true;
  }

  /** One page more of his raids. */
  async readMoreRaids(): Promise<void> {
    this.#raidPages += 1;
    await this.raids.read();
  }

  /** One page more of who changed what. */
  async readMoreAudit(): Promise<void> {
    this.#auditPages += 1;
    await this.audit.read();
  }

  /** One page more of whom administrators have hidden. */
  async readMoreHidden(): Promise<void> {
    this.#hiddenPages += 1;
    await this.hidden.read();
  }

  async #pages<T, P>(page: (before?: P) => Promise<{ items: T[]; next: P | null }>, count: number): Promise<T[]> {
    const all: T[] = [];
    let before: P | undefined;
    for (let number = 0; number < count; number += 1) {
      const { items, next } = await page(before);
      all.push(...items);
      if (next === null) break;
      before = next;
    }
    return all;
  }

  async #raidsOf(before?: number): Promise<{ items: MyRaid[]; next: number | null }> {
    const { raids, next, keepDays } = await this.ask((api) => api.raids(before));
    this.moreRaids = next !== null;
    this.keepDays = keepDays;
    return { items: raids, next };
  }

  async #hiddenOf(before?: string): Promise<{ items: HiddenPlayer[]; next: string | null }> {
    const { players, next } = await this.ask((api) => api.hiddenPlayers(before));
    this.moreHidden = next !== null;
    return { items: players, next };
  }

  async #notesOf(before?: number): Promise<{ items: AuditLine[]; next: number | null }> {
    const { lines, next } = await this.ask((api) => api.audit(before));
    this.moreAudit = next !== null;
    return { items: lines, next };
  }

  /** Asks for something; where nobody is signed in any more, that comes first. */
  async ask<T>(request: (api: AccountApi) => Promise<T>): Promise<T> {
    try {
      return await request(this.#api);
    } catch (error) {
      if (error instanceof ApiFailure && error.signedOut) {
        this.#who.left();
        this.#go(`/sign-in?next=${encodeURIComponent(this.#page()).replaceAll('%2F', '/')}`);
      }
      throw error;
    }
  }

  /** He gives his password again: his session is another one then. */
  async signInAgain(password: string): Promise<void> {
    this.know(await this.#api.signIn({ name: this.me?.name ?? '', password }));
    if (this.ready) void this.sessions.read();
  }

  /** He goes to a provider, to add it or to sign in anew. */
  async goToProvider(id: string, errand: NonNullable<ProviderForm['errand']>): Promise<void> {
    this.#leave(await this.ask((api) => api.goToProvider(id, { errand, next: this.#page() })));
  }

  /** Who he is, or what is his, was told anew. */
  know(me: Me): void {
    this.me = me;
    this.#who.entered(me);
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

/** The same of something that is deleted bit by bit: all of it is gone. */
export function goneAlready(error: unknown): true {
  unlessGone(error);
  return true;
}
