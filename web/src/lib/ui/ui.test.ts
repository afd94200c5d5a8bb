import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { tick } from 'svelte';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Attempt } from '$lib/fight/attempts';
import { figuresOfReport, SORT_DEFAULT, type FightFigures } from '$lib/fight/figures';
import { player, report, summary, totals, UNTOLD, untoldReport } from '$lib/testing/samples';
import type { Boss, SkillRow } from '$lib/wire/types';
import Amount from './Amount.svelte';
import AttemptList from './AttemptList.svelte';
import BossList from './BossList.svelte';
import DeathList from './DeathList.svelte';
import { textOf } from './copy-table';
import DelayLine from './DelayLine.svelte';
import FightHeader from './FightHeader.svelte';
import FightTable from './FightTable.svelte';
import NamesNote from './NamesNote.svelte';
import Notices from './Notices.svelte';
import PlayerTable from './PlayerTable.svelte';
import RateChart from './RateChart.svelte';
import SkillTable from './SkillTable.svelte';
import StatusBadge from './StatusBadge.svelte';
import Tabs from './Tabs.svelte';

// uPlot draws on a canvas, which happy-dom has not; the browser tests look at the real one.
const plots = vi.hoisted(() => ({ made: 0, data: [] as unknown[] }));
vi.mock('uplot', () => ({
  default: class {
    constructor() {
      plots.made += 1;
    }
    setData(data: unknown): void {
      plots.data.push(data);
    }
    setSize = (): void => undefined;
    redraw = (): void => undefined;
    destroy = (): void => undefined;
  },
}));

beforeAll(() => {
  // Rows move with the Web Animations API, which happy-dom has not either.
  Element.prototype.animate ??= () =>
    ({ cancel: () => undefined, finished: Promise.resolve() }) as unknown as Animation;
});
afterEach(cleanup);

const none = (): void => undefined;
const HOSTILE = '<img src=x onerror=alert(1)>';

function figures(some: Parameters<typeof report>[0] = {}): FightFigures {
  return figuresOfReport(report(some));
}

function table(some: Partial<Parameters<typeof render<typeof PlayerTable>>[1]> = {}): void {
  render(PlayerTable, {
    figures: figures(),
    metric: 'damage',
    durationMs: 10_000,
    selected: null,
    skills: null,
    sort: SORT_DEFAULT,
    onselect: none,
    onsort: none,
    ...some,
  });
}

