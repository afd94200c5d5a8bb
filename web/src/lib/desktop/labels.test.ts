import { describe, expect, it } from 'vitest';
import { LABELS } from './labels';

/** What is said, by where it stands; what is made of numbers and names is made of some. */
function said(labels: unknown, at = ''): [string, string][] {
  if (typeof labels === 'string') return [[at, labels]];
  if (typeof labels === 'function') {
    const make = labels as (...taken: unknown[]) => string;
    return [1, 2, 1000].map((n) => [`${at}(${n})`, make(n, n)]);
  }
  return Object.entries(labels as object).flatMap(([name, inner]) => said(inner, `${at}.${name}`));
}

const [english, chinese] = [said(LABELS.en), said(LABELS.zh)];
/** What is the same in both. */
const SAME = new Set(['.now.unknown', '.fights.dayRule', '.settings.languages.en', '.settings.languages.zh']);

describe('labels', () => {
  it('are there in each language, at the same places', () => {
    expect(chinese.map(([at]) => at)).toEqual(english.map(([at]) => at));
    expect(english.length).toBeGreaterThan(200);
  });

  it.each([
    ['en', english],
    ['zh', chinese],
  ] as const)('say something, and nothing of the program (%s)', (_, all) => {
    const odd = all.filter(
      ([, text]) => text.trim() === '' || /undefined|NaN|\[object|--|\bnull\b/.test(text) || text !== text.trim(),
    );
    expect(odd).toEqual([]);
  });

  it('are of one language each', () => {
    const untold = chinese.filter(([at, text]) => !/\p{Script=Han}/u.test(text) && !SAME.has(at));
    // A short word for how much.
    expect(untold.filter(([at]) => !/arrived\(/.test(at) && !/\.about\.loading/.test(at))).toEqual([]);
    const foreign = english.filter(([at, text]) => /\p{Script=Han}/u.test(text) && !SAME.has(at));
    expect(foreign).toEqual([]);
  });

  it('count one as one', () => {
    expect(LABELS.en.fights.ask(1)).toBe('Upload 1 fight?');
    expect(LABELS.en.fights.ask(1200)).toBe('Upload 1,200 fights?');
    expect([60, 600, 7200].map((s) => LABELS.en.seconds(s))).toEqual(['60 s', '10 min', '2 h']);
  });
});
