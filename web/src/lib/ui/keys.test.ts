import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { choices } from '$lib/live/choices.svelte';
import { pageKey } from './keys';

/** What a page makes of a key that is pressed on something. */
function pressed(selector: string, key: string, some: KeyboardEventInit = {}): string | null {
  let heard: string | null = null;
  const hear = (event: KeyboardEvent): void => {
    heard = pageKey(event);
  };
  window.addEventListener('keydown', hear);
  document.querySelector(selector)?.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...some }));
  window.removeEventListener('keydown', hear);
  return heard;
}

beforeEach(() => {
  document.body.innerHTML = `
    <input id="text" /><input id="range" type="range" /><textarea></textarea><select></select>
    <div role="tablist"><button id="tab" role="tab">Tab</button></div>
    <button id="button">Button</button><dialog><p id="inside">Inside</p></dialog><p id="plain">Plain</p>`;
});
afterEach(() => {
  choices.keys = true;
  document.body.innerHTML = '';
});

describe('a key', () => {
  it('is the page’s where nothing else takes it, large or small', () => {
    expect(['l', 'L', '?', ' ', 'ArrowLeft', '3'].map((key) => pressed('#plain', key))).toEqual([
      'l',
      'l',
      '?',
      ' ',
      'ArrowLeft',
      '3',
    ]);
  });

  it('is never the page’s while somebody writes, or in a sheet', () => {
    for (const on of ['#text', 'textarea', 'select', '#inside']) {
      expect([on, pressed(on, 'l'), pressed(on, '?'), pressed(on, ' ')]).toEqual([on, null, null, null]);
    }
    expect(pressed('#text', 'Escape')).toBe('Escape');
  });

  it('is left to what goes by it: arrows to tabs and sliders, a space to buttons', () => {
    expect([pressed('#tab', 'ArrowLeft'), pressed('#range', 'ArrowLeft'), pressed('#button', ' ')]).toEqual([
      null,
      null,
      null,
    ]);
    expect([pressed('#range', 'l'), pressed('#button', 'ArrowLeft')]).toEqual(['l', 'ArrowLeft']);
  });

  it('is the browser’s with Ctrl, Alt or Meta', () => {
    for (const held of [{ ctrlKey: true }, { altKey: true }, { metaKey: true }]) {
      expect(pressed('#plain', 'l', held)).toBeNull();
    }
  });

  it('does nothing where its reader wants none, and the device remembers that', () => {
    choices.keys = false;
    expect([pressed('#plain', 'l'), pressed('#plain', 'Escape')]).toEqual([null, 'Escape']);
    expect(localStorage.getItem('raidcast.choices')).toBe('{"keys":false}');
  });
});
