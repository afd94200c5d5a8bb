/** Puts text into the clipboard. */

/**
 * Copies what an element holds. Over plain HTTP browsers have no clipboard for pages: there the text is selected and
 * copied as by hand. Whether it worked; if not, the text stays selected.
 */
export async function copyFrom(element: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    return document.execCommand('copy');
  }
}

/** Copies a text; whether it worked. Where browsers have no clipboard for pages, the text is copied as by hand. */
export async function copyText(text: string): Promise<boolean> {
  const held = document.createElement('pre');
  held.textContent = text;
  held.style.cssText = 'position:fixed;left:-10000px';
  document.body.append(held);
  const copied = await copyFrom(held);
  held.remove();
  return copied;
}
