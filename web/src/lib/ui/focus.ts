/** To be attached to an element that takes the focus when it appears: what was asked for is there. */
export function takeFocus(node: HTMLElement): void {
  node.focus();
}
