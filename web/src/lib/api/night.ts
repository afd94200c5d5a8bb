/** The fights of a raid side by side, for the page that shows its evening. */
import { ask, browserApiEnv, withQuery, type ApiEnv } from './client';
import type { Night } from './types';

/** What of an evening is asked of the relay. */
export interface NightApi {
  night(code: string, after: number, signal?: AbortSignal): Promise<Night>;
}

/** The same on the page's own origin, with the ticket of a private raid if the page has one. */
export function nightClient(ticket: string | null, env: ApiEnv = browserApiEnv): NightApi {
  return {
    night: async (code, after, signal) => {
      const path = `/api/v1/raids/${encodeURIComponent(code)}/night`;
      return (await ask(env, withQuery(path, { after: after === 0 ? null : after, ticket }), { signal })) as Night;
    },
  };
}
