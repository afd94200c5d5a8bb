import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it } from 'vitest';
import { figuresOfReport, type FightFigures } from '$lib/fight/figures';
import { player, report, totals } from '$lib/testing/samples';
import SummaryTable from './SummaryTable.svelte';

afterEach(() => {
  cleanup();
  localStorage.clear();
});

const KEY = 'raidcast.choices';
const figures = (): FightFigures =>
  figuresOfReport(
    report({
      state: 'final',
      totals: totals({ damage: 300, bossDamage: 100, healing: 90, damageTaken: 50, deaths: 1 }),
      players: [
        player('mage', { damage: 200, bossDamage: 100, healing: 10, damageTaken: 5, classId: 2, specId: 3 }),
        player('oracle', { damage: 20, healing: 80, damageTaken: 5, classId: 5, specId: 10, deaths: 1 }),
        player('guard', { damage: 80, healing: 0, damageTaken: 40, classId: 9, specId: 11 }),
      ],
    }),
  );

/** The table as a page opens it on a device that holds this. */
function opened(held: unknown = null): void {
  if (held !== null) localStorage.setItem(KEY, JSON.stringify(held));
  render(SummaryTable, { figures: figures(), durationMs: 10_000, selected: null, onselect: () => undefined });
}

const heads = (): string[] =>
  [...document.querySelectorAll('[data-column]')].map((head) => head.getAttribute('data-column') ?? '');
const keys = (): string[] =>
  [...document.querySelectorAll('tr[data-key]')].map((row) => row.getAttribute('data-key') ?? '');
const held = (): unknown => JSON.parse(localStorage.getItem(KEY) ?? '{}');

describe('the summary', () => {
  it('has healers on top and healing first in their view, which the device keeps beside its other choices', async () => {
    opened({ keys: false });
    expect([keys(), heads()[0]]).toEqual([['mage', 'guard', 'oracle'], 'damage']);
    await fireEvent.click(screen.getByRole('radio', { name: 'Healers' }));
    expect([keys(), heads()[0]]).toEqual([['oracle', 'mage', 'guard'], 'healing']);
    await fireEvent.click(screen.getByRole('radio', { name: 'Tanks' }));
    expect([keys(), heads()[0]]).toEqual([['guard', 'mage', 'oracle'], 'taken']);
    expect(held()).toMatchObject({ keys: false, summary: { view: 'tank' } });
    expect(location.search).toBe('');
  });

  it('has the columns that were chosen on this device, for each view its own, until they are as usual again', async () => {
    opened({ summary: { view: 'healer', columns: { healer: ['healing', 'deaths', 'x'], all: 7 } } });
    expect(heads()).toEqual(['healing', 'deaths']);
    const menu = within(screen.getByRole('group', { name: 'Columns: Healers' }));
    await fireEvent.click(menu.getByRole('checkbox', { name: 'Deaths' }));
    expect(heads()).toEqual(['healing']);
    expect(menu.getByRole<HTMLInputElement>('checkbox', { name: 'Healing' }).disabled).toBe(true);
    // What this fight does not tell is not offered.
    expect(menu.queryByRole('checkbox', { name: 'Critical hits, where known' })).toBeNull();
    await fireEvent.click(menu.getByRole('button', { name: 'As usual' }));
    expect(heads().slice(0, 3)).toEqual(['healing', 'hps', 'healShare']);
    expect(held()).toEqual({ summary: { view: 'healer', columns: {} } });
  });

  it('is as usual where the device holds nonsense', () => {
    opened({ summary: { view: 4, columns: 'x' } });
    expect(heads()).toEqual(['damage', 'dps', 'share', 'bosses', 'healing', 'hps', 'taken', 'deaths']);
  });
});