describe('the table of players', () => {
  it('says so when nobody has done anything', () => {
    table({ figures: figures({ players: [] }) });
    expect(screen.getByText('There are no players yet.')).toBeTruthy();
    cleanup();
    table({ metric: 'healing' });
    expect(screen.getByText('Nobody has healed.')).toBeTruthy();
  });

  it('keeps the number of a player whose name is cut', () => {
    const players = [
      player('a', { name: 'Wind Knight 22', damage: 9, hits: 1 }),
      player('b', { name: 'Ann', damage: 1 }),
    ];
    table({ figures: figures({ players }) });
    const names = [...document.querySelectorAll('button[data-player] bdi')];
    expect(names.map((name) => name.textContent)).toEqual(['Wind Knight 22', 'Ann']);
    expect(names.map((name) => name.querySelector('[data-number]')?.textContent)).toEqual([' 22', undefined]);
    expect(names[0]?.firstElementChild?.className).toContain('truncate');
    expect(names[0]?.lastElementChild?.className).not.toContain('truncate');
  });

  it('goes and comes again when nobody has done anything and then somebody has', async () => {
    const shown = { metric: 'damage' as const, durationMs: 10_000, selected: null, skills: null, skillsFrom: null };
    const rest = { ...shown, sort: SORT_DEFAULT, onselect: none, onsort: none };
    const { rerender } = render(PlayerTable, { figures: figures(), ...rest });
    await tick();
    await rerender({ figures: figures({ players: [] }), ...rest });
    await tick();
    expect(screen.queryByRole('table')).toBeNull();
    await rerender({ figures: figures(), ...rest });
    await tick();
    expect(screen.getAllByRole('row').length).toBeGreaterThan(1);
  });

  it('shows amount, rate and share, and tells its order', () => {
    table();
    const cells = (at: number): string[] =>
      within(screen.getAllByRole('row')[at] as HTMLElement)
        .getAllByRole('cell')
        .map((cell) => cell.textContent);
    expect(cells(1)).toEqual(['1', '200', '20', '66.7%', '0']);
    expect(cells(2)).toEqual(['2', '100', '10', '33.3%', '0']);
    expect(screen.getByRole('columnheader', { name: 'Damage' }).getAttribute('aria-sort')).toBe('descending');
  });

  it('hides columns that nobody has a value for', () => {
    table();
    expect(screen.queryByRole('columnheader', { name: 'Crit' })).toBeNull();
    expect(screen.queryByRole('columnheader', { name: 'Deaths' })).toBeNull();
    cleanup();
    table({ figures: figures({ players: [player('a', { damage: 9, hits: 4, critHits: 1, deaths: 2 })] }) });
    expect(screen.getByText('25.0%')).toBeTruthy();
    expect(screen.getByRole('columnheader', { name: 'Deaths' })).toBeTruthy();
  });

  it('shows a dash where one figure is not known, and no column where none is', () => {
    const some = figures({
      totals: totals({ damage: 14, damageTaken: 5 }),
      players: [
        player('a', { damage: 9, hits: 4, critHits: 1, deaths: 2, damageTaken: 5 }),
        player('b', { damage: 5, hits: 2, critHits: null, deaths: null, damageTaken: null }),
      ],
    });
    const cells = (): (string | null)[] =>
      [...document.querySelectorAll('tr[data-key=b] td.num')].map((cell) => cell.textContent);
    table({ figures: some });
    expect(cells()).toEqual(['5', '1', '35.7%', '2', '–', '–']);
    for (const dash of screen.getAllByText('–')) {
      expect([dash.getAttribute('aria-label'), dash.title]).toEqual(['Not known', 'Not known']);
    }
    cleanup();
    // Who may have taken damage is there, behind whoever has.
    table({ figures: some, metric: 'taken', sort: { column: 'amount', turned: true } });
    expect([...document.querySelectorAll('tr[data-key]')].map((row) => row.getAttribute('data-key'))).toEqual([
      'a',
      'b',
    ]);
    expect(cells()).toEqual(['–', '–', '–', '–']);
    cleanup();
    const unknown = figuresOfReport(untoldReport());
    table({ figures: unknown, sort: { column: 'deaths', turned: true } });
    expect(screen.queryByRole('columnheader', { name: 'Deaths' })).toBeNull();
    // Such a column is no order either.
    expect(screen.getByRole('columnheader', { name: 'Damage' }).getAttribute('aria-sort')).toBe('descending');
  });

  it('is copied with a dash where a figure is not known', () => {
    table({
      figures: figures({ players: [player('a', { deaths: 1, damageTaken: 7 }), player('b', { ...UNTOLD })] }),
      metric: 'taken',
    });
    const all = document.createRange();
    all.selectNodeContents(screen.getByRole('table'));
    expect((textOf(all) ?? '').split('\n').slice(1)).toEqual(['1\tA\t7\t0.7\t–\t1', '2\tB\t–\t–\t–\t–']);
  });

  it('tells all digits of an amount while the pointer rests on it, as they are then', async () => {
    const { rerender } = render(Amount, { value: 1_234_567 });
    const amount = screen.getByText('1.2', { exact: false });
    const point = async (event: string): Promise<void> => {
      amount.dispatchEvent(new Event(event));
      await tick();
    };
    expect(amount.title).toBe('');
    await rerender({ value: 7_654_321 });
    await point('pointerenter');
    expect(amount.title).toBe('7,654,321');
    await rerender({ value: 8_654_321 });
    expect(amount.title).toBe('8,654,321');
    await point('pointerleave');
    expect(amount.hasAttribute('title')).toBe(false);
  });

  it('shows names as text', () => {
    table({ figures: figures({ players: [player('a', { name: HOSTILE, damage: 1 })] }) });
    expect(screen.getByRole('button', { name: HOSTILE }).title).toBe(HOSTILE);
    expect(document.querySelector('table img[src]')).toBeNull();
  });

  it('goes through its rows by arrow keys, with one of them in the order of Tab', async () => {
    table();
    const [first, second] = [screen.getByRole('button', { name: 'A' }), screen.getByRole('button', { name: 'B' })];
    expect([first.tabIndex, second.tabIndex]).toEqual([0, -1]);
    first.focus();
    await fireEvent.keyDown(first, { key: 'ArrowDown' });
    expect(document.activeElement).toBe(second);
    await fireEvent.keyDown(second, { key: 'ArrowDown' });
    expect(document.activeElement).toBe(second);
    await fireEvent.keyDown(second, { key: 'Home' });
    expect(document.activeElement).toBe(first);
  });

  it('opens a row and closes it again', async () => {
    const onselect = vi.fn();
    table({ onselect });
    await fireEvent.click(screen.getByRole('button', { name: 'B' }));
    expect(onselect).toHaveBeenLastCalledWith('b');
    cleanup();
    table({ onselect, selected: 'b' });
    expect(screen.getByText('Loading skills…')).toBeTruthy();
    await fireEvent.click(screen.getByRole('button', { name: 'B' }));
    expect(onselect).toHaveBeenLastCalledWith(null);
  });

  it('is in the order that its address says, and says which a press asks for', async () => {
    const onsort = vi.fn();
    const some = figures({
      players: [player('a', { damage: 9, deaths: 0 }), player('b', { damage: 5, deaths: 3 })],
    });
    table({ figures: some, sort: { column: 'deaths', turned: false }, onsort });
    expect(document.querySelector('tr[data-key]')?.getAttribute('data-key')).toBe('b');
    const head = (name: string): HTMLElement => screen.getByRole('columnheader', { name });
    expect(head('Deaths').getAttribute('aria-sort')).toBe('descending');
    for (const [name, column, turned] of [
      ['Deaths', 'deaths', true],
      ['Player', 'name', false],
      ['DPS', 'rate', false],
      ['Share', 'share', false],
    ] as const) {
      await fireEvent.click(within(head(name)).getByRole('button'));
      expect(onsort).toHaveBeenLastCalledWith({ column, turned });
    }
  });

  it('keeps the focus on its player when rows change places', async () => {
    const two = (b: number): FightFigures =>
      figures({ players: [player('a', { damage: 9 }), player('b', { damage: b })] });
    const props = {
      metric: 'damage',
      durationMs: 10_000,
      selected: null,
      skills: null,
      sort: SORT_DEFAULT,
      onselect: none,
      onsort: none,
    } as const;
    const { rerender } = render(PlayerTable, { ...props, figures: two(5) });
    screen.getByRole('button', { name: 'B' }).focus();
    await rerender({ figures: two(50) });
    expect(document.querySelector('tr[data-key]')?.getAttribute('data-key')).toBe('b');
    expect(document.activeElement?.getAttribute('data-player')).toBe('b');
  });

  it('opens whom the pointer was put down on, whoever stands there by now', async () => {
    const onselect = vi.fn();
    const two = (b: number): FightFigures =>
      figures({ players: [player('a', { damage: 9 }), player('b', { damage: b })] });
    const props = {
      metric: 'damage',
      durationMs: 10_000,
      selected: null,
      skills: null,
      sort: SORT_DEFAULT,
      onselect,
      onsort: none,
    } as const;
    const { rerender } = render(PlayerTable, { ...props, figures: two(5) });
    const row = document.querySelector('tr[data-key=a]');
    if (row === null) throw new Error('no row');
    await fireEvent.pointerDown(row);
    await rerender({ figures: two(50) });
    await fireEvent.click(row, { detail: 1 });
    expect(onselect).toHaveBeenLastCalledWith('a');
  });
});

