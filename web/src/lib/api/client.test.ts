import { describe, expect, it, vi } from 'vitest';
import { FakeEnv } from '$lib/testing/env';
import { accountClient } from './account';
import { apiClient, ApiFailure, ARCHIVE_SILENT_MS, CHANGE_SILENT_MS, feedUrl, SILENT_MS, type ApiEnv } from './client';

const answer = (status: number, body: unknown): typeof fetch =>
  vi.fn(() => Promise.resolve(new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })));

const using = (get: typeof fetch, env = new FakeEnv()): ApiEnv => ({ ...env, get });

describe('the API', () => {
  it('is asked with the ticket, names written safely, and a span where one is wanted', async () => {
    const get = answer(200, {});
    const api = apiClient('t&x', using(get));
    await api.report('a/b', { fromMs: 5, toMs: null });
    await api.raid({ kind: 'channel', name: 'c' });
    await api.reports(2, 20);
    const urls = vi.mocked(get).mock.calls.map(([url]) => url);
    expect(urls).toEqual([
      '/api/v1/reports/a%2Fb?from=5&ticket=t%26x',
      '/api/v1/live/c?ticket=t%26x',
      '/api/v1/reports?page=2&limit=20',
    ]);
  });

  it('fails in words: the relay’s own, else the status, else that it was not there', async () => {
    const failing = async (get: typeof fetch): Promise<ApiFailure> => {
      try {
        await apiClient(null, using(get)).timeline('r');
      } catch (error) {
        if (error instanceof ApiFailure) return error;
      }
      throw new Error('it did not fail');
    };
    expect(await failing(answer(404, { code: 'x', message: 'Gone.' }))).toMatchObject({
      notFound: true,
      message: 'Gone.',
    });
    expect(await failing(answer(409, { code: 'no_times', message: 'No.' }))).toMatchObject({ noTimes: true });
    expect(await failing(answer(409, { code: 'other', message: 'No.' }))).toMatchObject({ noTimes: false });
    expect(await failing(answer(502, '<html>'))).toMatchObject({
      notFound: false,
      message: 'The relay answered with error 502.',
    });
    expect(await failing(answer(200, '{'))).toMatchObject({ status: 0 });
    expect(await failing(() => Promise.reject(new TypeError('offline')))).toMatchObject({ status: 0 });
  });
});

describe('a change', () => {
  it('is sent as JSON, and may be answered with nothing', async () => {
    const get = vi.fn<typeof fetch>(() => Promise.resolve(new Response(null, { status: 204 })));
    const api = accountClient(using(get));
    expect(await api.changePassword({ old: 'a', new: 'b' })).toBeUndefined();
    await api.uninvite('a/b');
    const [[changed, put], [removed, remove]] = get.mock.calls as [[string, RequestInit], [string, RequestInit]];
    expect([changed, put.method, put.body]).toEqual(['/api/v1/me/password', 'PUT', '{"old":"a","new":"b"}']);
    expect(put.headers).toMatchObject({ 'content-type': 'application/json' });
    expect([removed, remove.method, remove.body]).toEqual(['/api/v1/invitations/a%2Fb', 'DELETE', undefined]);
  });

  it('that comes too often says how long to wait', async () => {
    const body = { code: 'too_many', message: 'wait' };
    const get: typeof fetch = () =>
      Promise.resolve(Response.json(body, { status: 429, headers: { 'retry-after': '12' } }));
    const asked = accountClient(using(get)).signIn({ name: 'a', password: 'b' });
    await expect(asked).rejects.toMatchObject({ status: 429, code: 'too_many', message: 'wait', retryS: 12 });
  });

  it('may take longer than what is only read: passwords wait for their turn', async () => {
    const env = new FakeEnv();
    let given = false;
    const hanging: typeof fetch = (_, init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener('abort', () => {
          given = true;
          reject(new DOMException('aborted', 'AbortError'));
        });
      });
    const asked = accountClient(using(hanging, env)).signOut();
    const failed = expect(asked).rejects.toMatchObject({ status: 0 });
    env.advance(CHANGE_SILENT_MS - 1);
    expect(given).toBe(false);
    env.advance(1);
    await failed;
  });
});

