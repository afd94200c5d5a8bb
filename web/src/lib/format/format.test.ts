import { describe, expect, it } from 'vitest';
import { totals } from '$lib/testing/samples';
import { CLASSES, SPECS } from '$lib/wire/game';
import { classLook, contrast, inkOn } from './game';
import { exactNumber, fullNumber, percent, shortText, signedText, size } from './number';
import { ago, clock, delay, spokenClock } from './time';
import { fightTitle, outcomeWord, skillName, tabOf, tabsOf } from './words';

describe('numbers', () => {
  it.each([
    [0, '0'],
    [999, '999'],
    [999.4, '999'],
    [999.6, '1.0k'],
    [12_345, '12.3k'],
    [999_940, '999.9k'],
    [999_960, '1.0m'],
    [4_500_000, '4.5m'],
    [999_960_000, '1.00b'],
    [1_230_000_000, '1.23b'],
    [2 ** 53 - 1, '9007.20t'],
    [NaN, '–'],
    [Infinity, '–'],
  ])('%d is %s', (value, text) => {
    expect(shortText(value)).toBe(text);
  });

  it('have all digits on hover', () => {
    expect(fullNumber(1_234_567.8)).toBe('1,234,568');
  });

  it('of a difference have their sign, and none where there is none', () => {
    expect([12_345, -4, 0].map((value) => signedText(value))).toEqual(['+12.3k', '−4', '0']);
    expect([61_000, -61_000].map((value) => signedText(value, clock))).toEqual(['+1:01', '−1:01']);
  });

  it('of bytes are told as sizes', () => {
    expect([1, 12_000, 999_600, 3_400_000].map(size)).toEqual(['1 kB', '12 kB', '1.0 MB', '3.4 MB']);
  });

  it('are copied with all digits, or as a dash where nothing is known', () => {
    expect([1_234.567, 0, null, NaN].map(exactNumber)).toEqual(['1234.57', '0', '–', '–']);
  });

  it('make a share only of something', () => {
    expect(percent(1, 3)).toBe('33.3%');
    expect(percent(0, 0)).toBe('–');
  });
});

describe('times', () => {
  it.each([
    [-5, '0:00'],
    [59_999, '0:59'],
    [60_000, '1:00'],
    [754_000, '12:34'],
    [3_723_000, '1:02:03'],
  ])('%d ms is %s', (ms, text) => {
    expect(clock(ms)).toBe(text);
  });

  it('are said in words', () => {
    expect(spokenClock(61_000)).toBe('1 minute 1 second');
    expect(spokenClock(0)).toBe('0 seconds');
    expect(spokenClock(7_200_000)).toBe('2 hours');
  });

  it('are told as ages', () => {
    const now = 1_800_000_000_000;
    expect(ago(now - 5_000, now)).toBe('just now');
    expect(ago(now - 61_000, now)).toBe('1 minute ago');
    expect(ago(now - 7_200_000, now)).toBe('2 hours ago');
    expect(ago(now - 3 * 86_400_000, now)).toBe('3 days ago');
    expect(ago(now - 30 * 86_400_000, now)).toMatch(/^\d+ \w+ \d{4}/);
  });

  it('are told as delays', () => {
    expect([delay(0.4), delay(123.4), delay(1449)]).toEqual(['0 ms', '123 ms', '1.4 s']);
  });
});

describe('words', () => {
  const place = { scene: null, sceneId: null, difficulty: null };

  it('name a fight by its boss, else its scene, else as it can be', () => {
    expect(fightTitle(['Ogre'], { ...place, scene: 'Valley' })).toBe('Ogre');
    expect(fightTitle([], { ...place, scene: 'Valley' })).toBe('Valley');
    expect(fightTitle([], { ...place, sceneId: 7 })).toBe('Scene 7');
    expect(fightTitle([], place)).toBe('Unknown fight');
  });

  it('say how a fight stands', () => {
    expect(outcomeWord('live', 'unknown')).toBe('Live');
    expect(outcomeWord('provisional', 'unknown')).toBe('Provisional');
    expect(outcomeWord('final', 'wipe')).toBe('Wipe');
  });

  it('are a tab for each metric of which something is known; an address that asks for another gets damage', () => {
    const all = tabsOf(totals());
    expect(all.map((tab) => tab.label)).toEqual(['Damage', 'Healing', 'Damage taken']);
    const some = tabsOf(totals({ damageTaken: null }));
    expect(some.map((tab) => tab.id)).toEqual(['damage', 'healing']);
    expect([tabOf(all, 'taken'), tabOf(some, 'taken'), tabOf(some, 'healing')]).toEqual(['taken', 'damage', 'healing']);
  });

  it('number a skill without a name', () => {
    expect(skillName(null, 1714)).toBe('Skill 1714');
  });
});

describe('classes', () => {
  it('have two letters of their own, and ink that can be read on their colour', () => {
    const looks = CLASSES.map((known) => classLook(known.id, null));
    expect(new Set(looks.map((look) => look.mark)).size).toBe(CLASSES.length);
    for (const look of looks) expect(contrast(look.color, look.ink)).toBeGreaterThanOrEqual(4.5);
    expect(inkOn('#ffee00')).toBe('#10131a');
    expect(inkOn('#674598')).toBe('#ffffff');
  });

  it('have one look, however often it is asked for', () => {
    expect(classLook(1, 2)).toBe(classLook(1, 2));
    expect(classLook(1, 2)).not.toBe(classLook(1, null));
  });

  it('are known by the spec alone', () => {
    for (const spec of SPECS) expect(classLook(null, spec.id).className).toBe(classLook(spec.classId, null).className);
    expect(classLook(null, null)).toMatchObject({ className: 'Unknown class', mark: '?' });
    expect(classLook(99, null).className).toBe('Unknown class');
  });
});
