import { describe, expect, it } from 'vitest';
import { ApiFailure, type Api, type SpanQuery } from '$lib/api/client';
import type { Report } from '$lib/api/types';
import { FakeEnv } from '$lib/testing/env';
import { report } from '$lib/testing/samples';
import { ComparedSide } from './compared.svelte';

const SIDE = { report: 'r1', attempt: null, span: null, ticket: null };
const attempt = { reason: 'initial', bossHpStart: null, bossHpEnd: null, deaths: 0, bossDamage: null } as const;
const ATTEMPTS = [
  { ...attempt, index: 1, startMs: 0, endMs: 4_000, outcome: 'wipe' as const },
  { ...attempt, index: 2, startMs: 4_000, endMs: null, outcome: 'kill' as const },
];

/** A side, and the relay that it asks. */
function staged(held: () => Report | ApiFailure, part: () => Report | ApiFailure = held) {
  const asked: string[] = [];
  const env = new FakeEnv();
  const answer = (id: string, ticket: string | null, span: SpanQuery | null): Promise<Report> => {
    asked.push([id, ticket ?? '', span === null ? 'all' : `${span.fromMs}-${span.toMs ?? ''}`].join(' '));
    const given = span === null ? held() : part();
    return given instanceof ApiFailure ? Promise.reject(given) : Promise.resolve({ ...given, reportId: id });
  };
  const api = (ticket: string | null) =>
    ({ report: (id: string, span: SpanQuery | null) => answer(id, ticket, span) }) as unknown as Api;
  return { side: new ComparedSide({ api, env }), asked, env };
}

describe('a side of a comparison', () => {
  it('is the relay’s fold of the attempt that it names', async () => {
    const part = report({ state: 'final', durationMs: 4_000 });
    const { side, asked, env } = staged(
      () => report({ state: 'final', attempts: ATTEMPTS }),
      () => part,
    );
    side.look({ ...SIDE, attempt: 1, ticket: 't' });
    await env.pass(500);
    expect(asked).toEqual(['r1 t all', 'r1 t 0-4000']);
    expect([side.shown?.durationMs, side.lacksPart]).toEqual([4_000, false]);
    side.look({ ...SIDE, attempt: 2, ticket: 't' });
    expect(side.shown).toBeNull();
    await env.pass(500);
    side.look({ ...SIDE, ticket: 't' });
    await env.pass(500);
    // The whole is known by then.
    expect(asked.slice(2)).toEqual(['r1 t 4000-']);
    expect(side.shown?.durationMs).toBe(10_000);
    await env.pass(20_000);
    expect(asked).toHaveLength(3);
    side.stop();
  });

  it('is the whole fight where it has no such attempt, or no times, and says so', async () => {
    const without = staged(() => report({ state: 'final', attempts: ATTEMPTS }));
    without.side.look({ ...SIDE, attempt: 7 });
    await without.env.pass(500);
    expect([without.side.shown?.durationMs, without.side.lacksPart]).toEqual([10_000, true]);
    without.side.stop();
    const untimed = staged(
      () => report({ state: 'final' }),
      () => new ApiFailure(409, 'No.', 'no_times'),
    );
    untimed.side.look({ ...SIDE, span: { fromMs: 0, toMs: 5 } });
    await untimed.env.pass(500);
    expect([untimed.side.shown?.durationMs, untimed.side.lacksPart]).toEqual([10_000, true]);
    await untimed.env.pass(20_000);
    expect(untimed.asked).toHaveLength(2);
    untimed.side.stop();
  });

  it('is read again while it goes on, and not once it has ended', async () => {
    let state: Report['state'] = 'live';
    const { side, asked, env } = staged(() => report({ state }));
    side.look(SIDE);
    await env.pass(5_000);
    expect(asked.length).toBe(2);
    state = 'final';
    await env.pass(20_000);
    expect(asked.length).toBe(3);
    side.stop();
  });

  it('is asked for again where the relay does not answer, and not where there is none', async () => {
    let held: Report | ApiFailure = new ApiFailure(0, 'The relay does not answer.');
    const { side, asked, env } = staged(() => held);
    side.look(SIDE);
    await env.pass(1_000);
    expect(side.failure?.message).toBe('The relay does not answer.');
    held = report({ state: 'final' });
    await env.pass(10_000);
    expect([side.failure, side.shown === null]).toEqual([null, false]);
    held = new ApiFailure(404, 'Nothing.');
    side.look({ ...SIDE, report: 'r2' });
    await env.pass(30_000);
    expect([side.failure?.notFound, asked.filter((one) => one.startsWith('r2')).length]).toEqual([true, 1]);
    side.stop();
  });
});
