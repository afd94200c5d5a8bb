/**
 * A search while it is typed: asked when the typing pauses, the latest question's answer is shown, whatever comes when.
 *
 * The invariant: what is shown is all of one question's answer. While the next one is waited for it stays, and is called
 * old.
 */
import { ApiFailure } from '$lib/api/client';
import type { SearchApi, SearchQuestion } from '$lib/api/search';
import type { EncounterPage } from '$lib/api/types';
import type { ReportSummary } from '$lib/wire/types';
import { fieldsOf, NAME_CHARS_MAX, questionOf, type SearchField, type SearchPlace } from './place';

/** How long typing pauses before it is asked, ms. */
export const PAUSE_MS = 250;
/** Entries of a page, and of each part where the text may be several things. */
export const LIMIT = 20;
export const LIMIT_OF_PARTS = 5;
/** A page may have no entries though there are more: so many are asked for by themselves. */
const PAGES_MAX = 4;
/** How long it is waited where the relay does not answer, and says nothing of when to ask again, ms. */
const RETRY_MS = 4_000;

/** What was found, as a name of one thing. */
export interface Part {
  of: SearchField | null;
  fights: readonly ReportSummary[];
  /** Leads on; `null` at the end. */
  next: string | null;
  /** How many there are, as far as it was counted; `null` where nobody did. */
  total: number | null;
  totalIsAtLeast: boolean;
}

/** Why nothing came, and when it is asked again. */
export interface Trouble {
  failure: ApiFailure;
  /** Unix ms; `null`: not by itself. */
  againMs: number | null;
}

interface SearchEnv {
  now(): number;
  setTimer(run: () => void, ms: number): number;
  clearTimer(id: number): void;
}

/** See the module. */
export class FightSearch {
  /** Of the last question that was answered; `null` before the first. */
  parts = $state.raw<readonly Part[] | null>(null);
  trouble = $state.raw<Trouble | null>(null);
  /** Whether an answer is waited for, or typing for its end. */
  busy = $state(false);
  /** Whether more of what is shown is asked for. */
  moreBusy = $state(false);

  readonly #api: SearchApi;
  readonly #env: SearchEnv;
  readonly #asked: (place: SearchPlace, typed: boolean) => void;
  #place = $state.raw<SearchPlace | null>(null);
  /** What the parts answer. */
  #answered = $state.raw<SearchPlace | null>(null);
  #current: AbortController | null = null;
  #timer: number | null = null;

  /** @param options.asked is told what is asked for now, and whether that was typed: its address may be written */
  constructor(options: { api: SearchApi; env: SearchEnv; asked?: (place: SearchPlace, typed: boolean) => void }) {
    this.#api = options.api;
    this.#env = options.env;
    this.#asked = options.asked ?? (() => undefined);
  }

