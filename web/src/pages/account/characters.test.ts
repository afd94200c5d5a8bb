import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type {
  CharacterLine,
  ClaimLine,
  HiddenPlayer,
  JudgedClaim,
  Me,
  PlayerLook,
  RemovalLine,
} from '$lib/api/account-types';
import { who } from '$lib/account/who.svelte';
import { done, FakeRelay, type Answers } from '$lib/testing/relay';
import { me, relayLimits, sessionLine } from '$lib/testing/samples';
import AccountPage from './AccountPage.svelte';

const KEY = '0123456789abcdef0123456789abcdef';

let relay: FakeRelay;
let characters: CharacterLine[];
let claims: ClaimLine[];
let open: JudgedClaim[];
let removals: RemovalLine[];
let hidden: HiddenPlayer[];
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
    'GET /api/v1/invitations': () => Response.json({ invitations: [] }),
    'GET /api/v1/accounts': () => Response.json({ accounts: [] }),
    'GET /api/v1/people': () => Response.json({ people: [], next: null }),
    'GET /api/v1/removals': () => Response.json({ removals }),
    'GET /api/v1/claims': () => Response.json({ claims: open }),
    'GET /api/v1/opt-outs': () => Response.json({ players: hidden, next: null }),
    'GET /api/v1/limits': () => Response.json(relayLimits()),
    'GET /api/v1/audit': () => Response.json({ lines: [], next: null }),
    ...answers,
  });
  vi.stubGlobal('fetch', relay.fetch);
  render(AccountPage, { go: () => undefined });
  await screen.findByRole('heading', { level: 1, name: 'Your account' });
}

const part = (name: string): HTMLElement => screen.getByRole('region', { name });
const changes = (): string[] => relay.asked.filter((what) => !what.startsWith('GET '));
const lookAt = (more: Partial<PlayerLook> = {}): PlayerLook => ({
  player: KEY,
  hidden: false,
  hiddenByAdministrator: false,
  fights: 3,
  names: [{ name: 'Böreas', fights: 3 }],
  ...more,
});
const openClaim = (id: number, over: Partial<JudgedClaim> = {}): JudgedClaim => ({
  id,
  by: 'Bo',
  player: KEY,
  called: 'Böreas',
  holder: null,
  hidden: false,
  hiddenByAdministrator: false,
  others: 3,
  calledSo: 2,
  names: [
    { name: 'Böreas', accounts: 2 },
    { name: '<b>Aeris</b>', accounts: 1 },
  ],
  createdAtMs: 1,
  endsAtMs: 2,
  ...over,
});
const ofAeris = (over: Partial<CharacterLine> = {}): CharacterLine => ({
  id: 7,
  called: 'Aeris',
  way: 'administrator',
  provedAtMs: 1,
  hidden: false,
  hiddenByAdministrator: false,
  agrees: false,
  ...over,
});

beforeEach(() => {
  characters = [ofAeris()];
  claims = [{ id: 8, called: 'Böreas', way: 'code', code: 'k7q2xp', createdAtMs: 1, endsAtMs: 2 }];
  [open, removals, sent, hidden] = [[], [], [], []];
});

