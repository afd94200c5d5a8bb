/**
 * Names of players as text that can do no harm to what stands around it: no controls, nothing that turns the direction or
 * takes no place, no towers of accents; what is blank is one space, and what is too long is cut between characters as
 * readers see them.
 */

/** What a name is where nothing of it is left. */
export const UNNAMED = 'Unnamed player';
/** The longest name that a page has a place for, in characters as readers see them. */
export const NAME_MAX = 40;
/** Of a longer one not even the rest is looked at. */
const LOOKED_AT = 1_000;

/** Letters that show nothing, and are no blanks for Unicode. */
const FILLERS = /[\u115f\u1160\u3164\uffa0\u2800]/gu;
/** What a joiner may stand behind: pictures are joined by it, and some scripts join letters. */
const INVISIBLE =
  /(?<![\p{Extended_Pictographic}\u{fe0f}\p{Emoji_Modifier}])\u200d|[\p{Cc}\p{Cs}\p{Co}]|(?!\u200d)\p{Cf}/gu;
/** More than two marks above one another. */
const TOWERS = /(\p{M}{2})\p{M}+/gu;

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** A name in characters as readers see them, at most so many; longer ones end in "…". */
export function cut(text: string, max: number): string {
  const parts: string[] = [];
  for (const { segment } of segmenter.segment(text)) {
    if (parts.length === max) return `${parts.slice(0, -1).join('').trimEnd()}…`;
    parts.push(segment);
  }
  return parts.join('');
}

/** See the module; empty where nothing that can be seen is left. */
export function plainText(text: string): string {
  return text
    .slice(0, LOOKED_AT)
    .replace(/[\t\n\r\u2028\u2029]/gu, ' ')
    .replace(FILLERS, ' ')
    .replace(INVISIBLE, '')
    .replace(TOWERS, '$1')
    .replace(/[\s\u00a0]+/gu, ' ')
    .trim();
}

/** A player's name as it is shown. */
export function shownName(name: string | null, max = NAME_MAX): string {
  const plain = name === null ? '' : plainText(name);
  return plain === '' || /^\p{M}+$/u.test(plain) ? UNNAMED : cut(plain, max);
}
