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
