import { describe, expect, it } from 'vitest';
import { fullHex, mix, PRINT } from '$lib/chart/color';
import { classLook, contrast } from '$lib/format/game';
import { CLASSES, SPECS } from '$lib/wire/game';
import css from '../../look.css?raw';

/** What WCAG asks of text, and of what is needed to see what a thing is. */
const TEXT = 4.5;
const EDGE = 3;

/** The tokens of a rule: from its selector to the first closing brace. */
function tokens(after: string): Record<string, string> {
  const from = css.indexOf(after);
  if (from < 0) throw new Error(`look.css has no ${after}`);
  const body = css.slice(from, css.indexOf('}', from));
  return Object.fromEntries([...body.matchAll(/(--[\w-]+):\s*([^;]+);/g)].map(([, name, value]) => [name, value]));
}

const dark = tokens(':root {');
const themes = {
  dark,
  light: { ...dark, ...tokens(":root[data-theme='light'] {") },
  print: { ...dark, ...tokens('@media print {') },
};
const look = (theme: Record<string, string>, name: string): string => fullHex(theme[name] ?? '');
const part = (theme: Record<string, string>, name: string): number => Number.parseFloat(theme[name] ?? '') / 100;

/** All colours of players: of each class, of each spec, and of who has none. */
const COLORS = [
  ...new Set([
    ...CLASSES.map(({ id }) => classLook(id, null).color),
    ...SPECS.map(({ id }) => classLook(null, id).color),
    classLook(null, null).color,
  ]),
];

describe.each(Object.entries(themes))('text in the %s theme', (_, theme) => {
  it('can be read on every bar of a player, whole or behind', () => {
    const stale = tokens('  .old {');
    for (const color of COLORS) {
      for (const strength of [part(theme, '--bar-strength'), part(stale, '--bar-strength')]) {
        const bar = mix(look(theme, '--surface'), color, strength);
        for (const ink of ['--text', '--on-bar-muted', '--on-bar-bad']) {
          expect(contrast(look(theme, ink), bar), `${ink} on ${color}`).toBeGreaterThanOrEqual(TEXT);
        }
      }
    }
  });

  it('can be read on the health of a boss', () => {
    const bar = mix(look(theme, '--surface'), look(theme, '--bad'), part(theme, '--health-strength'));
    for (const ink of ['--text', '--on-bar-muted', '--on-bar-good']) {
      expect(contrast(look(theme, ink), bar), ink).toBeGreaterThanOrEqual(TEXT);
    }
  });

  it('can be read beside the bars, on each surface', () => {
    const inks = ['--text', '--muted', '--faint', '--accent', '--live', '--good', '--bad', '--warn'];
    for (const surface of ['--bg', '--surface', '--raised']) {
      for (const ink of [...inks, '--on-bar-muted', '--on-bar-bad']) {
        expect(contrast(look(theme, ink), look(theme, surface)), `${ink} on ${surface}`).toBeGreaterThanOrEqual(TEXT);
      }
    }
  });

  it('is written between edges that can be seen', () => {
    for (const surface of ['--bg', '--surface', '--raised']) {
      expect(contrast(look(theme, '--edge'), look(theme, surface)), surface).toBeGreaterThanOrEqual(EDGE);
    }
  });

  it('can be read in the chips that tell how a fight went', () => {
    for (const tone of ['--live', '--good', '--bad', '--warn', '--muted']) {
      for (const surface of ['--bg', '--surface', '--raised']) {
        const chip = mix(look(theme, surface), look(theme, tone), 0.12);
        expect(contrast(look(theme, tone), chip), `${tone} on ${surface}`).toBeGreaterThanOrEqual(TEXT);
      }
    }
  });
});

describe('paper', () => {
  it('has the same colours in the style sheet and on canvases', () => {
    for (const [name, color] of Object.entries(PRINT)) expect(look(themes.print, name)).toBe(color);
  });
});
