/**
 * The relay's HTTP API, as far as pages read it. Addresses, what they take and what they answer are checked against what
 * the API says of itself (`schema.d.ts`, made by `cargo xtask types`).
 */
import type { Description } from './description';
import type { paths } from './schema';
import type {
  ApiError,
  Details,
  FeedTicket,
  PointsOfView,
  RaidPage,
  Recaps,
  Report,
  ReportPage,
  Timeline,
} from './types';

/** An address that is read. */
type Address = { [P in keyof paths]: paths[P] extends { get: object } ? P : never }[keyof paths];
type Get<P extends Address> = paths[P]['get'];

/** What stands in an address between braces. */
type Names<P extends Address> =
  Get<P> extends { parameters: { path: infer N extends object } } ? N : Record<never, never>;
/** What stands behind its `?`; null and what is left out does not. */
type Query<P extends Address> =
  Get<P> extends { parameters: { query?: infer Q } }
    ? [Q] extends [never | undefined]
      ? Record<never, never>
      : { [K in keyof Q]?: Q[K] | null }
    : Record<never, never>;
/** What it answers. */
type Answer<P extends Address> =
  Get<P> extends { responses: { 200: { content: { 'application/json': infer A } } } } ? A : never;

/** A call that gave nothing. */
export class ApiFailure extends Error {
  override name = 'ApiFailure';

