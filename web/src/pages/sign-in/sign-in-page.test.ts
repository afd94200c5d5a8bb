import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ProviderLine, Registration } from '$lib/api/account-types';
import { who } from '$lib/account/who.svelte';
import { done, FakeRelay, fault, type Answers } from '$lib/testing/relay';
import { me } from '$lib/testing/samples';
import SignInPage from './SignInPage.svelte';

let relay: FakeRelay;
let gone: string[];
let left: string[];
let providers: ProviderLine[];

function opened(address = '/sign-in', answers: Answers = {}, registration: Registration = 'invitation'): void {
  history.replaceState(null, '', address);
  relay = new FakeRelay({ 'GET /api/v1/sign-in': () => Response.json({ registration, providers }), ...answers });
  vi.stubGlobal('fetch', relay.fetch);
  render(SignInPage, { go: (path: string) => gone.push(path), leave: (url: string) => left.push(url) });
}

/** Fills the form and sends it. */
async function send(name: string, password: string): Promise<void> {
  await fireEvent.input(screen.getByLabelText('Name'), { target: { value: name } });
  await fireEvent.input(screen.getByLabelText('Password'), { target: { value: password } });
  await fireEvent.submit(screen.getByRole('form'));
}
const button = (name: string): HTMLButtonElement => screen.getByRole('button', { name });

beforeEach(() => {
  gone = [];
  left = [];
  providers = [];
});
afterEach(() => {
  cleanup();
  who.left();
  sessionStorage.clear();
  vi.unstubAllGlobals();
  history.replaceState(null, '', '/');
});

describe('the page to sign in', () => {
  it('says how to join, and has what keepers of passwords need', async () => {
    opened();
    expect(
      await screen.findByText('To join, you need an invitation link from the administrator of this relay.'),
    ).toBeTruthy();
    expect(screen.queryByRole('button', { name: 'Join' })).toBeNull();
    expect(screen.getByLabelText('Name').getAttribute('autocomplete')).toBe('username');
    const password = screen.getByLabelText('Password');
    expect([password.getAttribute('autocomplete'), password.getAttribute('type')]).toEqual([
      'current-password',
      'password',
    ]);
    await fireEvent.click(button('Show the password'));
    expect(password.getAttribute('type')).toBe('text');
    await fireEvent.click(button('Hide the password'));
    expect(password.getAttribute('type')).toBe('password');
  });

  it('signs in, keeps the name, and goes to the account', async () => {
    opened('/sign-in', { 'POST /api/v1/session': () => Response.json(me()) });
    await send('mira', 'correct horse');
    await vi.waitUntil(() => gone.length > 0);
    expect(gone).toEqual(['/account']);
    expect(relay.bodies).toEqual([{ name: 'mira', password: 'correct horse' }]);
    expect(localStorage.getItem('raidcast.name')).toBe('Mira');
    expect(button('Sign in').disabled).toBe(true);
  });

  it.each([
    ['/reports/r1', '/reports/r1'],
    ['//other.example/', '/account'],
    ['https://other.example/', '/account'],
  ])('asked to go to %s goes to %s', async (next, path) => {
    opened(`/sign-in?${new URLSearchParams({ next }).toString()}`, {
      'POST /api/v1/session': () => Response.json(me()),
    });
    await send('mira', 'correct horse');
    await vi.waitUntil(() => gone.length > 0);
    expect(gone).toEqual([path]);
  });

  it('says that something is wrong, and has the password written anew', async () => {
    opened('/sign-in', {
      'POST /api/v1/session': () => fault(401, 'wrong_sign_in', 'the name or the password is wrong: try again'),
    });
    await send('mira', 'wrong');
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toBe('The name or the password is wrong: try again.');
    const password = screen.getByLabelText('Password');
    await vi.waitUntil(() => document.activeElement === password);
    expect([password.getAttribute('aria-invalid'), password.getAttribute('aria-describedby')]).toEqual([
      'true',
      alert.id,
    ]);
    expect(button('Sign in').disabled).toBe(false);
    expect([gone, localStorage.getItem('raidcast.name')]).toEqual([[], null]);
  });

  it('says how long to wait where it was tried too often', async () => {
    opened('/sign-in', {
      'POST /api/v1/session': () =>
        fault(429, 'too_many', 'that was tried too often: wait, and try again', { 'retry-after': '12' }),
    });
    await send('mira', 'wrong');
    expect((await screen.findByRole('alert')).textContent).toBe(
      'That was tried too often: wait, and try again. It can be tried again in 12 seconds.',
    );
    await vi.waitUntil(() => document.activeElement === button('Sign in'));
  });

  it('sends one request at a time', async () => {
    let answer: (response: Response) => void = () => undefined;
    opened();
    const waits = new Promise<Response>((resolve) => {
      answer = resolve;
    });
    vi.stubGlobal('fetch', (url: string, init?: RequestInit) =>
      init?.method === 'POST' ? (relay.asked.push('POST'), waits) : relay.fetch(url, init),
    );
    await send('mira', 'correct horse');
    expect(button('Sign in').disabled).toBe(true);
    await fireEvent.submit(screen.getByRole('form'));
    answer(Response.json(me()));
    await vi.waitUntil(() => gone.length > 0);
    expect(relay.asked.filter((what) => what === 'POST')).toHaveLength(1);
  });

  it('where everybody may join leads to that and back', async () => {
    opened('/sign-in', { 'POST /api/v1/people': () => Response.json(me(), { status: 201 }) }, 'open');
    await fireEvent.click(await screen.findByRole('button', { name: 'Join' }));
    expect(screen.getByRole('heading', { level: 1, name: 'Join' })).toBeTruthy();
    await fireEvent.click(button('Sign in'));
    expect(screen.getByRole('heading', { level: 1, name: 'Sign in' })).toBeTruthy();
    await fireEvent.click(button('Join'));
    await send('mira', 'correct horse');
    await vi.waitUntil(() => gone.length > 0);
    expect(relay.bodies).toEqual([{ name: 'mira', password: 'correct horse' }]);
  });
});

