import { cleanup, fireEvent, render, screen } from '@testing-library/svelte';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SearchQuestion } from '$lib/api/search';
import type { EncounterPage } from '$lib/api/types';
import { choices } from '$lib/live/choices.svelte';
import { summary } from '$lib/testing/samples';
import SearchPage from './SearchPage.svelte';

let asked: SearchQuestion[];
let found: (question: SearchQuestion) => string[];

beforeEach(() => {
  asked = [];
  found = () => ['r1'];
  const pagination = { page: 1, limit: 50, total: 2, totalPages: 1, next: null };
  const reports = [summary({ reportId: 'now', state: 'live', bosses: ['Golem'] }), summary()];
  vi.stubGlobal('fetch', () => Promise.resolve(Response.json({ reports, pagination })));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
  choices.keys = true;
  history.replaceState(null, '', '/');
});

async function opened(search = ''): Promise<void> {
  history.replaceState(null, '', `/search${search}`);
  render(SearchPage, {
    api: {
      encounters: (question) => {
        asked.push(question);
        const ids = found(question);
        const page: EncounterPage = {
          encounters: ids.map((reportId) => summary({ reportId })),
          pagination: { page: 1, limit: 20, total: ids.length, totalPages: 1, totalIsAtLeast: false, next: null },
        };
        return Promise.resolve(page);
      },
    },
  });
  await vi.waitUntil(() => document.querySelector('[data-part]') !== null);
}

const chips = (): string[] =>
  [...document.querySelectorAll('[data-chip]')].map((chip) => chip.getAttribute('aria-label') ?? '');
const field = (): HTMLInputElement => screen.getByRole('searchbox');

describe('the page of the search', () => {
  it('shows who is live above what was found, and has the focus where nothing is asked yet', async () => {
    await opened();
    const live = document.querySelector('[data-live]');
    expect([...(live?.querySelectorAll('[data-report]') ?? [])].map((row) => row.getAttribute('data-report'))).toEqual([
      'now',
    ]);
    expect(live?.compareDocumentPosition(document.querySelector('[data-part]') ?? live)).toBe(
      Node.DOCUMENT_POSITION_FOLLOWING,
    );
    expect(document.activeElement).toBe(field());
  });

  it('has its filters as chips, which are taken away one by one, and Back brings them again', async () => {
    await opened('?q=ogre&in=boss&outcome=kill&least=5');
    expect(chips()).toEqual(['Remove: In: Bosses', 'Remove: Result: Kill', 'Remove: At least 5 players']);
    expect(asked.at(-1)).toMatchObject({ bossName: 'ogre', outcome: 'kill', playersFrom: 5 });
    expect(document.querySelector('[data-live]')).toBeNull();
    await fireEvent.click(screen.getByRole('button', { name: 'Remove: Result: Kill' }));
    expect([location.search, chips().length]).toEqual(['?q=ogre&in=boss&least=5', 2]);
    expect(asked.at(-1)?.outcome).toBeNull();
    // As the browser does for Back.
    history.replaceState(null, '', '/search?q=ogre&in=boss&outcome=kill&least=5');
    window.dispatchEvent(new PopStateEvent('popstate'));
    await vi.waitUntil(() => chips().length === 3);
    expect(asked.at(-1)?.outcome).toBe('kill');
  });

  it('searches while it is typed, by what a name may be of, and says what helps where nothing is found', async () => {
    await opened();
    found = (question) => (question.playerName === undefined ? [] : ['r7']);
    await fireEvent.input(field(), { target: { value: 'Dusk' } });
    await screen.findByRole('heading', { name: 'Fights of this player' });
    expect([location.search, document.title]).toEqual(['?q=Dusk', 'Dusk · Search · Raidcast']);
    expect(document.querySelectorAll('[data-part]').length).toBe(1);
    found = () => [];
    await fireEvent.input(field(), { target: { value: 'Nobody' } });
    await screen.findByRole('heading', { name: 'No fight was found' });
    expect(screen.getByText(/one wrong letter does no harm/)).toBeTruthy();
  });

  it('leads to the page of a link that is typed, and offers scenes by a part of the name', async () => {
    await opened();
    await fireEvent.input(field(), { target: { value: `${location.origin}/raids/abcd2345?ticket=t` } });
    expect(document.querySelector('[data-lead] , a[data-lead]')?.getAttribute('href')).toBe('/raids/abcd2345?ticket=t');
    await fireEvent.input(field(), { target: { value: 'vall' } });
    await fireEvent.click(screen.getByRole('button', { name: 'Valley' }));
    expect(asked.at(-1)).toMatchObject({ sceneName: 'Valley' });
    expect(location.search).toBe('?q=Valley&in=scene');
  });

  it('takes no step in the history for an address that it writes otherwise', async () => {
    const steps = history.length;
    await opened('?outcome=won&q=ogre%20');
    expect([location.search, history.length - steps]).toEqual(['?q=ogre', 0]);
    await fireEvent.input(field(), { target: { value: 'ogres' } });
    await vi.waitUntil(() => location.search === '?q=ogres');
    expect(history.length - steps).toBe(1);
  });

  it('is gone to by the key "/", not while somebody writes', async () => {
    await opened('?q=ogre');
    expect(document.activeElement).not.toBe(field());
    await fireEvent.keyDown(document.body, { key: '/' });
    expect(document.activeElement).toBe(field());
    expect(await fireEvent.keyDown(field(), { key: '/' })).toBe(true);
    await fireEvent.keyDown(field(), { key: 'Escape' });
    expect(field().value).toBe('');
    await vi.waitUntil(() => location.search === '');
  });
});
