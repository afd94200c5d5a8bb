/** What an overlay is to show, as people paste it: a link to a raid, to a channel, or an overlay's own address. */
import type { RaidPlace } from '$lib/api/client';
import { placeOfOverlay, secretOf } from './options';

/** See the module. */
export interface Shown {
  place: RaidPlace;
  /** What lets it in, where that stands in the link. */
  secret: string | null;
}

/** `null` of what leads to no raid of this relay. A path alone is good, too. */
export function shownBy(text: string, origin: string): Shown | null {
  let url: URL;
  try {
    url = new URL(text.trim(), origin);
  } catch {
    return null;
  }
  if (url.origin !== new URL(origin).origin) return null;
  const path = url.pathname.replace(/\/$/, '');
  const place = placeOfOverlay(path.startsWith('/overlay/') ? path : `/overlay${path}`);
  const ticket = url.searchParams.get('ticket');
  return place === null ? null : { place, secret: secretOf(url.hash) ?? (ticket === '' ? null : ticket) };
}
