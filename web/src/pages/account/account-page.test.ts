import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type {
  InvitationLine,
  KeyLine,
  Me,
  MyAccount,
  ProviderLine,
  SessionLine,
  WayLine,
} from '$lib/api/account-types';
import { who } from '$lib/account/who.svelte';
import { done, FakeRelay, fault, type Answers } from '$lib/testing/relay';
import { FIREFOX, invitationLine, keyLine, me, relayLimits, sessionLine } from '$lib/testing/samples';
import AccountPage from './AccountPage.svelte';

let relay: FakeRelay;
let gone: string[];
let keys: KeyLine[];
let sessions: SessionLine[];
let invitations: InvitationLine[];
/** Accounts that nobody holds. */
let unheld: MyAccount[];
let ways: WayLine[];
let addable: ProviderLine[];
let left: string[];

/** The page of somebody, with a relay that holds what is his. */
async function opened(mine: Me = me(), answers: Answers = {}): Promise<void> {
  relay = new FakeRelay({
    'GET /api/v1/me': () => Response.json(mine),
    'GET /api/v1/me/keys': () => Response.json({ keys }),
    'GET /api/v1/me/sessions': () => Response.json({ sessions }),
    'GET /api/v1/me/ways': () => Response.json({ ways, addable }),
    'GET /api/v1/invitations': () => Response.json({ invitations }),
    'GET /api/v1/accounts': () => Response.json({ accounts: unheld }),
    'GET /api/v1/me/raids': () => Response.json({ raids: [], next: null, keepDays: null }),
    'GET /api/v1/people': () => Response.json({ people: [], next: null }),
    'GET /api/v1/removals': () => Response.json({ removals: [] }),
    'GET /api/v1/me/characters': () => Response.json({ ways: ['administrator'], claims: [], characters: [] }),
    'GET /api/v1/claims': () => Response.json({ claims: [] }),
    'GET /api/v1/opt-outs': () => Response.json({ players: [], next: null }),
    'GET /api/v1/limits': () => Response.json(relayLimits()),
    'GET /api/v1/audit': () => Response.json({ lines: [], next: null }),
    ...answers,
  });
  vi.stubGlobal('fetch', relay.fetch);
  render(AccountPage, { go: (path: string) => gone.push(path), leave: (url: string) => left.push(url) });
  await screen.findByRole('heading', { level: 1, name: 'Your account' });
}

const part = (name: string): HTMLElement => screen.getByRole('region', { name });
const row = (id: number | string): HTMLElement => {
  const found = document.querySelector<HTMLElement>(`[data-key="${id}"], [data-session="${id}"]`);
  if (found === null) throw new Error(`there is no row ${id}`);
  return found;
};
const words = (element: Element | null): string => element?.textContent.replace(/\s+/g, ' ').trim() ?? '';
/** What was asked for beside what a page asks for by itself. */
const changes = (): string[] => relay.asked.filter((what) => !what.startsWith('GET '));
const press = (name: string | RegExp, within_: HTMLElement = document.body): Promise<unknown> =>
  fireEvent.click(within(within_).getByRole('button', { name }));
const write = (label: string, value: string): Promise<unknown> =>
  fireEvent.input(screen.getByLabelText(label), { target: { value } });

const AGAIN = (): Response => fault(403, 'sign_in_again', 'to do this, sign in again');

beforeEach(() => {
  gone = [];
  keys = [];
  sessions = [sessionLine(1, { isThis: true })];
  invitations = [];
  unheld = [];
  ways = [{ provider: null, works: true, removable: false }];
  addable = [];
  left = [];
});
afterEach(() => {
  cleanup();
  who.left();
  vi.unstubAllGlobals();
});

