/** What pages of people say. */
import type {
  Audited,
  AuditLine,
  KeyLine,
  LimitName,
  MyAccount,
  PlayerLook,
  ProofWay,
  ReportVisibility,
  Role,
  Scope,
  Visibility,
  WorkName,
} from '$lib/api/account-types';
import type { ApiFailure } from '$lib/api/client';
import { fullNumber } from '$lib/format/number';
import { dateTime, day } from '$lib/format/time';
import type { NamesPolicy } from '$lib/wire/types';

/** What a key may do: as a choice, what that means, and behind "May". */
export const SCOPES: { id: Scope; name: string; means: string; may: string }[] = [
  { id: 'upload', name: 'Upload', means: 'Send fights, live and when they are over.', may: 'upload fights' },
  { id: 'read', name: 'Read', means: 'See your private raids and reports.', may: 'see what is private' },
  {
    id: 'manage',
    name: 'Manage',
    means: 'Make links to raids and end them; say who sees a raid; delete fights and raids.',
    may: 'share and delete your raids',
  },
];

/** Who sees what is uploaded: in a list, and as a choice. The words before the colon are those of the client. */
export const SEEN_BY: { id: Visibility; who: string; choice: string }[] = [
  { id: 'unlisted', who: 'Anyone with the link', choice: 'Unlisted: who has the link' },
  { id: 'public', who: 'Everybody', choice: 'Public: everybody, it is in the list' },
  { id: 'private', who: 'Anyone with a private link', choice: 'Private: who has a private link' },
];

/** Who sees the reports of a raid, as a choice. */
export const REPORTS_SEEN_BY: { id: ReportVisibility; choice: string }[] = [
  { id: 'live', choice: 'Who sees it live' },
  ...SEEN_BY,
];

/** Which names others than members see: as a choice, and in a list. */
export const NAMES: { id: NamesPolicy; choice: string; short: string }[] = [
  { id: 'full', choice: 'All names', short: 'all names' },
  { id: 'class', choice: 'Classes in place of names', short: 'classes in place of names' },
  { id: 'hidden', choice: 'Only names of players who agreed', short: 'only names of players who agreed' },
];

/** How late others than members may see a raid, s: as a choice. */
export const DELAYS: [seconds: number, words: string][] = [
  [0, 'At once'],
  [10, '10 seconds later'],
  [30, '30 seconds later'],
  [60, 'A minute later'],
  [120, '2 minutes later'],
  [300, '5 minutes later'],
  [600, '10 minutes later'],
];

/** What a raid keeps from others than members; empty where that is nothing. */
export function keptBackWords(names: NamesPolicy, delayS: number): string {
  const said = NAMES.find(({ id }) => id === names)?.short ?? names;
  const parts = [...(names === 'full' ? [] : [said]), ...(delayS === 0 ? [] : [`${delayS} s later`])];
  return parts.length === 0 ? '' : `Others: ${parts.join(', ')}`;
}

/** What somebody may do. */
export const ROLES: Record<Role, string> = { member: 'Member', administrator: 'Administrator' };

/** What somebody calls an account of his. */
export function accountName(name: MyAccount['name']): string {
  return name ?? 'Your own';
}

/** An account of his, as a choice. */
export function accountChoice({ id, name }: MyAccount): readonly [id: number, words: string] {
  return [id, accountName(name)];
}

/** "May upload fights and see what is private". */
export function mayWords(scopes: readonly Scope[]): string {
  const words = SCOPES.filter(({ id }) => scopes.includes(id)).map(({ may }) => may);
  const last = words.pop();
  if (last === undefined) return 'May do nothing';
  return `May ${words.length === 0 ? last : `${words.join(', ')} and ${last}`}`;
}

/** Who sees what a key uploads. */
export function seenByWords(visibility: Visibility): string {
  return SEEN_BY.find(({ id }) => id === visibility)?.who ?? visibility;
}

/** What was changed, for who reads who did it. */
export const AUDITED: Record<Audited, string> = {
  fight_deleted: 'deleted a fight',
  raid_deleted: 'deleted a raid',
  raid_expired: 'deleted a raid that was too old',
  raid_pinned: 'keeps a raid however old it gets',
  raid_unpinned: 'keeps a raid no longer than others',
  person_left: 'deleted the own account',
  person_removed: 'deleted an account',
  person_exported: 'asked for all that is held',
  account_claimed: 'took over an account',
  invitation_made: 'made an invitation',
  invitation_taken_back: 'took back an invitation',
  key_made: 'made a key',
  key_revoked: 'ended a key',
  removal_closed: 'closed a request for removal',
  link_made: 'made a link to a raid or a channel',
  link_revoked: 'revoked a link to a raid or a channel',
  raid_shown: 'changed who may see a raid',
  character_proved: 'proved a character',
  claim_refused: 'did not believe a claim',
  player_hidden: 'hid a player',
  player_shown: 'shows a player again',
  player_agreed: 'agreed to be named',
  player_disagreed: 'agrees no more to be named',
  title_cleared: 'cleared a title',
  player_exported: 'asked for all that is held about a player',
  webhook_set: 'has nights told in Discord',
  webhook_removed: 'has nights told in Discord no more',
  player_looked_at: 'looked at a player, before hiding or showing',
};

