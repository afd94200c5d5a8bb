/** What is searched, as it stands in the page's address: every view of a search can be sent to somebody. */
import type { SearchQuestion } from '$lib/api/search';
import { classLook } from '$lib/format/game';
import { day } from '$lib/format/time';
import { OUTCOMES } from '$lib/format/words';
import { CLASSES } from '$lib/wire/game';
import type { Outcome } from '$lib/wire/types';

/** What a text may be a name of. */
export const FIELDS = ['boss', 'player', 'scene'] as const;
export type SearchField = (typeof FIELDS)[number];

/** By what fights are in order; the first where nothing is said. */
export const ORDERS = ['started', 'duration', 'dps'] as const;
export type SearchOrder = (typeof ORDERS)[number];

/** Characters of a name that the relay compares at the most. */
export const NAME_CHARS_MAX = 64;
/** Characters of what may be typed at the most: a link is longer than a name. */
export const TEXT_CHARS_MAX = 300;
/** Minutes of a fight, and players, as an address may ask for them at the most. */
const MINUTES_MAX = 600;
const PLAYERS_MAX = 999;
const MINUTE_MS = 60_000;
const DAY_HOURS = 24;

/** See the module; `null`: anything. */
export interface SearchPlace {
  /** As it is typed. */
  text: string;
  /** What the text is a name of. */
  of: SearchField | null;
  outcome: Outcome | null;
  classId: number | null;
  /** The first and the last day on which the fight began, `yyyy-mm-dd` in the reader's own zone. */
  from: string | null;
  to: string | null;
  /** Minutes that it took, at least and at the most. */
  longer: number | null;
  shorter: number | null;
  /** Players, at least and at the most. */
  least: number | null;
  most: number | null;
  order: SearchOrder;
  /** The least, or oldest, first. */
  ascending: boolean;
}

/** A search for nothing in particular. */
export const ANYTHING: SearchPlace = {
  text: '',
  of: null,
  outcome: null,
  classId: null,
  from: null,
  to: null,
  longer: null,
  shorter: null,
  least: null,
  most: null,
  order: 'started',
  ascending: false,
};

/** Reads a query; what makes no sense is as if it were not there. */
export function parseSearch(search: string): SearchPlace {
  const query = new URLSearchParams(search);
  const whole = (name: string, most: number): number | null => {
    const text = query.get(name) ?? '';
    return /^\d{1,5}$/.test(text) && Number(text) <= most ? Number(text) : null;
  };
  const date = (name: string): string | null => {
    const text = query.get(name);
    return text !== null && dayBegin(text) !== null ? text : null;
  };
  const classId = whole('class', 65_535);
  const text = (query.get('q') ?? '').slice(0, TEXT_CHARS_MAX);
  return {
    text,
    of: FIELDS.find((field) => field === query.get('in')) ?? null,
    outcome: (Object.keys(OUTCOMES) as Outcome[]).find((one) => one === query.get('outcome')) ?? null,
    classId: CLASSES.some(({ id }) => id === classId) ? classId : null,
    ...ordered({ from: date('from'), to: date('to') }, 'from', 'to'),
    ...ordered({ longer: whole('longer', MINUTES_MAX), shorter: whole('shorter', MINUTES_MAX) }, 'longer', 'shorter'),
    ...ordered({ least: whole('least', PLAYERS_MAX), most: whole('most', PLAYERS_MAX) }, 'least', 'most'),
    order: ORDERS.find((order) => order === query.get('order')) ?? 'started',
    ascending: query.get('sort') === 'asc',
  };
}

/** Both ends of something, or the first alone where the last lies before it: the relay refuses such. */
function ordered<K extends string, V extends string | number>(
  ends: Record<K, V | null>,
  first: K,
  last: K,
): Record<K, V | null> {
  const [from, to] = [ends[first], ends[last]];
  return from !== null && to !== null && from > to ? { ...ends, [last]: null } : ends;
}

/** Writes a query: what is as usual is left out. */
export function formatSearch(place: SearchPlace): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string | number | null): void => {
    if (value !== null && value !== '') query.set(name, String(value));
  };
  put('q', place.text.trim());
  put('in', place.of);
  put('outcome', place.outcome);
  put('class', place.classId);
  put('from', place.from);
  put('to', place.to);
  put('longer', place.longer);
  put('shorter', place.shorter);
  put('least', place.least);
  put('most', place.most);
  put('order', place.order === 'started' ? null : place.order);
  put('sort', place.ascending ? 'asc' : null);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** When a day begins in the reader's own zone, Unix ms; `null` where there is no such day. */
