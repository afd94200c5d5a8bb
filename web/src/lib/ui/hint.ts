/**
 * A title that is worked out when the pointer comes: figures that change with every tick do not write one each time.
 * For what is also said elsewhere: only a pointer hears of it.
 */

/** To be attached to the element that is given the title. */
export function hint(words: () => string): (node: HTMLElement) => () => void {
  return (node) => {
    const tell = (): void => {
      node.title = words();
    };
    node.addEventListener('pointerover', tell);
    return () => {
      node.removeEventListener('pointerover', tell);
    };
  };
}