describe('the skills of a player', () => {
  const skill = (some: Partial<SkillRow>): SkillRow => ({
    skillId: 1714,
    variantId: null,
    name: null,
    kind: 'damage',
    total: 100,
    hits: 4,
    critHits: null,
    luckyHits: null,
    max: null,
    ...some,
  });

  it('are being read, or there are none, or they are shown', () => {
    render(SkillTable, { skills: null, player: 'A', amount: 'Damage', hits: 'Hits' });
    expect(screen.getByText('Loading skills…').getAttribute('aria-busy')).toBe('true');
    cleanup();
    render(SkillTable, { skills: [], player: 'A', amount: 'Damage', hits: 'Hits' });
    expect(screen.getByText('The meter does not tell the skills of this player.')).toBeTruthy();
    cleanup();
    render(SkillTable, { skills: [skill({})], player: 'A', amount: 'Damage', hits: 'Hits' });
    expect(screen.getByRole('rowheader').textContent).toBe('Skill 1714');
    expect(screen.queryByRole('columnheader', { name: 'Max' })).toBeNull();
    expect(screen.queryByRole('columnheader', { name: 'Crit' })).toBeNull();
  });

  it('of one name have their ids beside them, also where they are copied', () => {
    const skills = [
      skill({ name: 'Moonblade', skillId: 1 }),
      skill({ name: 'Frost', skillId: 2 }),
      skill({ name: 'Moonblade', skillId: 3 }),
    ];
    render(SkillTable, { skills, player: 'A', amount: 'Damage', hits: 'Hits' });
    const heads = screen.getAllByRole('rowheader');
    expect(heads.map((head) => head.querySelector('[data-id]')?.textContent)).toEqual(['1', undefined, '3']);
    expect(heads.map((head) => head.dataset['exact'])).toEqual(['Moonblade (1)', 'Frost', 'Moonblade (3)']);
  });

  it('show greatest hit and criticals where they are known', () => {
    render(SkillTable, {
      skills: [skill({ name: HOSTILE, max: 60, critHits: 1 }), skill({ skillId: 2, total: 50 })],
      player: 'A',
      amount: 'Damage',
      hits: 'Hits',
    });
    expect(screen.getByText('25.0%')).toBeTruthy();
    expect(screen.getByText(HOSTILE)).toBeTruthy();
    expect(screen.getByRole('columnheader', { name: 'Max' })).toBeTruthy();
    const second = screen.getAllByRole('row')[2];
    const unknown = [...(second?.querySelectorAll('[aria-label="Not known"]') ?? [])];
    expect(unknown.map((dash) => dash.closest('td')?.dataset['exact'] ?? '')).toEqual(['–', '']);
  });

  it('have no greatest hit of 0 in reports of before: that was not known', () => {
    render(SkillTable, {
      skills: [skill({ max: 0 }), skill({ skillId: 2, total: 0, max: 0 })],
      player: 'A',
      amount: 'Damage',
      hits: 'Hits',
    });
    const [first, second] = [...document.querySelectorAll('tbody tr')].map((row) => row.querySelectorAll('td')[4]);
    expect([first?.textContent, second?.textContent]).toEqual(['–', '0']);
  });
});

