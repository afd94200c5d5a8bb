import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { AuditLine, LinkLine, Me, MyRaid, PersonLine, RemovalLine, Webhook } from '$lib/api/account-types';
import { who } from '$lib/account/who.svelte';
import { done, FakeRelay, fault, type Answers } from '$lib/testing/relay';
import { me, raidPage, relayLimits, sessionLine, summary } from '$lib/testing/samples';
import type { ReportSummary } from '$lib/wire/types';
import RemovalPage from '../removal/RemovalPage.svelte';
import AccountPage from './AccountPage.svelte';

const raid = (code: string, more: Partial<MyRaid> = {}): MyRaid => ({
  code,
  account: 1,
  title: `Night ${code}`,
  visibility: 'private',
  reportVisibility: null,
  names: 'full',
  delayS: 0,
  url: `https://relay.example/raids/${code}`,
  createdAtMs: 1,
  activeAtMs: 2,
  fights: 3,
  pinned: false,
  ...more,
});

let relay: FakeRelay;
let gone: string[];
let raids: MyRaid[];
let people: PersonLine[];
let removals: RemovalLine[];
let lines: AuditLine[];

async function opened(mine: Me = me(), answers: Answers = {}): Promise<void> {
  relay = new FakeRelay({
    'GET /api/v1/me': () => Response.json(mine),
    'GET /api/v1/me/keys': () => Response.json({ keys: [] }),
    'GET /api/v1/me/sessions': () => Response.json({ sessions: [sessionLine(1, { isThis: true })] }),
    'GET /api/v1/me/ways': () =>
      Response.json({ ways: [{ provider: null, works: true, removable: false }], addable: [] }),
    'GET /api/v1/me/raids': () => Response.json({ raids, next: null, keepDays: 90 }),
    'GET /api/v1/invitations': () => Response.json({ invitations: [] }),
    'GET /api/v1/accounts': () => Response.json({ accounts: [] }),
    'GET /api/v1/people': () => Response.json({ people, next: null }),
    'GET /api/v1/removals': () => Response.json({ removals }),
    'GET /api/v1/me/characters': () => Response.json({ ways: ['administrator'], claims: [], characters: [] }),
    'GET /api/v1/claims': () => Response.json({ claims: [] }),
    'GET /api/v1/opt-outs': () => Response.json({ players: [], next: null }),
    'GET /api/v1/limits': () => Response.json(relayLimits()),
    'GET /api/v1/audit': () => Response.json({ lines, next: null }),
    ...answers,
  });
  vi.stubGlobal('fetch', relay.fetch);
  render(AccountPage, { go: (path: string) => gone.push(path) });
  await screen.findByRole('heading', { level: 1, name: 'Your account' });
}

const part = (name: string): HTMLElement => screen.getByRole('region', { name });
const changes = (): string[] => relay.asked.filter((what) => !what.startsWith('GET '));
const press = (name: string, inside: HTMLElement = document.body): Promise<unknown> =>
  fireEvent.click(within(inside).getByRole('button', { name }));

beforeEach(() => {
  gone = [];
  raids = [raid('a'), raid('b', { pinned: true })];
  people = [];
  removals = [];
  lines = [];
});
afterEach(() => {
  cleanup();
  who.left();
  vi.unstubAllGlobals();
});

describe('raids', () => {
  it('are deleted after it was asked, and only then', async () => {
    await opened(me(), {
      'DELETE /api/v1/raids/a': () => {
        raids = raids.filter(({ code }) => code !== 'a');
        return Response.json({ done: true });
      },
    });
    expect(screen.getByText(/deleted 90 days after/)).toBeTruthy();
    await press('Delete Night a');
    await press('Cancel');
    expect(changes()).toEqual([]);
    await press('Delete Night a');
    await press('Delete');
    await vi.waitUntil(() => screen.queryByText('Night a') === null);
    expect(changes()).toEqual(['DELETE /api/v1/raids/a']);
    expect(screen.getByText('Night a is deleted.')).toBeTruthy();
    expect(document.activeElement?.id).toBe('raids-title');
  });

  it('are said to be being deleted while the relay goes on with it', async () => {
    await opened(me(), { 'DELETE /api/v1/raids/a': () => Response.json({ done: false }, { status: 202 }) });
    await press('Delete Night a');
    await press('Delete');
    expect(await screen.findByText('Night a is being deleted.')).toBeTruthy();
  });

  it('are kept, and no more', async () => {
    await opened(me(), { 'PUT /api/v1/raids/a/pin': done, 'DELETE /api/v1/raids/b/pin': done });
    await press('Never delete Night a for its age');
    await screen.findByText('Night a is never deleted for its age.');
    await press('Never delete Night b for its age');
    await vi.waitUntil(() => changes().length === 2);
    expect(changes()).toEqual(['PUT /api/v1/raids/a/pin', 'DELETE /api/v1/raids/b/pin']);
  });
});

