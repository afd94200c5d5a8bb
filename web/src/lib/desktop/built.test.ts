/** What is built of the window's page keeps to the app's policy: nothing inline, nothing from elsewhere. */
import { describe, expect, it } from 'vitest';

const files = import.meta.glob<string>('../../../dist-desktop/**/*', {
  query: '?raw',
  import: 'default',
  eager: true,
});
const of = (kind: string): [string, string][] => Object.entries(files).filter(([name]) => name.endsWith(`.${kind}`));

describe('the page that is built', () => {
  it('is one page with its scripts and its sheet', () => {
    expect(of('html').map(([name]) => name.split('/').at(-1))).toEqual(['desktop.html']);
    expect([of('js').length, of('css').length]).toEqual([2, 1]);
    for (const [name, text] of Object.entries(files)) expect(text.length, name).toBeGreaterThan(200);
  });

  it('has no inline script and no inline style', () => {
    const [, html = ''] = of('html')[0] ?? [];
    const scripts = [...html.matchAll(/<script\b([^>]*)>([\s\S]*?)<\/script>/g)];
    expect(scripts.length).toBe(2);
    for (const [, attributes = '', inside] of scripts)
      expect([/\ssrc="\//.test(attributes), inside]).toEqual([true, '']);
    expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
  });

  it('makes none while it runs', () => {
    for (const [name, js] of of('js')) {
      // Attributes of markup that is put in as text; those that are set one by one are no text.
      expect(js, name).not.toMatch(/<[a-z][^<>]*\sstyle=/i);
      expect(js, name).not.toMatch(/createElement\(["'`]style|\bnew Function\(|\beval\(|setAttribute\(["'`]style/);
    }
  });

  it('asks for nothing from elsewhere', () => {
    for (const [name, text] of [...of('html'), ...of('css')]) {
      expect(text.replace(/\/\*[\s\S]*?\*\//g, ''), name).not.toMatch(/https?:|\/\/[a-z]|data:|@import/i);
    }
    for (const [name, js] of of('js')) expect(js, name).not.toMatch(/\bfetch\(|WebSocket|XMLHttpRequest|EventSource/);
  });

  it('has nothing in it of the staged app', () => {
    for (const [name, js] of of('js'))
      expect(js, name).not.toMatch(/staged|K7Q2M9XD|Frostmaw|__TAURI_EVENT_PLUGIN_INTERNALS__:/i);
  });
});
