/** The relay's HTTP API, as far as pages read it. */
import type { ApiError, RaidPage, Report, ReportPage, Timeline } from '$lib/wire/types';

/** A call that gave nothing. */
export class ApiFailure extends Error {
  override name = 'ApiFailure';

  constructor(
    /** HTTP status; 0 where there was no answer at all. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }

  /** There is no such thing, or not for this reader: the relay does not tell which. */
  get notFound(): boolean {
    return this.status === 404;
  }
}

/** A span of a fight as the API takes it, ms since the encounter began; `toMs` absent: to its end. */
export interface SpanQuery {
  fromMs: number;
  toMs: number | null;
}

/** What pages ask of the relay. */
export interface Api {
  reports(page: number, limit: number): Promise<ReportPage>;
  report(id: string, span?: SpanQuery | null): Promise<Report>;
  timeline(id: string): Promise<Timeline>;
  raid(place: RaidPlace): Promise<RaidPage>;
}

/** A raid by its own code, or whatever raid a channel shows at present. */
export interface RaidPlace {
  kind: 'raid' | 'channel';
  name: string;
}

/** The API on the page's own origin, with the ticket of a private raid if the page has one. */
export function apiClient(ticket: string | null, get: typeof fetch = fetch): Api {
  const call = async <T>(path: string, query: Record<string, string | number | null> = {}): Promise<T> => {
    const url = withQuery(`/api/v1${path}`, { ...query, ticket });
    let response: Response;
    try {
      response = await get(url, { headers: { accept: 'application/json' }, cache: 'no-cache' });
    } catch {
      throw new ApiFailure(0, 'The relay cannot be reached.');
    }
    if (!response.ok) throw await failure(response);
    try {
      return (await response.json()) as T;
    } catch {
      throw new ApiFailure(0, 'The answer of the relay was cut short.');
    }
  };
  return {
    reports: (page, limit) => call('/reports', { page, limit }),
    report: (id, span) =>
      call(`/reports/${encodeURIComponent(id)}`, { from: span?.fromMs ?? null, to: span?.toMs ?? null }),
    timeline: (id) => call(`/reports/${encodeURIComponent(id)}/timeline`),
    raid: (place) => call(raidPath(place)),
  };
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
  let message = `The relay answered ${response.status}.`;
  try {
    const body = (await response.json()) as Partial<ApiError>;
    if (typeof body.message === 'string' && body.message !== '') message = body.message;
  } catch {
    // A proxy's page, not the relay's words: the status has to do.
  }
  return new ApiFailure(response.status, message);
}