describe('the page of an account', () => {
  it('says who is signed in, and where his raids are', async () => {
    await opened();
    expect(screen.getByText('Mira', { selector: 'main bdi' })).toBeTruthy();
    expect(screen.getByRole('link', { name: 'https://relay.example/live/MIRA' })).toBeTruthy();
    expect(relay.asked.filter((what) => what === 'GET /api/v1/me')).toHaveLength(1);
  });

  it('leads whoever is not signed in to do it', async () => {
    relay = new FakeRelay({ 'GET /api/v1/me': () => fault(401, 'signed_out', 'nobody is signed in here') });
    vi.stubGlobal('fetch', relay.fetch);
    render(AccountPage, { go: (path: string) => gone.push(path), leave: (url: string) => left.push(url) });
    await vi.waitUntil(() => gone.length > 0);
    expect(gone).toEqual(['/sign-in?next=/account']);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('leads there, too, where the session ends meanwhile', async () => {
    keys = [keyLine(7)];
    await opened(me(), { 'DELETE /api/v1/me/keys/7': () => fault(401, 'signed_out', 'nobody is signed in here') });
    await press('Revoke the key Key 7');
    await press('Revoke');
    await vi.waitUntil(() => gone.length > 0);
    expect([gone, localStorage.getItem('raidcast.name')]).toEqual([['/sign-in?next=/account'], null]);
  });

  it('says why it cannot be loaded, and tries again', async () => {
    let down = true;
    relay = new FakeRelay({
      'GET /api/v1/me': () =>
        down ? fault(503, 'unavailable', 'the database is not available now') : Response.json(me()),
      'GET /api/v1/me/keys': () => fault(503, 'unavailable', 'the database is not available now'),
      'GET /api/v1/me/sessions': () => Response.json({ sessions }),
      'GET /api/v1/me/ways': () => Response.json({ ways, addable }),
      'GET /api/v1/me/raids': () => Response.json({ raids: [], next: null, keepDays: null }),
      'GET /api/v1/me/characters': () => Response.json({ ways: [], claims: [], characters: [] }),
    });
    vi.stubGlobal('fetch', relay.fetch);
    render(AccountPage, { go: (path: string) => gone.push(path), leave: (url: string) => left.push(url) });
    expect(await screen.findByText(/The database is not available now\./)).toBeTruthy();
    down = false;
    await press('Try again');
    await screen.findByRole('heading', { level: 1, name: 'Your account' });
    // A part that could not be read has its own.
    expect(words(within(part('Keys')).getByRole('alert'))).toMatch(/^This list could not be loaded/);
    relay.answers['GET /api/v1/me/keys'] = () => Response.json({ keys: [keyLine(7)] });
    await press('Try again', part('Keys'));
    expect(await screen.findByText('Key 7')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('signs out', async () => {
    await opened(me(), { 'DELETE /api/v1/session': done });
    await press('Sign out');
    await vi.waitUntil(() => gone.length > 0);
    expect([gone, localStorage.getItem('raidcast.name')]).toEqual([['/'], null]);
  });
});

describe('keys', () => {
  it('are listed in plain words', async () => {
    keys = [
      keyLine(7, { name: 'Gaming PC', scopes: ['upload', 'read'], visibility: 'public', usedAtMs: Date.now() }),
      keyLine(8, { uploadsPerDay: 5 }),
      keyLine(9, { scopes: ['read'] }),
    ];
    await opened();
    expect(words(row(7))).toMatch(
      /^Gaming PC May upload fights and see what is private Replace Revoke HTTP uploads are seen by EverybodyMade .*Last used just nowEnds Never$/,
    );
    expect(words(row(8))).toMatch(/Anyone with the link.*Last used NeverEnds NeverUploads a day 5 at most$/);
    expect(words(row(9))).not.toMatch(/seen by/);
  });

  it('where there is none, says what to do', async () => {
    await opened();
    const keys = within(part('Keys'));
    expect(keys.getByText('You have no key yet.')).toBeTruthy();
    expect(
      keys.getByText(/^To upload with the Raidcast client, pair your computer; for any other program/),
    ).toBeTruthy();
    expect(keys.getByRole('link', { name: 'Pair a computer' }).getAttribute('href')).toBe('/pair');
    await press('Make a key');
    expect(document.activeElement).toBe(screen.getByLabelText('Name'));
    expect(screen.queryByLabelText('Account')).toBeNull();
    await press('Cancel');
    await vi.waitUntil(() => document.activeElement?.textContent === 'Make a key');
  });

  it('are made, shown once and copied', async () => {
    const made = keyLine(9, { name: 'Laptop' });
    const written = vi.fn<(text: string) => Promise<void>>(() => Promise.resolve());
    vi.stubGlobal('navigator', { clipboard: { writeText: written } });
    await opened(
      me({ accounts: [...me().accounts, { id: 2, name: 'guild', channelUrl: 'https://relay.example/g' }] }),
      {
        'POST /api/v1/me/keys': () => {
          keys = [made];
          return Response.json({ ...made, secret: 'rc_secret' }, { status: 201 });
        },
      },
    );
    await press('Make a key');
    await write('Name', 'Laptop');
    await fireEvent.click(screen.getByRole('checkbox', { name: /^Read/ }));
    await fireEvent.change(screen.getByLabelText('Uploads are seen by'), { target: { value: 'private' } });
    await fireEvent.change(screen.getByLabelText('Ends'), { target: { value: '90' } });
    await fireEvent.change(screen.getByLabelText('Account'), { target: { value: '2' } });
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    const box = await screen.findByRole('region', { name: 'New key: Laptop' });
    expect(relay.bodies).toEqual([
      { name: 'Laptop', scopes: ['upload', 'read'], visibility: 'private', days: 90, account: 2 },
    ]);
    expect(document.activeElement).toBe(box);
    expect(words(box)).toMatch(/rc_secret .*It is not shown again\..*RAIDCAST_KEY.*X-API-Key/);
    expect(row(9)).toBeTruthy();
    await press('Copy', box);
    expect(await screen.findByRole('button', { name: 'Copied' })).toBeTruthy();
    expect(written.mock.calls).toEqual([['rc_secret']]);
    await press('Done');
    expect(document.body.textContent).not.toContain('rc_secret');
    await vi.waitUntil(() => document.activeElement?.textContent === 'Make a key');
  });

  it('are selected where the browser does not copy', async () => {
    vi.stubGlobal('navigator', {});
    document.execCommand = () => false;
    const made = keyLine(9);
    await opened(me(), {
      'POST /api/v1/me/keys': () => Response.json({ ...made, secret: 'rc_secret' }, { status: 201 }),
    });
    await press('Make a key');
    await write('Name', 'Laptop');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    await press('Copy', await screen.findByRole('region', { name: /^New key/ }));
    expect(await screen.findByText(/copy it by hand/)).toBeTruthy();
    expect(getSelection()?.toString()).toBe('rc_secret');
  });

  it('are made with a limit of their own, where one is given', async () => {
    await opened(me(), {
      'POST /api/v1/me/keys': () => Response.json({ ...keyLine(8), secret: 's' }, { status: 201 }),
    });
    await press('Make a key');
    expect(screen.getByText(/your account’s limit holds alone: 4,000 fights a day/)).toBeTruthy();
    await write('Name', 'Meter');
    await write('Uploads a day, at most', '200');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    await screen.findByRole('region', { name: 'New key: Key 8' });
    const form = { name: 'Meter', scopes: ['upload'], visibility: 'unlisted' };
    expect(relay.bodies).toEqual([{ ...form, uploadsPerDay: 200 }]);
    await press('Done');
    await press('Make a key');
    await write('Name', 'Meter');
    await write('Uploads a day, at most', '200');
    await write('Uploads a day, at most', '');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    await vi.waitUntil(() => relay.bodies.length === 2);
    expect(relay.bodies[1]).toEqual(form);
  });

  it('tell administrators the limit that their relay has', async () => {
    const limits = [{ name: 'fights_per_account_day' as const, most: 900 }];
    await opened(me({ role: 'administrator' }), { 'GET /api/v1/limits': () => Response.json(relayLimits({ limits })) });
    await press('Make a key');
    expect(screen.getByText(/alone: 900 fights a day/)).toBeTruthy();
    expect(screen.getByLabelText('Uploads a day, at most').getAttribute('max')).toBe('900');
  });

  it('that may do nothing are not made', async () => {
    await opened();
    await press('Make a key');
    await write('Name', 'Laptop');
    await fireEvent.click(screen.getByRole('checkbox', { name: /^Upload/ }));
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    expect((await screen.findByRole('alert')).textContent).toBe('Choose what the key may do.');
    expect(changes()).toEqual([]);
  });

  it('that cannot be made say why', async () => {
    await opened(me(), { 'POST /api/v1/me/keys': () => fault(409, 'conflict', 'an account has 50 keys at the most') });
    await press('Make a key');
    await write('Name', 'Laptop');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    expect((await screen.findByRole('alert')).textContent).toBe('An account has 50 keys at the most.');
    await vi.waitUntil(() => document.activeElement?.textContent === 'Make key');
  });

  it('are revoked when that was asked once', async () => {
    keys = [keyLine(7), keyLine(8)];
    await opened(me(), {
      'DELETE /api/v1/me/keys/7': () => {
        keys = [keyLine(8)];
        return done();
      },
    });
    await press('Revoke the key Key 7');
    expect(document.activeElement?.textContent).toBe('Cancel');
    await press('Cancel');
    await vi.waitUntil(() => document.activeElement?.getAttribute('aria-label') === 'Revoke the key Key 7');
    expect(changes()).toEqual([]);
    await press('Revoke the key Key 7');
    await press('Revoke');
    await vi.waitUntil(() => document.querySelector('[data-key="7"]') === null);
    expect(row(8)).toBeTruthy();
    expect(screen.getByText('The key Key 7 is revoked.')).toBeTruthy();
    expect(document.activeElement?.id).toBe('keys-title');
  });

  it('that are gone already are gone', async () => {
    keys = [keyLine(7)];
    await opened();
    keys = [];
    await press('Revoke the key Key 7');
    await press('Revoke');
    expect(await screen.findByText('You have no key yet.')).toBeTruthy();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('are replaced by new ones, and the old stay good for a while', async () => {
    keys = [keyLine(7, { name: 'Gaming PC' })];
    await opened(me(), {
      'POST /api/v1/me/keys/7/rotation': () => {
        const made = keyLine(9, { name: 'Gaming PC' });
        keys = [keyLine(7, { name: 'Gaming PC', endsAtMs: Date.now() + 3_600_000 }), made];
        return Response.json({ ...made, secret: 'rc_new' }, { status: 201 });
      },
    });
    await press('Replace the key Gaming PC');
    await fireEvent.change(screen.getByLabelText('The old key stays good'), { target: { value: '1' } });
    await fireEvent.submit(screen.getByRole('form', { name: 'Replace the key Gaming PC' }));
    expect(words(await screen.findByRole('region', { name: 'New key: Gaming PC' }))).toContain('rc_new');
    expect(relay.bodies).toEqual([{ overlapHours: 1 }]);
    await vi.waitUntil(() => !words(row(7)).endsWith('Ends Never'));
    await vi.waitUntil(() => screen.queryByLabelText('The old key stays good') === null);
  });
});

describe('what takes a sign-in of a moment ago', () => {
  it('asks for the password in place, and goes on by itself', async () => {
    const made = keyLine(9, { name: 'Laptop' });
    let fresh = false;
    await opened(me(), {
      'POST /api/v1/me/keys': () =>
        fresh ? Response.json({ ...made, secret: 'rc_secret' }, { status: 201 }) : AGAIN(),
      'POST /api/v1/session': (body) => {
        fresh = (body as { password: string }).password === 'correct horse';
        return fresh ? Response.json(me()) : fault(401, 'wrong_sign_in', 'the name or the password is wrong');
      },
    });
    await press('Make a key');
    await write('Name', 'Laptop');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    const again = await screen.findByRole('form', { name: 'To make a key, enter your password again.' });
    const password = within(again).getByLabelText('Password');
    expect(document.activeElement).toBe(password);
    await fireEvent.input(password, { target: { value: 'wrong' } });
    await fireEvent.submit(again);
    expect(words(await within(again).findByRole('alert'))).toBe('The password is wrong: try again.');
    await fireEvent.input(password, { target: { value: 'correct horse' } });
    await fireEvent.submit(again);
    expect(await screen.findByRole('region', { name: 'New key: Laptop' })).toBeTruthy();
    const form = { name: 'Laptop', scopes: ['upload'], visibility: 'unlisted' };
    expect(relay.bodies).toEqual([
      form,
      { name: 'Mira', password: 'wrong' },
      { name: 'Mira', password: 'correct horse' },
      form,
    ]);
    // The session is another one now.
    expect(relay.asked.filter((what) => what === 'GET /api/v1/me/sessions')).toHaveLength(2);
  });

  it('is let be where the password is not given', async () => {
    await opened(me(), { 'POST /api/v1/me/keys': AGAIN });
    await press('Make a key');
    await write('Name', 'Laptop');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    await press('Cancel', await screen.findByRole('form', { name: /enter your password again/ }));
    await vi.waitUntil(() => document.activeElement?.textContent === 'Make key');
    expect(changes()).toEqual(['POST /api/v1/me/keys']);
    expect((screen.getByLabelText('Name') as HTMLInputElement).value).toBe('Laptop');
  });

  it('is the same for replacing a key', async () => {
    keys = [keyLine(7)];
    await opened(me(), { 'POST /api/v1/me/keys/7/rotation': AGAIN });
    await press('Replace the key Key 7');
    await fireEvent.submit(screen.getByRole('form', { name: 'Replace the key Key 7' }));
    expect(await screen.findByRole('form', { name: 'To replace a key, enter your password again.' })).toBeTruthy();
  });
});

describe('sessions', () => {
  beforeEach(() => {
    sessions = [
      sessionLine(2, { agent: 'curl/8.14.1' }),
      sessionLine(1, { isThis: true }),
      sessionLine(3, { agent: `${FIREFOX} Edg/140`, usedAtMs: Date.now() }),
    ];
  });

  it('are listed, this browser first', async () => {
    await opened();
    const rows = within(part('Signed in on')).getAllByRole('listitem').map(words);
    expect(rows[0]).toMatch(/^Firefox on Windows This browser Signed in /);
    expect(rows[1]).toMatch(/^Edge on Windows Last used just now Signed in .* Sign out$/);
    expect(rows[2]).toMatch(/^curl\/8\.14\.1 /);
  });

  it('are ended one by one, or all others at once', async () => {
    await opened(me(), {
      'DELETE /api/v1/me/sessions/3': () => {
        sessions = sessions.filter(({ id }) => id !== 3);
        return done();
      },
      'DELETE /api/v1/me/sessions': () => {
        sessions = sessions.filter(({ isThis }) => isThis);
        return done();
      },
    });
    await press('Sign out Edge on Windows');
    await vi.waitUntil(() => document.querySelector('[data-session="3"]') === null);
    await press('Sign out everywhere else');
    await vi.waitUntil(() => document.querySelector('[data-session="2"]') === null);
    expect(screen.queryByRole('button', { name: 'Sign out everywhere else' })).toBeNull();
    expect(row(1)).toBeTruthy();
  });
});

describe('the password', () => {
  it('is told with what it does not end', async () => {
    ways = [...ways, { provider: { id: 'sso', title: 'Guild' }, works: true, removable: true }];
    keys = [keyLine(7)];
    await opened();
    const form = screen.getByRole('form', { name: 'Change your password' });
    expect(form.textContent).toContain(
      'A new password does not end signing in with Guild or your keys: remove here what is not yours.',
    );
  });

  it('is changed, which ends all other sessions', async () => {
    sessions = [sessionLine(1, { isThis: true }), sessionLine(2)];
    await opened(me(), {
      'PUT /api/v1/me/password': () => {
        sessions = [sessionLine(1, { isThis: true })];
        return done();
      },
    });
    await write('Old password', 'correct horse');
    await write('New password', 'battery staple');
    await fireEvent.submit(screen.getByRole('form', { name: 'Change your password' }));
    expect(await screen.findByText('Your password is changed. Every other browser is signed out.')).toBeTruthy();
    expect(screen.getByText('Every other browser is signed out then.')).toBeTruthy();
    expect(relay.bodies).toEqual([{ old: 'correct horse', new: 'battery staple' }]);
    expect((screen.getByLabelText('New password') as HTMLInputElement).value).toBe('');
    await vi.waitUntil(() => document.querySelector('[data-session="2"]') === null);
  });

  it('is not changed by whoever does not know it', async () => {
    await opened(me(), {
      'PUT /api/v1/me/password': () => fault(401, 'wrong_sign_in', 'the name or the password is wrong'),
    });
    await write('Old password', 'wrong');
    await write('New password', 'battery staple');
    await fireEvent.submit(screen.getByRole('form', { name: 'Change your password' }));
    expect((await screen.findByRole('alert')).textContent).toBe('The password is wrong: try again.');
    await vi.waitUntil(() => document.activeElement === screen.getByLabelText('Old password'));
    expect(gone).toEqual([]);
  });
});

describe('invitations', () => {
  const administrator = me({ role: 'administrator' });

  it('are for administrators alone', async () => {
    await opened();
    expect(screen.queryByRole('region', { name: 'Invitations' })).toBeNull();
    expect(relay.asked).not.toContain('GET /api/v1/invitations');
    cleanup();
    who.left();
    await opened(administrator);
    expect(within(part('Invitations')).getByText(/^Nobody is invited\. Make an invitation/)).toBeTruthy();
  });

  it('are made, shown once, listed and taken back', async () => {
    await opened(administrator, {
      'POST /api/v1/invitations': () => {
        invitations = [invitationLine('i1', { left: 3 })];
        return Response.json({ ...invitations[0], url: 'https://relay.example/sign-in#invitation=s' }, { status: 201 });
      },
      'DELETE /api/v1/invitations/i1': () => {
        invitations = [];
        return done();
      },
    });
    await press('Make an invitation');
    await write('For whom', 'Bran');
    await write('How many people may join by it', '3');
    await write('For how many days it is good', '14');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make an invitation' }));
    const box = await screen.findByRole('region', { name: 'New invitation: Bran' });
    expect(relay.bodies).toEqual([{ note: 'Bran', role: 'member', uses: 3, days: 14 }]);
    expect(words(box)).toContain('https://relay.example/sign-in#invitation=s');
    expect(words(document.querySelector('[data-invitation=i1]'))).toMatch(/Member.*May still join 3 people/);
    await press('Take back the invitation: Bran');
    await press('Take back');
    await vi.waitUntil(() => document.querySelector('[data-invitation=i1]') === null);
    expect(document.body.textContent).not.toContain('#invitation=s');
  });

  it('that make administrators are good once', async () => {
    await opened(administrator, {
      'POST /api/v1/invitations': () => fault(400, 'bad_request', 'no'),
    });
    await press('Make an invitation');
    await write('How many people may join by it', '3');
    await fireEvent.change(screen.getByLabelText('Who joins is'), { target: { value: 'administrator' } });
    expect((screen.getByLabelText('How many people may join by it') as HTMLInputElement).disabled).toBe(true);
    await fireEvent.submit(screen.getByRole('form', { name: 'Make an invitation' }));
    await screen.findByRole('alert');
    expect(relay.bodies).toEqual([{ note: '', role: 'administrator', uses: 1, days: 7 }]);
  });
});

describe('accounts of the configuration', () => {
  const TITLE = 'Accounts of the configuration';
  const guild: MyAccount = { id: 2, name: 'guild', channelUrl: 'https://relay.example/live/GUILD' };
  const other: MyAccount = { id: 3, name: 'other', channelUrl: 'https://relay.example/live/OTHER' };
  let mine: Me;
  let fresh: boolean;
  const answers = (): Answers => ({
    'GET /api/v1/me': () => Response.json(mine),
    'POST /api/v1/accounts/2/claim': () => {
      if (!fresh) return AGAIN();
      unheld = unheld.filter(({ id }) => id !== 2);
      mine = { ...mine, accounts: [...mine.accounts, guild] };
      return done();
    },
    'POST /api/v1/session': () => {
      fresh = true;
      return Response.json(mine);
    },
  });

  beforeEach(() => {
    mine = me({ role: 'administrator' });
    fresh = true;
    unheld = [guild, other];
  });

  it('are for administrators alone, and not told of where there is none', async () => {
    await opened();
    expect(screen.queryByRole('region', { name: TITLE })).toBeNull();
    expect(relay.asked).not.toContain('GET /api/v1/accounts');
    cleanup();
    who.left();
    unheld = [];
    await opened(mine);
    expect(relay.asked).toContain('GET /api/v1/accounts');
    expect(screen.queryByRole('region', { name: TITLE })).toBeNull();
  });

  it('are taken over when that was asked once; then they are his, and keys are made for them', async () => {
    await opened(mine, answers());
    await press('Take over the account guild');
    expect(document.activeElement?.textContent).toBe('Cancel');
    expect(
      screen.getByText(/yours from then on, also what is private\. Its keys go on working\.$/, { selector: 'p' }),
    ).toBeTruthy();
    await press('Cancel', part(TITLE));
    await vi.waitUntil(() => document.activeElement?.getAttribute('aria-label') === 'Take over the account guild');
    expect(changes()).toEqual([]);
    await press('Take over the account guild');
    await press('Take over');
    expect(await within(part(TITLE)).findByText('The account guild is yours now.')).toBeTruthy();
    expect(document.activeElement?.id).toBe('configured-title');
    expect(within(part(TITLE)).getAllByRole('listitem').map(words)).toEqual([
      'other Permanent link: https://relay.example/live/OTHER Take over',
    ]);
    expect(screen.getByRole('link', { name: guild.channelUrl })).toBeTruthy();
    await press('Make a key');
    expect(words(screen.getByLabelText('Account'))).toBe('Your ownguild');
  });

  it('leave nothing behind but what was done', async () => {
    unheld = [guild];
    await opened(mine, answers());
    await press('Take over the account guild');
    await press('Take over');
    expect(await within(part(TITLE)).findByText('The account guild is yours now.')).toBeTruthy();
    expect(within(part(TITLE)).queryByRole('listitem')).toBeNull();
  });

  it('take a sign-in of a moment ago', async () => {
    fresh = false;
    await opened(mine, answers());
    await press('Take over the account guild');
    await press('Take over');
    const title = 'To take over an account, enter your password again.';
    await press('Cancel', await screen.findByRole('form', { name: title }));
    // It is asked again.
    await vi.waitUntil(() => document.activeElement?.textContent === 'Cancel');
    await press('Take over');
    const again = await screen.findByRole('form', { name: title });
    await fireEvent.input(within(again).getByLabelText('Password'), { target: { value: 'correct horse' } });
    await fireEvent.submit(again);
    expect(await screen.findByText('The account guild is yours now.')).toBeTruthy();
  });

  it('that somebody else took over are told to be his', async () => {
    await opened(mine, { ...answers(), 'POST /api/v1/accounts/2/claim': () => fault(404, 'not_found', 'nothing') });
    unheld = [other];
    await press('Take over the account guild');
    await press('Take over');
    expect(await screen.findByText('Somebody else has taken over the account guild.')).toBeTruthy();
    expect(document.querySelector('[data-account="2"]')).toBeNull();
  });

  it('that could not be read say so, and are read again', async () => {
    await opened(mine, {
      'GET /api/v1/accounts': () => fault(503, 'unavailable', 'the database is not available now'),
    });
    expect(words(within(part(TITLE)).getByRole('alert'))).toMatch(/^This list could not be loaded/);
    relay.answers['GET /api/v1/accounts'] = () => Response.json({ accounts: unheld });
    await press('Try again', part(TITLE));
    expect(await within(part(TITLE)).findAllByRole('listitem')).toHaveLength(2);
  });

  it('that could not be taken over say why, and are tried again', async () => {
    await opened(mine, {
      ...answers(),
      'POST /api/v1/accounts/2/claim': () => fault(503, 'unavailable', 'the database is not available now'),
    });
    await press('Take over the account guild');
    await press('Take over');
    expect(words(await screen.findByRole('alert'))).toBe('The database is not available now.');
    relay.answers['POST /api/v1/accounts/2/claim'] = answers()['POST /api/v1/accounts/2/claim'] ?? done;
    await press('Take over');
    expect(await screen.findByText('The account guild is yours now.')).toBeTruthy();
  });
});

describe('the ways in which somebody signs in', () => {
  const SSO = { id: 'sso', title: 'Guild' };
  const PASSWORD_WAY = { provider: null, works: true, removable: false };
  const GO: Answers = { 'POST /api/v1/sign-in/sso': () => Response.json({ url: 'https://sso.example/go' }) };
  afterEach(() => {
    history.replaceState(null, '', '/');
  });

  it('are a password, and a provider that is added there', async () => {
    addable = [SSO];
    await opened(me(), GO);
    await press('Add Guild', part('How you sign in'));
    await vi.waitUntil(() => left.length > 0);
    expect([left, relay.bodies]).toEqual([['https://sso.example/go'], [{ errand: 'add', next: '/account' }]]);
  });

  it('tell what came of it, once', async () => {
    ways = [PASSWORD_WAY, { provider: SSO, works: true, removable: true }];
    history.replaceState(null, '', '/account?added=sso');
    await opened();
    expect(words(part('How you sign in'))).toContain('You can sign in with Guild from now on.');
    expect(location.search).toBe('');
    cleanup();
    history.replaceState(null, '', '/account?fault=somebody_elses&provider=sso');
    await opened();
    expect(words(screen.getByRole('alert'))).toMatch(/^This is not the Guild account by which you sign in here/);
    expect(location.search).toBe('');
  });

  it('are removed when that is meant, and the list says so', async () => {
    ways = [PASSWORD_WAY, { provider: SSO, works: true, removable: true }];
    await opened(me(), {
      'DELETE /api/v1/me/ways/sso': () => {
        [ways, addable] = [[PASSWORD_WAY], [SSO]];
        return done();
      },
    });
    const own = part('How you sign in');
    await press('Remove Guild', own);
    expect(document.activeElement?.textContent).toBe('Cancel');
    await press('Remove', own);
    await vi.waitUntil(() => words(own).includes('Nobody signs in with Guild any more.'));
    expect(within(own).getByRole('button', { name: 'Add Guild' })).toBeTruthy();
    expect(document.activeElement?.id).toBe('ways-title');
  });

  it('have somebody without a password sign in again by his provider', async () => {
    ways = [{ provider: SSO, works: true, removable: false }];
    await opened(me(), { ...GO, 'POST /api/v1/me/keys': AGAIN });
    expect(screen.queryByRole('region', { name: 'Password' })).toBeNull();
    expect(within(part('How you sign in')).queryByRole('button', { name: 'Remove Guild' })).toBeNull();
    await press('Make a key');
    await write('Name', 'Laptop');
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a key' }));
    await screen.findByText(/To make a key, sign in again\./);
    expect(screen.queryByLabelText('Password')).toBeNull();
    await press('Sign in again with Guild');
    await vi.waitUntil(() => left.length > 0);
    expect(relay.bodies.at(-1)).toEqual({ errand: 'again', next: '/account' });
  });
});