describe('a raid in the list', () => {
  it('leads to its page without a ticket, and is told from others of its title', async () => {
    const url = 'https://relay.example/raids/a?ticket=secret';
    raids = [
      raid('a', { title: 'Uploads', url, createdAtMs: 86_400_000 }),
      raid('b', { title: 'Uploads', createdAtMs: 5 * 86_400_000 }),
      raid('c'),
    ];
    await opened();
    const links = within(part('Your raids')).getAllByRole<HTMLAnchorElement>('link');
    expect(links.map((link) => link.getAttribute('href'))).toEqual(['/raids/a', '/raids/b', '/raids/c']);
    const names = links.map((link) => link.textContent);
    expect(new Set(names).size).toBe(3);
    expect(names[0]).toMatch(/^Uploads, .*1970/);
    expect(names[2]).toBe('Night c');
  });

  it('can be kept where the relay deletes old ones, and only there', async () => {
    raids = [raid('a'), raid('b', { pinned: true })];
    await opened(me(), { 'GET /api/v1/me/raids': () => Response.json({ raids, next: null, keepDays: null }) });
    expect(screen.queryByRole('button', { name: 'Never delete Night a for its age' })).toBeNull();
    expect(screen.getByRole('button', { name: 'Never delete Night b for its age' })).toBeTruthy();
  });

  it('says before it is deleted that a client may stream into it', async () => {
    raids = [raid('a', { activeAtMs: Date.now() }), raid('b')];
    await opened();
    await press('Delete Night a');
    expect(screen.getByText(/stop it first/)).toBeTruthy();
    await press('Delete Night b');
    expect(screen.queryByText(/stop it first/)).toBeNull();
  });
});

describe('raids without fights', () => {
  it('do not stand among the others, and go together', async () => {
    const now = Date.now();
    raids = [
      raid('a'),
      raid('b', { fights: 0 }),
      raid('c', { fights: 0 }),
      raid('d', { fights: 0, pinned: true }),
      raid('e', { fights: 0, activeAtMs: now }),
    ];
    const answer = (code: string) => () => {
      raids = raids.filter((raid) => raid.code !== code);
      return Response.json({ done: true });
    };
    let begun: ReportSummary[] = [summary({ reportId: 'r' })];
    await opened(me(), {
      'GET /api/v1/raids/b': () => Response.json(raidPage({ reports: [] })),
      'GET /api/v1/raids/c': () => Response.json(raidPage({ reports: begun })),
      'DELETE /api/v1/raids/b': answer('b'),
      'DELETE /api/v1/raids/c': answer('c'),
    });
    const shown = (): (string | null)[] =>
      [...document.querySelectorAll('[data-raid]')].map((row) => row.getAttribute('data-raid'));
    await screen.findByText(/^2 raids without fights/);
    expect(shown()).toEqual(['a', 'd', 'e']);
    await press('Show them');
    expect(shown()).toEqual(['a', 'b', 'c', 'd', 'e']);
    await press('Delete them');
    expect(changes()).toEqual([]);
    await press('Delete', part('Your raids'));
    // One of them has a fight by now, which this page has not heard of.
    await screen.findByText('1 raid without fights is deleted.');
    expect(changes()).toEqual(['DELETE /api/v1/raids/b']);
    expect(document.activeElement?.id).toBe('raids-title');
    begun = [];
    await screen.findByText(/^1 raid without fights:/);
    await press('Delete it');
    await press('Delete', part('Your raids'));
    await vi.waitUntil(() => screen.queryByText(/raid without fights:/) === null);
    expect(changes()).toEqual(['DELETE /api/v1/raids/b', 'DELETE /api/v1/raids/c']);
    expect(shown()).toEqual(['a', 'd', 'e']);
  });
});

