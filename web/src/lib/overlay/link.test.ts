import { describe, expect, it } from 'vitest';
import { shownBy } from './link';

const ORIGIN = 'https://relay.example';

describe('what an overlay is to show', () => {
  it('is told by a link, with what lets it in, or by its own address', () => {
    const channel = { kind: 'channel', name: 'C' };
    expect(shownBy(' https://relay.example/live/C/ ', ORIGIN)).toEqual({ place: channel, secret: null });
    expect(shownBy('/live/C?ticket=abc', ORIGIN)).toEqual({ place: channel, secret: 'abc' });
    expect(shownBy('https://relay.example/overlay/live/C?rows=3#ticket=abc', ORIGIN)).toEqual({
      place: channel,
      secret: 'abc',
    });
    expect(shownBy('/raids/R', ORIGIN)?.place).toEqual({ kind: 'raid', name: 'R' });
  });

  it('is nothing where that leads elsewhere', () => {
    for (const text of ['https://other.example/live/C', '/reports/R', 'live', 'javascript:alert(1)', 'http://', '/']) {
      expect(shownBy(text, ORIGIN)).toBeNull();
    }
  });
});
