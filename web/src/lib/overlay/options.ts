/**
 * How an overlay looks, as its address says it. What makes no sense there is as if it were not there: an overlay is never
 * empty because of a slip.
 *
 * One invariant: what is written and read again is the same, and what is as usual is not written.
 */
import type { RaidPlace } from '$lib/api/client';

/** What is shown of each player, in which order. */
export const METRICS = ['dps', 'hps', 'dtps'] as const;
export type OverlayMetric = (typeof METRICS)[number];

/** What stands behind a name. */
export const COLUMNS = ['rate', 'amount', 'share', 'crit', 'deaths'] as const;
export type OverlayColumn = (typeof COLUMNS)[number];

/** How players are called: their names, those cut to a few letters, their class and a number, or not at all. */
export const NAMES = ['full', 'short', 'class', 'off'] as const;
export type OverlayNames = (typeof NAMES)[number];

export const THEMES = ['dark', 'light'] as const;
export type OverlayTheme = (typeof THEMES)[number];

/** Which corner everything leans to. */
export const ALIGNS = ['top-left', 'top-right', 'bottom-left', 'bottom-right'] as const;
export type OverlayAlign = (typeof ALIGNS)[number];

/** Whole numbers that an option may be: from, to. */
export const RANGES = {
  rows: [1, 40],
  /** Percent. */
  scale: [50, 300],
  /** Percent of opacity. */
  bg: [0, 100],
  /** Seconds. */
  hideIdle: [1, 3_600],
  /** Seconds. */
  delay: [0, 300],
} as const;

/** Characters of texts. */
export const ME_MAX = 64;
export const FONT_MAX = 64;
export const CSS_MAX = 4_000;
/** Whom `me` names where that is the player whose meter it is. */
export const ME_UPLOADER = '*';

/** See the module. */
export interface OverlayOptions {
  metric: OverlayMetric;
  /** At most so many players; as many as there is place for. */
  rows: number;
  columns: readonly OverlayColumn[];
  names: OverlayNames;
  /** Who is marked: a name, `*` for the player whose meter it is, nobody if empty. */
  me: string;
  theme: OverlayTheme;
  /** Percent. */
  scale: number;
  /** How much the ground behind the rows covers, percent. */
  bg: number;
  /** Whether the fight's name, time and total stand above. */
  head: boolean;
  /** Hidden so many seconds after the last hit; `null`: never. */
  hideIdle: number | null;
  /** Shown so many seconds late. */
  delay: number;
  align: OverlayAlign;
  /** A font that is installed where the overlay runs; the usual one if empty. */
  font: string;
  /** Rules for whoever wants more. */
  css: string;
}

/** What an address without options means. */
export const DEFAULTS: OverlayOptions = {
  metric: 'dps',
  rows: 20,
  columns: ['rate', 'share'],
  names: 'full',
  me: ME_UPLOADER,
  theme: 'dark',
  scale: 100,
  bg: 75,
  head: true,
  hideIdle: null,
  delay: 0,
  align: 'top-left',
  font: '',
  css: '',
};

/** Whether it can stand as a font's name: letters, digits, blanks, and what names of fonts have beside them. */
export function isFont(text: string): boolean {
  return text.length <= FONT_MAX && /^[\p{L}\p{N}][\p{L}\p{N} ._-]*$/u.test(text);
}

/** A whole number in a range, as it may stand in an address; `null` if it is none. */
export function wholeIn([from, to]: readonly [number, number], text: string): number | null {
  if (!/^\d{1,6}$/.test(text)) return null;
  const value = Number(text);
  return value >= from && value <= to ? value : null;
}

