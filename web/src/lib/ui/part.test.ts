import { afterEach, describe, expect, it, vi } from 'vitest';
import { Part, wantSoon } from './part.svelte';

afterEach(() => {
  vi.useRealTimers();
});

describe('a part of a page', () => {
  it('is loaded once, with the first sign of somebody, and stands then', async () => {
    const load = vi.fn(() => Promise.resolve({ default: 'a table' }));
    const part = new Part(load);
    const stop = wantSoon([part]);
    expect([part.component, load.mock.calls.length]).toEqual([null, 0]);
    window.dispatchEvent(new Event('pointermove'));
    window.dispatchEvent(new Event('keydown'));
    part.want();
    await vi.waitUntil(() => part.component === 'a table');
    expect(load.mock.calls.length).toBe(1);
    stop();
  });

  it('that does not come is asked for again after a while, when it is wanted', async () => {
    vi.useFakeTimers();
    let works = false;
    const load = vi.fn(() => (works ? Promise.resolve({ default: 'a table' }) : Promise.reject(new Error('cut'))));
    const part = new Part(load);
    part.want();
    await vi.advanceTimersByTimeAsync(1_000);
    part.want();
    expect([part.failed, part.component, load.mock.calls.length]).toEqual([true, null, 1]);
    works = true;
    await vi.advanceTimersByTimeAsync(1_000);
    part.want();
    await vi.advanceTimersByTimeAsync(0);
    expect([part.failed, part.component, load.mock.calls.length]).toEqual([false, 'a table', 2]);
  });

  it('is not wanted by whoever has left', () => {
    const load = vi.fn(() => Promise.resolve({ default: 'a table' }));
    wantSoon([new Part(load)])();
    window.dispatchEvent(new Event('pointerdown'));
    expect(load.mock.calls.length).toBe(0);
  });
});