describe('bosses', () => {
  const boss: Boss = { name: 'Ogre', monsterId: 1, maxHp: 1000, hp: 250, damage: 600, hits: 3, defeated: null };

  it('have a health bar only where their health is told', () => {
    const { container } = render(BossList, { bosses: [boss, { ...boss, hp: null }] });
    expect(screen.getAllByText('25.0%')).toHaveLength(1);
    expect(container.querySelectorAll('.health')).toHaveLength(1);
    expect(screen.queryByText('40.0%')).toBeNull();
  });

  it('have no damage of 0 where damage to them is not known', () => {
    render(BossList, { bosses: [{ ...boss, damage: 0 }, boss], known: false });
    expect(screen.getAllByText('damage')).toHaveLength(1);
    cleanup();
    render(BossList, { bosses: [{ ...boss, damage: 0 }] });
    expect(screen.getByText('damage')).toBeTruthy();
    cleanup();
    // Its name alone is the page's title.
    const named = { ...boss, damage: 0, hp: null, maxHp: null };
    render(BossList, { bosses: [named], known: false });
    expect(screen.queryByRole('list')).toBeNull();
    cleanup();
    render(BossList, { bosses: [named, named], known: false });
    expect(screen.getAllByText('Ogre')).toHaveLength(2);
  });

  it('are called defeated when they are', () => {
    render(BossList, { bosses: [{ ...boss, hp: 0, defeated: true }] });
    expect(screen.getByText('Defeated')).toBeTruthy();
  });

  it('are no list when there are none', () => {
    const { container } = render(BossList, { bosses: [] });
    expect(container.querySelector('ul')).toBeNull();
  });
});

