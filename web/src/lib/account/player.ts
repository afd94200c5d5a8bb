/** What somebody types to say which player he means. */

/** A player's key in a link to a page that shows him, or what was typed as it is: a number, or a key. */
export function playerIn(text: string): string {
  const typed = text.trim();
  const key = /[?&]player=([0-9a-f]{32})(?![0-9a-f])/i.exec(typed)?.[1];
  return key?.toLowerCase() ?? typed;
}
