/** Providers: others who say who somebody is. What a browser brings back from one, and what pages say of it. */
import type { ProviderLine, SignInFault } from '$lib/api/account-types';

/** Why a browser that came from a provider was not let in, and what to do. */
const FAULTS: Record<SignInFault, (title: string, wait: string) => string> = {
  ended: () => 'This sign-in has ended, or was used already. Begin again.',
  other_browser: (title) =>
    `This sign-in began in another browser, or this one keeps no cookies. Begin again here, and come back from ${title} in the same window.`,
  other_provider: (title) =>
    `What came back does not belong to this sign-in with ${title}. Nobody was signed in. Begin again, and tell the administrator of this relay if you see this once more.`,
  denied: (title) =>
    `${title} did not let this relay know who you are. If you want to sign in so, begin again and allow it.`,
  provider_down: (title) => `${title} does not answer now. Try again in a moment.`,
  provider_busy: (title, wait) =>
    `${title} is asked too often now, and wants to be left alone. Wait ${wait}, and try again, or sign in otherwise if you can.`,
  provider_wrong: (title) =>
    `${title} did not confirm who you are. Begin again. If you see this once more, tell the administrator of this relay: the reason is in its log.`,
  not_invited: (title) =>
    `Nobody here signs in by this ${title} account yet, and to join you need an invitation link. If you have joined already, sign in as before and add ${title} on your account page.`,
  joining_closed: (title) =>
    `Nobody here signs in by this ${title} account, and nobody can join this relay now. If you have joined already, sign in as before and add ${title} on your account page.`,
  sign_in_again: (title) =>
    `To add ${title}, you must have signed in here within the last 15 minutes. Sign in again, and then add it.`,
  has_another: (title) => `You sign in by another ${title} account already. Remove that one first.`,
  somebody_elses: (title) =>
    `This is not the ${title} account by which you sign in here, or somebody else signs in by it. Nothing was changed. Choose the right account at ${title}.`,
  busy: () => 'The relay has too much to do now. Try again in a moment.',
  too_often: (title, wait) =>
    `Too many sign-ins with ${title} from your network did not work. Wait ${wait}, and begin again, or sign in otherwise if you can.`,
};

/** What stands behind the `?` of a page to which a browser is led that came from a provider. */
export interface CameBack {
  /** Somebody is signed in now. */
  entered: boolean;
  /** He has to choose a name before. */
  newcomer: boolean;
  /** He can sign in so from now on. */
  added: boolean;
  fault: SignInFault | null;
  /** The provider's id, empty where it is not told. */
  provider: string;
  /** For how many seconds he waits; `null` where that is not told. */
  wait: number | null;
}

/** No provider is left alone for longer, s. */
const WAIT_MAX_S = 3_600;

function isFault(text: string | null): text is SignInFault {
  return text !== null && Object.hasOwn(FAULTS, text);
}

/** Reads it. */
export function cameBack(search: string): CameBack {
  const query = new URLSearchParams(search);
  const fault = query.get('fault');
  const wait = Number(query.get('wait') ?? NaN);
  const named = ['provider', 'entered', 'newcomer', 'added'].map((name) => query.get(name));
  return {
    entered: query.has('entered'),
    newcomer: query.has('newcomer'),
    added: query.has('added'),
    fault: isFault(fault) ? fault : null,
    provider: named.find((name) => name !== null) ?? '',
    wait: Number.isFinite(wait) && wait > 0 ? Math.min(wait, WAIT_MAX_S) : null,
  };
}

/** The same address without it: what was told once is not told again when the page is loaded anew. */
export function withoutCameBack(path: string, search: string): string {
  const query = new URLSearchParams(search);
  for (const name of ['fault', 'provider', 'wait', 'added']) query.delete(name);
  const rest = query.toString();
  return rest === '' ? path : `${path}?${rest}`;
}

/** What people call a provider. */
export function titleOf(id: string, providers: readonly ProviderLine[]): string {
  return providers.find((provider) => provider.id === id)?.title ?? 'the provider';
}

/** "4 minutes", of seconds. */
function waitWords(seconds: number | null): string {
  const minutes = Math.ceil((seconds ?? 60) / 60);
  return minutes <= 1 ? 'a minute' : `${String(minutes)} minutes`;
}

/** Why somebody was not let in, in words that begin a sentence. */
export function providerFaultWords(fault: SignInFault, title: string, wait: number | null = null): string {
  const words = FAULTS[fault](title, waitWords(wait));
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
}
