import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  player,
  pointOfView,
  raidPage,
  report,
  stubReport,
  sumsReport,
  timeline,
  untoldReport,
} from '$lib/testing/samples';
import type { Details, PointOfView, Recaps, Report, Timeline } from '$lib/api/types';
import type { SkillRow } from '$lib/wire/types';
// Loaded with the page when it is wanted: made ready here, so that no test waits for it to be compiled.
import './ComparePanel.svelte';
import ReportPage from './ReportPage.svelte';

// uPlot draws on a canvas, which happy-dom has not.
vi.mock('uplot', () => ({
  default: class {
    setData = (): void => undefined;
    setSize = (): void => undefined;
    redraw = (): void => undefined;
    destroy = (): void => undefined;
  },
}));

let asked: string[];
let others: PointOfView[];
let details: Details;
let recaps: Recaps;

/** The page of a report at an address, with a relay that holds it. */
async function opened(held: Report, search = '', amounts: Timeline | null = timeline()): Promise<void> {
  history.replaceState(null, '', `/reports/r1${search}`);
  vi.stubGlobal('fetch', (url: string) => {
    asked.push(url);
    const { pathname, searchParams } = new URL(url, 'http://relay.example');
    const timeless = pathname.endsWith('/timeline') || searchParams.has('from');
    if (timeless && (!held.timed || amounts === null)) {
      const body = JSON.stringify({ code: 'no_times', message: 'Nothing in this fight has a time.' });
      return Promise.resolve(new Response(body, { status: 409 }));
    }
    if (pathname.endsWith('/details')) return Promise.resolve(Response.json(details));
    if (pathname.endsWith('/recaps')) return Promise.resolve(Response.json(recaps));
    if (pathname.endsWith('/views')) return Promise.resolve(Response.json({ reportId: 'r1', views: others }));
    if (pathname.endsWith('/timeline')) return Promise.resolve(Response.json(amounts));
    return Promise.resolve(Response.json(pathname.includes('/raids/') ? raidPage({ open: false }) : held));
  });
  render(ReportPage, { id: 'r1' });
  await screen.findByRole('heading', { level: 1, name: 'Valley' });
}

const text = (selector: string): string =>
  document.querySelector(selector)?.textContent.replace(/\s+/g, ' ').trim() ?? '';
const tabs = (): string[] => screen.getAllByRole('tab').map((tab) => tab.textContent);
const NO_TIMELINE = 'This fight was uploaded as sums: it has no timeline.';

beforeEach(() => {
  asked = [];
  others = [];
  details = { reportId: 'r1', revision: 1, span: null, taken: null, targets: null, reached: null };
  recaps = { reportId: 'r1', revision: 1, singly: true, deaths: [], leftOut: 0 };
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  history.replaceState(null, '', '/');
});

describe('the page of a fight of sums', () => {
  it('has its figures and one sentence, and neither a chart nor a replay nor a request for them', async () => {
    await opened(sumsReport());
    expect(text('[data-untimed]')).toBe(NO_TIMELINE);
    expect(screen.getAllByRole('row')).toHaveLength(3);
    expect(screen.queryByRole('radiogroup', { name: 'Average over' })).toBeNull();
    expect(screen.queryByRole('button', { name: 'Replay' })).toBeNull();
    expect(asked.filter((url) => url.includes('timeline'))).toEqual([]);
  });

  it.each(['?from=1000&to=2000', '?attempt=1', '?at=1500'])('shows all of it where a link says %s', async (search) => {
    const attempt = { index: 1, startMs: 0, endMs: 9_000, reason: 'initial', bossHpStart: null, bossHpEnd: null };
    await opened(sumsReport({ attempts: [{ ...attempt, deaths: 0, outcome: 'kill', bossDamage: null }] }), search);
    expect(text('[data-untimed]')).toBe(
      `${NO_TIMELINE} The link names a part of it: the whole fight is shown instead.`,
    );
    expect(screen.getAllByRole('row')).toHaveLength(3);
    expect(screen.queryByRole('button', { name: 'Whole fight' })).toBeNull();
    expect(screen.queryByRole('group', { name: 'Replay' })).toBeNull();
    // Its attempts are told, and none can be chosen.
    expect(document.querySelector('div[data-attempt="1"]')).not.toBeNull();
    await fireEvent.keyDown(window, { key: 'Escape' });
    expect([location.search, text('[data-untimed]')]).toEqual(['', NO_TIMELINE]);
  });

  it('is the same where only the answer for its timeline says so', async () => {
    await opened(report({ state: 'final' }), '', null);
    await vi.waitUntil(() => text('[data-untimed]') === NO_TIMELINE);
    expect(screen.queryByRole('radiogroup', { name: 'Average over' })).toBeNull();
    expect(screen.getAllByRole('row')).toHaveLength(3);
  });
});

