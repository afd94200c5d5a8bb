/** What else a text that is typed leads to: a raid by its code or link, a scene by a part of its name, who is live. */
import type { ReportSummary } from '$lib/wire/types';
import { chipsOf, type SearchPlace } from './place';

/** Scenes that are offered at once at the most. */
const SCENES_MAX = 5;

/** A page of this relay that a link names. */
export interface Lead {
  kind: 'raid' | 'report' | 'channel';
  name: string;
  /** With the ticket of a private one, if the link has it. */
  href: string;
}

const KINDS: Record<string, Lead['kind']> = { raids: 'raid', reports: 'report', live: 'channel' };

/** The page that a link leads to, on this relay; `null` where the text is none. */
export function leadOf(text: string, origin: string): Lead | null {
  const trimmed = text.trim();
  if (!/^(https?:\/\/|\/)/i.test(trimmed)) return null;
  let url: URL;
  try {
    url = new URL(trimmed, origin);
  } catch {
    return null;
  }
  const [, first = '', name = '', ...more] = url.pathname.split('/');
  const kind = KINDS[first];
  // What is elsewhere is not opened from here: a page that says "search" leads nowhere else.
  if (url.origin !== origin || kind === undefined || name === '' || more.join('') !== '') return null;
  return { kind, name: decoded(name), href: `/${first}/${name}${url.search}${url.hash}` };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

/** The code of a raid, as relays make them: letters and digits that nobody mistakes for another. One in fifty has no digit: it is a name. */
export function codeOf(text: string): string | null {
  const code = text.trim().toLowerCase();
  return /^(?=.*\d)[0-9a-hjkmnp-tv-z]{8,32}$/.test(code) ? code : null;
}

/** A name as it is compared: large and small, full and half width, and spaces are alike. */
function folded(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/gu, '');
}

/** Scenes of these fights that have the text in their names: the relay finds a scene by all of its name alone. */
export function scenesLike(text: string, fights: readonly ReportSummary[]): string[] {
  const part = folded(text);
  if (part === '') return [];
  const scenes = new Set<string>();
  for (const { encounter } of fights) {
    if (encounter.scene !== null && folded(encounter.scene) !== part && folded(encounter.scene).includes(part)) {
      scenes.add(encounter.scene);
    }
  }
  return [...scenes].slice(0, SCENES_MAX);
}

/**
 * Fights that go on, of those that a list shows: those that the text may mean. None where something is asked that
 * is known of a fight only when it is over.
 */
export function liveOf(place: SearchPlace, fights: readonly ReportSummary[]): ReportSummary[] {
  if (chipsOf(place).some(({ id }) => id !== 'order' && id !== 'in')) return [];
  const part = folded(place.text);
  return fights.filter(
    ({ state, bosses, encounter }) =>
      state === 'live' &&
      (part === '' || [...bosses, encounter.scene ?? ''].some((name) => folded(name).includes(part))),
  );
}
