/** The relay's search, for the page that asks it. */
import type { operations } from './schema';
import { ask, browserApiEnv, withQuery, type ApiEnv } from './client';
import type { EncounterPage } from './types';

/** A question as the API takes it; null and what is left out may be anything. */
export type SearchQuestion = {
  [K in keyof NonNullable<operations['encounters']['parameters']['query']>]?:
    NonNullable<operations['encounters']['parameters']['query']>[K] | null;
};

/** What the page of the search asks of the relay. */
export interface SearchApi {
  encounters(question: SearchQuestion, signal?: AbortSignal): Promise<EncounterPage>;
}

/** The search on the page's own origin. */
export function searchClient(env: ApiEnv = browserApiEnv): SearchApi {
  return {
    // All that is found is public.
    encounters: async (question, signal) =>
      (await ask(env, withQuery('/api/v1/encounters', question), { signal })) as EncounterPage,
  };
}
