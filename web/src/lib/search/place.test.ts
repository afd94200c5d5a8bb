import { describe, expect, it } from 'vitest';
import { ANYTHING, chipsOf, daysAgo, fieldsOf, formatSearch, parseSearch, questionOf } from './place';

const ALL =
  '?q=Frost+Ogre&in=boss&outcome=kill&class=2&from=2026-11-01&to=2026-11-29&longer=2&shorter=10&least=5&most=20' +
  '&order=dps&sort=asc';

describe('a search in an address', () => {
  it('comes back as it was written, and says nothing of what is as usual', () => {
    expect(formatSearch(parseSearch(ALL))).toBe(ALL);
    expect([formatSearch(ANYTHING), formatSearch(parseSearch('?order=started&sort=desc&in=&outcome='))]).toEqual([
      '',
      '',
    ]);
    expect(parseSearch('')).toEqual(ANYTHING);
  });

  it('is without what makes no sense, and without an end that lies before its begin', () => {
    const nonsense = '?outcome=won&class=9999&from=2026-13-01&to=2026-02-30&longer=-1&least=1e3&order=luck&in=moon';
    expect(parseSearch(nonsense)).toEqual(ANYTHING);
    const turned = parseSearch('?from=2026-11-29&to=2026-11-01&longer=10&shorter=2&least=20&most=5');
    expect([turned.from, turned.to, turned.longer, turned.shorter, turned.least, turned.most]).toEqual([
      '2026-11-29',
      null,
      10,
      null,
      20,
      null,
    ]);
  });

  it('asks the relay by its own names, days being the reader’s own from midnight to midnight', () => {
    const place = parseSearch(ALL);
    const question = questionOf(place, 'boss');
    expect(question).toMatchObject({
      bossName: 'Frost Ogre',
      outcome: 'kill',
      classId: 2,
      dateFrom: new Date(2026, 10, 1).getTime(),
      dateTo: new Date(2026, 10, 30).getTime() - 1,
      durationFrom: 120_000,
      durationTo: 600_000,
      playersFrom: 5,
      playersTo: 20,
      orderBy: 'dps',
      sort: 'asc',
    });
    expect(Object.values(questionOf(ANYTHING, null)).every((value) => value === null)).toBe(true);
  });

  it('is looked up as all that its text may be, as one thing where that is said, once without a text', () => {
    expect(fieldsOf({ ...ANYTHING, text: 'Ogre' })).toEqual(['boss', 'player', 'scene']);
    expect(fieldsOf({ ...ANYTHING, text: 'Ogre', of: 'scene' })).toEqual(['scene']);
    expect(fieldsOf({ ...ANYTHING, text: '  ', of: 'scene' })).toEqual([null]);
  });
});

describe('filters as chips', () => {
  it('stand each for itself, in words, and lead to the search without it', () => {
    const chips = chipsOf(parseSearch(ALL));
    expect(chips.map(({ words }) => words)).toEqual([
      'In: Bosses',
      'Result: Kill',
      'Class: Frost Mage',
      'From 1 Nov 2026',
      'Until 29 Nov 2026',
      'At least 2 minutes',
      'At most 10 minutes',
      'At least 5 players',
      'At most 20 players',
      'Least DPS first',
    ]);
    for (const { id, without } of chips) {
      const left = chipsOf(without).map((chip) => chip.id);
      expect(left).toEqual(chips.map((chip) => chip.id).filter((other) => other !== id));
      expect(without.text).toBe('Frost Ogre');
    }
    expect(chipsOf({ ...ANYTHING, text: 'Ogre' })).toEqual([]);
  });
});

describe('days before today', () => {
  it('go over the ends of months', () => {
    const now = new Date(2026, 2, 2, 0, 30).getTime();
    expect([daysAgo(0, now), daysAgo(6, now)]).toEqual(['2026-03-02', '2026-02-24']);
  });
});