describe('the page of an invitation', () => {
  const LOOK = { invitation: 's3cret' };
  const JOINED: Answers = {
    'POST /api/v1/invitation': done,
    'POST /api/v1/people': () => Response.json(me(), { status: 201 }),
  };

  it('keeps its secret out of the address, and joins by it', async () => {
    opened('/sign-in?next=/reports/r1#invitation=s3cret', JOINED, 'closed');
    expect(location.href).toMatch(/\/sign-in\?next=\/reports\/r1$/);
    expect(document.title).toBe('Join · Raidcast');
    const password = screen.getByLabelText('Password');
    expect(password.getAttribute('autocomplete')).toBe('new-password');
    // The rule is told before it is broken.
    const rule = document.getElementById(password.getAttribute('aria-describedby') ?? '');
    expect(rule?.textContent).toMatch(/^10 characters at least/);
    await send('mira', 'correct horse');
    await vi.waitUntil(() => gone.length > 0);
    expect(relay.bodies).toEqual([LOOK, { name: 'mira', password: 'correct horse', ...LOOK }]);
    expect(gone).toEqual(['/reports/r1']);
  });

  it('is the same where its link is opened in the page to sign in', async () => {
    opened('/sign-in', JOINED);
    history.replaceState(null, '', '/sign-in#invitation=s3cret');
    window.dispatchEvent(new Event('hashchange'));
    expect(await screen.findByRole('heading', { level: 1, name: 'Join' })).toBeTruthy();
    expect(location.hash).toBe('');
  });

  it('keeps the invitation for whoever looks whether he has joined before', async () => {
    opened('/sign-in#invitation=s3cret', JOINED);
    await fireEvent.click(await screen.findByRole('button', { name: 'Sign in' }));
    await fireEvent.click(button('Join'));
    await send('mira', 'correct horse');
    await vi.waitUntil(() => gone.length > 0);
    expect(relay.bodies).toEqual([LOOK, { name: 'mira', password: 'correct horse', ...LOOK }]);
  });

  it.each([
    [409, 'taken', 'somebody has this name: choose another', 'Name'],
    [403, 'not_invited', 'to join this relay takes an invitation', 'Join', 'This invitation is used up or has ended'],
  ])('says where that does not work: %i %s', async (status, code, message, focused, says = `${message}.`) => {
    opened('/sign-in#invitation=s3cret', { ...JOINED, 'POST /api/v1/people': () => fault(status, code, message) });
    await send('mira', 'correct horse');
    const told = (await screen.findByRole('alert')).textContent;
    expect(told.toLowerCase().startsWith(says.toLowerCase())).toBe(true);
    const field = focused === 'Name' ? screen.getByLabelText('Name') : button(focused);
    await vi.waitUntil(() => document.activeElement === field);
  });
});

