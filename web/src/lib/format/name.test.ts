import { describe, expect, it } from 'vitest';
import { cut, plainText, shownName, UNNAMED } from './name';

describe('names', () => {
  it('that are plain stay as they are', () => {
    for (const name of ['Mika<3', "O'Neil", '<b>Bob</b>', 'はるか', '테스트', 'Zoë', '👩‍👩‍👧', '☎️', 'नमस्ते']) {
      expect(shownName(name)).toBe(name);
    }
  });

  it('lose what takes no place, turns directions, or stands above others', () => {
    expect(shownName('a\u202eb\u200bc\u0000d\u2066e\ufeff')).toBe('abcde');
    expect(shownName('  a\n\t b\u00a0\u3000c ')).toBe('a b c');
    expect(shownName(`Z${'\u0301'.repeat(50)}`)).toBe('Z\u0301\u0301');
    expect(shownName('a\u200db')).toBe('ab');
  });

  it('of which nothing is left are called so', () => {
    for (const name of [null, '', '   ', '\u200b\u200b', '\u3164\u3164', '\u202e', '\u0301\u0301']) {
      expect(shownName(name)).toBe(UNNAMED);
    }
    expect(plainText('\u2800')).toBe('');
  });

  it('are cut between characters as readers see them', () => {
    expect(shownName('x'.repeat(10_000), 8)).toBe('xxxxxxx…');
    expect(cut('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 2)).toBe('👩‍👩‍👧…');
    expect(cut('12345678', 8)).toBe('12345678');
  });
});