afterEach(() => {
  cleanup();
  who.left();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
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

  it('are said to be as they are where a change of that fails', async () => {
    await opened(me(), {
      'PATCH /api/v1/me/characters/7': () =>
        Response.json({ code: 'too_many', message: 'that was asked too often' }, { status: 429 }),
    });
    const own = part('Your characters');
    const box = within(own).getByRole<HTMLInputElement>('checkbox', { name: 'Hide it everywhere' });
    await fireEvent.click(box);
    await within(own).findByText('That was asked too often.', { exact: false });
    await vi.waitFor(() => {
      expect(box.checked).toBe(false);
    });
  });

  it('are believed to be somebody’s only where that was decided', async () => {
    open = [openClaim(2)];
    await opened(me({ role: 'administrator' }), {
      'PUT /api/v1/claims/2': () => Response.json({ code: 'not_found', message: 'Nothing is here.' }, { status: 404 }),
    });
    const deciding = part('Claims of characters');
    await fireEvent.click(within(deciding).getByRole('button', { name: 'Confirm that Böreas is Bo’s' }));
    await within(deciding).findByText('Böreas is as it was', { exact: false });
    expect(within(deciding).queryByText('Böreas is now Bo’s.')).toBeNull();
  });

  it('are hidden by administrators who were told whom, and shown again', async () => {
    await opened(me({ role: 'administrator' }), {
      'POST /api/v1/opt-outs/look': () => Response.json(lookAt()),
      'POST /api/v1/opt-outs': (body: unknown) => {
        sent.push(body);
        hidden = sent.length % 2 === 1 ? [{ player: KEY, sinceMs: 1 }] : [];
        return done();
      },
    });
    const hiding = part('Hide a player');
    const press = (name: string): Promise<unknown> => fireEvent.click(within(hiding).getByRole('button', { name }));
    const ask = async (): Promise<void> => {
      await fireEvent.input(within(hiding).getByLabelText('Number in the game'), { target: { value: '77' } });
      await press('Hide everywhere');
      await within(hiding).findByText('Hide this player everywhere? Called “Böreas”, in 3 fights.');
    };
    await ask();
    await press('Cancel');
    expect(sent).toEqual([]);
    await ask();
    await press('Hide');
    await within(hiding).findByText('The player is hidden everywhere.');
    await press('Undo');
    await within(hiding).findByText('The player is shown again.');
    await ask();
    await press('Hide');
    // In the list, and not without being asked again.
    const again = `Show again: Player ${KEY.slice(0, 8)}`;
    await within(hiding).findByRole('button', { name: again });
    await press(again);
    expect(sent).toHaveLength(3);
    await press('Show');
    await within(hiding).findByText('Nobody.');
    const [hides, shows] = [
      { player: '77', hidden: true },
      { player: KEY, hidden: false },
    ];
    expect(sent).toEqual([hides, shows, hides, shows]);
  });

  it('that are hidden already are not hidden again, and what they hid themselves is not undone', async () => {
    let held = lookAt({ hidden: true, hiddenByAdministrator: true, names: [] });
    await opened(me({ role: 'administrator' }), {
      'POST /api/v1/opt-outs/look': () => Response.json(held),
      'POST /api/v1/opt-outs': done,
    });
    const hiding = part('Hide a player');
    const field = within(hiding).getByLabelText('Number in the game');
    await fireEvent.input(field, { target: { value: '77' } });
    await fireEvent.click(within(hiding).getByRole('button', { name: 'Hide everywhere' }));
    await within(hiding).findByText('An administrator hides this player already.');
    held = { ...held, hiddenByAdministrator: false };
    await fireEvent.click(within(hiding).getByRole('button', { name: 'Hide everywhere' }));
    await within(hiding).findByText(/The player has hidden the character already/);
    await fireEvent.click(within(hiding).getByRole('button', { name: 'Hide' }));
    await within(hiding).findByText('The player is hidden everywhere.');
    expect(within(hiding).queryByRole('button', { name: 'Undo' })).toBeNull();
  });

  it('are claimed by number or by a link, and a claim tells its code and is taken back', async () => {
    await opened(me(), {
      'POST /api/v1/me/claims': (body: unknown) => {
        sent.push(body);
        claims = [...claims, { id: 9, called: 'Third', way: 'officer', code: 'a1b2c3', createdAtMs: 1, endsAtMs: 2 }];
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
    expect(sent).toEqual([{ player: KEY, seenIn: 'a', called: 'Third', way: 'officer' }]);
    within(own).getByText('a1b2c3');
    await fireEvent.click(within(own).getByRole('button', { name: 'Take back the claim of Böreas' }));
    await vi.waitFor(() => {
      expect(within(own).queryByText('k7q2xp')).toBeNull();
    });
    expect(changes()).toEqual(['POST /api/v1/me/claims', 'DELETE /api/v1/me/claims/8']);
  });

  it('are not shown by whom they are where an administrator hid them, nor agree where none has confirmed them', async () => {
    characters = [
      ofAeris({ hidden: true, hiddenByAdministrator: true }),
      ofAeris({ id: 8, called: 'Second', way: 'code' }),
      ofAeris({ id: 9, called: 'Third', way: 'officer', agrees: true }),
    ];
    await opened();
    const boxes = within(part('Your characters')).getAllByRole<HTMLInputElement>('checkbox');
    expect(boxes.map(({ disabled }) => disabled)).toEqual([true, false, false, true, false, false]);
    within(part('Your characters')).getByText('An administrator has hidden it.', { exact: false });
    expect(boxes[3]?.getAttribute('aria-describedby')).toBe('agrees-8');
  });

  it('are told all that is held about them, the password first where it has to be', async () => {
    const saved: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download);
    });
    let fresh = false;
    characters = [ofAeris(), ofAeris({ id: 8, called: 'Second', way: 'officer', agrees: true })];
    await opened(me(), {
      'GET /api/v1/me/characters/7/export': () =>
        fresh
          ? new Response('archive', { headers: { 'content-type': 'application/zstd' } })
          : Response.json({ code: 'sign_in_again', message: 'sign in again' }, { status: 403 }),
      'POST /api/v1/session': () => {
        fresh = true;
        return Response.json(me());
      },
    });
    const own = part('Your characters');
    await fireEvent.click(within(own).getByRole('button', { name: 'Download what is held about Aeris' }));
    await fireEvent.input(await within(own).findByLabelText('Password'), { target: { value: 'correct horse' } });
    await fireEvent.click(within(own).getByRole('button', { name: 'Continue' }));
    await within(own).findByText('The archive is saved: raidcast-player.tar.zst.');
    expect(saved).toEqual(['raidcast-player.tar.zst']);
    expect(within(own).queryByRole('button', { name: 'Download what is held about Second' })).toBeNull();
    within(own).getByText(/^To download what is held about it, an administrator has to confirm/);
  });

  it('are not told what is held about them where the relay says why not', async () => {
    const click = vi.spyOn(HTMLAnchorElement.prototype, 'click');
    await opened(me(), {
      'GET /api/v1/me/characters/7/export': () =>
        Response.json({ code: 'conflict', message: 'an administrator has to confirm it' }, { status: 409 }),
    });
    const own = part('Your characters');
    await fireEvent.click(within(own).getByRole('button', { name: 'Download what is held about Aeris' }));
    await within(own).findByText('An administrator has to confirm it.');
    expect(click).not.toHaveBeenCalled();
  });

  it('of players who ask for it are told by administrators', async () => {
    const saved: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved.push(this.download);
    });
    await opened(me({ role: 'administrator' }), {
      'POST /api/v1/player-exports': (body: unknown) => {
        sent.push(body);
        if (sent.length > 1) return new Response('archive');
        return Response.json({ code: 'not_found', message: 'no player is known by this key' }, { status: 404 });
      },
    });
    const held = part('What is held about a player');
    const ask = async (player: string): Promise<void> => {
      await fireEvent.input(within(held).getByLabelText('Number in the game'), { target: { value: player } });
      await fireEvent.click(within(held).getByRole('button', { name: 'Download' }));
    };
    await ask(`https://relay.example/reports/a?player=${KEY}`);
    await within(held).findByText('No player is known by this key.');
    await ask('77');
    await within(held).findByText('The archive is saved: raidcast-player.tar.zst.');
    expect([sent, saved]).toEqual([[{ player: KEY, seenIn: 'a' }, { player: '77' }], ['raidcast-player.tar.zst']]);
  });

  it('of others are confirmed by the code that one was told', async () => {
    const claim = { by: 'Bo', called: 'Böreas', name: '<b>Böreas</b>', createdAtMs: 1, endsAtMs: 2 };
    await opened(me(), {
      'GET /api/v1/me/confirmations/k7q2xp': () => Response.json(claim),
      'GET /api/v1/me/confirmations/wrong': () =>
        Response.json({ code: 'not_found', message: 'Nothing is here.' }, { status: 404 }),
      'PUT /api/v1/me/confirmations/k7q2xp': () => done(),
    });
    const confirming = part('Confirm a character');
    const look = async (code: string): Promise<void> => {
      await fireEvent.input(within(confirming).getByLabelText('Code of the claim'), { target: { value: code } });
      await fireEvent.click(within(confirming).getByRole('button', { name: 'Look' }));
    };
    await look('wrong');
    await within(confirming).findByText('No claim has this code', { exact: false });
    await look(' K7Q2XP ');
    await within(confirming).findByText('<b>Böreas</b>');
    await fireEvent.click(within(confirming).getByRole('button', { name: 'Confirm that Böreas is Bo’s' }));
    await within(confirming).findByText('Böreas is now Bo’s.');
    expect(changes()).toEqual(['PUT /api/v1/me/confirmations/k7q2xp']);
  });

  it('of others are decided by administrators, twice where they are somebody’s', async () => {
    open = [
      openClaim(2),
      openClaim(3, { others: 0, calledSo: 0, names: [] }),
      openClaim(5, { by: 'Cy', holder: { id: 11, name: 'Dan' }, hidden: true, names: [] }),
    ];
    const gone = (id: number) => (): Response => {
      open = open.filter((claim) => claim.id !== id);
      return done();
    };
    await opened(me({ role: 'administrator' }), {
      'PUT /api/v1/claims/2': (body: unknown) => {
        sent.push(body);
        return gone(2)();
      },
      'DELETE /api/v1/claims/3': gone(3),
      'PUT /api/v1/claims/5': (body: unknown) => {
        sent.push(body);
        return gone(5)();
      },
    });
    const deciding = part('Claims of characters');
    within(deciding).getAllByText('3 accounts of others have fights with it, 2 of them by this name.');
    within(deciding).getByText('<b>Aeris</b>');
    within(deciding).getByText('nothing here speaks for him', { exact: false });
    const [first] = within(deciding).getAllByRole('button', { name: 'Confirm that Böreas is Bo’s' });
    if (first === undefined) throw new Error('there are two of them');
    await fireEvent.click(first);
    await within(deciding).findByText('Böreas is now Bo’s.');
    await fireEvent.click(within(deciding).getByRole('button', { name: 'Refuse the claim of Bo' }));
    await vi.waitFor(() => {
      expect(within(deciding).queryByRole('button', { name: 'Refuse the claim of Bo' })).toBeNull();
    });
    await fireEvent.click(within(deciding).getByRole('button', { name: 'Confirm that Böreas is Cy’s' }));
    const take = { name: 'Take Böreas from Dan, and give it to Cy' };
    await within(deciding).findByRole('button', take);
    expect(sent).toEqual([{ held: null, hiddenByAdministrator: false }]);
    await fireEvent.click(within(deciding).getByRole('button', take));
    await within(deciding).findByText('Nobody waits.');
    expect(sent).toEqual([
      { held: null, hiddenByAdministrator: false },
      { held: 11, hiddenByAdministrator: false },
    ]);
    expect(changes()).toEqual(['PUT /api/v1/claims/2', 'DELETE /api/v1/claims/3', 'PUT /api/v1/claims/5']);
  });

  it('are hidden for whom asks for it, and the request stays open where that hid nobody', async () => {
    removals = [{ id: 4, player: 'Cy', links: '', contact: '', message: '', createdAtMs: 1 }];
    await opened(me({ role: 'administrator' }), {
      'POST /api/v1/opt-outs/look': (body: unknown) => {
        sent.push(body);
        if (sent.length > 1) return Response.json(lookAt());
        return Response.json({ code: 'not_found', message: 'no player is known by this key' }, { status: 404 });
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
    const asking = part('Requests for removal');
    const hide = async (player: string): Promise<void> => {
      const field = within(asking).getByLabelText('Hide this player everywhere');
      await fireEvent.input(field, { target: { value: player } });
      await fireEvent.click(within(asking).getByRole('button', { name: 'Hide and close the request' }));
    };
    await hide(KEY);
    await within(asking).findByText('No player is known by this key.');
    within(asking).getByText('Cy');
    expect(changes()).toEqual(['POST /api/v1/opt-outs/look']);
    await hide(`https://relay.example/raids/k7q2xp?player=${KEY}`);
    await within(asking).findByText(/close the request of Cy\? Called “Böreas”, in 3 fights/);
    await fireEvent.click(within(asking).getByRole('button', { name: 'Hide' }));
    await within(asking).findByText('Nobody asks to be removed.');
    expect(sent).toEqual([
      { player: KEY },
      { player: KEY, seenIn: 'k7q2xp' },
      { player: KEY, seenIn: 'k7q2xp', hidden: true },
    ]);
    const look = 'POST /api/v1/opt-outs/look';
    expect(changes()).toEqual([look, look, 'POST /api/v1/opt-outs', 'DELETE /api/v1/removals/4']);
  });
});
