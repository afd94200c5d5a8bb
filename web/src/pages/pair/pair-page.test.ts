import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { DeviceLine, Me } from '$lib/api/account-types';
import { who } from '$lib/account/who.svelte';
import { done, FakeRelay, fault, type Answers } from '$lib/testing/relay';
import { deviceLine, me } from '$lib/testing/samples';
import PairPage from './PairPage.svelte';

const PATH = '/api/v1/pairings/BCDF-GHJK';
let relay: FakeRelay;
let gone: string[];

/** The page of somebody who is signed in, with a relay at which a program waits. */
async function opened(device: DeviceLine = deviceLine(), answers: Answers = {}, mine: Me = me()): Promise<void> {
  relay = new FakeRelay({
    'GET /api/v1/me': () => Response.json(mine),
    [`GET ${PATH}`]: () => Response.json(device),
    [`POST ${PATH}`]: done,
    ...answers,
  });
  vi.stubGlobal('fetch', relay.fetch);
  render(PairPage, { go: (path: string) => gone.push(path) });
  await screen.findByRole('heading', { level: 1, name: 'Pair a computer' });
}

const words = (element: Element | null): string => element?.textContent.replace(/\s+/g, ' ').trim() ?? '';
const field = (): HTMLInputElement => screen.getByLabelText('Code');
const box = (): HTMLInputElement => screen.getByRole('checkbox');
const button = (name: string): HTMLButtonElement => screen.getByRole('button', { name });
const press = (name: string): Promise<unknown> => fireEvent.click(button(name));
/** What was asked for beside who is signed in. */
const asked = (): string[] => relay.asked.filter((what) => what !== 'GET /api/v1/me');
const describedBy = (element: HTMLElement): (string | null)[] =>
  (element.getAttribute('aria-describedby') ?? '').split(' ').map((id) => words(document.getElementById(id)));

async function type(code: string): Promise<void> {
  await fireEvent.input(field(), { target: { value: code } });
  await fireEvent.submit(screen.getByRole('form', { name: 'Pair a computer' }));
}

/** Up to the question whether it is to be paired. */
async function found(code = 'BCDF-GHJK'): Promise<HTMLElement> {
  await type(code);
  return await screen.findByRole('form', { name: 'Is this your computer?' });
}

async function end(title: string): Promise<HTMLElement> {
  const heading = await screen.findByRole('heading', { level: 1, name: title });
  expect(document.activeElement).toBe(heading);
  return heading;
}

/** Says that it is his own, and pairs it. */
async function pair(form: HTMLElement): Promise<void> {
  await fireEvent.click(box());
  await fireEvent.submit(form);
}

beforeEach(() => {
  gone = [];
});
afterEach(() => {
  cleanup();
  who.left();
  vi.unstubAllGlobals();
});

