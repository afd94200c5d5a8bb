import { describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import { Reading } from './reading';

interface Asked {
  signal: AbortSignal;
  answer: (value: number) => void;
  fail: (failure: Error) => void;
}

function reading(): { reading: Reading<number>; asked: Asked[]; got: number[]; failed: number[] } {
  const [asked, got, failed]: [Asked[], number[], number[]] = [[], [], []];
  const made = new Reading<number>({
    ask: (signal) =>
      new Promise((answer, fail) => {
        asked.push({ signal, answer, fail });
      }),
    got: (value) => got.push(value),
    failed: (failure) => failed.push(failure.status),
  });
  return { reading: made, asked, got, failed };
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
});