describe('a request', () => {
  /** An answer that comes piece by piece, and ends with its signal. */
  function line(): { get: typeof fetch; piece: (text: string) => void; end: () => void } {
    let body: ReadableStreamDefaultController<Uint8Array> | undefined;
    const stream = new ReadableStream<Uint8Array>({
      start: (controller) => {
        body = controller;
      },
    });
    return {
      get: (_, init) => {
        init?.signal?.addEventListener('abort', () => body?.error(new DOMException('aborted', 'AbortError')));
        return Promise.resolve(new Response(stream));
      },
      piece: (text) => body?.enqueue(new TextEncoder().encode(text)),
      end: () => body?.close(),
    };
  }
  const settle = async (): Promise<void> => {
    for (let i = 0; i < 20; i++) await Promise.resolve();
  };

  it('that hangs is given up, so that its page can ask again', async () => {
    const env = new FakeEnv();
    const hanging: typeof fetch = (_, init) =>
      new Promise((_, reject) => {
        init?.signal?.addEventListener('abort', () => {
          reject(new DOMException('aborted', 'AbortError'));
        });
      });
    const asked = apiClient(null, using(hanging, env)).timeline('r');
    const failed = expect(asked).rejects.toMatchObject({ status: 0 });
    env.advance(SILENT_MS);
    await failed;
  });

  it('may take its time as long as pieces of the answer come', async () => {
    const [env, { get, piece, end }] = [new FakeEnv(), line()];
    const asked = apiClient(null, using(get, env)).raid({ kind: 'raid', name: 'r' });
    for (const text of ['{"code"', ':"ä', '"}']) {
      await settle();
      env.advance(SILENT_MS - 1);
      piece(text);
      await settle();
    }
    end();
    expect(await asked).toEqual({ code: 'ä' });
  });

  it('whose answer stops in the middle is given up', async () => {
    const [env, { get, piece }] = [new FakeEnv(), line()];
    const asked = apiClient(null, using(get, env)).raid({ kind: 'raid', name: 'r' });
    const failed = expect(asked).rejects.toBeInstanceOf(ApiFailure);
    await settle();
    piece('{"code"');
    await settle();
    env.advance(SILENT_MS);
    await failed;
  });

  it('for an archive gives all of it, tells how much has come, and waits long between pieces', async () => {
    const [env, { get, piece, end }] = [new FakeEnv(), line()];
    const heard: number[] = [];
    const asked = accountClient(using(get, env)).characterArchive(7, (bytes) => heard.push(bytes));
    for (const text of ['ar', 'chive']) {
      await settle();
      env.advance(ARCHIVE_SILENT_MS - 1);
      piece(text);
      await settle();
    }
    end();
    expect(await (await asked).text()).toBe('archive');
    expect(heard).toEqual([2, 7]);
  });

  it('for an archive that is cut off gives nothing of it', async () => {
    const [env, { get, piece }] = [new FakeEnv(), line()];
    const asked = accountClient(using(get, env)).playerArchive({ player: '77' }, () => undefined);
    const failed = expect(asked).rejects.toMatchObject({
      status: 0,
      message: 'The archive broke off before its end: ask for it again.',
    });
    await settle();
    piece('ar');
    await settle();
    env.advance(ARCHIVE_SILENT_MS);
    await failed;
  });

  it('is given up by whoever asked', async () => {
    const { get } = line();
    const asker = new AbortController();
    const asked = apiClient(null, using(get)).report('r', null, asker.signal);
    const failed = expect(asked).rejects.toBeInstanceOf(ApiFailure);
    await settle();
    asker.abort();
    await failed;
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