describe('notices', () => {
  const plain = report();

  it('are not there when there is nothing to say', () => {
    render(Notices, { report: plain });
    expect(screen.queryByRole('region')).toBeNull();
  });

  it('say in plain words what to know', () => {
    render(Notices, {
      report: {
        ...plain,
        note: HOSTILE,
        unverified: { client: 'v1:a', relay: 'v1:b' },
        meterDiffers: { meter: { damage: 10, healing: 5 }, report: { damage: 9, healing: 5 } },
        missing: [{ what: 'hits', expected: 4, read: 3 }],
      },
    });
    const text = screen.getByRole('region', { name: 'Notices' }).textContent.replace(/\s+/g, ' ');
    expect(text).toContain(HOSTILE);
    expect(text).toContain('have different sums');
    expect(text).toContain("The meter's own sums are different. It shows 10 damage. Its hits add up to 9.");
    expect(text).not.toContain('heals add up');
    expect(text).toContain('3 of 4 read');
  });
});

describe('lists beside the table', () => {
  const attempt: Attempt = {
    index: 1,
    fromMs: 1_000,
    toMs: 61_000,
    outcome: 'wipe',
    bossLeft: 0.342,
    bossDamage: null,
    deaths: 1,
    reason: 'initial',
  };

  it('have words for nothing', () => {
    const no = { attempts: [], selected: null, zeroMs: 0, onselect: none };
    const words = (some: Partial<Parameters<typeof render<typeof AttemptList>>[1]>): string => {
      cleanup();
      return (
        render(AttemptList, { ...no, ...some })
          .container.querySelector('p')
          ?.textContent.trim() ?? ''
      );
    };
    expect(words({ known: false })).toBe('This meter does not record attempts.');
    expect(words({ known: false, source: 'upload' })).toBe('This upload does not record attempts.');
    expect(words({ goesOn: true })).toBe('No attempt so far. Some meters record none.');
    expect(words({})).toBe('No attempts are recorded.');
    render(DeathList, { deaths: [], players: [], zeroMs: 0 });
    expect(screen.getByText('Nobody has died.')).toBeTruthy();
    cleanup();
    render(DeathList, { deaths: [], players: [], zeroMs: 0, known: false });
    expect(screen.getByText('This meter does not record deaths.')).toBeTruthy();
    expect(screen.queryByText('Nobody has died.')).toBeNull();
  });

  it('say whether they are of a part or of the whole', () => {
    render(DeathList, { deaths: [], players: [], zeroMs: 0, part: true });
    expect(screen.getByText('Nobody died in this part.')).toBeTruthy();
    expect(screen.getByRole('heading').textContent).toContain('in this part');
    cleanup();
    render(AttemptList, { attempts: [attempt], selected: 1, zeroMs: 0, onselect: none, besidePart: true });
    expect(screen.getByRole('heading').textContent).toContain('of the whole fight');
  });

  it('tell of attempts without a choice where the fight has no parts, and of no deaths that nobody knows', () => {
    render(AttemptList, {
      attempts: [{ ...attempt, deaths: null }],
      selected: 1,
      zeroMs: 1_000,
      onselect: null,
    });
    expect(screen.getByText('Wipe')).toBeTruthy();
    expect(screen.queryByRole('button')).toBeNull();
    expect(screen.queryByText(/death/)).toBeNull();
  });

  it('choose an attempt, and let it go again', async () => {
    const onselect = vi.fn();
    const { rerender } = render(AttemptList, {
      attempts: [attempt],
      selected: null,
      zeroMs: 1_000,
      onselect,
    });
    const button = screen.getByRole('button');
    const text = button.textContent.replace(/\s+/g, ' ');
    for (const part of ['Wipe, boss at 34.2%', '1:00', '0:00 – 1:00', '1 death']) expect(text).toContain(part);
    await fireEvent.click(button);
    expect(onselect).toHaveBeenLastCalledWith(1);
    await rerender({ selected: 1 });
    expect(button.getAttribute('aria-pressed')).toBe('true');
    await fireEvent.click(button);
    expect(onselect).toHaveBeenLastCalledWith(null);
  });

  it('tell who died when and by whom, in time from the first hit', () => {
    render(DeathList, {
      deaths: [{ atMs: 62_000, playerKey: 'a', name: null, killer: HOSTILE, skillId: 7, skill: null }],
      players: [],
      zeroMs: 1_000,
    });
    expect(screen.getByText('1:01')).toBeTruthy();
    expect(screen.getByText(HOSTILE)).toBeTruthy();
    expect(screen.getByText('Skill 7')).toBeTruthy();
    expect(screen.getByText('Unnamed player')).toBeTruthy();
  });
});

