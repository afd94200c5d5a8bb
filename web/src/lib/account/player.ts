/** What somebody types to say which player he means. */
import type { OptOutForm } from '$lib/api/account-types';

/** A player's key or number, and the report or raid in which that key was seen: where names are hidden it is good there alone. */
export type PlayerMeant = Pick<OptOutForm, 'player' | 'seenIn'>;

/** What a link to a page has open that shows a player, or what was typed as it is: a number, or a key. */
export function playerIn(text: string): PlayerMeant {
  const typed = text.trim();
  const key = /[?&]player=([0-9a-f]{32})(?![0-9a-f])/i.exec(typed)?.[1];
  if (key === undefined) return { player: typed };
  const seenIn = /\/(?:reports|raids)\/([\w-]{1,64})(?=[/?#])/.exec(typed)?.[1];
  return seenIn === undefined ? { player: key.toLowerCase() } : { player: key.toLowerCase(), seenIn };
}
