/**
 * A relay by script, for what a real one does not do at a word: ticks one by one, so many a second, all at once, or
 * none. Its frames are those of the protocol; its fight has 20 players.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { decode, encode } from '@msgpack/msgpack';
import { StagedPeople } from './people.js';
import { accept, frameOf } from './websocket.js';

const DIST = join(import.meta.dirname, '../dist');
const TYPES = /** @type {Record<string, string>} */ ({
  html: 'text/html',
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
});
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
const CLASSES = [1, 2, 3, 4, 5, 9, 11, 12, 13];
/** Pages whose files are called like their addresses. */
const PAGES = new Set(['/overlay-builder', '/sign-in', '/account', '/pair', '/removal', '/search']);
/** Ms of the fight that have passed when the stage opens: buckets of five minutes, as in any longer fight. */
const BEGUN_MS = 300_000;

/**
 * What a request is answered.
 *
 * @typedef {{ status: number, type: string, body: string | Buffer, headers?: Record<string, string> }} StagedAnswer
 */

/** What the relay lets its pages load, from where that stands. */
const POLICY = /CONTENT_SECURITY_POLICY: &str = "([^"]*)"/
  .exec(await readFile(join(import.meta.dirname, '../../relay/src/router.rs'), 'utf8'))?.[1]
  ?.replace(/\\\n\s*/g, '');
/** The subprotocol in which frames are text. */
const SUBPROTOCOL_JSON = 'raidcast.feed.v1.json';

/** The ids that its addresses hold. */
export const STAGED = { report: 'staged', raid: 'STAGE' };

