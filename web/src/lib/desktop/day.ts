/** Days as fields for dates have them: `2026-11-29`. */

/** When a day begins here, or so many days later, Unix ms; `null`: none is named. */
export function midnight(day: string, later: number): number | null {
  const [, year, month, date] = /^(\d{4})-(\d\d?)-(\d\d?)$/.exec(day.trim()) ?? [];
  if (year === undefined) return null;
  return new Date(Number(year), Number(month) - 1, Number(date) + later).getTime();
}