/** What is about a person: all else is about an account. */
const ABOUT_PEOPLE: ReadonlySet<Audited> = new Set<Audited>([
  'person_left',
  'person_removed',
  'person_exported',
  'character_proved',
  'claim_refused',
  'player_hidden',
  'player_shown',
  'player_agreed',
  'player_disagreed',
  'player_exported',
  'player_looked_at',
]);

/** Whom or what a change was about, by its name or number: " (person Mira)", " (of account 3)". */
export function aboutWords({ what, about, aboutName }: Pick<AuditLine, 'what' | 'about' | 'aboutName'>): string {
  if (about === null) return '';
  return ABOUT_PEOPLE.has(what)
    ? ` (person ${aboutName ?? about})`
    : ` (${what === 'account_claimed' ? '' : 'of '}account ${about})`;
}

/** So many of a player's fights are looked at. */
const FIGHTS_LOOKED_AT = 1_000;

/** Who a player is who is to be hidden or shown: what he is called, where that is told, and how often he is there. */
export function lookWords({ fights, names, hidden, hiddenByAdministrator }: PlayerLook): string {
  const count = (n: number): string => (n === 1 ? '1 fight' : `${fullNumber(n)} fights`);
  const all = fights >= FIGHTS_LOOKED_AT ? `the newest ${count(fights)} were looked at` : `${count(fights)} in all`;
  const own = hidden && !hiddenByAdministrator ? ' The player has hidden the character already.' : '';
  const [first] = names;
  if (fights === 0) return `No fight with this player is here.${own}`;
  if (first === undefined) return `The player is in ${count(fights)}.${own}`;
  if (names.length === 1 && first.fights === fights) return `Called “${first.name}”, in ${count(fights)}.${own}`;
  return `Called ${names.map(({ name, fights }) => `“${name}” in ${count(fights)}`).join(', ')}; ${all}.${own}`;
}

/** So many new fights an account may send within a day, unless its relay says otherwise (`STREAMED_FIGHTS_PER_DAY`). */
export const FIGHTS_A_DAY = 4_000;

/** What a limit of the relay is of. */
export const LIMITS: Record<LimitName, string> = {
  fights_per_account_day: 'Fights of one account a day',
  bytes_per_account_day: 'Bytes of fights of one account a day',
  raids_per_account_hour: 'Raids that one account begins an hour',
  connections_per_account: 'Connections of one account’s clients at once',
  memory_per_account: 'Memory for open fights of one account',
  memory: 'Memory for all open fights',
  uploads_per_address_hour: 'Uploads of one address at once, and an hour',
  requests_per_second: 'Requests of one address a second',
  sent_per_second: 'Bytes of answers to one address a second',
  connections_per_address: 'Live connections of one address at once',
  replays_per_address: 'Replays of one address at once',
  wrong_keys_per_minute: 'Wrong keys of one address a minute',
};

/** Limits that are of bytes. */
const OF_BYTES: ReadonlySet<LimitName> = new Set<LimitName>([
  'bytes_per_account_day',
  'memory_per_account',
  'memory',
  'sent_per_second',
]);

/** How much a limit lets through. */
export function limitWords(name: LimitName, most: number): string {
  if (!OF_BYTES.has(name)) return fullNumber(most);
  const mib = most / 2 ** 20;
  return mib >= 1 ? `${fullNumber(Math.round(mib))} MiB` : `${fullNumber(Math.round(most / 1024))} KiB`;
}

/** Work that waits. */
export const WORK: Record<WorkName, string> = {
  uploads: 'Uploads that wait until their fight is over, or may be seen',
  derive: 'Reports that lists and search do not know yet',
  erase: 'Deletions under way',
  wipe: 'Space of deleted fights to be given back',
  webhooks: 'Nights to be told of in Discord',
};

/** How somebody proves that a character is his: as a choice. */
export const PROOFS: Record<ProofWay, string> = {
  code: 'A code in its name',
  officer: 'Who uploads your raids',
  administrator: 'An administrator',
};

/** What ends within so long is told to the minute, ms. */
const SOON_MS = 8 * 86_400_000;

/** When something ends. */
export function endWords(endsAtMs: KeyLine['endsAtMs'], nowMs: number): string {
  if (endsAtMs === null) return 'Never';
  return endsAtMs - nowMs < SOON_MS ? dateTime(endsAtMs) : day(endsAtMs);
}

/** Why something did not work: the relay's words as a sentence, and how long to wait where it says so. */
export function faultWords(failure: ApiFailure): string {
  const { message, retryS } = failure;
  const sentence = `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? '' : '.'}`;
  if (retryS === null) return sentence;
  return `${sentence} It can be tried again in ${retryS} ${retryS === 1 ? 'second' : 'seconds'}.`;
}

/** The same where only a password was given: the relay's words speak of a name, too. */
export function passwordFaultWords(failure: ApiFailure): string {
  return failure.code === 'wrong_sign_in' ? 'The password is wrong: try again.' : faultWords(failure);
}
