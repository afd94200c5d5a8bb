import { describe, expect, it } from 'vitest';
import { figuresOfFeed } from '$lib/fight/figures';
import { advanceTimer } from '$lib/fight/timer';
import { LINK_OVER } from '$lib/live/connection';
import { viewOfKeyframe } from '$lib/live/fold';
import { feedFight, feedPlayer, keyframe } from '$lib/testing/samples';
import type { FeedFight } from '$lib/wire/types';
import { DEFAULTS, type OverlayOptions } from './options';
import { GONE_MS, pictureOf, type Moment, type Picture } from './picture';

/** Unix ms at which the fight's last hit came. */
const HIT_MS = 910_000;

function moment(some: Partial<Moment> = {}, fight: Partial<FeedFight> | null = {}): Moment {
  const view = viewOfKeyframe(keyframe({ fight: fight === null ? null : feedFight(fight) }));
  return {
    fight: view.fight === null ? null : figuresOfFeed(view.fight),
    known: true,
    timer: view.fight === null ? null : advanceTimer(null, view.fight.head.firstMs, view.fight.head.lastMs, HIT_MS),
    connection: { kind: 'open', askedMs: null },
    lastFrameMs: HIT_MS,
    heardMs: HIT_MS,
    connected: true,
    delayS: 0,
    ...some,
  };
}

function picture(of: Moment, options: Partial<OverlayOptions> = {}, nowMs = HIT_MS, room = 40): Picture {
  return pictureOf(of, { ...DEFAULTS, ...options }, { nowMs, startedMs: HIT_MS - 60_000, room });
}

const many = (count: number): Partial<FeedFight> => ({
  players: Array.from({ length: count }, (_, at) =>
    feedPlayer(`p${at}`, { name: `Raider ${at}`, isLocal: at === count - 1 }),
  ),
  rows: Array.from({ length: count }, (_, at) => [1000 - at, 0, 0, -1, 1, 0, -1, -1, -1]),
});

const final = { ...feedFight().head, state: 'final', outcome: 'kill' } as const;

describe('the picture of an overlay', () => {
  it('has rows by the metric, with their bars, rates and shares', () => {
    const { rows, total, title, time, trust, note } = picture(moment());
    expect(rows.map(({ name, width, cells }) => ({ name, width, cells }))).toEqual([
      { name: 'A', width: 100, cells: ['20', '66.7%'] },
      { name: 'B', width: 50, cells: ['10', '33.3%'] },
    ]);
    expect({ total, title, time, trust, note }).toEqual({
      total: '30 DPS',
      title: 'Valley',
      time: '0:10',
      trust: 'good',
      note: null,
    });
    expect(picture(moment(), { metric: 'hps' }).rows.map((row) => row.name)).toEqual(['B']);
  });

  it('leaves out columns of which nobody knows anything, and says what is not known of one', () => {
    const columns = ['crit', 'deaths', 'amount'] as const;
    expect(picture(moment(), { columns }).rows[0]?.cells).toEqual(['–', '0', '200']);
    expect(picture(moment({}, many(2)), { columns }).columns).toEqual(['amount']);
  });

  it('has as many rows as there is place for, and whoever is marked among them', () => {
    const crowd = moment({}, many(20));
    expect(picture(crowd, { rows: 5, me: '' }).rows.map((row) => row.rank)).toEqual([1, 2, 3, 4, 5]);
    expect(picture(crowd, { rows: 5 }).rows.map((row) => row.rank)).toEqual([1, 2, 3, 4, 20]);
    expect(picture(crowd, { me: 'Raider 7' }, HIT_MS, 3).rows.map((row) => [row.rank, row.me])).toEqual([
      [1, false],
      [2, false],
      [8, true],
    ]);
    expect(picture(crowd, {}, HIT_MS, 0).rows).toHaveLength(1);
  });

  it('calls players as it is told to', () => {
    const fight = {
      players: [feedPlayer('a', { name: 'Longest name' }), feedPlayer('b', { name: '\u202e<b>x</b>' })],
    };
    const names = (how: OverlayOptions['names']): string[] =>
      picture(moment({}, fight), { names: how }).rows.map((row) => row.name);
    expect(names('full')).toEqual(['Longest name', '<b>x</b>']);
    expect(names('short')).toEqual(['Longest…', '<b>x</b>']);
    expect(names('class')).toEqual(['Stormblade 1', 'Stormblade 2']);
    expect(names('off')).toEqual(['', '']);
  });

  it('doubts figures when the connection is cut, and shows none when that lasts', () => {
    const cut = moment({ connection: { kind: 'waiting', tries: 1, retryAtMs: 0 } });
    expect(picture(cut, {}, HIT_MS + 1_000)).toMatchObject({ trust: 'doubted', note: 'Reconnecting' });
    expect(picture(cut, {}, HIT_MS + 12_000)).toMatchObject({ trust: 'stale', note: 'No connection for 0:12' });
    const gone = picture(cut, {}, HIT_MS + GONE_MS + 1);
    expect(gone).toMatchObject({ trust: 'gone', note: 'No connection for 1:00', rows: [], total: '', title: '' });
  });

  it('says that the uploader is gone while a fight is live, and shows the result of one that is over', () => {
    const alone = { connected: false, heardMs: HIT_MS + 20_000 };
    expect(picture(moment(alone), {}, HIT_MS + 20_000)).toMatchObject({
      trust: 'stale',
      note: 'The uploader is gone for 0:20',
    });
    const over = picture(moment(alone, { head: final }), {}, HIT_MS + 20_000);
    expect(over).toMatchObject({ trust: 'good', note: null, outcome: 'Kill', time: '0:10' });
  });

  it('says nothing while it connects for a moment, then that, and that a link is good no more', () => {
    const startedMs = HIT_MS;
    const at = (connection: Moment['connection'], ms: number): string | null =>
      pictureOf(moment({ known: false, connection }, null), DEFAULTS, { nowMs: startedMs + ms, startedMs, room: 9 })
        .note;
    expect(at({ kind: 'connecting', tries: 0 }, 500)).toBeNull();
    expect(at({ kind: 'connecting', tries: 0 }, 3_000)).toBe('Connecting');
    expect(at({ kind: 'waiting', tries: 4, retryAtMs: 0 }, 9_000)).toBe('No connection: trying again');
    expect(at({ kind: 'closed', reason: LINK_OVER }, 9_000)).toBe('This link is good no more');
    const ended = moment({ connection: { kind: 'closed', reason: LINK_OVER } });
    expect(picture(ended)).toMatchObject({ rows: [], trust: 'gone' });
    expect(picture(moment({}, null)).note).toBe('Waiting for the first fight');
  });

  it('hides itself when nothing happens for as long as it is told, and comes back with the next hit', () => {
    const open = { heardMs: HIT_MS + 60_000, lastFrameMs: HIT_MS + 60_000 };
    const hidden = (of: Moment, hideIdle: number | null, ms: number): boolean =>
      picture(of, { hideIdle }, HIT_MS + ms).hidden;
    const over = moment(open, { head: final });
    expect(hidden(over, null, 60_000)).toBe(false);
    expect(hidden(over, 30, 29_000)).toBe(false);
    expect(hidden(over, 30, 31_000)).toBe(true);
    const behind = moment({ ...open, delayS: 20 }, { head: final });
    expect(hidden(behind, 30, 31_000)).toBe(false);
    // A fight in which nothing happens for long.
    expect(hidden(moment(open), 5, 9_000)).toBe(false);
    expect(hidden(moment(open), 5, 11_000)).toBe(true);
  });
});
