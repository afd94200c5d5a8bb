/** The relay's HTTP API, as far as pages read it. */
import type { ApiError, PointsOfView, RaidPage, Report, ReportPage, Timeline } from '$lib/wire/types';

/** A call that gave nothing. */
export class ApiFailure extends Error {
  override name = 'ApiFailure';

  constructor(
    /** HTTP status; 0 where there was no answer at all. */
    readonly status: number,
    message: string,
    /** The relay's code for it; empty where it told none. */
    readonly code = '',
  ) {
    super(message);
  }

  /** There is no such thing, or not for this reader: the relay does not tell which. */
  get notFound(): boolean {
    return this.status === 404;
  }

  /** No amount of the fight has a time: it has no timeline, and no part of it can be had. */
  get noTimes(): boolean {
    return this.status === 409 && this.code === 'no_times';
  }
}

/** A span of a fight as the API takes it, ms since the encounter began; `toMs` absent: to its end. */
export interface SpanQuery {
  fromMs: number;
  toMs: number | null;
}

/** What pages ask of the relay. Each may be given up by its signal, and fails where nothing comes for long. */
export interface Api {
  reports(page: number, limit: number, signal?: AbortSignal): Promise<ReportPage>;
  report(id: string, span?: SpanQuery | null, signal?: AbortSignal): Promise<Report>;
  timeline(id: string, signal?: AbortSignal): Promise<Timeline>;
  /** Other uploaders' reports of its fight. */
  views(id: string, signal?: AbortSignal): Promise<PointsOfView>;
  raid(place: RaidPlace, signal?: AbortSignal): Promise<RaidPage>;
}

/** A raid by its own code, or whatever raid a channel shows at present. */
export interface RaidPlace {
  kind: 'raid' | 'channel';
  name: string;
}

/**
 * Without a byte for this long a request is given up, ms: its connection may have died unnoticed (sleep, a router that
 * forgot it). Counted anew with every piece of an answer, so that a slow line may take its time.
 */
export const SILENT_MS = 8_000;

/** What calls need of the browser. */
export interface ApiEnv {
  get: typeof fetch;
  setTimer(run: () => void, ms: number): number;
  clearTimer(id: number): void;
}

const browser: ApiEnv = {
  get: (input, init) => fetch(input, init),
  setTimer: (run, ms) => window.setTimeout(run, ms),
  clearTimer: (id) => {
    window.clearTimeout(id);
  },
};

/** The API on the page's own origin, with the ticket of a private raid if the page has one. */
export function apiClient(ticket: string | null, env: ApiEnv = browser): Api {
  const call = async <T>(
    path: string,
    query: Record<string, string | number | null>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const url = withQuery(`/api/v1${path}`, { ...query, ticket });
    const patience = new Patience(env, signal);
    try {
      const response = await env
        .get(url, { headers: { accept: 'application/json' }, cache: 'no-cache', signal: patience.signal })
        .catch(() => {
          throw new ApiFailure(0, 'The relay does not answer.');
        });
      patience.heard();
      if (!response.ok) throw await failure(response);
      try {
        return JSON.parse(await bodyOf(response, patience)) as T;
      } catch {
        throw new ApiFailure(0, 'The answer of the relay is not complete.');
      }
    } finally {
      patience.end();
    }
  };
  return {
    reports: (page, limit, signal) => call('/reports', { page, limit }, signal),
    report: (id, span, signal) =>
      call(`/reports/${encodeURIComponent(id)}`, { from: span?.fromMs ?? null, to: span?.toMs ?? null }, signal),
    timeline: (id, signal) => call(`/reports/${encodeURIComponent(id)}/timeline`, {}, signal),
    views: (id, signal) => call(`/reports/${encodeURIComponent(id)}/views`, {}, signal),
    raid: (place, signal) => call(raidPath(place), {}, signal),
  };
}

/** Ends a request that hears nothing for long, or that its asker gives up. */
class Patience {
  readonly #env: ApiEnv;
  readonly #own = new AbortController();
  readonly #asker: AbortSignal | undefined;
  readonly #giveUp = (): void => {
    this.#own.abort();
  };
  #timer: number;

  constructor(env: ApiEnv, asker: AbortSignal | undefined) {
    this.#env = env;
    this.#asker = asker;
    if (asker?.aborted === true) this.#own.abort();
    asker?.addEventListener('abort', this.#giveUp);
    this.#timer = env.setTimer(this.#giveUp, SILENT_MS);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  heard(): void {
    this.#env.clearTimer(this.#timer);
    this.#timer = this.#env.setTimer(this.#giveUp, SILENT_MS);
  }

  end(): void {
    this.#env.clearTimer(this.#timer);
    this.#asker?.removeEventListener('abort', this.#giveUp);
  }
}

async function bodyOf(response: Response, patience: Patience): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return response.text();
  const decoder = new TextDecoder();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    patience.heard();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
}

function raidPath({ kind, name }: RaidPlace): string {
  return `/${kind === 'raid' ? 'raids' : 'live'}/${encodeURIComponent(name)}`;
}

/** The WebSocket URL of a raid's feed, with what of a query is there. */
export function feedUrl(place: RaidPlace, query: Record<string, string | number | null>, origin: string): string {
  const url = new URL(withQuery(`/api/v1${raidPath(place)}/feed`, query), origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** A path with what of a query is there. */
export function withQuery(path: string, query: Record<string, string | number | null>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null);
  return pairs.length === 0 ? path : `${path}?${new URLSearchParams(pairs.map(([k, v]) => [k, String(v)])).toString()}`;
}

async function failure(response: Response): Promise<ApiFailure> {
  let message = `The relay answered with error ${response.status}.`;
  let code = '';
  try {
    const body = (await response.json()) as Partial<ApiError>;
    if (typeof body.message === 'string' && body.message !== '') message = body.message;
    if (typeof body.code === 'string') code = body.code;
  } catch {
    // A proxy's page, not the relay's words: the status has to do.
  }
  return new ApiFailure(response.status, message, code);
}
