import { describe, expect, it } from 'vitest';
import { ClockEstimate, frameDelay, medianDelay } from './clock';

describe('the relay clock', () => {
  it('is taken from the probe with the shortest way', () => {
    const clock = new ClockEstimate();
    expect(clock.best).toBeNull();
    clock.add(1000, 1100, 5050);
    clock.add(2000, 2010, 6005);
    clock.add(3000, 3400, 7399);
    expect(clock.best).toEqual({ offsetMs: 4000, uncertaintyMs: 5 });
  });

  it('forgets probes of long ago', () => {
    const clock = new ClockEstimate();
    clock.add(0, 2, 1);
    for (let i = 1; i <= 8; i++) clock.add(i * 1000, i * 1000 + 20, i * 1000 + 510);
    expect(clock.best).toEqual({ offsetMs: 500, uncertaintyMs: 10 });
  });
});

describe('our own clock', () => {
  it('that was set back between probe and echo tells nothing', () => {
    const clock = new ClockEstimate();
    clock.add(5_000, 1_000, 9_000);
    expect(clock.best).toBeNull();
  });

  it('that was set makes what was known of the other worthless', () => {
    const clock = new ClockEstimate();
    clock.add(1_000, 1_002, 9_000);
    clock.clear();
    expect(clock.best).toBeNull();
  });
});

describe('the delay of a frame', () => {
  const clock = { offsetMs: 100, uncertaintyMs: 4 };

  it('is split by cause', () => {
    expect(frameDelay([1000, 1120, 1123], 1048, clock)).toEqual({
      meterMs: 120,
      relayMs: 3,
      youMs: 25,
      uncertaintyMs: 4,
    });
  });

  it('is never negative, whatever the clocks say', () => {
    expect(frameDelay([2000, 1120, 1123], 900, clock)).toMatchObject({ meterMs: 0, youMs: 0 });
  });

  it('is not known without an event or a clock', () => {
    expect(frameDelay([0, 0, 1123], 1048, clock)).toBeNull();
    expect(frameDelay([1000, 1120, 1123], 1048, null)).toBeNull();
  });

  it('does not jump with one late frame', () => {
    const usual = { meterMs: 100, relayMs: 2, youMs: 20, uncertaintyMs: 4 };
    expect(medianDelay([usual, { ...usual, youMs: 900 }, usual])).toEqual(usual);
    expect(medianDelay([])).toBeNull();
  });
});
