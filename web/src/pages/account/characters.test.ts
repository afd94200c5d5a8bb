import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CharacterLine, ClaimLine, Me, OpenClaim, RemovalLine } from '$lib/api/account-types';
import { who } from '$lib/account/who.svelte';
import { done, FakeRelay, type Answers } from '$lib/testing/relay';
import { me, sessionLine } from '$lib/testing/samples';
import AccountPage from './AccountPage.svelte';

const KEY = '0123456789abcdef0123456789abcdef';

let relay: FakeRelay;
let characters: CharacterLine[];
let claims: ClaimLine[];
let confirmations: OpenClaim[];
let open: OpenClaim[];
let removals: RemovalLine[];
let sent: unknown[];

async function opened(mine: Me = me(), answers: Answers = {}): Promise<void> {
  relay = new FakeRelay({
    'GET /api/v1/me': () => Response.json(mine),
    'GET /api/v1/me/keys': () => Response.json({ keys: [] }),
    'GET /api/v1/me/sessions': () => Response.json({ sessions: [sessionLine(1, { isThis: true })] }),
    'GET /api/v1/me/ways': () =>
      Response.json({ ways: [{ provider: null, works: true, removable: false }], addable: [] }),
    'GET /api/v1/me/raids': () => Response.json({ raids: [], next: null, keepDays: null }),
    'GET /api/v1/me/characters': () => Response.json({ ways: ['code', 'officer'], claims, characters }),
    'GET /api/v1/me/confirmations': () => Response.json({ claims: confirmations }),
    'GET /api/v1/invitations': () => Response.json({ invitations: [] }),
    'GET /api/v1/accounts': () => Response.json({ accounts: [] }),
    'GET /api/v1/people': () => Response.json({ people: [], next: null }),
    'GET /api/v1/removals': () => Response.json({ removals }),
    'GET /api/v1/claims': () => Response.json({ claims: open }),
    'GET /api/v1/audit': () => Response.json({ lines: [], next: null }),
    ...answers,
  });
  vi.stubGlobal('fetch', relay.fetch);
  render(AccountPage, { go: () => undefined });
  await screen.findByRole('heading', { level: 1, name: 'Your account' });
}

const part = (name: string): HTMLElement => screen.getByRole('region', { name });
const changes = (): string[] => relay.asked.filter((what) => !what.startsWith('GET '));
const openClaim = (id: number): OpenClaim => ({
  id,
  by: 'Bo',
  called: 'Böreas',
  name: '<b>Böreas</b>',
  createdAtMs: 1,
  endsAtMs: 2,
});

beforeEach(() => {
  characters = [{ id: 7, called: 'Aeris', way: 'code', provedAtMs: 1, hidden: false, agrees: false }];
  claims = [{ id: 8, called: 'Böreas', way: 'code', code: 'k7q2xp', createdAtMs: 1, endsAtMs: 2 }];
  [confirmations, open, removals, sent] = [[], [], [], []];
});

afterEach(() => {
  cleanup();
  who.left();
  vi.unstubAllGlobals();
});

describe('characters on the account page', () => {
  it('are hidden, and agree to be named, each by itself', async () => {
    await opened(me(), {
      'PATCH /api/v1/me/characters/7': (body: unknown) => {
        sent.push(body);
        const [held] = characters;
        if (held !== undefined) characters = [{ ...held, ...(body as Partial<CharacterLine>) }];
        return done();
      },
    });
    const own = part('Your characters');
    await fireEvent.click(within(own).getByRole('checkbox', { name: 'Hide it everywhere' }));
    await within(own).findByText('Aeris is hidden everywhere.');
    await fireEvent.click(within(own).getByRole('checkbox', { name: /^Name it in raids .*once it is not hidden$/ }));
    await within(own).findByText('Aeris may be named.');
    expect(sent).toEqual([{ hidden: true }, { agrees: true }]);
  });

  it('are claimed by number or by a link, and a claim tells its code and is taken back', async () => {
    await opened(me(), {
      'POST /api/v1/me/claims': (body: unknown) => {
        sent.push(body);
        claims = [...claims, { id: 9, called: 'Third', way: 'officer', code: null, createdAtMs: 1, endsAtMs: 2 }];
        return Response.json(claims[1], { status: 201 });
      },
      'DELETE /api/v1/me/claims/8': () => {
        claims = claims.filter(({ id }) => id !== 8);
        return done();
      },
    });
    const own = part('Your characters');
    within(own).getByText('k7q2xp');
    const link = `https://relay.example/reports/a?player=${KEY}`;
    await fireEvent.input(within(own).getByLabelText('Number in the game'), { target: { value: link } });
    await fireEvent.input(within(own).getByLabelText('What you call it'), { target: { value: 'Third' } });
    await fireEvent.change(within(own).getByLabelText('Proved by'), { target: { selectedIndex: 1 } });
    await fireEvent.click(within(own).getByRole('button', { name: 'This character is mine' }));
    await within(own).findByText('Third', { exact: false, selector: 'bdi' });
    expect(sent).toEqual([{ player: KEY, called: 'Third', way: 'officer' }]);
    await fireEvent.click(within(own).getByRole('button', { name: 'Take back the claim of Böreas' }));
    await vi.waitFor(() => {
      expect(within(own).queryByText('k7q2xp')).toBeNull();
    });
    expect(changes()).toEqual(['POST /api/v1/me/claims', 'DELETE /api/v1/me/claims/8']);
  });

  it('of others are confirmed by officers, and decided by administrators, who hide whom asks for it', async () => {
    confirmations = [openClaim(1)];
    open = [openClaim(2), openClaim(3)];
    removals = [{ id: 4, player: 'Cy', links: '', contact: '', message: '', createdAtMs: 1 }];
    await opened(me({ role: 'administrator' }), {
      'PUT /api/v1/me/confirmations/1': () => {
        confirmations = [];
        return done();
      },
      'PUT /api/v1/claims/2': () => {
        open = open.filter(({ id }) => id !== 2);
        return done();
      },
      'DELETE /api/v1/claims/3': () => {
        open = open.filter(({ id }) => id !== 3);
        return done();
      },
      'POST /api/v1/opt-outs': (body: unknown) => {
        sent.push(body);
        return done();
      },
      'DELETE /api/v1/removals/4': () => {
        removals = [];
        return done();
      },
    });
    const confirming = part('Who wants you to confirm a character');
    await fireEvent.click(within(confirming).getByRole('button', { name: 'Confirm that Böreas is Bo’s' }));
    const deciding = part('Claims of characters');
    const [first] = within(deciding).getAllByRole('button', { name: 'Confirm that Böreas is Bo’s' });
    if (first === undefined) throw new Error('there are two of them');
    await fireEvent.click(first);
    await within(deciding).findByText('Böreas is now Bo’s.');
    await fireEvent.click(within(deciding).getByRole('button', { name: 'Refuse the claim of Bo' }));
    await within(deciding).findByText('Nobody waits.');
    const asking = part('Requests for removal');
    await fireEvent.input(within(asking).getByLabelText('Hide this player everywhere'), { target: { value: '1234' } });
    await fireEvent.click(within(asking).getByRole('button', { name: 'Hide and close the request' }));
    await within(asking).findByText('Nobody asks to be removed.');
    expect(sent).toEqual([{ player: '1234', hidden: true }]);
    expect(changes().sort()).toEqual([
      'DELETE /api/v1/claims/3',
      'DELETE /api/v1/removals/4',
      'POST /api/v1/opt-outs',
      'PUT /api/v1/claims/2',
      'PUT /api/v1/me/confirmations/1',
    ]);
  });
});