describe('a list of fights', () => {
  it('tells by words, not only by colour, how each went', () => {
    render(FightTable, {
      fights: [
        summary({ reportId: 'x', state: 'live', outcome: 'unknown' }),
        summary({ reportId: 'y' }),
        summary({
          reportId: 'z',
          outcome: 'wipe',
          bosses: [],
          encounter: { scene: HOSTILE, sceneId: null, difficulty: null },
        }),
      ],
      caption: 'Fights',
      nowMs: 1_000_000,
      status: { kind: 'live' },
      href: (id) => `/reports/${id}?ticket=t`,
    });
    for (const word of ['Live', 'Kill', 'Wipe']) expect(screen.getByText(word)).toBeTruthy();
    expect(screen.getByRole('link', { name: HOSTILE }).getAttribute('href')).toBe('/reports/z?ticket=t');
    expect(screen.getAllByText('1:00')).toHaveLength(3);
  });

  it('divides damage by the time in which it was dealt, or by the whole fight where that is not known', () => {
    render(FightTable, {
      fights: [summary({ damageMs: 30_000 }), summary({ reportId: 'y', damageMs: null })],
      caption: 'Fights',
      nowMs: 1_000_000,
      status: { kind: 'live' },
      href: (id) => id,
    });
    const dps = [...document.querySelectorAll('[data-report]')].map((row) =>
      row.querySelector('[data-exact="200000"]'),
    );
    expect(dps[0]?.textContent).toBe('200.0k');
    expect(dps[1]).toBeNull();
    expect(document.querySelector('[data-report=y] [data-exact="100000"]')?.textContent).toBe('100.0k');
  });

  const listed = (fights: ReturnType<typeof summary>[]): void => {
    render(FightTable, {
      fights,
      caption: 'Fights',
      nowMs: 1_000_000,
      status: { kind: 'uploads' },
      href: (id) => id,
    });
  };

  it('has a dash where deaths are not known, and no column where nobody tells any', () => {
    listed([summary({ totals: totals({ ...UNTOLD }) }), summary({ reportId: 'y', totals: totals({ deaths: 3 }) })]);
    const deaths = (id: string): string | undefined =>
      document.querySelector(`[data-report=${id}]`)?.querySelectorAll('td')[6]?.textContent;
    expect([deaths('r1'), deaths('y')]).toEqual(['–', '3']);
    cleanup();
    listed([summary({ totals: totals({ ...UNTOLD }) })]);
    expect(screen.queryByRole('columnheader', { name: 'Deaths' })).toBeNull();
    cleanup();
    // What has not come yet may be known.
    listed([summary({ totals: totals({ deaths: NaN }) })]);
    expect(screen.getByRole('columnheader', { name: 'Deaths' })).toBeTruthy();
  });

  it('calls a fight of which nothing could be taken that, without a figure', () => {
    listed([summary({ stub: true, outcome: 'unknown', totals: totals(), players: 0 }), summary({ reportId: 'y' })]);
    const row = document.querySelector('[data-report=r1]');
    expect(screen.getByText('Not taken').title).toBe('Nothing of this fight could be taken.');
    expect(row?.textContent).toContain('Nothing of it could be taken');
    expect(screen.getAllByRole('link')).toHaveLength(2);
    expect([...(row?.querySelectorAll('td.num') ?? [])].slice(0, 5).map((cell) => cell.textContent)).toEqual([
      '–',
      '–',
      '–',
      '–',
      '–',
    ]);
  });

  it('calls nothing live that nobody knows of any more', () => {
    render(FightTable, {
      fights: [summary({ state: 'live', outcome: 'unknown' }), summary({ reportId: 'y' })],
      caption: 'Fights',
      nowMs: 1_000_000,
      status: { kind: 'stale', sinceMs: 900_000, who: 'relay' },
      href: (id) => id,
    });
    expect(screen.queryByText('Live')).toBeNull();
    expect(screen.getByText('No news')).toBeTruthy();
    expect(screen.getByText('Kill')).toBeTruthy();
  });
});

