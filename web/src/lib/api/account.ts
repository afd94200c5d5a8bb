/** The part of the API by which somebody joins, signs in, and sees to what is his. A cookie says who asks. */
import type {
  AccountList,
  AuditPage,
  BeliefForm,
  CharacterForm,
  ClaimForm,
  ClaimLine,
  Deleting,
  DeviceForm,
  DeviceLine,
  HiddenPlayers,
  InvitationForm,
  InvitationLine,
  InvitationList,
  InvitationLook,
  JoinForm,
  JudgedClaim,
  KeyForm,
  KeyLine,
  KeyList,
  LinkForm,
  LinkLine,
  LinkList,
  Me,
  MyAccount,
  MyCharacters,
  MyRaids,
  Newcomer,
  NewcomerForm,
  NewInvitation,
  NewKey,
  NewLink,
  OpenClaim,
  OverlayLine,
  OverlayList,
  OpenClaims,
  OptOutForm,
  PasswordForm,
  PersonLine,
  PersonList,
  PlayerExportForm,
  PlayerForm,
  PlayerLook,
  ProviderForm,
  ProviderTrip,
  RaidForm,
  RaidSeenBy,
  RelayLimits,
  RenewedTicket,
  RemovalForm,
  RemovalLine,
  RemovalList,
  RotationForm,
  SessionLine,
  SessionList,
  SignInForm,
  SignInWays,
  WayList,
  Webhook,
  WebhookState,
} from './account-types';
import type { RaidPage } from './types';
import type { ReportSummary } from '$lib/wire/types';
import { ask, askArchive, browserApiEnv, type ApiEnv, type RaidPlace } from './client';

function pathOf({ kind, name }: RaidPlace, what: 'links' | 'overlays' | 'webhook'): string {
  return `/api/v1/${kind === 'raid' ? 'raids' : 'live'}/${encodeURIComponent(name)}/${what}`;
}

/** See the module. */
export interface AccountApi {
  waysToSignIn(signal?: AbortSignal): Promise<SignInWays>;
  /** The address at a provider to which the browser goes. */
  goToProvider(id: string, form: ProviderForm): Promise<string>;
  /** Who came from a provider with this browser, and has not joined yet. */
  newcomer(): Promise<Newcomer>;
  joinAsNewcomer(form: NewcomerForm): Promise<Me>;
  signIn(form: SignInForm): Promise<Me>;
  signOut(): Promise<void>;
  /** Refused where the invitation is none, or good no more. */
  lookAtInvitation(look: InvitationLook): Promise<void>;
  join(form: JoinForm): Promise<Me>;
  me(): Promise<Me>;
  changePassword(form: PasswordForm): Promise<void>;
  ways(): Promise<WayList>;
  removeWay(provider: string): Promise<void>;
  sessions(): Promise<SessionLine[]>;
  endSession(id: number): Promise<void>;
  /** All but the one that asks. */
  endOtherSessions(): Promise<void>;
  keys(): Promise<KeyLine[]>;
  makeKey(form: KeyForm): Promise<NewKey>;
  replaceKey(id: number, form: RotationForm): Promise<NewKey>;
  revokeKey(id: number): Promise<void>;
  invitations(): Promise<InvitationLine[]>;
  invite(form: InvitationForm): Promise<NewInvitation>;
  uninvite(id: string): Promise<void>;
  /** Those that nobody holds. */
  accounts(): Promise<MyAccount[]>;
  claimAccount(id: number): Promise<void>;
  /** His raids: those that were made last, or before a place. */
  raids(before?: number): Promise<MyRaids>;
  /** Whether all of it is gone; else the relay goes on deleting. */
  deleteRaid(code: string): Promise<boolean>;
  /** The fights of a raid of his, the newest first. */
  fights(code: string): Promise<ReportSummary[]>;
  /** Whether all of it is gone; else the relay goes on deleting. */
  deleteFight(reportId: string): Promise<boolean>;
  /** Keeps a raid however old it gets, or no longer than others. */
  pinRaid(code: string, pinned: boolean): Promise<void>;
  /** Says who may see a raid from now on. */
  showRaid(code: string, form: RaidForm): Promise<RaidSeenBy>;
  /** Ends the link of a raid that has no end, and that of its channel, and makes others. */
  renewTicket(code: string): Promise<RenewedTicket>;
  /** Links to a raid or a channel that are good. */
  links(to: RaidPlace): Promise<LinkLine[]>;
  makeLink(to: RaidPlace, form: LinkForm): Promise<NewLink>;
  revokeLink(to: RaidPlace, id: number): Promise<void>;
  /** Where a channel's nights are told of in a chat; `null`: nowhere. */
  webhook(of: RaidPlace): Promise<Webhook | null>;
  setWebhook(of: RaidPlace, url: string): Promise<Webhook | null>;
  removeWebhook(of: RaidPlace): Promise<void>;
  /** Sends a message there that says that it works. */
  testWebhook(of: RaidPlace): Promise<void>;
  /** The overlays that show it now. */
  overlays(of: RaidPlace): Promise<OverlayLine[]>;
  /** Clears a raid's title for good. */
  clearTitle(code: string): Promise<void>;
  /** Deletes him, with all that is his. */
  deleteMe(): Promise<void>;
  /** Who signs in: all of them. */
  people(): Promise<PersonLine[]>;
  /** Whether all of it is gone; else the relay goes on deleting. */
  deletePerson(id: number): Promise<boolean>;
  /** Who changed what: the newest, or before a place. */
  audit(before?: number): Promise<AuditPage>;
  /** What the relay lets through, and what it holds back. */
  limits(): Promise<RelayLimits>;
  removals(): Promise<RemovalLine[]>;
  closeRemoval(id: number): Promise<void>;
  askRemoval(form: RemovalForm): Promise<void>;
  /** His characters, and what he says is his. */
  characters(): Promise<MyCharacters>;
  claimCharacter(form: ClaimForm): Promise<ClaimLine>;
  dropClaim(id: number): Promise<void>;
  /** Has a character shown otherwise, everywhere and at once. */
  changeCharacter(id: number, form: CharacterForm): Promise<void>;
  /** All that is held about a character of his; `heard` is told how many bytes of it have come. */
  characterArchive(id: number, heard: (bytes: number) => void): Promise<Blob>;
  /** The claim of another with this code, if he may confirm it. */
  confirmation(code: string): Promise<OpenClaim>;
  confirmClaim(code: string): Promise<void>;
  /** Claims that wait for an administrator. */
  claims(): Promise<JudgedClaim[]>;
  /** The character is his, if it is still whose it was. */
  believeClaim(id: number, form: BeliefForm): Promise<void>;
  refuseClaim(id: number): Promise<void>;
  /** Whom administrators have hidden: the last ones, or before a place. */
  hiddenPlayers(before?: string): Promise<HiddenPlayers>;
  /** What would be hidden of a player. */
  lookAtPlayer(form: PlayerForm): Promise<PlayerLook>;
  /** Hides a player who asked for it, or shows him again. */
  optOut(form: OptOutForm): Promise<void>;
  /** All that is held about a player who asked for it. */
  playerArchive(form: PlayerExportForm, heard: (bytes: number) => void): Promise<Blob>;
  /** The program that waits with a code. */
  device(code: string): Promise<DeviceLine>;
  decideDevice(code: string, form: DeviceForm): Promise<void>;
}

