import { describe, expect, it } from 'vitest';
import { playerIn } from './player';

const KEY = '0123456789abcdef0123456789abcdef';

describe('which player somebody means', () => {
  it('is the one that a link has opened, or what was typed', () => {
    expect(playerIn(`https://raids.example/reports/abc?tab=damage&player=${KEY}`)).toBe(KEY);
    expect(playerIn(`/raids/abc?player=${KEY.toUpperCase()}&fight=2`)).toBe(KEY);
    expect(playerIn(' 1234567 ')).toBe('1234567');
    expect(playerIn(KEY)).toBe(KEY);
    expect(playerIn(`https://raids.example/?player=${KEY}0`)).toBe(`https://raids.example/?player=${KEY}0`);
  });
});
