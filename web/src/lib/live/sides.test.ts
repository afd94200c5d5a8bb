import { describe, expect, it } from 'vitest';
import { parsePlace } from './place';
import { pastedSide, sideAddress, swappedAddress } from './sides';

const ORIGIN = 'https://relay.example';
const whole = { report: 'k21', attempt: null, span: null, ticket: null };

describe('a report that is pasted', () => {
  it.each([
    ['k21', whole],
    [' https://relay.example/reports/k21 ', whole],
    ['http://relay.example/reports/k21/', whole],
    ['relay.example/reports/k21', whole],
    ['/reports/k21?tab=healing', whole],
    ['https://relay.example/reports/k21?attempt=3&ticket=t%26', { ...whole, attempt: 3, ticket: 't&' }],
    ['https://relay.example/reports/k21?attempt=3&from=10&to=20', { ...whole, span: { fromMs: 10, toMs: 20 } }],
    ['', 'nothing'],
    ['https://other.example/reports/k21', 'elsewhere'],
    ['https://relay.example/raids/k21', 'no report'],
    ['https://relay.example/reports/%2E%2E%2Fk', 'no report'],
    ['https://relay.example/reports/%E0%A4%A', 'no report'],
    ['two words', 'no report'],
    ['javascript:alert(1)', 'no report'],
  ])('is read from %s', (text, side) => {
    expect(pastedSide(text, ORIGIN)).toEqual(side);
  });
});

describe('a comparison the other way round', () => {
  it('has each part at the other report, and each ticket where it opens something', () => {
    const place = parsePlace('?attempt=2&with=r2&withFrom=5&withTo=9&by=taken&player=a');
    expect(swappedAddress(place, 'r1', null)).toBe('/reports/r2?player=a&from=5&to=9&with=r1&withAttempt=2&by=taken');
    expect(swappedAddress(parsePlace('?with=r2'), 'r1', 'mine')).toBe('/reports/r2?ticket=mine&with=r1');
    expect(swappedAddress(parsePlace('?with=r2&withTicket=his'), 'r1', 'mine')).toBe(
      '/reports/r2?ticket=his&with=r1&withTicket=mine',
    );
    expect(swappedAddress(parsePlace(''), 'r1', null)).toBeNull();
  });

  it('leads to one side alone', () => {
    expect(sideAddress({ report: 'r2', attempt: 4, span: null, ticket: 't&' })).toBe(
      '/reports/r2?ticket=t%26&attempt=4',
    );
  });
});
