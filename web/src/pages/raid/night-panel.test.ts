import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { NightFight } from '$lib/api/types';
import { summary, totals } from '$lib/testing/samples';
import NightPanel from './NightPanel.svelte';

afterEach(cleanup);

const HOSTILE = '<b>Lily</b>';

function fight(reportId: string, hp: number, dps: number): NightFight {
  return {
    report: summary({ reportId, outcome: 'wipe', durationMs: 61_000, totals: totals({ deaths: 2 }) }),
    firstMs: 0,
    boss: { name: 'Ogre', monsterId: null, maxHp: 1000, hp, damage: 1, hits: 1, defeated: false },
    attempts: [],
    players: [{ playerKey: 'a', name: HOSTILE, classId: 1, specId: null, damage: 1, dps, deaths: 1 }],
  };
}

describe('the evening of a raid', () => {
  it('has pulls with what was left of the boss, the best marked, and players when they are looked at', async () => {
    const fights = [fight('r1', 500, 100), fight('r2', 70, 300)];
    const lines = fights.map(({ report }) => report).reverse();
    const api = { night: () => Promise.resolve({ code: 'RAID', fights, next: null }) };
    render(NightPanel, { code: 'RAID', ticket: 'tic ket', lines, api });
    await vi.waitUntil(() => document.querySelector('[data-best]') !== null);
    const pulls = screen.getAllByRole<HTMLAnchorElement>('link');
    expect(pulls.map((pull) => pull.textContent.replace(/\s+/g, ' ').trim())).toEqual(['1 50%', '2 ★ 7%']);
    expect(pulls[1]?.getAttribute('aria-label')).toBe(
      'Pull 2, Ogre, Wipe, 7% of the boss left, 1 minute 1 second, best',
    );
    expect(pulls[1]?.getAttribute('href')).toBe('/reports/r2?ticket=tic+ket');
    const told = [...document.querySelectorAll('[data-total]')].map((one) =>
      one.textContent.replace(/\s+/g, ' ').trim(),
    );
    expect(told).toEqual(['In fights 2:02', 'Kills 0', 'Wipes 2', 'Deaths 4']);
    expect(document.querySelector('[data-trend]')).toBeNull();
    await fireEvent.click(screen.getByText('Players over the night'));
    await vi.waitUntil(() => document.querySelector('[data-trend]') !== null);
    expect(screen.getByText(HOSTILE)).toBeTruthy();
    expect(screen.getByText('100, 300')).toBeTruthy();
    expect(document.querySelector('[data-trend] td[data-exact]')?.getAttribute('data-exact')).toBe('200');
  });
});
