/** Where somebody goes who has signed in. */

/** The account's own page. */
const HOME = '/account';

/**
 * The path that an address names as `next`. Only a place of this relay: whoever sends somebody a link to sign in by must
 * not lead him to a page that only looks like one of ours.
 */
export function nextPath(search: string, origin: string): string {
  const next = new URLSearchParams(search).get('next');
  if (next === null || !isOwn(next)) return HOME;
  const url = new URL(next, origin);
  const path = `${url.pathname}${url.search}${url.hash}`;
  // What was `/.//other.example` is `//other.example` now.
  return url.origin === origin && isOwn(path) ? path : HOME;
}

function isOwn(path: string): boolean {
  return /^\/(?![/\\])/.test(path);
}