describe('the fights of a raid', () => {
  let fights: ReportSummary[];
  const ogre = (reportId: string, more: Partial<ReportSummary> = {}): ReportSummary =>
    summary({ reportId, startedAtMs: 1_790_000_000_000, durationMs: 65_000, ...more });
  const unfolded = async (answers: Answers = {}): Promise<HTMLElement> => {
    await opened(me(), { 'GET /api/v1/raids/a': () => Response.json(raidPage({ reports: fights })), ...answers });
    await press('Fights of Night a');
    return part('Fights of Night a');
  };
  const rows = (): string[] =>
    [...document.querySelectorAll('[data-fight]')].map((one) => one.getAttribute('data-fight') ?? '');
  const deletes = (inside: HTMLElement): HTMLElement[] =>
    within(inside).getAllByRole('button', { name: /^Delete the fight Ogre of / });

  beforeEach(() => {
    fights = [ogre('f1', { state: 'live', outcome: 'unknown' }), ogre('f2'), ogre('f3', { stub: true })];
  });

  it('unfold, and lead to their reports; nothing is asked before', async () => {
    await opened(me(), { 'GET /api/v1/raids/a': () => Response.json(raidPage({ reports: fights })) });
    expect(relay.asked).not.toContain('GET /api/v1/raids/a');
    await press('Fights of Night a');
    const inside = part('Fights of Night a');
    const links = await within(inside).findAllByRole('link', { name: 'Ogre' });
    expect(links.map((link) => link.getAttribute('href'))).toEqual(['/reports/f1', '/reports/f2', '/reports/f3']);
    expect(inside.textContent).toMatch(/Live for 1:05/);
    expect(inside.textContent).toMatch(/Kill, 1:05 long/);
    expect(inside.textContent).toMatch(/Nothing of it could be taken/);
    expect(inside.textContent).toMatch(/under “Share”. Now: anyone with a private link\./);
    await press('Fights of Night a');
    expect(rows()).toEqual([]);
  });

  it('are deleted one by one, after it was asked; the others stay', async () => {
    const inside = await unfolded({
      'DELETE /api/v1/reports/f2': () => {
        fights = fights.filter(({ reportId }) => reportId !== 'f2');
        raids = [raid('a', { fights: 2 }), raid('b')];
        return Response.json({ done: true });
      },
    });
    await within(inside).findAllByRole('link');
    await fireEvent.click(deletes(inside)[1] as HTMLElement);
    expect(within(inside).getByText('Delete this fight? Nobody can bring it back.')).toBeTruthy();
    await press('Cancel', inside);
    expect([changes(), rows()]).toEqual([[], ['f1', 'f2', 'f3']]);
    await fireEvent.click(deletes(inside)[1] as HTMLElement);
    await press('Delete', inside);
    await vi.waitUntil(() => rows().length === 2);
    expect(changes()).toEqual(['DELETE /api/v1/reports/f2']);
    expect(within(inside).getByText('Ogre is deleted.')).toBeTruthy();
    expect(document.activeElement?.textContent).toBe('Fights');
    await vi.waitUntil(() => /2\s+fights/.test(document.querySelector('[data-raid=a]')?.textContent ?? ''));
    expect(rows()).toEqual(['f1', 'f3']);
  });

  it('that go on are said to go on before they are deleted', async () => {
    const inside = await unfolded();
    await within(inside).findAllByRole('link');
    await fireEvent.click(deletes(inside)[0] as HTMLElement);
    expect(within(inside).getByText(/It goes on, and the rest of it is not taken either/)).toBeTruthy();
  });

  it('that are gone already are gone', async () => {
    const inside = await unfolded();
    await within(inside).findAllByRole('link');
    fights = fights.slice(0, 2);
    await fireEvent.click(deletes(inside)[2] as HTMLElement);
    await press('Delete', inside);
    await vi.waitUntil(() => rows().length === 2);
  });

  it('that could not be deleted stay, and it is said why', async () => {
    const inside = await unfolded({
      'DELETE /api/v1/reports/f2': () => fault(503, 'unavailable', 'the store is busy'),
    });
    await within(inside).findAllByRole('link');
    await fireEvent.click(deletes(inside)[1] as HTMLElement);
    await press('Delete', inside);
    expect((await within(inside).findByRole('alert')).textContent).toBe('The store is busy.');
    expect(rows()).toEqual(['f1', 'f2', 'f3']);
  });

  it('are shown twenty at a time', async () => {
    fights = Array.from({ length: 45 }, (_, at) => ogre(`f${at}`));
    const inside = await unfolded();
    await within(inside).findByRole('button', { name: 'Older fights: 25 more' });
    expect(rows()).toHaveLength(20);
    await press('Older fights: 25 more', inside);
    await vi.waitUntil(() => rows().length === 40);
    await vi.waitUntil(() => document.activeElement?.getAttribute('href') === '/reports/f20');
    await press('Older fights: 5 more', inside);
    expect(rows()).toHaveLength(45);
    expect(within(inside).queryByRole('button', { name: /^Older fights/ })).toBeNull();
  });

  it('that cannot be read say so, and are read again; none are none', async () => {
    let down = true;
    fights = [];
    const inside = await unfolded({
      'GET /api/v1/raids/a': () =>
        down ? fault(503, 'unavailable', 'the store is busy') : Response.json(raidPage({ reports: fights })),
    });
    await within(inside).findByText('This list could not be loaded. The store is busy.');
    down = false;
    await press('Try again', inside);
    await within(inside).findByText('It has no fights.');
  });
});

