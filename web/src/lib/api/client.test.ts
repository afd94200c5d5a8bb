import { describe, expect, it, vi } from 'vitest';
import { apiClient, ApiFailure, feedUrl } from './client';

const answer = (status: number, body: unknown): typeof fetch =>
  vi.fn(() => Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })));

describe('the API', () => {
  it('is asked with the ticket, names written safely, and a span where one is wanted', async () => {
    const get = answer(200, {});
    const api = apiClient('t&x', get);
    await api.report('a/b', { fromMs: 5, toMs: null });
    await api.raid({ kind: 'channel', name: 'c' });
    await api.reports(2, 20);
    const urls = vi.mocked(get).mock.calls.map(([url]) => url);
    expect(urls).toEqual([
      '/api/v1/reports/a%2Fb?from=5&ticket=t%26x',
      '/api/v1/live/c?ticket=t%26x',
      '/api/v1/reports?page=2&limit=20&ticket=t%26x',
    ]);
  });

  it('fails in words: the relay’s own, else the status, else that it was not there', async () => {
    const failing = async (get: typeof fetch): Promise<ApiFailure> => {
      try {
        await apiClient(null, get).timeline('r');
      } catch (error) {
        if (error instanceof ApiFailure) return error;
      }
      throw new Error('it did not fail');
    };
    expect(await failing(answer(404, { code: 'x', message: 'Gone.' }))).toMatchObject({
      notFound: true,
      message: 'Gone.',
    });
    expect(await failing(answer(502, '<html>'))).toMatchObject({ notFound: false, message: 'The relay answered 502.' });
    expect(await failing(answer(200, '{'))).toMatchObject({ status: 0 });
    expect(await failing(() => Promise.reject(new TypeError('offline')))).toMatchObject({ status: 0 });
  });
});

describe('the address of a feed', () => {
  it('has the page’s origin and the ticket', () => {
    expect(feedUrl({ kind: 'raid', name: 'R' }, { ticket: 't' }, 'https://relay.example/reports/x?tab=taken')).toBe(
      'wss://relay.example/api/v1/raids/R/feed?ticket=t',
    );
    expect(feedUrl({ kind: 'channel', name: 'C' }, { ticket: null }, 'http://127.0.0.1:8787')).toBe(
      'ws://127.0.0.1:8787/api/v1/live/C/feed',
    );
  });
});