describe('the page of a fight that tells less', () => {
  it('has no tab for damage taken and says what is not recorded', async () => {
    await opened(untoldReport(), '?tab=taken');
    expect(tabs()).toEqual(['Summary', 'Damage', 'Healing', 'Compare']);
    expect(screen.getByRole('tab', { selected: true }).textContent).toBe('Damage');
    expect(screen.getByText('This upload does not record deaths.')).toBeTruthy();
    expect(screen.getByText('This upload does not record attempts.')).toBeTruthy();
    expect(document.querySelector('[data-untimed]')).toBeNull();
  });

  it('has no chart of what is known only as a sum', async () => {
    const players = ['a', 'b'].map((playerKey) => ({ playerKey, damage: [1, 2], healing: [0, 0], taken: null }));
    await opened(report({ state: 'final' }), '?tab=taken', timeline({ buckets: 2, players }));
    expect(
      await screen.findByText('There is no chart: the meter does not tell when there was damage taken.'),
    ).toBeTruthy();
  });

  it('has all tabs where all is told', async () => {
    await opened(report({ state: 'final' }), '?tab=taken');
    expect(tabs()).toEqual(['Summary', 'Damage', 'Healing', 'Damage taken', 'Targets', 'Compare']);
    expect(screen.getByText('Nobody has died.')).toBeTruthy();
  });
});

describe('the page of a fight of which nothing could be taken', () => {
  it('says why, calmly, and has no figures', async () => {
    await opened(stubReport(), '?from=1000&to=2000');
    expect(screen.getByText('This fight could not be taken: none of its rows can be read.')).toBeTruthy();
    expect(document.querySelector('[data-status]')?.textContent.trim()).toBe('Not taken');
    expect(document.title).toBe('Valley · Not taken · Raidcast');
    for (const role of ['table', 'tablist', 'alert']) expect(screen.queryByRole(role)).toBeNull();
    expect(screen.queryByRole('region', { name: 'Notices' })).toBeNull();
    expect(document.querySelector('[data-figure]')).toBeNull();
    expect(screen.getByRole('link', { name: 'All fights of this raid' })).toBeTruthy();
  });
});

