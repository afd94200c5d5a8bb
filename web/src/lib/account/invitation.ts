/** The secret of an invitation stands in its link behind `#`, which browsers send to nobody. */

/** The secret in an address's fragment; `null` where there is none. */
export function invitationOf(hash: string): string | null {
  const secret = new URLSearchParams(hash.slice(1)).get('invitation');
  return secret === null || secret === '' ? null : secret;
}

const KEY = 'raidcast.invitation';

/** Keeps an invitation while this tab is at a provider, until somebody has signed in: `null` forgets it. */
export function keepInvitation(invitation: string | null): void {
  try {
    if (invitation === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, invitation);
  } catch {
    // Storage is off: who comes back without having joined opens his link again.
  }
}

/** The invitation that this tab had before it went to a provider. */
export function keptInvitation(): string | null {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null;
  }
}