/** On the page's own origin. */
export function accountClient(env: ApiEnv = browserApiEnv): AccountApi {
  const get = async <T>(path: string, signal?: AbortSignal): Promise<T> => (await ask(env, path, { signal })) as T;
  const post = async <T>(path: string, body: unknown): Promise<T> =>
    (await ask(env, path, { method: 'POST', body })) as T;
  const remove = async (path: string): Promise<void> => {
    await ask(env, path, { method: 'DELETE' });
  };
  const deleted = async (path: string): Promise<boolean> =>
    ((await ask(env, path, { method: 'DELETE' })) as Deleting).done;
  return {
    waysToSignIn: (signal) => get('/api/v1/sign-in', signal),
    goToProvider: async (id, form) => (await post<ProviderTrip>(`/api/v1/sign-in/${encodeURIComponent(id)}`, form)).url,
    newcomer: () => get('/api/v1/newcomer'),
    joinAsNewcomer: (form) => post('/api/v1/newcomer', form),
    signIn: (form) => post('/api/v1/session', form),
    signOut: () => remove('/api/v1/session'),
    lookAtInvitation: async (look) => {
      await post('/api/v1/invitation', look);
    },
    join: (form) => post('/api/v1/people', form),
    me: () => get('/api/v1/me'),
    changePassword: async (form) => {
      await ask(env, '/api/v1/me/password', { method: 'PUT', body: form });
    },
    ways: () => get('/api/v1/me/ways'),
    removeWay: (provider) => remove(`/api/v1/me/ways/${encodeURIComponent(provider)}`),
    sessions: async () => (await get<SessionList>('/api/v1/me/sessions')).sessions,
    endSession: (id) => remove(`/api/v1/me/sessions/${id}`),
    endOtherSessions: () => remove('/api/v1/me/sessions'),
    keys: async () => (await get<KeyList>('/api/v1/me/keys')).keys,
    makeKey: (form) => post('/api/v1/me/keys', form),
    replaceKey: (id, form) => post(`/api/v1/me/keys/${id}/rotation`, form),
    revokeKey: (id) => remove(`/api/v1/me/keys/${id}`),
    invitations: async () => (await get<InvitationList>('/api/v1/invitations')).invitations,
    invite: (form) => post('/api/v1/invitations', form),
    uninvite: (id) => remove(`/api/v1/invitations/${encodeURIComponent(id)}`),
    accounts: async () => (await get<AccountList>('/api/v1/accounts')).accounts,
    claimAccount: async (id) => {
      await ask(env, `/api/v1/accounts/${id}/claim`, { method: 'POST' });
    },
    raids: (before) => get(`/api/v1/me/raids${before === undefined ? '' : `?before=${before}`}`),
    deleteRaid: (code) => deleted(`/api/v1/raids/${encodeURIComponent(code)}`),
    fights: async (code) => (await get<RaidPage>(`/api/v1/raids/${encodeURIComponent(code)}`)).reports,
    deleteFight: (reportId) => deleted(`/api/v1/reports/${encodeURIComponent(reportId)}`),
    pinRaid: async (code, pinned) => {
      await ask(env, `/api/v1/raids/${encodeURIComponent(code)}/pin`, { method: pinned ? 'PUT' : 'DELETE' });
    },
    showRaid: async (code, form) =>
      (await ask(env, `/api/v1/raids/${encodeURIComponent(code)}`, { method: 'PATCH', body: form })) as RaidSeenBy,
    renewTicket: async (code) =>
      (await ask(env, `/api/v1/raids/${encodeURIComponent(code)}/ticket`, { method: 'POST' })) as RenewedTicket,
    links: async (to) => (await get<LinkList>(pathOf(to, 'links'))).links,
    makeLink: (to, form) => post(pathOf(to, 'links'), form),
    revokeLink: (to, id) => remove(`${pathOf(to, 'links')}/${id}`),
    webhook: async (of) => (await get<WebhookState>(pathOf(of, 'webhook'))).webhook,
    setWebhook: async (of, url) =>
      ((await ask(env, pathOf(of, 'webhook'), { method: 'PUT', body: { url } })) as WebhookState).webhook,
    removeWebhook: (of) => remove(pathOf(of, 'webhook')),
    testWebhook: async (of) => {
      await ask(env, `${pathOf(of, 'webhook')}/test`, { method: 'POST' });
    },
    overlays: async (of) => (await get<OverlayList>(pathOf(of, 'overlays'))).overlays,
    clearTitle: (code) => remove(`/api/v1/raids/${encodeURIComponent(code)}/title`),
    deleteMe: () => remove('/api/v1/me'),
    people: async () => {
      const people: PersonLine[] = [];
      let after: number | null = null;
      do {
        const page: PersonList = await get(`/api/v1/people${after === null ? '' : `?after=${after}`}`);
        people.push(...page.people);
        after = page.next;
      } while (after !== null);
      return people;
    },
    deletePerson: (id) => deleted(`/api/v1/people/${id}`),
    audit: (before) => get(`/api/v1/audit${before === undefined ? '' : `?before=${before}`}`),
    limits: () => get('/api/v1/limits'),
    removals: async () => (await get<RemovalList>('/api/v1/removals')).removals,
    closeRemoval: (id) => remove(`/api/v1/removals/${id}`),
    askRemoval: async (form) => {
      await post('/api/v1/removals', form);
    },
    characters: () => get('/api/v1/me/characters'),
    claimCharacter: (form) => post('/api/v1/me/claims', form),
    dropClaim: (id) => remove(`/api/v1/me/claims/${id}`),
    changeCharacter: async (id, form) => {
      await ask(env, `/api/v1/me/characters/${id}`, { method: 'PATCH', body: form });
    },
    characterArchive: (id, heard) => askArchive(env, `/api/v1/me/characters/${id}/export`, {}, heard),
    confirmation: (code) => get(`/api/v1/me/confirmations/${encodeURIComponent(code)}`),
    confirmClaim: async (code) => {
      await ask(env, `/api/v1/me/confirmations/${encodeURIComponent(code)}`, { method: 'PUT' });
    },
    claims: async () => (await get<OpenClaims>('/api/v1/claims')).claims,
    believeClaim: async (id, form) => {
      await ask(env, `/api/v1/claims/${id}`, { method: 'PUT', body: form });
    },
    refuseClaim: (id) => remove(`/api/v1/claims/${id}`),
    hiddenPlayers: (before) =>
      get(`/api/v1/opt-outs${before === undefined ? '' : `?before=${encodeURIComponent(before)}`}`),
    lookAtPlayer: (form) => post('/api/v1/opt-outs/look', form),
    optOut: async (form) => {
      await post('/api/v1/opt-outs', form);
    },
    playerArchive: (form, heard) => askArchive(env, '/api/v1/player-exports', { method: 'POST', body: form }, heard),
    device: (code) => get(`/api/v1/pairings/${encodeURIComponent(code)}`),
    decideDevice: (code, form) => post(`/api/v1/pairings/${encodeURIComponent(code)}`, form),
  };
}
