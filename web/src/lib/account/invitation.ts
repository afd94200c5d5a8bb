/** The secret of an invitation stands in its link behind `#`, which browsers send to nobody. */

/** The secret in an address's fragment; `null` where there is none. */
export function invitationOf(hash: string): string | null {
  const secret = new URLSearchParams(hash.slice(1)).get('invitation');
  return secret === null || secret === '' ? null : secret;
}