/** See the module. */
export class Stage {
  origin = '';
  /** How the fight stands. */
  fight = new StagedFight();
  /** Ticks sent since the stage opened. */
  ticks = 0;
  /** While set, answers of the API do not come. */
  silent = false;
  /** By how many seconds what it shows is behind. */
  delayS = 0;
  /** Which names it shows. */
  names = 'full';
  /** How many watch, as it says; `null`: it does not. */
  /** @type {number | null} */
  watching = null;
  /** Fights of its raid that are over, the oldest first, as its evening tells them. */
  /** @type {{ report: { reportId: string } & Record<string, unknown> }[]} */
  evening = [];
  /** Fights that are over, as a search finds them. */
  /** @type {Record<string, unknown>[]} */
  past = [];
  /** Questions of searches, in turn: what stands behind the `?`. */
  /** @type {URLSearchParams[]} */
  searches = [];
  /** While set, a search is refused with 429, and so many seconds to wait. */
  searchRetryS = 0;
  /** Who may sign in. */
  people = new StagedPeople();
  #server = createServer((request, response) => {
    this.#answer(request).then(
      (answer) => {
        if (answer === null) return;
        const { status, type, headers = {} } = answer;
        const policy = { 'content-security-policy': POLICY ?? 'none' };
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-cache', ...policy, ...headers });
        response.end(answer.body);
      },
      (error) => {
        response.writeHead(500);
        response.end(String(error));
      },
    );
  });
  /** @type {Set<import('node:stream').Duplex>} */
  #feeds = new Set();
  /** @type {Set<import('node:stream').Duplex>} */
  #sockets = new Set();
  /** Those whose frames are text. */
  /** @type {WeakSet<import('node:stream').Duplex>} */
  #texts = new WeakSet();
  #epoch = 1;
  #position = 0;

  async open() {
    this.#server.on('upgrade', (request, socket) => {
      const url = new URL(request.url ?? '/', 'http://stage');
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
      const text = request.headers['sec-websocket-protocol'] === SUBPROTOCOL_JSON;
      if (text) this.#texts.add(socket);
      const send = (/** @type {unknown} */ frame) => socket.write(this.#bytesFor(socket, frame));
      accept(request, socket, (payload) => {
        const said = /** @type {{ t: string, clock: number }} */ (
          text ? JSON.parse(payload.toString()) : decode(payload)
        );
        if (said.t !== 'probe') return;
        const watching = this.watching === null ? {} : { watching: this.watching };
        send({ t: 'echo', clock: said.clock, relayMs: Date.now(), ...watching });
      });
      if (url.searchParams.has('report')) {
        this.#replay(socket, Number(url.searchParams.get('at')), Number(url.searchParams.get('speed')));
        return;
      }
      this.#feeds.add(socket);
      socket.on('close', () => this.#feeds.delete(socket));
      send(this.#keyframe(this.fight));
    });
    await new Promise((listening) => this.#server.listen(0, '127.0.0.1', () => listening(undefined)));
    const address = this.#server.address();
    this.origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  async close() {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  /**
   * Plays the fight on by `ms` and tells it, as `count` ticks in one write.
   *
   * @param {number} ms
   * @param {{ shuffle?: boolean, count?: number }} [how] `shuffle`: some overtake whoever is before them
   */
  tick(ms, { shuffle = false, count = 1 } = {}) {
    const frames = [];
    for (let i = 0; i < count; i++) {
      this.#position += 1;
      this.ticks += 1;
      const step = this.fight.step(ms / count, shuffle);
      // What is behind was captured and received so long before it is encoded.
      const times = step.ms.map((atMs, which) => (which < 2 ? atMs - this.delayS * 1000 : atMs));
      frames.push({ t: 'tick', p: this.#position, ...step, ms: times });
    }
    for (const feed of this.#feeds) feed.write(Buffer.concat(frames.map((frame) => this.#bytesFor(feed, frame))));
  }

  /**
   * Ticks so many times a second, in true time, until the returned function is called.
   *
   * @param {number} aSecond
   * @param {{ shuffle?: boolean }} [how]
   */
  run(aSecond, how) {
    const timer = setInterval(() => this.tick(1000 / aSecond, how), 1000 / aSecond);
    return () => clearInterval(timer);
  }

  /** The fight ends: killed. */
  end() {
    this.fight.state = 'final';
    this.tick(100);
  }

  /** Another fight begins. */
  begin() {
    this.fight = new StagedFight(`${STAGED.report}${this.#epoch}`);
    this.#epoch += 1;
    this.#position = 0;
    for (const feed of this.#feeds) feed.write(this.#bytesFor(feed, this.#keyframe(this.fight)));
  }

  /**
   * A frame in the format of its socket.
   *
   * @param {import('node:stream').Duplex} socket
   * @param {unknown} frame
   */
  #bytesFor(socket, frame) {
    if (!this.#texts.has(socket)) return frameOf(encode(frame));
    return frameOf(Buffer.from(JSON.stringify(frame)), { text: true });
  }

  /** Cuts all feeds. */
  cut() {
    for (const feed of this.#feeds) feed.destroy();
  }

  /** @param {StagedFight} fight */
  #keyframe(fight) {
    return {
      t: 'keyframe',
      epoch: `s.${this.#epoch}`,
      position: this.#position,
      events: 0,
      raid: {
        code: STAGED.raid,
        title: 'Staged night',
        names: this.names,
        ...(this.delayS > 0 ? { delayS: this.delayS } : {}),
        connected: true,
        open: true,
        fights: [],
      },
      fight: fight.whole(),
      times: [0, 0, Date.now()],
    };
  }

  /**
   * @param {import('node:stream').Duplex} socket
   * @param {number} at
   * @param {number} speed
   */
  #replay(socket, at, speed) {
    const fight = new StagedFight();
    fight.lastMs = at;
    let position = 0;
    socket.write(frameOf(encode({ ...this.#keyframe(fight), position })));
    if (speed === 0) {
      socket.end(frameOf(encode({ t: 'bye', reason: 'the moment', retryMs: null })));
      return;
    }
    const timer = setInterval(() => {
      position += 1;
      socket.write(frameOf(encode({ t: 'tick', p: position, ...fight.step(100 * speed, true) })));
    }, 100);
    socket.on('close', () => clearInterval(timer));
  }

  /**
   * What a search finds of what is over: by boss, by scene and by how it went.
   *
   * @param {URLSearchParams} asked
   */
  #found(asked) {
    const has = (/** @type {string} */ name, /** @type {unknown} */ text) =>
      asked.get(name) === null ||
      String(text)
        .toLowerCase()
        .includes(String(asked.get(name)).toLowerCase());
    const found = this.past.filter(
      (fight) =>
        has('bossName', fight['bosses']) &&
        has('sceneName', /** @type {{ scene: string }} */ (fight['encounter']).scene) &&
        has('outcome', fight['outcome']) &&
        asked.get('playerName') === null,
    );
    const [begin, limit] = [Number(asked.get('cursor') ?? '0'), Number(asked.get('limit') ?? '50')];
    const end = begin + limit;
    const isFirst = asked.get('cursor') === null;
    return {
      encounters: found.slice(begin, end),
      pagination: {
        page: isFirst ? 1 : null,
        limit,
        total: isFirst ? found.length : null,
        totalPages: isFirst ? Math.ceil(found.length / limit) : null,
        totalIsAtLeast: false,
        next: end < found.length ? String(end) : null,
      },
    };
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @returns {Promise<StagedAnswer | null>}
   */
  async #answer(request) {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://stage');
    if (!pathname.startsWith('/api/')) {
      const page = /^\/reports\//.test(pathname)
        ? '/report.html'
        : /^\/(raids|live)\//.test(pathname)
          ? '/raid.html'
          : PAGES.has(pathname)
            ? `${pathname}.html`
            : /^\/overlay\/(raids|live)\//.test(pathname)
              ? '/overlay.html'
              : pathname;
      const file = page === '/' ? '/index.html' : page;
      const body = await readFile(join(DIST, file)).catch(() => null);
      if (body === null) return { status: 404, type: 'text/html', body: await readFile(join(DIST, '404.html')) };
      return { status: 200, type: TYPES[file.split('.').at(-1) ?? ''] ?? 'text/plain', body };
    }
    if (this.silent) return null;
    const own = await this.people.answer(request, pathname);
    if (own !== null) return own;
    const json = (/** @type {unknown} */ value) => ({
      status: 200,
      type: 'application/json',
      body: JSON.stringify(value),
    });
    if (pathname.endsWith('/feed-ticket')) return json({ ticket: 'feed-staged', endsAtMs: Date.now() + 60_000 });
    if (pathname.endsWith('/timeline')) return json(this.fight.timeline());
    if (pathname.endsWith('/details')) {
      return json({ reportId: STAGED.report, revision: 1, span: null, taken: null, targets: null, reached: null });
    }
    if (pathname.endsWith('/recaps')) {
      return json({ reportId: STAGED.report, revision: 1, singly: true, deaths: [], leftOut: 0 });
    }
    if (pathname.endsWith('/night')) return json({ code: STAGED.raid, fights: this.evening, next: null });
    if (pathname.endsWith('/views')) return json({ reportId: STAGED.report, views: [] });
    if (pathname.startsWith('/api/v1/reports/')) return json({ ...this.fight.report(), names: this.names });
    if (pathname === '/api/v1/encounters') {
      this.searches.push(searchParams);
      if (this.searchRetryS > 0) {
        const headers = { 'retry-after': String(this.searchRetryS) };
        const body = JSON.stringify({ code: 'too_many', message: 'too many requests' });
        return { status: 429, type: 'application/json', body, headers };
      }
      return json(this.#found(searchParams));
    }
    if (pathname === '/api/v1/reports') {
      return json({ reports: [this.fight.summary()], pagination: { page: 1, limit: 20, total: 1, totalPages: 1 } });
    }
    const raid = {
      code: STAGED.raid,
      channel: 'STAGECHANNEL',
      title: 'Staged night',
      visibility: 'public',
      names: this.names,
      delayS: this.delayS,
    };
    return json({
      ...raid,
      open: true,
      connected: true,
      uploads: false,
      createdAtMs: 1,
      reports: [this.fight.summary(), ...this.evening.map(({ report }) => report).reverse()],
    });
  }
}

/** Twenty players who never stop. */
class StagedFight {
  /** @type {'live' | 'final'} */
  state = 'live';
  /** Names of the first players, where they are others. */
  /** @type {string[]} */
  called = [];
  lastMs = BEGUN_MS;
  /** Whether its boss' health falls, and ticks tell it: 0.1% of it a second. */
  hurts = false;
  startedAtMs = Date.now() - BEGUN_MS;
  /** @type {number[][]} */
  rows = Array.from({ length: 20 }, (_, at) => {
    const damage = 40_000_000 - at * 1_000_000;
    return [damage, damage, at * 100_000, 200_000, 3_000 - at, 40, 900, -1, 0];
  });
  #random = 1;
  #second = Math.floor(BEGUN_MS / 1000);

  constructor(reportId = STAGED.report) {
    this.reportId = reportId;
  }

  /** In [0, 1), the same each time. */
  #chance() {
    this.#random = (this.#random * 48_271) % 2_147_483_647;
    return this.#random / 2_147_483_647;
  }

  /**
   * What changes in `ms`.
   *
   * @param {number} ms
   * @param {boolean} shuffle
   */
  step(ms, shuffle) {
    this.lastMs += ms;
    const gains = this.rows.map((_, at) => Math.round((30 - at) * ms * 5));
    if (shuffle) {
      // Three overtake whoever is before them: more than in any real fight.
      const order = this.rows.map((row, at) => ({ at, damage: row[0] ?? 0 })).sort((a, b) => b.damage - a.damage);
      for (let i = 0; i < 3; i++) {
        const place = 1 + Math.floor(this.#chance() * (order.length - 1));
        const [before, behind] = [order[place - 1], order[place]];
        if (before === undefined || behind === undefined) continue;
        gains[behind.at] = (gains[before.at] ?? 0) + before.damage - behind.damage + 10_000;
      }
    }
    const changes = [];
    for (const [at, row] of this.rows.entries()) {
      const [damage = 0, boss = 0, , , hits = 0] = row;
      const gain = gains[at] ?? 0;
      row[0] = damage + gain;
      row[1] = boss + gain;
      row[4] = hits + 1;
      changes.push(at, 0b10011, row[0], row[1], row[4]);
    }
    const buckets = [];
    for (; this.#second < Math.floor(this.lastMs / 1000); this.#second++) buckets.push(this.#bucket(this.#second));
    const now = Date.now();
    return {
      head: this.#head(),
      rows: changes,
      ...(buckets.length === 0 ? {} : { buckets }),
      ...(this.hurts ? { bosses: this.#bosses() } : {}),
      ms: [now - 60, now - 20, now],
    };
  }

  /** @param {number} second */
  #bucket(second) {
    return {
      s: second,
      d: this.rows.flatMap((_, at) => [at, 100_000 + ((second * 7_919 + at * 104_729) % 90_000)]),
      h: [],
      x: [],
    };
  }

  #head() {
    return {
      state: this.state,
      outcome: this.state === 'live' ? 'unknown' : 'kill',
      revision: 1,
      firstMs: 0,
      lastMs: Math.round(this.lastMs),
      idle: false,
      totals: this.#totals(),
    };
  }

  #totals() {
    const sum = (/** @type {number} */ column) => this.rows.reduce((all, row) => all + (row[column] ?? 0), 0);
    return {
      damage: sum(0),
      bossDamage: sum(1),
      healing: sum(2),
      damageTaken: sum(3),
      hits: sum(4),
      healHits: sum(5),
      deaths: 0,
    };
  }

  #players() {
    return this.rows.map((_, at) => ({
      playerKey: `player${at}`,
      name: this.called[at] ?? `Raider ${String(at + 1).padStart(2, '0')}`,
      classId: CLASSES[at % CLASSES.length],
      specId: 2 * (at % CLASSES.length) + 1,
      abilityScore: 30_000 + at,
      isLocal: at === 3,
    }));
  }

  /** As a keyframe has it. */
  whole() {
    const first = Math.max(0, this.#second - 300);
    return {
      ...this.#same(),
      encounter: { scene: 'Towering Ruin', sceneId: 1021, difficulty: 8 },
      checksum: 'v1:0',
      head: this.#head(),
      players: this.#players().map((player) => ({ ...player, dead: false })),
      columns: COLUMNS,
      rows: this.rows,
      buckets: Array.from({ length: this.#second - first }, (_, at) => this.#bucket(first + at)),
    };
  }

  #bosses() {
    const hp = 4e9 - (this.hurts ? 9e3 * (this.lastMs - BEGUN_MS) : 0);
    return [{ name: 'Super Battle Mech 99', monsterId: 99, maxHp: 9e9, hp, damage: 5e9, hits: 50_000, defeated: null }];
  }

  #same() {
    return {
      reportId: this.reportId,
      startedAtMs: this.startedAtMs,
      encounter: { scene: 'Towering Ruin', sceneId: 1021, difficulty: 8 },
      bosses: this.#bosses(),
      attempts: [
        { index: 1, startMs: 0, endMs: 118_000, reason: 'initial', bossHpStart: 9e9, bossHpEnd: 5e9, deaths: 20 },
        { index: 2, startMs: 140_000, endMs: null, reason: 'wipe', bossHpStart: 9e9, bossHpEnd: null, deaths: 0 },
      ],
      deaths: [],
    };
  }

  report() {
    const totals = this.#totals();
    return {
      ...this.#same(),
      ...this.#head(),
      raid: STAGED.raid,
      visibility: 'public',
      note: null,
      stub: false,
      verified: false,
      unverified: null,
      meterDiffers: null,
      checksum: 'v1:0',
      endedAtMs: null,
      durationMs: Math.round(this.lastMs),
      timed: true,
      span: null,
      totals,
      missing: [],
      players: this.#players().map((player, at) => {
        const [damage, bossDamage, healing, damageTaken, hits, healHits, critHits] = this.rows[at] ?? [];
        const own = { damage, bossDamage, healing, damageTaken, hits, healHits, critHits, luckyHits: null };
        return { ...player, ...own, level: 60, deaths: 0, dps: 0, hps: 0, skills: [] };
      }),
    };
  }

  summary() {
    return {
      reportId: this.reportId,
      raid: STAGED.raid,
      state: this.state,
      revision: 1,
      startedAtMs: this.startedAtMs,
      endedAtMs: null,
      stub: false,
      verified: false,
      durationMs: Math.round(this.lastMs),
      outcome: this.state === 'live' ? 'unknown' : 'kill',
      encounter: { scene: 'Towering Ruin', sceneId: 1021, difficulty: 8 },
      bosses: ['Super Battle Mech 99'],
      players: 20,
      totals: this.#totals(),
    };
  }

  timeline() {
    const seconds = Array.from({ length: this.#second }, (_, second) => this.#bucket(second));
    const none = seconds.map(() => 0);
    return {
      reportId: this.reportId,
      revision: 1,
      bucketMs: 1000,
      firstSecond: 0,
      buckets: seconds.length,
      players: this.#players().map(({ playerKey }, at) => ({
        playerKey,
        damage: seconds.map((bucket) => bucket.d[2 * at + 1] ?? 0),
        healing: none,
        taken: none,
      })),
    };
  }
}
