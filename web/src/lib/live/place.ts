/** What of a page is in its address: every view can be sent to somebody. */
import { METRICS, SORT_COLUMNS, SORT_DEFAULT, isAscending, type Metric, type Sort } from '$lib/fight/figures';

/** Seconds that a chart's lines are the mean of. */
export const WINDOWS = [1, 5, 10, 30] as const;
export type ChartWindow = (typeof WINDOWS)[number];
const WINDOW_DEFAULT: ChartWindow = 5;

/** The place in a report that a URL names. */
export interface ReportPlace {
  tab: Metric;
  /** The order of the table of players. */
  sort: Sort;
  /** Whose skills are open. */
  player: string | null;
  attempt: number | null;
  /** A span by hand, ms since the encounter began. */
  span: { fromMs: number; toMs: number } | null;
  window: ChartWindow;
  /** The moment that a replay stands at, ms since the encounter began; `null`: none is played. */
  at: number | null;
}

/** Reads a query; what makes no sense is as if it were not there. */
export function parsePlace(search: string): ReportPlace {
  const query = new URLSearchParams(search);
  const whole = (name: string): number | null => {
    const text = query.get(name);
    return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
  };
  const [from, to] = [whole('from'), whole('to')];
  const column = SORT_COLUMNS.find((name) => name === query.get('sort')) ?? SORT_DEFAULT.column;
  const natural: Sort = { column, turned: false };
  const order = query.get('order');
  const turned = order !== null && order === (isAscending(natural) ? 'desc' : 'asc');
  return {
    tab: METRICS.find((metric) => metric === query.get('tab')) ?? 'damage',
    sort: { column, turned },
    player: query.get('player'),
    attempt: whole('attempt'),
    span: from !== null && to !== null && from < to ? { fromMs: from, toMs: to } : null,
    window: WINDOWS.find((seconds) => seconds === whole('window')) ?? WINDOW_DEFAULT,
    at: whole('at'),
  };
}

/** Writes a query: what is as usual is left out, what is not ours (a ticket) stays. */
export function formatPlace(place: ReportPlace, search: string): string {
  const query = new URLSearchParams(search);
  const put = (name: string, value: string | number | null): void => {
    if (value === null) query.delete(name);
    else query.set(name, String(value));
  };
  put('tab', place.tab === 'damage' ? null : place.tab);
  put('sort', place.sort.column === SORT_DEFAULT.column ? null : place.sort.column);
  put('order', place.sort.turned ? (isAscending(place.sort) ? 'asc' : 'desc') : null);
  put('player', place.player);
  put('attempt', place.attempt);
  put('from', place.span?.fromMs ?? null);
  put('to', place.span?.toMs ?? null);
  put('window', place.window === WINDOW_DEFAULT ? null : place.window);
  put('at', place.at);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** The ticket of a private raid, from the page's own address. */
export function ticketOf(search: string): string | null {
  return new URLSearchParams(search).get('ticket');
}
