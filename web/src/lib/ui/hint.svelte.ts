/**
 * A title that an element has only while the pointer rests on it: figures that change with every tick do not write one
 * each time, and what is read under a resting pointer is what is there now.
 * For what is also said elsewhere: only a pointer hears of it.
 */

/** To be attached to the element that is given the title. */
export function hint(words: () => string): (node: HTMLElement) => () => void {
  return (node) => {
    let pointed = $state(false);
    const come = (): void => {
      pointed = true;
    };
    const go = (): void => {
      pointed = false;
    };
    node.addEventListener('pointerenter', come);
    node.addEventListener('pointerleave', go);
    $effect(() => {
      if (pointed) node.title = words();
      else node.removeAttribute('title');
    });
    return () => {
      node.removeEventListener('pointerenter', come);
      node.removeEventListener('pointerleave', go);
    };
  };
}