describe('what is held back', () => {
  it('is told to administrators, with the limits in force', async () => {
    await opened(me({ role: 'administrator' }), {
      'GET /api/v1/limits': () =>
        Response.json(
          relayLimits({
            spent: [{ account: 7, limit: 'fights_per_account_day', againAtMs: 1_790_000_000_000 }],
            setAside: [{ why: 'the stored log is damaged', fights: 2, raids: 0 }],
            waiting: [{ work: 'uploads', count: 3, dueAtMs: null }],
          }),
        ),
    });
    const held = screen.getByRole('region', { name: 'Limits, and what is held back' });
    within(held).getByText('Account 7 had all of this: Fights of one account a day');
    within(held).getByText('2 fights cannot be read, and all else is served. The relay’s log names them.');
    within(held).getByText('Uploads that wait until their fight is over, or may be seen: 3');
    within(held).getByText('1,024 MiB');
    expect(within(held).queryByText('Nothing is held back.')).toBeNull();
  });
});

describe('sharing', () => {
  const line = (id: number, more: Partial<LinkLine> = {}): LinkLine => ({
    id,
    name: `link ${id}`,
    createdAtMs: 1,
    endsAtMs: null,
    usedAtMs: null,
    ...more,
  });

  it('says who sees a raid and its reports, each by itself', async () => {
    await opened(me(), {
      'GET /api/v1/raids/a/links': () => Response.json({ links: [] }),
      'PATCH /api/v1/raids/a': () => {
        const seenBy = { visibility: 'private', reportVisibility: 'public', names: 'full', delayS: 0 } as const;
        raids = raids.map((held) => (held.code === 'a' ? { ...held, ...seenBy } : held));
        return Response.json(seenBy);
      },
    });
    await press('Share Night a');
    const form = await screen.findByRole('form', { name: 'Who sees Night a' });
    const change = within(form).getByRole<HTMLButtonElement>('button', { name: 'Change' });
    expect(change.disabled).toBe(true);
    await fireEvent.change(within(form).getByLabelText('Who sees its reports'), { target: { value: 'public' } });
    await fireEvent.submit(form);
    await screen.findByText(/Reports: Everybody/);
    expect(relay.bodies).toEqual([{ visibility: 'private', reportVisibility: 'public', names: 'full', delayS: 0 }]);
    expect(change.disabled).toBe(true);
  });

  it('says which names others see of an old raid, and how late', async () => {
    raids = [raid('a', { delayS: 45 })];
    await opened(me(), {
      'GET /api/v1/raids/a/links': () => Response.json({ links: [] }),
      'PATCH /api/v1/raids/a': () => {
        const seenBy = { visibility: 'private', reportVisibility: null, names: 'class', delayS: 120 } as const;
        raids = raids.map((held) => ({ ...held, ...seenBy }));
        return Response.json(seenBy);
      },
    });
    expect(screen.getByText(/Others: 45 s later/)).toBeTruthy();
    await press('Share Night a');
    const form = await screen.findByRole('form', { name: 'Who sees Night a' });
    expect(within(form).getByLabelText<HTMLSelectElement>('When others see it').value).toBe('45');
    await fireEvent.change(within(form).getByLabelText('Names that others see'), { target: { value: 'class' } });
    await fireEvent.change(within(form).getByLabelText('When others see it'), { target: { value: '120' } });
    await fireEvent.submit(form);
    await screen.findByText(/Others: classes in place of names, 120 s later/);
    expect(relay.bodies).toEqual([{ visibility: 'private', reportVisibility: 'live', names: 'class', delayS: 120 }]);
  });

  it('replaces the link that has no end after it was asked, and tells the new one once', async () => {
    const raidUrl = 'https://relay.example/raids/a?ticket=n3w';
    await opened(me(), {
      'GET /api/v1/raids/a/links': () => Response.json({ links: [] }),
      'POST /api/v1/raids/a/ticket': () => Response.json({ ticket: 'n3w', raidUrl, channelUrl: raidUrl }),
    });
    await press('Share Night a');
    await screen.findByText('Never, until you replace it');
    await press('Replace the link that raidcast shows of Night a');
    await press('Cancel');
    expect(changes()).toEqual([]);
    await press('Replace the link that raidcast shows of Night a');
    await press('Replace');
    await screen.findByText(raidUrl);
    expect(changes()).toEqual(['POST /api/v1/raids/a/ticket']);
    await press('Done');
    expect(screen.queryByText(raidUrl)).toBeNull();
  });

  it('makes links, tells each once, and revokes them', async () => {
    let links = [line(1)];
    await opened(me(), {
      'GET /api/v1/raids/a/links': () => Response.json({ links }),
      'POST /api/v1/raids/a/links': () => {
        links = [...links, line(2)];
        return Response.json({ url: 'https://relay.example/raids/a?ticket=s3cret', link: line(2) }, { status: 201 });
      },
      'DELETE /api/v1/raids/a/links/2': () => {
        links = links.filter(({ id }) => id !== 2);
        return done();
      },
    });
    await press('Share Night a');
    await screen.findByText('link 1');
    const form = screen.getByRole('form', { name: 'Make a link to Night a' });
    await fireEvent.input(within(form).getByLabelText('For whom'), { target: { value: 'the guild' } });
    await fireEvent.submit(form);
    await screen.findByText('https://relay.example/raids/a?ticket=s3cret');
    expect(relay.bodies).toEqual([{ name: 'the guild', days: 30 }]);
    const revoke = await screen.findByRole<HTMLButtonElement>('button', { name: 'Revoke the link: link 2' });
    await vi.waitUntil(() => !revoke.disabled);
    await fireEvent.click(revoke);
    await screen.findByText('The link is revoked.');
    expect(screen.queryByText(/s3cret/)).toBeNull();
    expect(changes()).toEqual(['POST /api/v1/raids/a/links', 'DELETE /api/v1/raids/a/links/2']);
    expect(screen.getByText('link 1')).toBeTruthy();
  });
});