  constructor(
    /** HTTP status; 0 where there was no answer at all. */
    readonly status: number,
    message: string,
    /** The relay's code for it; empty where it told none. */
    readonly code = '',
    /** So many seconds later the same may be asked again, where the relay says so. */
    readonly retryS: number | null = null,
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

  /** Nobody is signed in. */
  get signedOut(): boolean {
    return this.status === 401 && this.code === 'signed_out';
  }

  /** Who is signed in must give his password again before this. */
  get signInAgain(): boolean {
    return this.status === 403 && this.code === 'sign_in_again';
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
  /** What stands beside its figures, or those of a span. */
  details(id: string, span?: SpanQuery | null, signal?: AbortSignal): Promise<Details>;
  /** What led to the deaths of a span. */
  recaps(id: string, span: SpanQuery, signal?: AbortSignal): Promise<Recaps>;
  /** Other uploaders' reports of its fight. */
  views(id: string, signal?: AbortSignal): Promise<PointsOfView>;
  raid(place: RaidPlace, signal?: AbortSignal): Promise<RaidPage>;
  /** Gets what opens a feed once, in place of the page's own ticket; null where the page has none. */
  readonly feedTicket: ((place: RaidPlace) => Promise<string>) | null;
}

/** The same, and what the API says of itself. */
export interface WholeApi extends Api {
  description(signal?: AbortSignal): Promise<Description>;
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
/** The same where something is changed: passwords wait for their turn, and what is given up may be done all the same. */
export const CHANGE_SILENT_MS = 30_000;
/** The same of an archive: between two pieces of it the relay adds up a fight, in turn with those of others. */
export const ARCHIVE_SILENT_MS = 120_000;

/** What calls need of the browser. */
export interface ApiEnv {
  get: typeof fetch;
  setTimer(run: () => void, ms: number): number;
  clearTimer(id: number): void;
}

export const browserApiEnv: ApiEnv = {
  get: (input, init) => fetch(input, init),
  setTimer: (run, ms) => setTimeout(run, ms),
  clearTimer: (id) => {
    clearTimeout(id);
  },
};

/** What is asked for but the address. */
export interface Asked {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal | undefined;
}

/** Asks, and gives what comes: read from JSON, or nothing where the relay has nothing to say (204). */
export async function ask(env: ApiEnv, url: string, asked: Asked = {}): Promise<unknown> {
  const isRead = asked.method === undefined || asked.method === 'GET';
  const patience = new Patience(env, isRead ? SILENT_MS : CHANGE_SILENT_MS, asked.signal);
  try {
    const response = await answer(env, url, asked, patience);
    if (response.status === 204) return undefined;
    try {
      return JSON.parse(await bodyOf(response, patience)) as unknown;
    } catch {
      throw new ApiFailure(0, 'The answer of the relay is not complete.');
    }
  } finally {
    patience.end();
  }
}

/**
 * Asks for an archive, and takes it to its end.
 *
 * @param heard told how many bytes of it have come
 */
export async function askArchive(
  env: ApiEnv,
  url: string,
  asked: Asked,
  heard: (bytes: number) => void = () => undefined,
): Promise<Blob> {
  const patience = new Patience(env, ARCHIVE_SILENT_MS, asked.signal);
  try {
    const response = await answer(env, url, asked, patience);
    // Each piece is a blob at once: browsers keep large ones in files, and not in the page's memory.
    const pieces: Blob[] = [];
    let bytes = 0;
    try {
      for await (const piece of piecesOf(response, patience)) {
        pieces.push(new Blob([piece]));
        heard((bytes += piece.byteLength));
      }
    } catch {
      throw new ApiFailure(0, 'The archive broke off before its end: ask for it again.');
    }
    return new Blob(pieces, { type: response.headers.get('content-type') ?? '' });
  } finally {
    patience.end();
  }
}

/** What is answered, if that is what was asked for. */
async function answer(
  env: ApiEnv,
  url: string,
  { method = 'GET', body }: Asked,
  patience: Patience,
): Promise<Response> {
  const accept = { accept: 'application/json' };
  const sent =
    body === undefined
      ? { headers: accept }
      : { headers: { ...accept, 'content-type': 'application/json' }, body: JSON.stringify(body) };
  const response = await env.get(url, { method, ...sent, cache: 'no-cache', signal: patience.signal }).catch(() => {
    throw new ApiFailure(0, 'The relay does not answer.');
  });
  patience.heard();
  if (!response.ok) throw await failure(response);
  return response;
}

/** The API on the page's own origin, with the ticket of a private raid if the page has one. */
export function apiClient(ticket: string | null, env: ApiEnv = browserApiEnv): WholeApi {
  const call = async <P extends Address>(
    path: P,
    names: Names<P>,
    query: Query<P>,
    signal?: AbortSignal,
  ): Promise<Answer<P>> => (await ask(env, withQuery(named(path, names), query), { signal })) as Answer<P>;
  const of = (span: SpanQuery | null | undefined) => ({ from: span?.fromMs ?? null, to: span?.toMs ?? null, ticket });
  return {
    // All that is in it is public.
    reports: (page, limit, signal) => call('/api/v1/reports', {}, { page, limit }, signal),
    report: (reportId, span, signal) => call('/api/v1/reports/{reportId}', { reportId }, of(span), signal),
    details: (reportId, span, signal) => call('/api/v1/reports/{reportId}/details', { reportId }, of(span), signal),
    recaps: (reportId, span, signal) => call('/api/v1/reports/{reportId}/recaps', { reportId }, of(span), signal),
    timeline: (reportId, signal) => call('/api/v1/reports/{reportId}/timeline', { reportId }, { ticket }, signal),
    views: (reportId, signal) => call('/api/v1/reports/{reportId}/views', { reportId }, { ticket }, signal),
    raid: ({ kind, name }, signal) =>
      kind === 'raid'
        ? call('/api/v1/raids/{code}', { code: name }, { ticket }, signal)
        : call('/api/v1/live/{channel}', { channel: name }, { ticket }, signal),
    feedTicket:
      ticket === null
        ? null
        : async (place) => {
            const given = (await ask(env, feedPath(place, 'feed-ticket'), {
              method: 'POST',
              body: { ticket },
            })) as FeedTicket;
            return given.ticket;
          },
    description: async (signal) => (await call('/api/v1/openapi.json', {}, {}, signal)) as Description,
  };
}

/** Ends a request that hears nothing for long, or that its asker gives up. */
class Patience {
  readonly #env: ApiEnv;
  readonly #silentMs: number;
  readonly #own = new AbortController();
  readonly #asker: AbortSignal | undefined;
  readonly #giveUp = (): void => {
    this.#own.abort();
  };
  #timer: number;

  constructor(env: ApiEnv, silentMs: number, asker: AbortSignal | undefined) {
    this.#env = env;
    this.#silentMs = silentMs;
    this.#asker = asker;
    if (asker?.aborted === true) this.#own.abort();
    asker?.addEventListener('abort', this.#giveUp);
    this.#timer = env.setTimer(this.#giveUp, silentMs);
  }

  get signal(): AbortSignal {
    return this.#own.signal;
  }

  heard(): void {
    this.#env.clearTimer(this.#timer);
    this.#timer = this.#env.setTimer(this.#giveUp, this.#silentMs);
  }

  end(): void {
    this.#env.clearTimer(this.#timer);
    this.#asker?.removeEventListener('abort', this.#giveUp);
  }
}

async function* piecesOf(response: Response, patience: Patience): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = response.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    patience.heard();
    if (done) return;
    yield value;
  }
}

async function bodyOf(response: Response, patience: Patience): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of piecesOf(response, patience)) text += decoder.decode(piece, { stream: true });
  return text + decoder.decode();
}

/** An address with its names in place of what stands between braces. */
function named(path: string, names: object): string {
  const texts: Record<string, string> = { ...names };
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(texts[name] ?? ''));
}

/** A report that is played again, of a raid that is not for this reader. */
export interface ReportPlace {
  kind: 'report';
  name: string;
}

const FEEDS = { raid: 'raids', channel: 'live', report: 'reports' } as const;

function feedPath({ kind, name }: RaidPlace | ReportPlace, what: 'feed' | 'feed-ticket'): string {
  return `/api/v1/${FEEDS[kind]}/${encodeURIComponent(name)}/${what}`;
}

/** The WebSocket URL of a raid's feed, with what of a query is there. */
export function feedUrl(
  place: RaidPlace | ReportPlace,
  query: Record<string, string | number | null>,
  origin: string,
): string {
  const url = new URL(withQuery(feedPath(place, 'feed'), query), origin);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return url.href;
}

/** A path with what of a query is there. */
export function withQuery(path: string, query: Record<string, string | number | null | undefined>): string {
  const pairs = Object.entries(query).filter(([, value]) => value !== null && value !== undefined);
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
  const retryS = Number.parseInt(response.headers.get('retry-after') ?? '', 10);
  return new ApiFailure(response.status, message, code, Number.isNaN(retryS) ? null : retryS);
}
