/** Times of a fight, dates, ages. */

/** `m:ss`, from an hour on `h:mm:ss`. Cuts, never rounds up: a clock shows the second that has begun. */
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const h = Math.floor(seconds / 3600);
  const m = Math.floor(seconds / 60) % 60;
  const ss = String(seconds % 60).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${ss}` : `${m}:${ss}`;
}

/** The same for a reader's ear: "4 minutes 12 seconds". */
export function spokenClock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts = [
    [Math.floor(seconds / 3600), 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ] as const;
  const said = parts.filter(([n]) => n > 0).map(([n, unit]) => `${n} ${unit}${n === 1 ? '' : 's'}`);
  return said.length > 0 ? said.join(' ') : '0 seconds';
}

const DAY = { day: 'numeric', month: 'short', year: 'numeric' } as const;
// Made once: making one takes longer than a hundred uses.
const DAYS = new Intl.DateTimeFormat('en-GB', DAY);
const DATE_TIMES = new Intl.DateTimeFormat('en-GB', { ...DAY, hour: '2-digit', minute: '2-digit' });

/** Day and time in the reader's own zone: "23 Nov 2026, 21:40". */
export function dateTime(unixMs: number): string {
  return DATE_TIMES.format(unixMs);
}

/** The day alone, for narrow places: "23 Nov 2026". */
export function day(unixMs: number): string {
  return DAYS.format(unixMs);
}

/** How long ago, roughly: "3 minutes ago"; the day when it is more than a week. */
export function ago(unixMs: number, nowMs: number): string {
  const seconds = Math.max(0, Math.round((nowMs - unixMs) / 1000));
  if (seconds < 60) return 'just now';
  const steps = [
    [60, 'minute'],
    [3600, 'hour'],
    [86_400, 'day'],
  ] as const;
  const [size, unit] = seconds < 3600 ? steps[0] : seconds < 86_400 ? steps[1] : steps[2];
  const n = Math.floor(seconds / size);
  return n > 7 && unit === 'day' ? day(unixMs) : `${n} ${unit}${n === 1 ? '' : 's'} ago`;
}

/** A delay: "120 ms" below a second, "1.4 s" from there on. */
export function delay(ms: number): string {
  return Math.abs(ms) < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
