import { describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import { FakeEnv } from '$lib/testing/env';
import { Reading } from './reading';

interface Asked {
  signal: AbortSignal;
  answer: (value: number) => void;
  fail: (failure: Error) => void;
}

function reading(againMs: (tries: number) => number | null = () => null): {
  env: FakeEnv;
  reading: Reading<number>;
  asked: Asked[];
  got: number[];
  failed: number[];
} {
  const [asked, got, failed]: [Asked[], number[], number[]] = [[], [], []];
  const env = new FakeEnv();
  const made = new Reading<number>(env, {
    ask: (signal) =>
      new Promise((answer, fail) => {
        asked.push({ signal, answer, fail });
      }),
    got: (value) => got.push(value),
    failed: (failure) => failed.push(failure.status),
    againMs,
  });
  return { env, reading: made, asked, got, failed };
}
const settle = async (): Promise<void> => {
  for (let i = 0; i < 10; i++) await Promise.resolve();
};

describe('what is read again and again', () => {
  it('is asked for once at a time, and once more if somebody wanted it meanwhile', async () => {
    const { reading: one, asked, got } = reading();
    one.read();
    one.read();
    one.read();
    expect([asked.length, one.waiting]).toEqual([1, true]);
    asked[0]?.answer(1);
    await settle();
    expect([got, asked.length]).toEqual([[1], 2]);
    asked[1]?.answer(2);
    await settle();
    expect([got, asked.length, one.waiting]).toEqual([[1, 2], 2, false]);
  });

  it('fails in its own way', async () => {
    const { reading: one, asked, failed } = reading();
    one.read();
    asked[0]?.fail(new ApiFailure(503, ''));
    await settle();
    expect([failed, one.waiting]).toEqual([[503], false]);
  });

  it('is asked for anew after sleep, and what was on its way is never heard of again', async () => {
    const { reading: one, asked, got, failed } = reading();
    one.read();
    one.renew();
    expect([asked.length, asked[0]?.signal.aborted]).toEqual([2, true]);
    asked[1]?.answer(2);
    asked[0]?.answer(1);
    await settle();
    expect([got, failed]).toEqual([[2], []]);
    one.read();
    one.stop();
    asked[2]?.fail(new ApiFailure(0, ''));
    await settle();
    expect([failed, one.waiting]).toEqual([[], false]);
  });

  it('is due again as long after each answer as its owner says, and later with each try that failed', async () => {
    const { env, reading: one, asked } = reading((tries) => (tries === 0 ? 1_000 : 300 * tries));
    one.readIfDue();
    expect([asked.length, one.goesOn]).toEqual([0, false]);
    one.read();
    asked[0]?.answer(1);
    await settle();
    for (const [number, waitMs] of [1_000, 300, 600].entries()) {
      env.advance(waitMs - 1);
      one.readIfDue();
      expect([asked.length, one.goesOn]).toEqual([number + 1, true]);
      env.advance(1);
      one.readIfDue();
      one.readIfDue();
      expect(asked).toHaveLength(number + 2);
      asked[number + 1]?.fail(new ApiFailure(0, ''));
      await settle();
    }
    one.renew();
    asked[4]?.answer(5);
    await settle();
    env.advance(999);
    one.readIfDue();
    expect(asked).toHaveLength(5);
    one.stop();
    env.advance(60_000);
    one.readIfDue();
    expect([asked.length, one.goesOn]).toEqual([5, false]);
  });

  it('is read once with the next beat, however many want it soon', async () => {
    const { reading: one, asked } = reading();
    one.soon();
    one.soon();
    expect(asked).toHaveLength(0);
    one.readIfDue();
    expect(asked).toHaveLength(1);
    // What is on its way may be of before.
    one.soon();
    asked[0]?.answer(1);
    await settle();
    expect(asked).toHaveLength(2);
  });

  it('is due within some time, and no later for who says so again', async () => {
    const { env, reading: one, asked } = reading();
    one.within(1_000);
    one.within(3_000);
    env.advance(999);
    one.readIfDue();
    expect(asked).toHaveLength(0);
    env.advance(1);
    one.readIfDue();
    expect(asked).toHaveLength(1);
    // While an answer is on its way another may be too old.
    one.within(3_000);
    asked[0]?.answer(1);
    await settle();
    expect(asked).toHaveLength(2);
  });
});