describe('the header of a fight', () => {
  it('shows running figures while live, and how it went after', async () => {
    const { rerender } = render(FightHeader, {
      figures: figures({ totals: totals({ damage: 30_000_000 }), damageTime: null }),
      status: { kind: 'live' },
      durationMs: 30_000,
    });
    expect(screen.getByText('0:30')).toBeTruthy();
    expect(document.querySelector('[data-figure=dps]')?.textContent).toBe('1.0m');
    expect(screen.queryByText('Kill')).toBeNull();
    await rerender({ figures: figures({ state: 'final', outcome: 'kill' }), status: { kind: 'ended' } });
    expect(screen.getByText('Kill')).toBeTruthy();
  });
});

describe('the header of a fight of which not all is known', () => {
  it('has no deaths where nobody tells them', () => {
    render(FightHeader, {
      figures: figuresOfReport(untoldReport()),
      status: { kind: 'ended' },
      durationMs: 30_000,
    });
    expect(document.querySelector('[data-figure=damage]')?.textContent).toBe('300');
    expect(document.querySelector('[data-figure=deaths]')).toBeNull();
    expect(screen.queryByText('Deaths')).toBeNull();
  });

  it('has no figure at all where nothing could be taken', () => {
    render(FightHeader, { figures: figures({ players: [] }), status: { kind: 'stub' }, durationMs: 0 });
    expect(screen.getByRole('heading', { name: 'Valley' })).toBeTruthy();
    expect(document.querySelector('[data-figure]')).toBeNull();
    expect(screen.queryByText(/players/)).toBeNull();
  });
});

describe('the mark of a signed fight', () => {
  it('says who signed it, and is there for no other', async () => {
    const { rerender } = render(FightHeader, {
      figures: figures({}),
      status: { kind: 'ended' },
      durationMs: 30_000,
      verified: true,
    });
    expect(screen.getByText('Verified').getAttribute('title')).toBe('Signed by its uploader');
    await rerender({ verified: false });
    expect(screen.queryByText('Verified')).toBeNull();
  });
});

describe('the badge', () => {
  it('tells a screen reader each state in a sentence', async () => {
    const { rerender } = render(StatusBadge, { status: { kind: 'live' } });
    const said = (): string => screen.getByRole('status').textContent;
    expect(said()).toMatch(/^Live/);
    await rerender({ status: { kind: 'reconnecting', sinceMs: null } });
    expect(said()).toMatch(/Trying again/);
  });
});

describe('the delay', () => {
  it('is told by cause, or not at all', async () => {
    const { rerender, container } = render(DelayLine, { delay: null });
    expect(container.textContent.trim()).toBe('');
    await rerender({ delay: { meterMs: 120, relayMs: 3, youMs: 25, uncertaintyMs: 8 } });
    expect(container.textContent.replace(/\s+/g, ' ')).toContain(
      'Delay 0.1 s: meter 120 ms, relay 3 ms, you 25 ms ± 8 ms',
    );
  });

  it('that an uploader set is told apart from what the relay takes', () => {
    const delay = { meterMs: 120, relayMs: 90_040, youMs: 25, uncertaintyMs: 8 };
    const { container } = render(DelayLine, { delay, setS: 90 });
    expect(container.textContent.replace(/\s+/g, ' ')).toContain(
      'Delay 90.2 s: set 90 s, meter 120 ms, relay 40 ms, you 25 ms ± 8 ms',
    );
  });
});

