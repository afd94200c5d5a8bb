/**
 * The feed of a saved fight's past: what a relay plays again, of the file alone. It speaks the frames of the feed, so that
 * what plays a fight does not know the difference.
 */
import type { Report } from '$lib/api/types';
import type { Socket } from '$lib/live/connection';
import type { PageEnv } from '$lib/live/env';
import { SUBPROTOCOL_JSON } from '$lib/wire/frame';
import type { FeedFrame, FeedPlayer, FeedRequest, FightHead } from '$lib/wire/types';
import { reportOf } from './report';
import type { Saved } from './saved';

/** From one tick to the next, ms. */
const TICK_MS = 200;
/** As `ROW_COLUMNS` of `shared/src/feed.rs`. */
const COLUMNS = [
  'damage',
  'bossDamage',
  'healing',
  'damageTaken',
  'hits',
  'healHits',
  'critHits',
  'luckyHits',
  'deaths',
];
const EVERY_COLUMN = 2 ** COLUMNS.length - 1;

type Clock = Pick<PageEnv, 'now' | 'setTimer' | 'clearTimer'>;

/** See the module. */
export class SavedFeed implements Socket {
  binaryType: BinaryType = 'arraybuffer';
  readonly protocol = SUBPROTOCOL_JSON;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  readonly #saved: Saved;
  readonly #clock: Clock;
  readonly #fromMs: number;
  readonly #speed: number;
  #timer: number | null;
  #beganMs = 0;
  #position = 0;
  /** In the order in which they came: a row's place never changes. */
  readonly #players: string[] = [];

  /** `url`: as of the feed, with the moment (`at`) and how fast it plays (`speed`, 0: not at all). */
  constructor(saved: Saved, url: string, clock: Clock) {
    const query = new URL(url).searchParams;
    this.#saved = saved;
    this.#clock = clock;
    this.#fromMs = Number(query.get('at') ?? 0);
    this.#speed = Number(query.get('speed') ?? 0);
    // Who opens it listens from then on.
    this.#timer = clock.setTimer(() => {
      this.#open();
    }, 0);
  }

  send(data: string | Uint8Array): void {
    if (typeof data !== 'string' || this.#timer === null) return;
    const request = JSON.parse(data) as FeedRequest;
    if (request.t === 'probe') this.#give({ t: 'echo', clock: request.clock, relayMs: this.#clock.now() });
  }

  close(): void {
    if (this.#timer !== null) this.#clock.clearTimer(this.#timer);
    this.#timer = null;
  }

  #open(): void {
    this.#beganMs = this.#clock.now();
    const report = this.#until(this.#fromMs);
    for (const { playerKey } of report.players) this.#players.push(playerKey);
    this.#give({
      t: 'keyframe',
      epoch: 'file.1',
      position: this.#position,
      events: 0,
      raid: { code: '', title: null, connected: false, open: false, fights: [] },
      fight: {
        reportId: report.reportId,
        checksum: report.checksum,
        startedAtMs: report.startedAtMs,
        encounter: report.encounter,
        head: headOf(report),
        bosses: report.bosses,
        attempts: report.attempts,
        deaths: report.deaths,
        players: report.players.map(feedPlayer),
        columns: COLUMNS,
        rows: report.players.map(rowOf),
        buckets: [],
      },
      times: [0, 0, 0],
    });
    if (this.#speed > 0) this.#wait();
    else this.#give({ t: 'bye', reason: 'this moment is told', retryMs: null });
  }

  #wait(): void {
    if (this.#timer === null) return;
    this.#timer = this.#clock.setTimer(() => {
      this.#tick();
    }, TICK_MS);
  }

  #tick(): void {
    const atMs = this.#fromMs + (this.#clock.now() - this.#beganMs) * this.#speed;
    const report = this.#until(atMs);
    const added: [number, FeedPlayer][] = [];
    const rows: number[] = [];
    for (const player of report.players) {
      let place = this.#players.indexOf(player.playerKey);
      if (place < 0) {
        place = this.#players.push(player.playerKey) - 1;
        added.push([place, feedPlayer(player)]);
      }
      rows.push(place, EVERY_COLUMN, ...rowOf(player));
    }
    this.#position += 1;
    this.#give({
      t: 'tick',
      p: this.#position,
      head: headOf(report),
      rows,
      players: added,
      bosses: report.bosses,
      attempts: report.attempts,
      deaths: report.deaths,
      ms: [0, 0, 0],
    });
    if (atMs < this.#saved.report.lastMs) {
      this.#wait();
      return;
    }
    const { reportId, state, outcome, revision, checksum } = this.#saved.report;
    this.#give({ t: 'event', n: 1, reportId, what: { kind: 'fightEnded', state, outcome, revision, checksum } });
    this.#give({ t: 'bye', reason: 'the fight is over', retryMs: null });
  }

  /** The fight before a moment; at its end all of it, with what came at no known time. */
  #until(atMs: number): Report {
    const { report } = this.#saved;
    return atMs >= report.lastMs ? report : reportOf(this.#saved, { fromMs: 0, toMs: Math.floor(atMs) });
  }

  #give(frame: FeedFrame): void {
    if (this.#timer !== null) this.onmessage?.({ data: JSON.stringify(frame) } as MessageEvent);
  }
}

function headOf(report: Report): FightHead {
  const times = (time: Report['damageTime']): [number, number] | null =>
    time === null || time === undefined ? null : [time.firstMs, time.lastMs];
  return {
    state: report.state,
    outcome: report.outcome,
    revision: report.revision,
    firstMs: report.firstMs,
    lastMs: report.lastMs,
    damageMs: times(report.damageTime),
    healingMs: times(report.healingTime),
    idle: false,
    totals: report.totals,
  };
}

function feedPlayer(player: Report['players'][number]): FeedPlayer {
  const { playerKey, name, classId, specId, abilityScore, isLocal } = player;
  return { playerKey, name, classId, specId, abilityScore, isLocal, dead: false };
}

/** -1 on the wire: not known. */
function rowOf(player: Report['players'][number]): number[] {
  const { damage, bossDamage, healing, damageTaken, hits, healHits, critHits, luckyHits, deaths } = player;
  return [
    damage,
    bossDamage ?? -1,
    healing,
    damageTaken ?? -1,
    hits,
    healHits,
    critHits ?? -1,
    luckyHits ?? -1,
    deaths ?? -1,
  ];
}