function dayBegin(text: string, later = 0): number | null {
  const [, year, month, date] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(text) ?? []).map(Number);
  if (year === undefined || month === undefined || date === undefined) return null;
  const begin = new Date(year, month - 1, date);
  if (begin.getMonth() !== month - 1 || begin.getDate() !== date || begin.getTime() < 0) return null;
  return new Date(year, month - 1, date + later).getTime();
}

/** Whether a day is one. */
export function isDay(text: string): boolean {
  return dayBegin(text) !== null;
}

const RELAY_FIELDS = { boss: 'bossName', player: 'playerName', scene: 'sceneName' } as const;
const RELAY_ORDERS = { started: 'startedAt', duration: 'duration', dps: 'dps' } as const;

/** The question that a place asks, with its text as a name of this; of nothing without one. */
export function questionOf(place: SearchPlace, field: SearchField | null): SearchQuestion {
  const begin = place.from === null ? null : dayBegin(place.from);
  // Days of a change of clocks have 23 hours, or 25: the last ms of one is that before the next.
  const end = place.to === null ? null : dayBegin(place.to, 1);
  return {
    ...(field === null ? {} : { [RELAY_FIELDS[field]]: place.text.trim() }),
    outcome: place.outcome,
    classId: place.classId,
    dateFrom: begin,
    dateTo: end === null ? null : end - 1,
    durationFrom: place.longer === null ? null : place.longer * MINUTE_MS,
    durationTo: place.shorter === null ? null : place.shorter * MINUTE_MS,
    playersFrom: place.least,
    playersTo: place.most,
    orderBy: place.order === 'started' ? null : RELAY_ORDERS[place.order],
    sort: place.ascending ? 'asc' : null,
  };
}

/** As what its text is looked up, each for itself: as all that it may be, unless that is said. */
export function fieldsOf(place: SearchPlace): readonly (SearchField | null)[] {
  if (place.text.trim() === '') return [null];
  return place.of === null ? FIELDS : [place.of];
}

/** A filter in words, and the place without it. */
export interface Chip {
  id: string;
  words: string;
  without: SearchPlace;
}

export const ORDER_WORDS: Record<SearchOrder, readonly [most: string, least: string]> = {
  started: ['Newest first', 'Oldest first'],
  duration: ['Longest first', 'Shortest first'],
  dps: ['Most DPS first', 'Least DPS first'],
};

export const FIELD_WORDS: Record<SearchField, string> = { boss: 'Bosses', player: 'Players', scene: 'Scenes' };

/** The filters of a place that are set, each to be removed alone. */
export function chipsOf(place: SearchPlace): Chip[] {
  const chips: Chip[] = [];
  const put = (id: string, words: string | null, change: Partial<SearchPlace>): void => {
    if (words !== null) chips.push({ id, words, without: { ...place, ...change } });
  };
  const date = (text: string): string => day(dayBegin(text) ?? 0);
  put('in', place.of === null ? null : `In: ${FIELD_WORDS[place.of]}`, { of: null });
  put('outcome', place.outcome === null ? null : `Result: ${OUTCOMES[place.outcome]}`, { outcome: null });
  put('class', place.classId === null ? null : `Class: ${classLook(place.classId, null).className}`, { classId: null });
  put('from', place.from === null ? null : `From ${date(place.from)}`, { from: null });
  put('to', place.to === null ? null : `Until ${date(place.to)}`, { to: null });
  put('longer', place.longer === null ? null : `At least ${minutes(place.longer)}`, { longer: null });
  put('shorter', place.shorter === null ? null : `At most ${minutes(place.shorter)}`, { shorter: null });
  put('least', place.least === null ? null : `At least ${players(place.least)}`, { least: null });
  put('most', place.most === null ? null : `At most ${players(place.most)}`, { most: null });
  if (place.order !== 'started' || place.ascending) {
    const words = ORDER_WORDS[place.order][place.ascending ? 1 : 0];
    put('order', words, { order: 'started', ascending: false });
  }
  return chips;
}

function minutes(n: number): string {
  return n === 1 ? '1 minute' : `${n} minutes`;
}

function players(n: number): string {
  return n === 1 ? '1 player' : `${n} players`;
}

/** A day so many before today, `yyyy-mm-dd` in the reader's own zone. */
export function daysAgo(days: number, nowMs: number): string {
  const now = new Date(nowMs);
  // At noon: no change of clocks makes it another day.
  const then = new Date(now.getFullYear(), now.getMonth(), now.getDate() - days, DAY_HOURS / 2);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${then.getFullYear()}-${two(then.getMonth() + 1)}-${two(then.getDate())}`;
}
