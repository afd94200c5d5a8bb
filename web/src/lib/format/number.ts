/** Numbers as players read them: `12.3k`, `4.5m`, `1.23b`; the suffix apart, so that it can be set smaller. */

/** A short number in two parts. */
export interface ShortNumber {
  digits: string;
  suffix: '' | 'k' | 'm' | 'b' | 't';
}

const STEPS = [
  { from: 1e12, suffix: 't', decimals: 2 },
  { from: 1e9, suffix: 'b', decimals: 2 },
  { from: 1e6, suffix: 'm', decimals: 1 },
  { from: 1e3, suffix: 'k', decimals: 1 },
] as const;

const FULL = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** One decimal to millions, two from billions on; below a thousand the whole number. */
export function shortNumber(value: number): ShortNumber {
  if (!Number.isFinite(value)) return { digits: '–', suffix: '' };
  const size = Math.abs(value);
  for (const [at, step] of STEPS.entries()) {
    // What would round up to 1000 of the smaller unit is shown in the larger.
    const smaller = STEPS[at + 1];
    const limit = smaller ? step.from - smaller.from * (0.5 / 10 ** smaller.decimals) : step.from - 0.5;
    if (size >= limit) return { digits: (value / step.from).toFixed(step.decimals), suffix: step.suffix };
  }
  return { digits: String(Math.round(value)), suffix: '' };
}

/** As one text: for labels and titles. */
export function shortText(value: number): string {
  const { digits, suffix } = shortNumber(value);
  return digits + suffix;
}

/** A difference as one text: "+12.3k", "−4"; 0 has no sign. */
export function signedText(value: number, text: (size: number) => string = shortText): string {
  return value === 0 ? text(0) : `${value > 0 ? '+' : '−'}${text(Math.abs(value))}`;
}

/** All digits, grouped: shown on hover. */
export function fullNumber(value: number): string {
  return Number.isFinite(value) ? FULL.format(Math.round(value)) : '–';
}

/** How large something is: "12 kB", from a million bytes on "3.4 MB". */
export function size(bytes: number): string {
  return bytes < 999_500 ? `${Math.ceil(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** A share as a percentage with one decimal; a dash where there is nothing to divide by. */
export function percent(part: number, whole: number): string {
  return whole > 0 ? `${((100 * part) / whole).toFixed(1)}%` : '–';
}

/** All digits and nothing else, for programs: what a copied table holds; a dash for what is not known. */
export function exactNumber(value: number | null): string {
  return value !== null && Number.isFinite(value) ? String(Math.round(value * 100) / 100) : '–';
}