describe('permanent links', () => {
  it('have their nights told in Discord, and say why that stops', async () => {
    const address = 'https://discord.com/api/webhooks/1/s3cret';
    let webhook: Webhook | null = null;
    const held = (more: Partial<Webhook> = {}): Webhook => ({
      host: 'discord.com',
      setAtMs: 1,
      sentAtMs: null,
      stopped: null,
      stoppedAtMs: null,
      ...more,
    });
    await opened(me(), {
      'GET /api/v1/live/MIRA/webhook': () => Response.json({ webhook }),
      'PUT /api/v1/live/MIRA/webhook': () => {
        webhook = held();
        return Response.json({ webhook });
      },
      'POST /api/v1/live/MIRA/webhook/test': () => {
        webhook = held({ stopped: 'gone', stoppedAtMs: 2 });
        return fault(409, 'conflict', 'the webhook takes nothing');
      },
      'DELETE /api/v1/live/MIRA/webhook': () => {
        webhook = null;
        return done();
      },
    });
    await press('Discord');
    const form = await screen.findByRole('form', { name: 'Set a webhook' });
    await fireEvent.input(within(form).getByLabelText('URL of the webhook'), { target: { value: ` ${address} ` } });
    await fireEvent.submit(form);
    await screen.findByText(/It is set/);
    expect(relay.bodies).toEqual([{ url: address }]);
    expect(document.body.innerHTML).not.toContain('s3cret');
    const test = await screen.findByRole<HTMLButtonElement>('button', { name: 'Send a test message' });
    await vi.waitUntil(() => !test.disabled);
    await fireEvent.click(test);
    await screen.findByText(/was deleted in Discord/);
    expect(screen.queryByRole('button', { name: 'Send a test message' })).toBeNull();
    await press('Remove the webhook');
    await screen.findByText(/It is removed/);
    expect(changes()).toEqual([
      'PUT /api/v1/live/MIRA/webhook',
      'POST /api/v1/live/MIRA/webhook/test',
      'DELETE /api/v1/live/MIRA/webhook',
    ]);
  });

  it.each([
    ['not_taken', /took no message for a day/],
    ['lost', /Set it again/],
  ] as const)('say what to do with a webhook that has stopped: %s', async (stopped, words) => {
    const webhook: Webhook = { host: 'discord.com', setAtMs: 1, sentAtMs: null, stopped, stoppedAtMs: 2 };
    await opened(me(), { 'GET /api/v1/live/MIRA/webhook': () => Response.json({ webhook }) });
    await press('Discord');
    await screen.findByText(words);
    expect(screen.queryByRole('button', { name: 'Send a test message' })).toBeNull();
    expect(screen.getByRole('form', { name: 'Set a webhook' })).toBeTruthy();
  });

  it('are told, and links to each are made and revoked as those to a raid', async () => {
    const held = [
      { id: 1, name: null, channelUrl: 'https://relay.example/live/MIRA' },
      { id: 2, name: 'guild', channelUrl: 'https://relay.example/live/GUILD?ticket=good' },
    ];
    const link: LinkLine = { id: 4, name: 'stream', createdAtMs: 1, endsAtMs: null, usedAtMs: null };
    let links: LinkLine[] = [];
    await opened(me({ accounts: held }), {
      'GET /api/v1/live/GUILD/links': () => Response.json({ links }),
      'POST /api/v1/live/GUILD/links': () => {
        links = [link];
        return Response.json({ url: 'https://relay.example/live/GUILD?ticket=s3cret', link }, { status: 201 });
      },
      'DELETE /api/v1/live/GUILD/links/4': () => {
        links = [];
        return done();
      },
    });
    const part = screen.getByRole('region', { name: 'Permanent links' });
    expect(
      within(part)
        .getAllByRole('link')
        .map((shown) => shown.textContent),
    ).toEqual(held.flatMap(({ channelUrl }) => [channelUrl, 'Overlay']));
    await press('Share the permanent link of guild');
    await screen.findByText(/whichever that is/);
    await fireEvent.submit(screen.getByRole('form', { name: 'Make a link to the permanent link' }));
    await screen.findByText('https://relay.example/live/GUILD?ticket=s3cret');
    const revoke = await screen.findByRole<HTMLButtonElement>('button', { name: 'Revoke the link: stream' });
    await vi.waitUntil(() => !revoke.disabled);
    await fireEvent.click(revoke);
    await screen.findByText('The link is revoked.');
    expect(changes()).toEqual(['POST /api/v1/live/GUILD/links', 'DELETE /api/v1/live/GUILD/links/4']);
  });
});