describe('the page to pair a computer', () => {
  it('says what to run, and who is signed in', async () => {
    await opened();
    expect(screen.getByText(`raidcast login ${location.origin}`)).toBeTruthy();
    expect(screen.getByText('Mira', { selector: 'main bdi' })).toBeTruthy();
    expect(document.activeElement).toBe(field());
    expect(describedBy(field())[0]).toMatch(/^Type only a code that you see on your own computer\./);
    expect(relay.asked).toEqual(['GET /api/v1/me']);
  });

  it('leads whoever is not signed in to do it, and back', async () => {
    relay = new FakeRelay({ 'GET /api/v1/me': () => fault(401, 'signed_out', 'nobody is signed in here') });
    vi.stubGlobal('fetch', relay.fetch);
    render(PairPage, { go: (path: string) => gone.push(path) });
    await vi.waitUntil(() => gone.length > 0);
    expect(gone).toEqual(['/sign-in?next=/pair']);
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('leads there, too, where the session ends meanwhile', async () => {
    await opened(deviceLine(), { [`POST ${PATH}`]: () => fault(401, 'signed_out', 'nobody is signed in here') });
    await pair(await found());
    await vi.waitUntil(() => gone.length > 0);
    // With the code: he does not type it again.
    const next = '/sign-in?next=/pair%3Fcode%3DBCDF-GHJK';
    expect([gone, localStorage.getItem('raidcast.name')]).toEqual([[next], null]);
  });

  it('has the code that he came with, and looks nothing up by itself', async () => {
    history.replaceState(null, '', '/pair?code=bcdfghjk');
    await opened();
    expect(field().value).toBe('BCDF-GHJK');
    expect(describedBy(field())[0]).toMatch(/^Go on only with a code that you see on your own computer\./);
    expect(relay.asked).toEqual(['GET /api/v1/me']);
    history.replaceState(null, '', '/pair?code=%3Cscript%3E');
    cleanup();
    await opened();
    expect(field().value).toBe('');
    history.replaceState(null, '', '/pair');
  });

  it('says why it cannot be loaded, and tries again', async () => {
    relay = new FakeRelay({ 'GET /api/v1/me': () => fault(503, 'unavailable', 'the database is not available now') });
    vi.stubGlobal('fetch', relay.fetch);
    render(PairPage, { go: (path: string) => gone.push(path) });
    expect(await screen.findByText(/The database is not available now\./)).toBeTruthy();
    relay.answers['GET /api/v1/me'] = () => Response.json(me());
    await press('Try again');
    expect(await screen.findByRole('heading', { level: 1, name: 'Pair a computer' })).toBeTruthy();
  });
});

describe('a code', () => {
  it('shows who asks, and for what', async () => {
    await opened();
    const form = await found();
    expect(document.activeElement).toBe(screen.getByRole('heading', { level: 1 }));
    expect(words(form.querySelector('dl'))).toBe(
      'Program raidcast on pc Address 192.0.2.7 The same address as this browser Asked just now ' +
        'Its key May upload fights and see what is private',
    );
    expect(within(form).queryByText(/another person/)).toBeNull();
    expect(screen.queryByLabelText('Account')).toBeNull();
  });

  it('may be typed in small letters, with dashes and spaces', async () => {
    await opened();
    await found(' bcdf ghjk ');
    expect(asked()).toEqual([`GET ${PATH}`]);
  });

  it.each(['BCDF', 'BCDF-GHJ1', 'BCDF-GHJKL'])('%s is none, and the relay is not asked', async (code) => {
    await opened();
    await type(code);
    const text = words(await screen.findByRole('alert'));
    expect(text).toBe('This is not a code. A code has eight letters, like BCDF-GHJK.');
    expect(describedBy(field())[1]).toBe(text);
    expect([field().getAttribute('aria-invalid'), document.activeElement]).toEqual(['true', field()]);
    expect(asked()).toEqual([]);
  });

  it('with which nobody waits is typed anew', async () => {
    await opened();
    await type('ZZZZ-ZZZZ');
    expect(words(await screen.findByRole('alert'))).toMatch(/^No program waits with this code\. .* ten minutes\.$/);
    expect([field().getAttribute('aria-invalid'), document.activeElement]).toEqual(['true', field()]);
    await found();
    expect(screen.queryByRole('alert')).toBeNull();
  });

  it('that was tried too often has to wait', async () => {
    await opened(deviceLine(), {
      [`GET ${PATH}`]: () =>
        fault(429, 'too_many', 'that was tried too often: wait, and try again', { 'retry-after': '90' }),
    });
    await type('BCDF-GHJK');
    expect(words(await screen.findByRole('alert'))).toBe(
      'That was tried too often: wait, and try again. It can be tried again in 90 seconds.',
    );
    // The code itself is not what is wrong.
    expect([field().getAttribute('aria-invalid'), document.activeElement]).toEqual([null, field()]);
  });

  it('of a program at another address says so', async () => {
    await opened(deviceLine({ isHere: false, address: '2001:db8::/64', scopes: ['manage'] }));
    const form = await found();
    expect(words(form)).toContain('Address 2001:db8::/64 Not the same address as this browser');
    expect(words(form)).toContain('Another address can mean another person.');
    expect(words(form)).toContain('May share and delete your raids');
  });
});

describe('a program', () => {
  it('is paired by whoever says that it is his own', async () => {
    await opened();
    const form = await found();
    await fireEvent.submit(form);
    expect(words(await screen.findByRole('alert'))).toMatch(/tick the box\. If not, refuse it\.$/);
    expect([document.activeElement, box().getAttribute('aria-invalid')]).toEqual([box(), 'true']);
    expect(describedBy(box())).toEqual([words(screen.getByRole('alert'))]);
    expect(relay.bodies).toEqual([]);
    await fireEvent.click(box());
    expect(screen.queryByRole('alert')).toBeNull();
    await fireEvent.submit(form);
    await end('It is paired');
    expect(relay.bodies).toEqual([{ approve: true }]);
    expect(screen.getByRole('link', { name: 'your account' }).getAttribute('href')).toBe('/account');
    await press('Type another code');
    await vi.waitUntil(() => document.activeElement === field());
    expect(field().value).toBe('');
  });

  it('is refused', async () => {
    await opened();
    await found();
    await press('Refuse it');
    await end('It is refused');
    expect(relay.bodies).toEqual([{ approve: false }]);
  });

  it('is paired with one of several accounts, and nothing said of one day stays for the next', async () => {
    const accounts = [...me().accounts, { id: 2, name: 'guild', channelUrl: 'https://relay.example/live/GUILD' }];
    await opened(deviceLine(), {}, me({ accounts }));
    const form = await found();
    expect(words(screen.getByLabelText('Account'))).toBe('Your ownguild');
    await fireEvent.change(screen.getByLabelText('Account'), { target: { value: '2' } });
    await pair(form);
    await end('It is paired');
    await press('Type another code');
    await found();
    expect(box().checked).toBe(false);
    await press('Refuse it');
    await end('It is refused');
    expect(relay.bodies).toEqual([{ approve: true, account: 2 }, { approve: false }]);
  });

  it.each([
    ['paired', true],
    ['refused', false],
  ])('whose code ends before it is %s is told to ask anew', async (_, approve) => {
    await opened(deviceLine(), { [`POST ${PATH}`]: () => fault(404, 'not_found', 'nothing is here') });
    const form = await found();
    if (approve) await pair(form);
    else await press('Refuse it');
    await end('This code is not good any more');
    expect(screen.getByText(/good for ten minutes, and once\. .* again and type the new code\.$/)).toBeTruthy();
    await press('Type another code');
    await vi.waitUntil(() => document.activeElement === field());
  });

  it.each([
    ['Pair it', true],
    ['Refuse it', false],
  ])('can be decided again where that failed: %s', async (name, approve) => {
    await opened(deviceLine(), {
      [`POST ${PATH}`]: () => fault(503, 'unavailable', 'the database is not available now'),
    });
    const form = await found();
    if (approve) await pair(form);
    else await press(name);
    expect(words(await screen.findByRole('alert'))).toBe('The database is not available now.');
    await vi.waitUntil(() => document.activeElement === button(name));
    expect(button(name).disabled).toBe(false);
  });

  it('takes a sign-in of a moment ago: the password is asked for in place', async () => {
    let fresh = false;
    await opened(deviceLine(), {
      [`POST ${PATH}`]: () => (fresh ? done() : fault(403, 'sign_in_again', 'to do this, sign in again')),
      'POST /api/v1/session': () => {
        fresh = true;
        return Response.json(me());
      },
    });
    const form = await found();
    await pair(form);
    const title = 'To pair a computer, enter your password again.';
    await fireEvent.click(
      within(await screen.findByRole('form', { name: title })).getByRole('button', { name: 'Cancel' }),
    );
    await vi.waitUntil(() => document.activeElement === button('Pair it'));
    expect(box().checked).toBe(true);
    await fireEvent.submit(form);
    const again = await screen.findByRole('form', { name: title });
    const password = within(again).getByLabelText('Password');
    expect(document.activeElement).toBe(password);
    // What was said stands meanwhile, and nothing can be pressed twice.
    expect(form.querySelector('fieldset')?.disabled).toBe(true);
    expect(screen.queryByRole('button', { name: 'Refuse it' })).toBeNull();
    await fireEvent.input(password, { target: { value: 'correct horse' } });
    await fireEvent.submit(again);
    await end('It is paired');
    // The list of sessions is another page's.
    expect(asked().filter((what) => what.includes('sessions'))).toEqual([]);
  });
});