describe('the page of a fight that others uploaded, too', () => {
  it('leads to their reports, says how they differ, and has what their own meters counted', async () => {
    others = [
      pointOfView('b', { startedAtMs: 900_000 + 65_000, durationMs: 4_000, players: 1 }),
      { ...pointOfView('x'), own: [] },
    ];
    await opened(report({ state: 'final' }));
    const region = await screen.findByRole('region', { name: 'Other points of view 2' });
    const [first, second] = within(region).getAllByRole('link');
    const words = (link: HTMLElement | undefined): string => link?.textContent.replace(/\s+/g, ' ').trim() ?? '';
    expect(words(first)).toBe("St B's meter 1 player · begins 1:05 later · ends 0:59 later");
    expect(words(second)).toMatch(/Another meter 2 players$/);
    expect(first?.getAttribute('href')).toBe('/reports/of-b');
    // Two of eight: of the hits that this meter counted.
    expect(screen.getByTitle("From this player's own meter, which counted their hits itself").textContent).toBe(
      '25.0%',
    );
  });

  it("shows a player's skills as their own meter counted them, and says so", async () => {
    const skill: SkillRow = {
      skillId: 7,
      variantId: null,
      name: 'Cleave',
      kind: 'damage',
      total: 90,
      hits: 8,
      critHits: 2,
      luckyHits: 0,
      max: 20,
    };
    const view = pointOfView('b');
    others = [{ ...view, own: view.own.map((player) => ({ ...player, skills: [skill] })) }];
    const players = ['a', 'b'].map((key) =>
      player(key, { damage: 100, skills: [{ ...skill, critHits: null, hits: 9 }] }),
    );
    await opened(report({ state: 'final', players }), '?player=b');
    const link = await screen.findByRole('link', { name: 'its report' });
    expect(link.getAttribute('href')).toBe('/reports/of-b');
    expect(document.querySelector('tr.skills tbody tr')?.textContent.replace(/\s+/g, ' ')).toContain('25.0%');
  });

  it('says nothing where nobody else did', async () => {
    await opened(report({ state: 'final' }));
    expect(screen.queryByRole('region', { name: /points of view/ })).toBeNull();
  });
});

describe('the file of a fight', () => {
  const link = (): HTMLElement | null => screen.queryByRole('link', { name: 'Save the whole fight' });
  /** What can be taken along comes with the first sign of somebody. */
  const seen = async (): Promise<void> => {
    window.dispatchEvent(new Event('pointermove'));
    await screen.findByRole('button', { name: 'Copy as table' }, { timeout: 4_000 });
  };

  it('is had of one that is over', async () => {
    await opened(report({ state: 'final' }), '?ticket=t1');
    await seen();
    expect(link()?.getAttribute('href')).toBe('/api/v1/reports/r1/file?ticket=t1');
  });

  it('is not had while it goes on', async () => {
    await opened(report({ state: 'live' }));
    await seen();
    expect(link()).toBeNull();
  });
});