describe('an account', () => {
  it('is deleted once he has shown who he is', async () => {
    let fresh = false;
    await opened(me(), {
      'DELETE /api/v1/me': () =>
        fresh ? Response.json({ done: true }) : fault(403, 'sign_in_again', 'to do this, sign in again'),
      'POST /api/v1/session': () => {
        fresh = true;
        return Response.json(me());
      },
    });
    await press('Delete your account');
    await press('Delete my account');
    const again = await screen.findByRole<HTMLFormElement>('form', {
      name: 'To delete your account, enter your password again.',
    });
    await fireEvent.input(within(again).getByLabelText('Password'), { target: { value: 'secret' } });
    await fireEvent.submit(again);
    await vi.waitUntil(() => gone.length > 0);
    expect(gone).toEqual(['/']);
    expect(changes()).toEqual(['DELETE /api/v1/me', 'POST /api/v1/session', 'DELETE /api/v1/me']);
  });
});

describe('what is held about somebody', () => {
  it('is downloaded after the password, where he signed in too long ago', async () => {
    const followed: (string | null)[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      followed.push(this.getAttribute('href'));
    });
    await opened(me(), { 'POST /api/v1/session': () => Response.json(me()) });
    const own = screen.getByRole('region', { name: 'Your data' });
    await fireEvent(
      within(own).getByRole('link', { name: 'Download all that is held about you' }),
      new MouseEvent('click', { bubbles: true, cancelable: true }),
    );
    await fireEvent.input(await within(own).findByLabelText('Password'), { target: { value: 'correct horse' } });
    expect(followed).toEqual([]);
    await fireEvent.click(within(own).getByRole('button', { name: 'Continue' }));
    await vi.waitFor(() => {
      expect(followed).toEqual(['/api/v1/me/export']);
    });
    vi.restoreAllMocks();
  });
});

