import { beforeEach, describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import type { Night } from '$lib/api/types';
import { FakeEnv } from '$lib/testing/env';
import { summary } from '$lib/testing/samples';
import type { ReportSummary } from '$lib/wire/types';
import { PAGE_FIGHTS, RaidNight } from './night.svelte';

let env: FakeEnv;
let night: RaidNight;
let asked: number[];
let failures: ApiFailure[];
/** The relay's fights that are over, the oldest first. */
let over: ReportSummary[];

beforeEach(() => {
  env = new FakeEnv();
  [asked, failures, over] = [[], [], []];
  night = new RaidNight({
    env,
    api: {
      night: (code, after) => {
        asked.push(after);
        const failure = failures.pop();
        if (failure !== undefined) return Promise.reject(failure);
        const end = after + PAGE_FIGHTS;
        const fights = over
          .slice(after, end)
          .map((report) => ({ report, firstMs: 0, boss: null, attempts: [], players: [] }));
        return Promise.resolve<Night>({ code, fights, next: end < over.length ? end : null });
      },
    },
  });
});

/** So many fights. */
function fights(count: number): ReportSummary[] {
  return Array.from({ length: count }, (_, at) => summary({ reportId: `r${at}` }));
}
const size = (): number => Object.keys(night.told).length;
function look(): void {
  night.look('RAID', [...over].reverse());
}

describe('what is told of an evening', () => {
  it('is read in pages to its end, and not again while nothing is another', async () => {
    over = fights(23);
    look();
    await env.pass(1_000);
    expect([asked, size(), night.leftOut]).toEqual([[0, 10, 20], 23, false]);
    look();
    night.look('RAID', [summary({ reportId: 'now', state: 'live' }), ...[...over].reverse()]);
    await env.pass(60_000);
    expect(asked.length).toBe(3);
  });

  it('is read from the page on which a fight came, or is read anew', async () => {
    over = fights(23);
    look();
    await env.pass(1_000);
    over = [...over, summary({ reportId: 'new' })];
    look();
    await env.pass(1_000);
    expect([asked.slice(3), 'new' in night.told]).toEqual([[20], true]);
    over = over.map((line) => (line.reportId === 'r12' ? { ...line, revision: 2 } : line));
    look();
    await env.pass(1_000);
    expect([asked.slice(4), night.told['r12']?.report.revision]).toEqual([[10, 20], 2]);
  });

  it('goes on where it was when a page did not come, and ends where a raid has thousands', async () => {
    over = fights(15);
    look();
    failures = [new ApiFailure(503, 'busy', 'unavailable', 2)];
    await env.pass(1_000);
    expect(asked).toEqual([0]);
    await env.pass(2_000);
    expect([asked, size()]).toEqual([[0, 0, 10], 15]);
    over = fights(201).map((line) => ({ ...line, revision: 9 }));
    look();
    await env.pass(2_000);
    expect([size(), night.leftOut, Math.max(...asked)]).toEqual([200, true, 190]);
  });

  it('is another raid’s where a channel goes on to one', async () => {
    over = fights(2);
    look();
    await env.pass(1_000);
    night.look('NEXT', []);
    expect(size()).toBe(0);
  });
});