  /** Whether what is shown is of another question than the last one. */
  old: boolean = $derived.by(() => this.#answered !== null && this.#answered !== this.#place);

  /** Asks this, and nothing that was asked before. While somebody types: when he pauses. */
  ask(place: SearchPlace, typing = false): void {
    this.#giveUp();
    this.#place = place;
    this.busy = true;
    if (typing) {
      this.#timer = this.#env.setTimer(() => {
        this.#asked(place, true);
        void this.#run(place);
      }, PAUSE_MS);
    } else {
      this.#asked(place, false);
      void this.#run(place);
    }
  }

  /** Asks the same anew. */
  again(): void {
    if (this.#place === null) return;
    this.#giveUp();
    this.busy = true;
    void this.#run(this.#place);
  }

  /** Asks for what comes behind what is shown, where that is of one thing. */
  more(): void {
    const [part] = this.parts ?? [];
    const place = this.#place;
    if (this.busy || this.moreBusy || this.old || part === undefined || place === null || part.next === null) return;
    this.trouble = null;
    this.moreBusy = true;
    void this.#more(place, part);
  }

  stop(): void {
    this.#giveUp();
    this.busy = false;
  }

  #giveUp(): void {
    this.#current?.abort();
    this.#current = null;
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
    this.moreBusy = false;
  }

  async #run(place: SearchPlace): Promise<void> {
    this.#timer = null;
    const own = new AbortController();
    this.#current = own;
    try {
      const fields = fieldsOf(place);
      const limit = fields.length > 1 ? LIMIT_OF_PARTS : LIMIT;
      // No name is longer: there is nothing to ask.
      const none = fields[0] !== null && [...place.text.trim()].length > NAME_CHARS_MAX;
      const parts = none
        ? []
        : await Promise.all(
            fields.map((field) => this.#part(field, { ...questionOf(place, field), limit }, own.signal)),
          );
      if (this.#current !== own) return;
      this.parts = parts;
      this.#answered = place;
      this.trouble = null;
      this.busy = false;
      this.#current = null;
    } catch (error) {
      // What is still on its way of the same question is of no use any more.
      own.abort();
      this.#failed(own, error, () => {
        this.again();
      });
    }
  }

  async #more(place: SearchPlace, part: Part): Promise<void> {
    const own = new AbortController();
    this.#current = own;
    try {
      const question = { ...questionOf(place, part.of), limit: LIMIT };
      const more = await this.#pages(question, part.next, own.signal);
      if (this.#current !== own) return;
      const known = part.fights.map(({ reportId }) => reportId);
      const fights = [...part.fights, ...more.encounters.filter(({ reportId }) => !known.includes(reportId))];
      this.parts = [{ ...part, fights, next: more.pagination.next }];
      this.moreBusy = false;
      this.#current = null;
    } catch (error) {
      this.#failed(own, error, () => {
        this.more();
      });
    }
  }

  async #part(of: SearchField | null, question: SearchQuestion, signal: AbortSignal): Promise<Part> {
    const first = await this.#pages(question, null, signal);
    const { next, total, totalIsAtLeast } = first.pagination;
    return { of, fights: first.encounters, next, total, totalIsAtLeast };
  }

  /** A page; where it has no entries though there are more, those of the next that has some. */
  async #pages(question: SearchQuestion, after: string | null, signal: AbortSignal): Promise<EncounterPage> {
    let page = await this.#api.encounters({ ...question, cursor: after }, signal);
    const counted = page.pagination;
    for (let asked = 1; asked < PAGES_MAX && page.encounters.length === 0; asked++) {
      const { next } = page.pagination;
      if (next === null) break;
      page = await this.#api.encounters({ ...question, cursor: next }, signal);
    }
    return { ...page, pagination: { ...counted, next: page.pagination.next } };
  }

  #failed(own: AbortController, error: unknown, again: () => void): void {
    if (this.#current !== own) return;
    this.#current = null;
    this.busy = false;
    this.moreBusy = false;
    if (!(error instanceof ApiFailure)) throw error;
    const waitMs = waitOf(error);
    this.trouble = { failure: error, againMs: waitMs === null ? null : this.#env.now() + waitMs };
    if (waitMs !== null) this.#timer = this.#env.setTimer(again, waitMs);
  }
}

/** How long it is waited before the same is asked again, ms; `null` where that does no good. */
function waitOf(failure: ApiFailure): number | null {
  if (failure.retryS !== null) return failure.retryS * 1000;
  return failure.status === 0 || failure.status >= 500 || failure.status === 429 ? RETRY_MS : null;
}

/** What happened, and what to do, in words; told anew each second. */
export function troubleWords({ failure, againMs }: Trouble, nowMs: number): string {
  const why =
    failure.status === 429
      ? 'Too many requests came from your address.'
      : failure.status === 503
        ? 'The relay is busy.'
        : sentence(failure.message);
  if (againMs === null) return `${why} Change what you search for.`;
  const seconds = Math.max(1, Math.ceil((againMs - nowMs) / 1000));
  return `${why} It goes on by itself in ${seconds} ${seconds === 1 ? 'second' : 'seconds'}.`;
}

/** Messages of the relay begin small and have no end. */
function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