describe('administration', () => {
  it('shows people, requests and changes, and closes and deletes', async () => {
    people = [
      { id: 1, name: 'Mira', role: 'administrator', createdAtMs: 1, isSelf: true },
      { id: 2, name: 'Bo', role: 'member', createdAtMs: 1, isSelf: false },
    ];
    removals = [{ id: 5, player: '<b>Q</b>', links: 'here', contact: '', message: 'please', createdAtMs: 1 }];
    const line = { atMs: 1, by: null, byName: null, key: null, keyName: null, about: null, aboutName: null };
    lines = [
      { ...line, id: 10, by: 1, byName: 'Mira', what: 'claim_refused', about: 2, aboutName: 'Bo' },
      { ...line, id: 9, by: 7, what: 'person_left', about: 7 },
      { ...line, id: 8, what: 'raid_expired', about: 3 },
      { ...line, id: 7, key: 4, what: 'raid_deleted', about: 3 },
      { ...line, id: 6, key: 5, keyName: 'Old PC', what: 'raid_shown', about: 3 },
    ];
    await opened(me({ role: 'administrator' }), {
      'DELETE /api/v1/people/2': () => {
        people = people.slice(0, 1);
        return Response.json({ done: true });
      },
      'DELETE /api/v1/removals/5': () => {
        removals = [];
        return done();
      },
    });
    expect(part('Who changed what').textContent).toMatch(/Number 7\s+deleted the own account \(person 7\)/);
    expect(part('Who changed what').textContent).toMatch(/The relay\s+deleted a raid that was too old/);
    expect(part('Who changed what').textContent).toMatch(/Key 4\s+deleted a raid \(of account 3\)/);
    expect(part('Who changed what').textContent).toMatch(/Key “Old PC”\s+changed who may see a raid \(of account 3\)/);
    expect(part('Who changed what').textContent).toMatch(/Mira\s+did not believe a claim \(person Bo\)/);
    expect(within(part('People')).queryByRole('button', { name: 'Delete Mira' })).toBeNull();
    await press('Delete Bo');
    await press('Delete', part('People'));
    await vi.waitUntil(() => screen.queryByText('Bo') === null);
    await press('Close the request of <b>Q</b>');
    expect(await screen.findByText('Nobody asks to be removed.')).toBeTruthy();
    expect(changes()).toEqual(['DELETE /api/v1/people/2', 'DELETE /api/v1/removals/5']);
  });
});

describe('the page on which players ask to be removed', () => {
  it('sends what they write, once', async () => {
    relay = new FakeRelay({ 'POST /api/v1/removals': done });
    vi.stubGlobal('fetch', relay.fetch);
    render(RemovalPage);
    await fireEvent.input(screen.getByLabelText('Your name in the game'), { target: { value: 'Q' } });
    await fireEvent.submit(screen.getByLabelText('Your name in the game').closest('form') as HTMLFormElement);
    const title = await screen.findByRole('heading', { level: 1, name: 'Your request was sent' });
    await vi.waitUntil(() => document.activeElement === title);
    expect(relay.bodies).toEqual([{ player: 'Q', links: '', contact: '', message: '' }]);
  });

  it('says why it could not be sent, and keeps what was written', async () => {
    const tooMany = (): Response => fault(429, 'too_many', 'that was tried too often', { 'retry-after': '30' });
    relay = new FakeRelay({ 'POST /api/v1/removals': tooMany });
    vi.stubGlobal('fetch', relay.fetch);
    render(RemovalPage);
    const name = screen.getByLabelText<HTMLInputElement>('Your name in the game');
    await fireEvent.input(name, { target: { value: 'Q' } });
    await fireEvent.submit(name.closest('form') as HTMLFormElement);
    const alert = await screen.findByRole('alert');
    expect(alert.textContent).toBe('That was tried too often. It can be tried again in 30 seconds.');
    expect(name.value).toBe('Q');
    await vi.waitUntil(() => document.activeElement?.textContent === 'Send');
  });
});
