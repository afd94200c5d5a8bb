/** What of a page is in its address: every view can be sent to somebody. */
import { SORT_COLUMNS, SORT_DEFAULT, isAscending, type Sort } from '$lib/fight/figures';
import { MEASURES, type Measure } from '$lib/fight/measures';
import { REPORT_TABS, type ReportTab } from '$lib/fight/tabs';

/** Seconds that a chart's lines are the mean of. */
export const WINDOWS = [1, 5, 10, 30] as const;
export type ChartWindow = (typeof WINDOWS)[number];
const WINDOW_DEFAULT: ChartWindow = 5;
const BY_DEFAULT: Measure = 'dps';

/** A part of a fight, ms since the encounter began. */
interface PlaceSpan {
  fromMs: number;
  toMs: number;
}

/** What a part of a report is compared with: a part of a report, the same or another. */
export interface OtherSide {
  report: string;
  attempt: number | null;
  span: PlaceSpan | null;
  /** What opens its raid, if that is another one, and private. */
  ticket: string | null;
}

/** The place in a report that a URL names. */
export interface ReportPlace {
  tab: ReportTab;
  /** The order of the table of players. */
  sort: Sort;
  /** Whose skills are open. */
  player: string | null;
  attempt: number | null;
  /** Whether damage is that to bosses alone. */
  bosses: boolean;
  /** The death of which it is shown what led to it. */
  death: string | null;
  /** A span by hand, ms since the encounter began. */
  span: PlaceSpan | null;
  /** What that is compared with; `null`: nothing. */
  other: OtherSide | null;
  /** By which figure. */
  by: Measure;
  window: ChartWindow;
  /** The moment that a replay stands at, ms since the encounter began; `null`: none is played. */
  at: number | null;
  /** Which fight that moment is of, on the page of a raid; `null`: of the page's own. */
  fight: string | null;
}

/** Reads a query; what makes no sense is as if it were not there. */
export function parsePlace(search: string): ReportPlace {
  const query = new URLSearchParams(search);
  const whole = (name: string): number | null => {
    const text = query.get(name);
    return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null;
  };
  const spanOf = (first: string, last: string): PlaceSpan | null => {
    const [from, to] = [whole(first), whole(last)];
    return from !== null && to !== null && from < to ? { fromMs: from, toMs: to } : null;
  };
  const report = query.get('with');
  const other =
    report === null || report === ''
      ? null
      : {
          report,
          attempt: whole('withAttempt'),
          span: spanOf('withFrom', 'withTo'),
          ticket: query.get('withTicket'),
        };
  const column = SORT_COLUMNS.find((name) => name === query.get('sort')) ?? SORT_DEFAULT.column;
  const natural: Sort = { column, turned: false };
  const order = query.get('order');
  const turned = order !== null && order === (isAscending(natural) ? 'desc' : 'asc');
  return {
    tab: REPORT_TABS.find((tab) => tab === query.get('tab')) ?? usualTab(other),
    sort: { column, turned },
    player: query.get('player'),
    attempt: whole('attempt'),
    bosses: query.get('of') === 'bosses',
    death: query.get('death'),
    span: spanOf('from', 'to'),
    other,
    by: MEASURES.find((measure) => measure === query.get('by')) ?? BY_DEFAULT,
    window: WINDOWS.find((seconds) => seconds === whole('window')) ?? WINDOW_DEFAULT,
    at: whole('at'),
    fight: whole('at') === null ? null : query.get('fight'),
  };
}

/** Writes a query: what is as usual is left out, what is not ours (a ticket) stays. */
export function formatPlace(place: ReportPlace, search: string): string {
  const query = new URLSearchParams(search);
  const put = (name: string, value: string | number | null): void => {
    if (value === null) query.delete(name);
    else query.set(name, String(value));
  };
  put('tab', place.tab === usualTab(place.other) ? null : place.tab);
  put('sort', place.sort.column === SORT_DEFAULT.column ? null : place.sort.column);
  put('order', place.sort.turned ? (isAscending(place.sort) ? 'asc' : 'desc') : null);
  put('player', place.player);
  put('attempt', place.attempt);
  put('of', place.bosses ? 'bosses' : null);
  put('death', place.death);
  put('from', place.span?.fromMs ?? null);
  put('to', place.span?.toMs ?? null);
  put('with', place.other?.report ?? null);
  put('withAttempt', place.other?.attempt ?? null);
  put('withFrom', place.other?.span?.fromMs ?? null);
  put('withTo', place.other?.span?.toMs ?? null);
  put('withTicket', place.other?.ticket ?? null);
  put('by', place.by === BY_DEFAULT ? null : place.by);
  put('window', place.window === WINDOW_DEFAULT ? null : place.window);
  put('at', place.at);
  put('fight', place.at === null ? null : place.fight);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** The tab of an address that names none: one that names something to compare with is about that. */
function usualTab(other: OtherSide | null): ReportTab {
  return other === null ? 'damage' : 'compare';
}

/** The ticket of a private raid, from the page's own address. */
export function ticketOf(search: string): string | null {
  return new URLSearchParams(search).get('ticket');
}

/** A step of the arrow keys through a fight, ms. */
export const STEP_MS = 5_000;
/** So close to the newest event of a fight that goes on, ms, one is at the present. */
const PRESENT_MS = 1_000;

/** What of a fight can be looked at, ms since the encounter began. */
export interface Stretch {
  firstMs: number;
  lastMs: number;
  /** Whether it goes on. */
  live: boolean;
}

/**
 * The moment that is meant by a place on a fight's line: within the fight; of one that goes on `null` for the present.
 */
export function momentAt(atMs: number, { firstMs, lastMs, live }: Stretch): number | null {
  if (live && atMs > lastMs - PRESENT_MS) return null;
  return Math.round(Math.min(lastMs, Math.max(firstMs, atMs)));
}