describe('the tabs of a report', () => {
  const skill = (kind: SkillRow['kind'], total: number): SkillRow => ({
    skillId: kind === 'damage' ? 7 : 8,
    variantId: null,
    name: kind === 'damage' ? 'Cleave' : 'Mend',
    kind,
    total,
    hits: 30,
    critHits: null,
    luckyHits: null,
    max: 9,
  });
  const death = { atMs: 5_000, playerKey: 'a', name: 'A', killer: 'Boss', skillId: 900, skill: 'Toll' };
  const fight = (): Report =>
    report({
      state: 'final',
      totals: { ...report().totals, damage: 100, bossDamage: 60, deaths: 1 },
      players: [
        player('a', {
          damage: 100,
          bossDamage: 60,
          damageTaken: 50,
          hits: 30,
          deaths: 1,
          skills: [skill('damage', 100)],
        }),
      ],
      deaths: [death],
    });

  it('tell of a skill how many it reached and how often a minute', async () => {
    const row = { playerKey: 'a', skillId: 7, variantId: null, kind: 'damage', targets: 3, bossTotal: 60 } as const;
    details = { ...details, reached: [row] };
    await opened(fight(), '?player=a');
    await screen.findByRole('columnheader', { name: 'Targets' });
    const cells = [...document.querySelectorAll('tr.skills tbody td')].map((cell) => cell.textContent.trim());
    expect(cells.at(-1)).toBe('3');
    // Of bosses alone the total is known, and nothing that counts all hits.
    await fireEvent.click(screen.getByRole('checkbox', { name: 'Bosses only' }));
    expect(location.search).toBe('?player=a&of=bosses');
    await vi.waitUntil(() => document.querySelector('tr.skills [data-exact="60"]') !== null);
    expect(screen.queryByRole('columnheader', { name: 'Max' })).toBeNull();
    expect(text('[data-amount]')).toBe('60');
  });

  it('tell from whom somebody took damage, in the part that is looked at', async () => {
    const row = { playerKey: 'a', byPlayer: null, by: 'Boss', skillId: 900, variantId: null, skill: 'Toll' };
    details = { ...details, taken: [{ ...row, total: 50, hits: 2, max: 30 }] };
    await opened(fight(), '?tab=taken&player=a&from=0&to=4000');
    await vi.waitUntil(() => document.querySelector('[data-table=taken] tbody tr') !== null);
    expect(text('[data-table=taken] tbody th')).toBe('Toll · Boss');
    expect(asked.some((url) => url.includes('/details?from=0&to=4000'))).toBe(true);
  });

  it('tell what led to a death, which the address names', async () => {
    const hit = { kind: 'damage', shield: null, overheal: null, byPlayer: null, by: 'Boss', skillId: 900 } as const;
    const hits = [
      { ...hit, atMs: 1_000, amount: 10, skill: 'Toll' },
      { ...hit, atMs: 4_900, amount: 40, skill: 'Toll' },
    ];
    recaps = { ...recaps, deaths: [{ death, down: ['a'], hits, hitsLeftOut: 0 }] };
    await opened(fight(), '?tab=deaths');
    // A tab that few open comes after the page.
    await vi.waitUntil(() => document.querySelector('[data-death] button') !== null);
    await fireEvent.click(document.querySelector('[data-death] button') ?? document.body);
    expect(location.search).toBe('?tab=deaths&death=5000-a');
    await screen.findByText('Killing blow');
    const rows = [...document.querySelectorAll('[data-table=recap] tbody tr')];
    expect(rows.map((row) => /Killing/.test(row.textContent))).toEqual([true, false]);
    expect(text('[data-table=recap] tbody td')).toBe('−0.1 s');
    expect(text('[data-down]')).toBe('Down already: A');
    expect(asked.some((url) => url.includes('/recaps?from=5000&to=5001'))).toBe(true);
  });

  it('tell whom players hit, of one player alone where one is chosen', async () => {
    const of = (damage: number) => [{ playerKey: 'a', damage, hits: 3 }];
    details = {
      ...details,
      targets: [
        { name: 'Boss', monsterId: 1, boss: true, damage: 60, hits: 20, players: of(60) },
        { name: 'Whelp', monsterId: 2, boss: false, damage: 40, hits: 10, players: of(40) },
      ],
    };
    await opened(fight(), '?tab=targets');
    const names = (): string[] =>
      [...document.querySelectorAll<HTMLElement>('[data-table=targets] th[scope=row]')].map(
        (cell) => cell.dataset['exact'] ?? '',
      );
    await vi.waitUntil(() => names().length === 2);
    await fireEvent.click(screen.getByRole('button', { name: 'Boss' }));
    expect(names()).toEqual(['Boss', 'A', 'Whelp']);
    await fireEvent.click(screen.getByRole('checkbox', { name: 'Bosses only' }));
    expect(names()).toEqual(['Boss', 'A']);
  });
});

