/** What a page asks of a relay, answered by the file that it stands in. */
import { ApiFailure, type Api, type SpanQuery } from '$lib/api/client';
import { plainEnv, type PageEnv } from '$lib/live/env';
import { json } from '$lib/wire/frame';
import { SavedFeed } from './feed';
import { detailsOf, recapsOf, reportOf, timelineOf } from './report';
import type { Part } from './rows';
import type { Saved } from './saved';

/** What a page needs, but for the report that it shows. */
export interface Wired {
  api: Api;
  env: PageEnv;
  origin: string;
}

/** A file has no relay: nobody is asked for this. */
const NOWHERE = 'http://file.invalid';

/** See the module. */
export function wiredTo(saved: Saved): Wired {
  const part = (span: SpanQuery | null | undefined): Part | null =>
    span ? { fromMs: span.fromMs, toMs: span.toMs ?? Infinity } : null;
  const nothing = (): Promise<never> => Promise.reject(new ApiFailure(404, 'A saved fight stands alone.'));
  const env: PageEnv = { ...plainEnv, wire: json, open: (url) => new SavedFeed(saved, url, plainEnv) };
  const answer = <T>(make: () => T): Promise<T> =>
    new Promise((resolve) => {
      resolve(make());
    });
  const api: Api = {
    reports: nothing,
    report: (_, span) => answer(() => reportOf(saved, part(span))),
    timeline: () => answer(() => timelineOf(saved)),
    details: (_, span) => answer(() => detailsOf(saved, part(span))),
    recaps: (_, span) => answer(() => recapsOf(saved, { fromMs: span.fromMs, toMs: span.toMs ?? Infinity })),
    views: (reportId) => Promise.resolve({ reportId, views: [] }),
    raid: nothing,
    feedTicket: null,
  };
  return { api, env, origin: NOWHERE };
}
