/** Class colours as lines: as players know them, moved towards ink or paper until a thin line can be seen. */
import { contrast } from '$lib/format/game';

/** Contrast of a line with what is behind it, as WCAG asks of graphics. */
const LINE_CONTRAST = 3;

/** The class colour for a line on `paper` (both `#rrggbb`). */
export function lineColor(color: string, paper: string): string {
  const towards = contrast(paper, '#ffffff') > contrast(paper, '#000000') ? '#ffffff' : '#000000';
  for (let part = 0; part <= 1; part += 0.05) {
    const mixed = mix(color, towards, part);
    if (contrast(mixed, paper) >= LINE_CONTRAST) return mixed;
  }
  return towards;
}

/** A colour with `part` of another in it. */
export function mix(color: string, other: string, part: number): string {
  const channel = (at: number): string => {
    const [a, b] = [color, other].map((hex) => parseInt(hex.slice(at, at + 2), 16)) as [number, number];
    return Math.round(a + (b - a) * part)
      .toString(16)
      .padStart(2, '0');
  };
  return `#${channel(1)}${channel(3)}${channel(5)}`;
}

/** `#rgb` as `#rrggbb`: the style sheet's minifier shortens what it can. */
export function fullHex(color: string): string {
  return /^#[0-9a-f]{3}$/i.test(color) ? `#${[...color.slice(1)].map((digit) => digit + digit).join('')}` : color;
}

/** The style sheet's colours for paper: it applies them when it prints, and what is drawn has to be drawn before. */
export const PRINT: Readonly<Record<string, string>> = {
  '--surface': '#ffffff',
  '--line': '#b4bac4',
  '--muted': '#23282f',
  '--faint': '#333a44',
  '--accent': '#12409a',
  '--bad': '#8f1019',
};

/** Which dash a line has among those of its colour: given once, and kept for as long as the colour is. */
export class Dashes {
  readonly #given = new Map<string, { color: string; nth: number }>();

  /** The dash of each line, in the order asked. */
  of(lines: readonly { key: string; color: string }[]): number[] {
    return lines.map(({ key, color }) => {
      const held = this.#given.get(key);
      if (held?.color === color) return held.nth;
      const taken = new Set([...this.#given].filter(([, one]) => one.color === color).map(([, one]) => one.nth));
      let nth = 0;
      while (taken.has(nth)) nth += 1;
      this.#given.set(key, { color, nth });
      return nth;
    });
  }
}