describe('a comparison', () => {
  const attempt = { reason: 'initial', bossHpStart: null, bossHpEnd: null, deaths: 0, bossDamage: null } as const;
  const fight = (): Report =>
    report({
      state: 'final',
      attempts: [
        { ...attempt, index: 1, startMs: 0, endMs: 4_000, outcome: 'wipe' as const },
        { ...attempt, index: 2, startMs: 4_000, endMs: null, outcome: 'kill' as const },
      ],
    });
  const rows = (): string[] =>
    [...document.querySelectorAll('[data-table=compare-players] tbody tr')].map((row) =>
      row.textContent.replace(/\s+/g, ' ').trim(),
    );

  it('begins at the chosen attempt, is a link, and shows both sides as the relay folds them', async () => {
    await opened(fight(), '?attempt=2');
    await fireEvent.click(screen.getByRole('button', { name: 'Compare attempt 2 with…' }));
    expect(location.search).toBe('?attempt=2&tab=compare');
    await fireEvent.click(await screen.findByRole('button', { name: /^Attempt 1, wipe/ }));
    expect(location.search).toBe('?attempt=2&with=r1&withAttempt=1');
    await vi.waitUntil(() => rows().length === 2);
    expect(asked.some((url) => url.includes('/reports/r1?from=0&to=4000'))).toBe(true);
    expect(document.activeElement?.getAttribute('aria-label')).toBe('Comparison');
    await fireEvent.change(screen.getByRole('combobox', { name: 'Compare players by' }), {
      target: { value: 'damage' },
    });
    expect(location.search).toBe('?attempt=2&with=r1&withAttempt=1&by=damage');
    expect(rows()[0]).toMatch(/A\s?200\s?200 0/);
    expect(screen.getByRole('link', { name: 'Swap' }).getAttribute('href')).toBe(
      '/reports/r1?attempt=1&with=r1&withAttempt=2&by=damage',
    );
    history.back();
    await vi.waitUntil(() => location.search === '?attempt=2&tab=compare');
    await screen.findByRole('button', { name: /^Attempt 1, wipe/ });
  });

  it('tells by whom and with what a player was hit on both sides', async () => {
    const row = { playerKey: 'a', byPlayer: null, by: 'Boss', skillId: 900, variantId: null, skill: 'Toll' };
    details = { ...details, taken: [{ ...row, total: 50, hits: 2, max: 30 }] };
    await opened(fight(), '?with=r1&withAttempt=1&by=taken&player=a');
    await vi.waitUntil(() => document.querySelector('[data-table=compare-skills] tbody tr') !== null);
    expect(text('[data-table=compare-skills] tbody th')).toBe('Toll · Boss');
    expect(asked.filter((url) => url.includes('/details')).sort()).toEqual([
      '/api/v1/reports/r1/details',
      '/api/v1/reports/r1/details?from=0&to=4000',
    ]);
  });

  it('takes the link of another report, and says what is none', async () => {
    await opened(fight(), '?tab=compare');
    const field = await screen.findByLabelText('Another report: its link, or its id');
    await fireEvent.input(field, { target: { value: 'https://other.example/reports/r9' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Compare' }));
    expect(screen.getByRole('alert').textContent).toContain('another site');
    await fireEvent.input(field, { target: { value: `${location.origin}/reports/r9?attempt=1&ticket=t` } });
    await fireEvent.click(screen.getByRole('button', { name: 'Compare' }));
    expect(location.search).toBe('?with=r9&withAttempt=1&withTicket=t');
    await vi.waitUntil(() => asked.some((url) => url.includes('/reports/r9?from=0&to=4000&ticket=t')));
  });
});

describe('keys of a report', () => {
  const press = (key: string): Promise<boolean> => fireEvent.keyDown(document.body, { key });

  it('go through tabs and attempts, and a sheet tells them', async () => {
    const attempt = { reason: 'initial', bossHpStart: null, bossHpEnd: null, deaths: 0, bossDamage: null } as const;
    const attempts = [
      { ...attempt, index: 1, startMs: 0, endMs: 4_000, outcome: 'wipe' as const },
      { ...attempt, index: 2, startMs: 4_000, endMs: null, outcome: 'kill' as const },
    ];
    await opened(report({ state: 'final', attempts }));
    await press('3');
    expect(location.search).toBe('?tab=healing');
    await press('j');
    await press('j');
    await press('j');
    expect(location.search).toBe('?tab=healing&attempt=2');
    await press('k');
    expect(location.search).toBe('?tab=healing&attempt=1');
    await press('Escape');
    expect(location.search).toBe('?tab=healing');
    await press('?');
    await vi.waitUntil(() => document.querySelector('dialog')?.open === true, { timeout: 5_000 });
    await fireEvent.click(screen.getByRole('button', { name: 'Close' }));
    await vi.waitUntil(() => document.querySelector('dialog')?.open !== true);
  });
});