describe('an invitation that is good no more', () => {
  const NONE = (): Response => fault(403, 'not_invited', 'to join this relay takes an invitation');

  it('is told when its link is opened', async () => {
    opened('/sign-in#invitation=s3cret', { 'POST /api/v1/invitation': NONE });
    expect((await screen.findByRole('alert')).textContent).toMatch(/^This invitation is used up or has ended/);
    expect(relay.bodies).toEqual([{ invitation: 's3cret' }]);
    // Who has joined before signs in.
    await fireEvent.click(await screen.findByRole('button', { name: 'Sign in' }));
    expect(screen.queryByRole('alert')?.textContent ?? '').toBe('');
  });

  it.each([
    [429, 'too_many', 'too many links that are none came from your address'],
    [503, 'unavailable', 'the database does not answer'],
  ])('is not said of one that could not be looked at: %i', async (status, code, message) => {
    opened('/sign-in#invitation=s3cret', { 'POST /api/v1/invitation': () => fault(status, code, message) });
    await vi.waitUntil(() => relay.asked.includes('POST /api/v1/invitation'));
    await screen.findByRole('button', { name: 'Sign in' });
    expect(screen.queryByRole('alert')?.textContent ?? '').toBe('');
  });
});

describe('signing in by a provider', () => {
  const GO: Answers = { 'POST /api/v1/sign-in/sso': () => Response.json({ url: 'https://sso.example/go?state=1' }) };
  beforeEach(() => {
    providers = [
      { id: 'sso', title: 'Guild' },
      { id: 'discord', title: 'Discord' },
    ];
  });

  it('leaves for it, and says where to come back to', async () => {
    opened('/sign-in?next=/reports/r1', GO);
    await fireEvent.click(await screen.findByRole('button', { name: 'Sign in with Guild' }));
    await vi.waitUntil(() => left.length > 0);
    expect(left).toEqual(['https://sso.example/go?state=1']);
    expect(relay.bodies).toEqual([{ errand: 'enter', next: '/reports/r1' }]);
    expect([button('Sign in with Discord').disabled, button('Sign in').disabled]).toEqual([true, true]);
    // Back, without having signed in there.
    window.dispatchEvent(Object.assign(new Event('pageshow'), { persisted: true }));
    await vi.waitUntil(() => !button('Sign in with Guild').disabled);
  });

  it('takes an invitation along', async () => {
    opened('/sign-in#invitation=s3cret', GO);
    await fireEvent.click(await screen.findByRole('button', { name: 'Join with Guild' }));
    await vi.waitUntil(() => left.length > 0);
    expect(relay.bodies.at(-1)).toEqual({ errand: 'enter', next: '/account', invitation: 's3cret' });
    cleanup();
    // Who said no there by mistake is invited still; who opens the page anew is not.
    opened('/sign-in?fault=denied&provider=sso', GO);
    await fireEvent.click(await screen.findByRole('button', { name: 'Join with Guild' }));
    await vi.waitUntil(() => left.length > 1);
    expect(relay.bodies.at(-1)).toEqual({ errand: 'enter', next: '/account', invitation: 's3cret' });
    cleanup();
    opened('/sign-in', GO);
    await screen.findByRole('button', { name: 'Sign in with Guild' });
  });

  it('says why nobody can be sent there', async () => {
    opened('/sign-in', {
      'POST /api/v1/sign-in/sso': () => fault(503, 'unavailable', 'Guild does not answer now: try again in a moment'),
    });
    await fireEvent.click(await screen.findByRole('button', { name: 'Sign in with Guild' }));
    expect((await screen.findByRole('alert')).textContent).toBe('Guild does not answer now: try again in a moment.');
    expect([left, button('Sign in with Guild').disabled]).toEqual([[], false]);
  });

  it('keeps who came back, and goes where he was going', async () => {
    opened('/sign-in?entered=sso&next=/reports/r1', { 'GET /api/v1/me': () => Response.json(me()) });
    await vi.waitUntil(() => gone.length > 0);
    expect(gone).toEqual(['/reports/r1']);
    expect(localStorage.getItem('raidcast.name')).toBe('Mira');
  });

  it('goes nowhere else, whatever the address says', async () => {
    opened('/sign-in?entered=sso&next=//other.example/', { 'GET /api/v1/me': () => Response.json(me()) });
    await vi.waitUntil(() => gone.length > 0);
    expect(gone).toEqual(['/account']);
  });

  it('says so where the browser keeps no cookies', async () => {
    opened('/sign-in?entered=sso', { 'GET /api/v1/me': () => fault(401, 'signed_out', 'nobody is signed in here') });
    await vi.waitUntil(() => screen.queryByRole('alert')?.textContent.includes('Guild') === true);
    expect(screen.getByRole('alert').textContent).toMatch(/keeps no cookies/);
    expect(screen.getByLabelText('Password')).toBeTruthy();
    expect(gone).toEqual([]);
  });

  it('has who is new choose a name', async () => {
    const newcomer = { provider: { id: 'sso', title: 'Guild' }, name: 'Mira of Guild' };
    let taken = true;
    opened('/sign-in?newcomer=sso&next=/reports/r1', {
      'GET /api/v1/newcomer': () => Response.json(newcomer),
      'POST /api/v1/newcomer': () =>
        taken ? fault(409, 'taken', 'somebody has this name: choose another') : Response.json(me(), { status: 201 }),
    });
    expect(await screen.findByRole('heading', { level: 1, name: 'Join' })).toBeTruthy();
    const name = screen.getByLabelText<HTMLInputElement>('Name');
    expect([name.value, screen.queryByLabelText('Password')]).toEqual(['Mira of Guild', null]);
    await fireEvent.submit(screen.getByRole('form'));
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toBe('Somebody has this name: choose another.');
    expect(name.getAttribute('aria-describedby')).toBe(alert.id);
    taken = false;
    await fireEvent.input(name, { target: { value: 'Mira' } });
    await fireEvent.submit(screen.getByRole('form'));
    await vi.waitUntil(() => gone.length > 0);
    expect(relay.bodies).toEqual([{ name: 'Mira of Guild' }, { name: 'Mira' }]);
    expect(gone).toEqual(['/reports/r1']);
  });

  it('has him begin anew where that was too long ago', async () => {
    opened('/sign-in?newcomer=sso');
    expect((await screen.findByRole('alert')).textContent).toBe(
      'This sign-in has ended, or was used already. Begin again.',
    );
    expect(screen.getByLabelText('Password')).toBeTruthy();
  });

  it('says why he was not let in, once', async () => {
    opened('/sign-in?fault=not_invited&provider=sso');
    await vi.waitUntil(() => screen.getByRole('alert').textContent.includes('Guild account'));
    expect(screen.getByRole('alert').textContent).toMatch(/you need an invitation link/);
    expect(location.href).toMatch(/\/sign-in$/);
    cleanup();
    // What is no fault, and names nobody.
    opened('/sign-in?fault=%3Cb%3E&provider=sso');
    await screen.findByRole('button', { name: 'Sign in with Guild' });
    expect(screen.queryByRole('alert')).toBeNull();
  });
});
