import { describe, expect, it } from 'vitest';
import { formatPlace, momentAt, parsePlace, ticketOf } from './place';

describe('the place in an address', () => {
  it('is the usual one without a query', () => {
    expect(parsePlace('')).toEqual({
      tab: 'damage',
      sort: { column: 'amount', turned: false },
      player: null,
      attempt: null,
      bosses: false,
      death: null,
      span: null,
      other: null,
      by: 'dps',
      window: 5,
      at: null,
      fight: null,
    });
    expect(formatPlace(parsePlace(''), '')).toBe('');
  });

  it('comes back as it went', () => {
    for (const query of [
      '?tab=healing&player=ab&attempt=2&window=10',
      '?from=1000&to=2000',
      '?player=%3Cb%3E',
      '?at=1500',
      '?tab=deaths&death=1200-ab',
      '?of=bosses',
      '?tab=targets',
      '?at=1500&fight=r2',
      '?sort=name&order=desc',
      '?sort=deaths',
      '?order=asc',
      '?with=r2',
      '?attempt=2&with=r1&withAttempt=1&by=healing',
      '?from=1000&to=2000&with=r2&withFrom=0&withTo=1000&withTicket=t%26',
      '?tab=compare',
      '?tab=healing&with=r2',
    ]) {
      expect(parsePlace(formatPlace(parsePlace(query), ''))).toEqual(parsePlace(query));
    }
  });

  it('is as if not there where it makes no sense', () => {
    expect(parsePlace('?tab=x&attempt=-1&from=9&to=3&window=7')).toEqual(parsePlace(''));
    expect(parsePlace('?attempt=1e3&from=1')).toEqual(parsePlace(''));
  });

  it('names an order by column and way, the usual way left out', () => {
    expect(parsePlace('?sort=name&order=desc').sort).toEqual({ column: 'name', turned: true });
    expect(parsePlace('?sort=name&order=asc').sort).toEqual({ column: 'name', turned: false });
    expect(parsePlace('?sort=rate&order=asc').sort).toEqual({ column: 'rate', turned: true });
    expect(parsePlace('?sort=x&order=y').sort).toEqual(parsePlace('').sort);
    expect(formatPlace({ ...parsePlace(''), sort: { column: 'share', turned: false } }, '')).toBe('?sort=share');
    expect(formatPlace({ ...parsePlace(''), sort: { column: 'amount', turned: true } }, '')).toBe('?order=asc');
  });

  it('is about a comparison where it names one, without a word for its tab', () => {
    expect(parsePlace('?with=r2&withAttempt=3&by=taken')).toMatchObject({
      tab: 'compare',
      other: { report: 'r2', attempt: 3, span: null, ticket: null },
      by: 'taken',
    });
    const none = { ...parsePlace('?with=r2&withAttempt=3'), other: null, tab: 'damage' as const };
    expect(formatPlace(none, '?with=r2&withAttempt=3')).toBe('');
    expect(formatPlace({ ...parsePlace('?with=r2'), tab: 'damage' }, '')).toBe('?tab=damage&with=r2');
    expect(parsePlace('?with=&withAttempt=3&withFrom=9&withTo=3&by=x')).toEqual(parsePlace(''));
  });

  it('keeps the ticket of a private raid', () => {
    expect(formatPlace({ ...parsePlace(''), tab: 'taken' }, '?ticket=abc')).toBe('?ticket=abc&tab=taken');
    expect(ticketOf('?ticket=a%2Bb')).toBe('a+b');
    expect(ticketOf('')).toBeNull();
  });
});

describe('a moment of a fight', () => {
  const stretch = { firstMs: 1_000, lastMs: 61_000, live: true };

  it('is the present near the end of one that goes on, and lies within the fight otherwise', () => {
    expect([-5, 1_000, 30_000.4, 60_000].map((at) => momentAt(at, stretch))).toEqual([1_000, 1_000, 30_000, 60_000]);
    expect([60_001, 61_000, 99_000].map((at) => momentAt(at, stretch))).toEqual([null, null, null]);
    expect(momentAt(99_000, { ...stretch, live: false })).toBe(61_000);
  });
});
