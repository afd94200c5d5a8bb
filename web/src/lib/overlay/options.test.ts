import { describe, expect, it } from 'vitest';
import {
  DEFAULTS,
  formatOptions,
  overlayUrl,
  parseOptions,
  placeOfOverlay,
  secretOf,
  type OverlayOptions,
} from './options';

const ALL: OverlayOptions = {
  metric: 'hps',
  rows: 5,
  columns: ['share', 'rate', 'crit'],
  names: 'class',
  me: 'Mira & <b>',
  theme: 'light',
  scale: 150,
  bg: 0,
  head: false,
  hideIdle: 30,
  delay: 8,
  align: 'bottom-right',
  font: 'Noto Sans JP',
  css: '.row { color: red; }\n/* & # ? */',
};

describe('options of an overlay', () => {
  it('are the usual ones without a query, and nothing is written of those', () => {
    expect(parseOptions('')).toEqual(DEFAULTS);
    expect(formatOptions(DEFAULTS)).toBe('');
  });

  it('are the same after they were written and read', () => {
    for (const options of [ALL, { ...DEFAULTS, columns: [] }, { ...DEFAULTS, me: '' }]) {
      expect(parseOptions(formatOptions(options))).toEqual(options);
    }
  });

  it('that make no sense are as if they were not there', () => {
    const long = 'x'.repeat(5_000);
    const bad =
      '?metric=x&rows=0&columns=a,b&names=me&theme=pink&scale=1e3&bg=101&head=maybe&hideIdle=-1&delay=301&align=up' +
      `&font=a;b:c&css=${long}&me=${long}`;
    expect(parseOptions(bad)).toEqual(DEFAULTS);
    for (const font of ['"', 'url(x)', ';', ' ', 'a"b', '-x']) {
      expect(parseOptions(`?font=${encodeURIComponent(font)}`).font).toBe('');
    }
  });

  it('take of columns what is known, each once', () => {
    expect(parseOptions('?columns=crit,x,rate,crit').columns).toEqual(['crit', 'rate']);
  });
});

describe('the address of an overlay', () => {
  it('names a channel or a raid, and holds a secret where browsers send it to nobody', () => {
    const place = { kind: 'channel', name: 'a/b' } as const;
    const url = new URL(overlayUrl('https://relay.example', place, ALL, 'abc'));
    expect(url.pathname).toBe('/overlay/live/a%2Fb');
    expect(placeOfOverlay(url.pathname)).toEqual(place);
    expect(parseOptions(url.search)).toEqual(ALL);
    expect(secretOf(url.hash)).toBe('abc');
    expect(url.href.slice(0, url.href.indexOf('#'))).not.toContain('abc');
    expect(placeOfOverlay('/overlay/raids/R')).toEqual({ kind: 'raid', name: 'R' });
    for (const path of ['/overlay/raids/', '/overlay/x/R', '/raids/R', '/overlay/live/%']) {
      expect(placeOfOverlay(path)).toBeNull();
    }
    expect(secretOf('')).toBeNull();
    expect(secretOf('#ticket=')).toBeNull();
  });
});
