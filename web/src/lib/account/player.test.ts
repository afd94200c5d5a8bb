import { describe, expect, it } from 'vitest';
import { playerIn } from './player';

const KEY = '0123456789abcdef0123456789abcdef';

describe('which player somebody means', () => {
  it('is the one that a link has opened, or what was typed', () => {
    expect(playerIn(`https://raids.example/reports/abc?tab=damage&player=${KEY}`)).toEqual({
      player: KEY,
      seenIn: 'abc',
    });
    expect(playerIn(`/raids/k7q2xp?player=${KEY.toUpperCase()}&fight=2`)).toEqual({ player: KEY, seenIn: 'k7q2xp' });
    expect(playerIn(' 1234567 ')).toEqual({ player: '1234567' });
    expect(playerIn(KEY)).toEqual({ player: KEY });
    const other = `https://raids.example/?player=${KEY}`;
    expect(playerIn(other)).toEqual({ player: KEY });
    expect(playerIn(`${other}0`)).toEqual({ player: `${other}0` });
  });
});