describe('the note of what a raid does not show to everybody', () => {
  const said = ({ textContent }: Element): string => textContent.replace(/\s+/g, ' ').trim();

  it('is not there where it shows all of it at once', () => {
    const { container } = render(NamesNote, { names: 'full', delayS: 0 });
    expect(said(container)).toBe('');
  });

  it.each([
    [1, '1 second'],
    [45, '45 seconds'],
    [90, '1 minute 30 seconds'],
    [600, '10 minutes'],
  ])('says that what is shown is %i s late, as people say it', (delayS, words) => {
    const { container } = render(NamesNote, { names: 'full', delayS });
    expect(said(container)).toBe(`Shown ${words} late: its uploader set this delay for all but the raid’s members.`);
  });

  it('says both where players are hidden, too, and one where that is all', async () => {
    const { container, rerender } = render(NamesNote, { names: 'class', delayS: 60 });
    expect(container.querySelectorAll('p')).toHaveLength(2);
    await rerender({ names: 'hidden', delayS: 0 });
    expect(said(container)).toBe(
      'This raid hides its players: only its members see names, others see class and number.',
    );
  });
});

describe('tabs', () => {
  it('go round by arrow keys', async () => {
    const onselect = vi.fn();
    const tabs = [
      { id: 'a', label: 'A' },
      { id: 'b', label: 'B' },
    ];
    render(Tabs, { tabs, selected: 'a', label: 'Which', panel: 'p', onselect });
    await fireEvent.keyDown(screen.getByRole('tab', { name: 'A' }), { key: 'ArrowLeft' });
    expect(onselect).toHaveBeenLastCalledWith('b');
    expect(document.activeElement).toBe(screen.getByRole('tab', { name: 'B' }));
  });
});

describe('the chart', () => {
  const marks = { deaths: [], attempts: [], span: null };
  const props = {
    players: [],
    marks,
    rate: 'DPS',
    selected: null,
    theme: 'dark',
    at: null,
    durationMs: 2_000,
    later: (run: () => void) => {
      run();
      return none;
    },
    onspan: none,
    onmoment: none,
  } as const;

  it('waits for the first seconds, or says why there are none', async () => {
    const { rerender } = render(RateChart, { ...props, data: { x: [], total: [], lines: [] }, problem: null });
    expect(screen.getByText('The chart begins with the first seconds of the fight.')).toBeTruthy();
    await rerender({ problem: 'There is no timeline of this fight.' });
    expect(screen.getByText('There is no timeline of this fight.')).toBeTruthy();
  });

  it('has a sentence for whoever cannot see it, and is not made anew with every figure', async () => {
    const data = { x: [0, 1], total: [10, 30], lines: [{ key: 'a', values: [10, 30] }] };
    const { rerender } = render(RateChart, { ...props, data, problem: null });
    expect(screen.getByRole('img').getAttribute('aria-label')).toBe(
      'DPS of the raid over 2 seconds: 20 on average, at most 30 at 0:01. 0 deaths.',
    );
    await rerender({ marks: { ...marks, deaths: null } });
    expect(screen.getByRole('img').getAttribute('aria-label')).toBe(
      'DPS of the raid over 2 seconds: 20 on average, at most 30 at 0:01.',
    );
    const made = plots.made;
    await rerender({ data: { x: [0, 1, 2], total: [10, 30, 5], lines: [{ key: 'a', values: [10, 30, 5] }] } });
    expect(plots.made).toBe(made);
    expect(plots.data.at(-1)).toEqual([
      [0, 1, 2],
      [10, 30, 5],
      [10, 30, 5],
    ]);
  });
});