/** Reads an address' query. */
export function parseOptions(search: string): OverlayOptions {
  const query = new URLSearchParams(search);
  const one = <T extends string>(name: string, of: readonly T[], usual: T): T =>
    of.find((value) => value === query.get(name)) ?? usual;
  const whole = (name: keyof typeof RANGES): number | null => wholeIn(RANGES[name], query.get(name) ?? '');
  const text = (name: string, fits: (value: string) => boolean, usual: string): string => {
    const value = query.get(name);
    return value !== null && fits(value) ? value : usual;
  };
  const { rows, scale, bg, delay } = DEFAULTS;
  return {
    metric: one('metric', METRICS, DEFAULTS.metric),
    rows: whole('rows') ?? rows,
    columns: columnsOf(query.get('columns')),
    names: one('names', NAMES, DEFAULTS.names),
    me: text('me', (value) => value.length <= ME_MAX, DEFAULTS.me),
    theme: one('theme', THEMES, DEFAULTS.theme),
    scale: whole('scale') ?? scale,
    bg: whole('bg') ?? bg,
    head: one('head', ['on', 'off'], 'on') === 'on',
    hideIdle: whole('hideIdle'),
    delay: whole('delay') ?? delay,
    align: one('align', ALIGNS, DEFAULTS.align),
    font: text('font', isFont, DEFAULTS.font),
    css: text('css', (value) => value.length <= CSS_MAX, DEFAULTS.css),
  };
}

/** Those that are known, each once, in their order; "none" is none. */
function columnsOf(text: string | null): readonly OverlayColumn[] {
  if (text === null) return DEFAULTS.columns;
  if (text === 'none') return [];
  const known = text.split(',').flatMap((name) => COLUMNS.filter((column) => column === name));
  return known.length === 0 ? DEFAULTS.columns : [...new Set(known)];
}

/** Writes a query: with its `?`, or nothing. */
export function formatOptions(options: OverlayOptions): string {
  const query = new URLSearchParams();
  const put = (name: string, value: string, usual: string): void => {
    if (value !== usual) query.set(name, value);
  };
  const columns = (of: readonly OverlayColumn[]): string => (of.length === 0 ? 'none' : of.join(','));
  put('metric', options.metric, DEFAULTS.metric);
  put('rows', String(options.rows), String(DEFAULTS.rows));
  put('columns', columns(options.columns), columns(DEFAULTS.columns));
  put('names', options.names, DEFAULTS.names);
  put('me', options.me, DEFAULTS.me);
  put('theme', options.theme, DEFAULTS.theme);
  put('scale', String(options.scale), String(DEFAULTS.scale));
  put('bg', String(options.bg), String(DEFAULTS.bg));
  put('head', options.head ? 'on' : 'off', 'on');
  put('hideIdle', String(options.hideIdle ?? ''), '');
  put('delay', String(options.delay), String(DEFAULTS.delay));
  put('align', options.align, DEFAULTS.align);
  put('font', options.font, DEFAULTS.font);
  put('css', options.css, DEFAULTS.css);
  const text = query.toString();
  return text === '' ? '' : `?${text}`;
}

/** What an overlay shows, from the path of its address: `/overlay/live/NAME`, `/overlay/raids/CODE`; `null` of another. */
export function placeOfOverlay(pathname: string): RaidPlace | null {
  const [, kind, name] = /^\/overlay\/(live|raids)\/([^/]+)$/.exec(pathname) ?? [];
  if (kind === undefined || name === undefined) return null;
  try {
    return { kind: kind === 'live' ? 'channel' : 'raid', name: decodeURIComponent(name) };
  } catch {
    return null;
  }
}

/**
 * An overlay's address. The secret of a link stands behind its `#`: browsers send that to nobody, so it is in no log and no
 * proxy; the overlay gets a ticket for it that is good once.
 */
export function overlayUrl(origin: string, place: RaidPlace, options: OverlayOptions, secret: string | null): string {
  const path = `/overlay/${place.kind === 'channel' ? 'live' : 'raids'}/${encodeURIComponent(place.name)}`;
  return `${origin}${path}${formatOptions(options)}${secret === null ? '' : `#ticket=${encodeURIComponent(secret)}`}`;
}

/** The secret that stands behind the `#` of an overlay's address. */
export function secretOf(hash: string): string | null {
  const secret = new URLSearchParams(hash.replace(/^#/, '')).get('ticket');
  return secret === null || secret === '' ? null : secret;
}
