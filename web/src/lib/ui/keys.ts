/**
 * Keys of a page: which one was pressed, if it is meant for the page and not for what has the focus.
 *
 * Letters, digits and arrows go to fields and to what arrow keys go through already; a space presses what is a button.
 */
import { choices } from '$lib/live/choices.svelte';

/** Input fields that are not written into. */
const NO_TEXT = new Set(['range', 'radio', 'checkbox', 'button', 'submit']);
/** What arrow keys, Home and End are for themselves. */
const GONE_THROUGH = 'input, select, [role=tablist], [role=radiogroup], [data-player]';

/** The key that a page should do something about; `null`: none. */
export function pageKey(event: KeyboardEvent): string | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  const on = event.target instanceof Element ? event.target : null;
  // Large or small: Caps Lock is no other key.
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key === 'Escape') return key;
  if (!choices.keys) return null;
  if (on === null) return key;
  const isIn = (selector: string): boolean => on.closest(selector) !== null;
  if (isWrittenInto(on) || isIn('dialog')) return null;
  if (key.startsWith('Arrow') && isIn(GONE_THROUGH)) return null;
  if (key === ' ' && isIn('a[href], button, summary, input, select')) return null;
  return key;
}

function isWrittenInto(on: Element): boolean {
  if (on instanceof HTMLInputElement) return !NO_TEXT.has(on.type);
  return on.closest('textarea, select, [contenteditable]') !== null;
}
