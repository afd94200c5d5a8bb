import { beforeEach, describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import type { SearchQuestion } from '$lib/api/search';
import type { EncounterPage } from '$lib/api/types';
import { FakeEnv } from '$lib/testing/env';
import { summary } from '$lib/testing/samples';
import { ANYTHING, formatSearch, type SearchPlace } from './place';
import { FightSearch, LIMIT, LIMIT_OF_PARTS, PAUSE_MS, troubleWords } from './search.svelte';

interface Call {
  question: SearchQuestion;
  signal: AbortSignal | undefined;
  give: (page: EncounterPage) => void;
  fail: (failure: ApiFailure) => void;
}

let env: FakeEnv;
let calls: Call[];
let search: FightSearch;
let written: string[];

beforeEach(() => {
  env = new FakeEnv();
  calls = [];
  written = [];
  search = new FightSearch({
    env,
    api: {
      encounters: (question, signal) =>
        new Promise((give, fail) => {
          calls.push({ question, signal, give, fail });
        }),
    },
    asked: (place, typed) => {
      written.push(`${typed ? 'typed' : 'chosen'} ${formatSearch(place)}`);
    },
  });
});

const of = (text: string, some: Partial<SearchPlace> = {}): SearchPlace => ({ ...ANYTHING, text, ...some });
const page = (
  ids: readonly string[],
  next: string | null = null,
  total: number | null = ids.length,
): EncounterPage => ({
  encounters: ids.map((reportId) => summary({ reportId })),
  pagination: { page: 1, limit: LIMIT, total, totalPages: 1, totalIsAtLeast: false, next },
});
const settle = (): Promise<void> => env.pass(0).then(() => new Promise((done) => setTimeout(done, 0)));
const shown = (): string[] => (search.parts ?? []).flatMap(({ fights }) => fights.map(({ reportId }) => reportId));

describe('a search that is typed', () => {
  it('is asked once when the typing pauses, as all that it may be', async () => {
    for (const text of ['o', 'og', 'ogr']) {
      search.ask(of(text), true);
      await env.pass(PAUSE_MS - 50);
    }
    expect([calls.length, written]).toEqual([0, []]);
    await env.pass(PAUSE_MS);
    expect(calls.map(({ question }) => [question.bossName, question.playerName, question.sceneName])).toEqual([
      ['ogr', undefined, undefined],
      [undefined, 'ogr', undefined],
      [undefined, undefined, 'ogr'],
    ]);
    expect(calls.every(({ question }) => question.limit === LIMIT_OF_PARTS)).toBe(true);
    expect(written).toEqual(['typed ?q=ogr']);
  });

  it('shows the latest question’s answer, whatever comes when', async () => {
    search.ask(of('', { outcome: 'kill' }));
    search.ask(of('', { outcome: 'wipe' }));
    expect(calls[0]?.signal?.aborted).toBe(true);
    calls[1]?.give(page(['wipe']));
    await settle();
    calls[0]?.give(page(['kill']));
    await settle();
    expect([shown(), search.busy, search.old]).toEqual([['wipe'], false, false]);
    search.ask(of('', { outcome: 'reset' }));
    expect([shown(), search.busy, search.old]).toEqual([['wipe'], true, true]);
  });

  it('asks for no name that is longer than names are', async () => {
    search.ask(of('x'.repeat(65)));
    await settle();
    expect([calls.length, search.parts]).toEqual([0, []]);
  });
});

describe('pages', () => {
  it('lead on by cursor, nothing twice, until there are no more', async () => {
    search.ask(of('ogre', { of: 'boss' }));
    calls[0]?.give(page(['a', 'b'], 'on', 3));
    await settle();
    search.more();
    search.more();
    expect(calls.length).toBe(2);
    expect(calls[1]?.question).toMatchObject({ cursor: 'on', bossName: 'ogre', limit: LIMIT });
    calls[1]?.give(page(['b', 'c'], null, null));
    await settle();
    expect([shown(), search.parts?.[0]?.next, search.parts?.[0]?.total]).toEqual([['a', 'b', 'c'], null, 3]);
    search.more();
    expect(calls.length).toBe(2);
  });

  it('without an entry are gone past by themselves, some of them', async () => {
    search.ask(of('ogre', { of: 'boss' }));
    for (let at = 0; at < 10; at++) {
      calls[at]?.give(page([], `c${at}`));
      await settle();
    }
    expect(calls.map(({ question }) => question.cursor)).toEqual([null, 'c0', 'c1', 'c2']);
    expect([shown(), search.parts?.[0]?.next, search.busy]).toEqual([[], 'c3', false]);
  });
});

describe('a search that is refused', () => {
  it('says when it goes on, and does', async () => {
    search.ask(of(''));
    calls[0]?.fail(new ApiFailure(429, 'too many', 'too_many', 12));
    await settle();
    const { trouble } = search;
    if (trouble === null) throw new Error('nothing is said');
    expect(troubleWords(trouble, env.now())).toBe(
      'Too many requests came from your address. It goes on by itself in 12 seconds.',
    );
    expect(troubleWords(trouble, env.now() + 11_500)).toContain('in 1 second.');
    await env.pass(11_000);
    expect(calls.length).toBe(1);
    await env.pass(1_500);
    expect(calls.length).toBe(2);
    calls[1]?.give(page(['a']));
    await settle();
    expect([search.trouble, shown()]).toEqual([null, ['a']]);
    // Its address was written once.
    expect(written).toEqual(['chosen ']);
  });

  it('is asked again only where that does good', async () => {
    search.ask(of('\u200b', { of: 'boss' }));
    calls[0]?.fail(new ApiFailure(400, '`bossName` must have 1 to 64 characters that are not spaces', 'bad_request'));
    await settle();
    await env.pass(60_000);
    expect([calls.length, search.trouble?.againMs]).toEqual([1, null]);
    expect(search.trouble === null ? '' : troubleWords(search.trouble, env.now())).toBe(
      '`bossName` must have 1 to 64 characters that are not spaces. Change what you search for.',
    );
  });

  it('asks for more again where that was refused, and keeps what it has', async () => {
    search.ask(of('', { outcome: 'kill' }));
    calls[0]?.give(page(['a'], 'on'));
    await settle();
    search.more();
    calls[1]?.fail(new ApiFailure(503, 'busy', 'unavailable', 1));
    await settle();
    expect([shown(), search.moreBusy]).toEqual([['a'], false]);
    await env.pass(1_250);
    calls[2]?.give(page(['b'], null, null));
    await settle();
    expect([shown(), search.trouble]).toEqual([['a', 'b'], null]);
  });
});
