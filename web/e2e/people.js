/** The part of the staged relay that knows people: one who is there, and whoever joins. */
import * as rows from './rows.js';

const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0';
const SAFARI =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1';
const COOKIE = 'raidcast=staged';
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** The code of the program that waits. */
export const STAGED_CODE = 'BCDF-GHJK';
/** What is typed to sign in. */
export const STAGED_PERSON = { name: 'Mira', password: 'correct horse' };

/** Addresses that are answered here: all but the first line are of what the stage's own raid has nothing to do with. */
const OF_PEOPLE = new RegExp(
  `^/api/v1/(${[
    'sign-in|session|people|newcomer|me|invitation|invitations|accounts|pairings|removals|claims|opt-outs|player-exports|limits|audit',
    'live/STAGECHANNEL/(links|overlays)|raids/NIGHT\\d+|reports/night\\d+x\\d+',
  ].join('|')})(/|$)`,
);
/** What stands in an address for one of many. */
const ID = /^(\d+|a\d+|[A-Z]{4}-[A-Z]{4}|NIGHT\d+|night\d+x\d+)$/;

/** See the module. */
export class StagedPeople {
  registration = 'invitation';
  /** Whether keys may be made without the password. */
  fresh = true;
  /** Seconds to wait for the next try, if it is to be waited. */
  retryS = 0;
  /** Whether the one who signs in is an administrator. */
  administers = true;
  /** @type {any[]} */
  keys = [];
  /** @type {any[]} */
  invitations = [];
  /** @type {any[]} */
  sessions = [];
  /** Accounts of the configuration that nobody holds. @type {any[]} */
  unheld = [];
  /** Who else says who somebody is. */
  providers = [
    { id: 'guild', title: 'Guild of the long name' },
    { id: 'discord', title: 'Discord' },
  ];
  /** Those by whom he signs in. @type {string[]} */
  added = [];
  /** His accounts beside his own. @type {any[]} */
  held = [];
  /** Links to his channel that are good. @type {any[]} */
  links = [];
  /** His characters, and what he says is his. @type {any[]} */
  characters = [];
  /** @type {any[]} */
  claims = [];
  /** His raids, and their fights by the raid's code. @type {any[]} */
  raids = [];
  /** @type {Record<string, any[]>} */
  fights = {};
  /** Links to his raids that are good, by the raid's code. @type {Record<string, any[]>} */
  raidLinks = {};
  /** Overlays that are connected. @type {any[]} */
  overlays = [];
  /** What administrators see. @type {any[]} */
  openClaims = [];
  /** @type {any[]} */
  people = [];
  /** @type {any[]} */
  removals = [];
  /** @type {any[]} */
  audit = [];
  /** For what an archive of a player was made last. @type {any} */
  asked = null;
  /** The program that waits to be paired, if one does. @type {any} */
  device = null;
  #name = STAGED_PERSON.name;
  #next = 1;

  constructor() {
    this.fill();
  }

  /** As somebody has it who has been there for a while. */
  fill() {
    const now = Date.now();
    this.fresh = true;
    const key = { account: 1, uploadsPerDay: null, createdAtMs: now - 40 * DAY_MS, endsAtMs: null };
    this.keys = [
      { ...key, id: 101, name: 'Gaming PC', scopes: ['upload'], visibility: 'unlisted', usedAtMs: now - 2 * HOUR_MS },
      {
        ...key,
        id: 102,
        name: 'Bot of the guild that counts attempts',
        scopes: ['upload', 'read', 'manage'],
        visibility: 'private',
        usedAtMs: null,
        endsAtMs: now + 50 * DAY_MS,
      },
    ];
    const invitation = { role: 'member', createdAtMs: now - DAY_MS, endsAtMs: now + 6 * DAY_MS };
    this.invitations = [
      { ...invitation, id: 'a1', note: 'Raiders of the second group', left: 12 },
      { ...invitation, id: 'a2', note: '', role: 'administrator', left: 1 },
    ];
    this.sessions = [
      { id: 1, agent: FIREFOX, createdAtMs: now - HOUR_MS, usedAtMs: now, isThis: true },
      { id: 2, agent: SAFARI, createdAtMs: now - 20 * DAY_MS, usedAtMs: now - 3 * DAY_MS, isThis: false },
      { id: 3, agent: 'curl/8.14.1', createdAtMs: now - 2 * DAY_MS, usedAtMs: now - DAY_MS, isThis: false },
    ];
    this.held = [];
    this.added = ['discord'];
    this.unheld = [
      { id: 11, name: 'default', channelUrl: 'https://raidcast.example/live/0123456789ABCDEF' },
      { id: 12, name: 'The second group of the guild', channelUrl: 'https://raidcast.example/live/FEDCBA9876543210' },
    ];
    this.links = [
      { id: 501, name: 'The stream', createdAtMs: now - DAY_MS, endsAtMs: now + 29 * DAY_MS, usedAtMs: now - HOUR_MS },
      { id: 502, name: '', createdAtMs: now - DAY_MS, endsAtMs: null, usedAtMs: null },
    ];
    this.characters = rows.characters(now);
    this.claims = rows.claims(now);
    this.raids = rows.raids(now);
    this.fights = Object.fromEntries(this.raids.map((raid) => [raid.code, rows.fightsOf(raid)]));
    this.raidLinks = { NIGHT1: [...this.links] };
    this.openClaims = rows.openClaims(now);
    this.people = rows.people(now);
    this.removals = rows.removals(now);
    this.audit = rows.audit(now);
    this.wait();
  }

  /**
   * A program waits to be paired.
   *
   * @param {object} [as]
   */
  wait(as = {}) {
    this.device = {
      name: 'raidcast on gaming-pc',
      address: '192.0.2.7',
      isHere: true,
      askedAtMs: Date.now(),
      scopes: ['upload', 'read'],
      ...as,
    };
  }

  /** Nothing of it any more. */
  empty() {
    [this.keys, this.invitations, this.unheld, this.held, this.links] = [[], [], [], [], []];
    [this.characters, this.claims, this.raids, this.openClaims] = [[], [], [], []];
    [this.people, this.removals, this.audit] = [this.people.filter(({ isSelf }) => isSelf), [], []];
    this.sessions = this.sessions.filter(({ isThis }) => isThis);
  }

  /**
   * @param {import('node:http').IncomingMessage} request
   * @param {string} path
   * @returns {Promise<import('./stage.js').StagedAnswer | null>} `null`: it is none of these
   */
  async answer(request, path) {
    if (!OF_PEOPLE.test(path)) return null;
    const id = path.split('/').find((part) => ID.test(part)) ?? '';
    const what = `${request.method} ${id === '' ? path : path.replace(`/${id}`, '/{id}')}`;
    if (what === 'GET /api/v1/sign-in') {
      return json(200, { registration: this.registration, providers: this.providers });
    }
    const body = await read(request);
    if (what === 'GET /api/v1/newcomer') return json(200, { provider: this.providers[0], name: 'Mira of the guild' });
    if (what === 'POST /api/v1/newcomer') return this.#enter('POST /api/v1/people', body);
    if (what === 'POST /api/v1/session' || what === 'POST /api/v1/people') return this.#enter(what, body);
    if (what === 'POST /api/v1/removals') {
      if (this.retryS > 0) return this.#tooMany();
      this.removals.push({ id: this.#next++, createdAtMs: Date.now(), ...body });
      return done();
    }
    if (!(request.headers.cookie ?? '').includes(COOKIE)) {
      return fault(401, 'signed_out', 'nobody is signed in here: sign in first');
    }
    return this.#own(what, id, body);
  }

  #tooMany() {
    const headers = { 'retry-after': String(this.retryS) };
    return fault(429, 'too_many', 'that was tried too often: wait, and try again', headers);
  }

  /**
   * @param {string} what
   * @param {any} body
   */
  #enter(what, body) {
    if (this.retryS > 0) return this.#tooMany();
    const joins = what === 'POST /api/v1/people';
    const { name, password } = STAGED_PERSON;
    if (joins && body.name === name) return fault(409, 'taken', 'somebody has this name: choose another');
    if (!joins && (body.name.toLowerCase() !== name.toLowerCase() || body.password !== password)) {
      return fault(401, 'wrong_sign_in', 'the name or the password is wrong: try again');
    }
    this.#name = joins ? body.name : name;
    this.fresh = true;
    return json(joins ? 201 : 200, this.#me(), { 'set-cookie': `${COOKIE}; Path=/; HttpOnly; SameSite=Lax` });
  }

  /**
   * @param {string} what
   * @param {string} id
   * @param {any} body
   */
  #own(what, id, body) {
    const other = (/** @type {any} */ one) => String(one.id) !== id;
    const again = () => fault(403, 'sign_in_again', 'to do this, sign in again');
    switch (what) {
      case 'GET /api/v1/me':
        return json(200, this.#me());
      case 'DELETE /api/v1/session':
        return { ...done(), headers: { 'set-cookie': 'raidcast=; Path=/; Max-Age=0' } };
      case 'PUT /api/v1/me/password':
        if (body.old !== STAGED_PERSON.password)
          return fault(401, 'wrong_sign_in', 'the name or the password is wrong');
        this.sessions = this.sessions.filter(({ isThis }) => isThis);
        return done();
      case 'GET /api/v1/me/ways': {
        const has = (/** @type {{ id: string }} */ { id }) => this.added.includes(id);
        const ways = this.providers.filter(has).map((provider) => ({ provider, works: true, removable: true }));
        const addable = this.providers.filter((provider) => !has(provider));
        return json(200, { ways: [{ provider: null, works: true, removable: false }, ...ways], addable });
      }
      case 'DELETE /api/v1/me/ways/discord':
        if (!this.fresh) return again();
        this.added = [];
        return done();
      case 'GET /api/v1/me/sessions':
        return json(200, { sessions: this.sessions });
      case 'DELETE /api/v1/me/sessions':
        this.sessions = this.sessions.filter(({ isThis }) => isThis);
        return done();
      case 'DELETE /api/v1/me/sessions/{id}':
        this.sessions = this.sessions.filter(other);
        return done();
      case 'GET /api/v1/me/keys':
        return json(200, { keys: this.keys });
      case 'POST /api/v1/me/keys':
        return this.fresh ? this.#makeKey(body.name, body) : again();
      case 'POST /api/v1/me/keys/{id}/rotation': {
        const old = this.keys.find((key) => String(key.id) === id);
        if (!this.fresh) return again();
        old.endsAtMs = Date.now() + body.overlapHours * HOUR_MS;
        return this.#makeKey(old.name, old);
      }
      case 'DELETE /api/v1/me/keys/{id}':
        this.keys = this.keys.filter(other);
        return done();
      case 'POST /api/v1/invitation':
        return done();
      case 'GET /api/v1/invitations':
        return json(200, { invitations: this.invitations });
      case 'POST /api/v1/invitations': {
        if (!this.fresh) return again();
        const { note, role, uses, days } = body;
        const now = Date.now();
        const invitation = {
          id: `a${this.#next++}9`,
          note,
          role,
          left: uses,
          createdAtMs: now,
          endsAtMs: now + days * DAY_MS,
        };
        this.invitations.push(invitation);
        return json(201, { ...invitation, url: `http://stage/sign-in#invitation=${'0123456789abcdef'.repeat(4)}` });
      }
      case 'DELETE /api/v1/invitations/{id}':
        this.invitations = this.invitations.filter(other);
        return done();
      case 'GET /api/v1/live/STAGECHANNEL/overlays':
        return json(200, { overlays: this.overlays });
      case 'GET /api/v1/live/STAGECHANNEL/links':
        return json(200, { links: this.links });
      case 'POST /api/v1/live/STAGECHANNEL/links': {
        const now = Date.now();
        const endsAtMs = body.endless ? null : now + (body.days ?? 30) * DAY_MS;
        const link = { id: this.#next++, name: body.name, createdAtMs: now, endsAtMs, usedAtMs: null };
        this.links.push(link);
        return json(201, { url: `http://stage/live/STAGECHANNEL?ticket=${'0123456789abcdef'.repeat(4)}`, link });
      }
      case 'DELETE /api/v1/live/STAGECHANNEL/links/{id}':
        this.links = this.links.filter(other);
        return done();
      case 'GET /api/v1/me/raids':
        return json(200, { raids: this.raids, next: null, keepDays: 90 });
      case 'GET /api/v1/raids/{id}': {
        const raid = this.raids.find((raid) => raid.code === id);
        if (raid === undefined) return nothing();
        const { code, title, visibility, names, createdAtMs } = raid;
        const more = { channel: 'STAGECHANNEL', delayS: 0, open: true, connected: true, uploads: false };
        return json(200, { code, title, visibility, names, createdAtMs, ...more, reports: this.fights[id] ?? [] });
      }
      case 'DELETE /api/v1/raids/{id}':
        this.raids = this.raids.filter((raid) => raid.code !== id);
        return json(200, { done: true });
      case 'PATCH /api/v1/raids/{id}': {
        const { visibility, reportVisibility, names, delayS } = body;
        return this.#changed(id, {
          visibility,
          reportVisibility: reportVisibility === 'live' ? null : reportVisibility,
          names,
          delayS,
        });
      }
      case 'PUT /api/v1/raids/{id}/pin':
        return this.#changed(id, { pinned: true });
      case 'DELETE /api/v1/raids/{id}/pin':
        return this.#changed(id, { pinned: false });
      case 'DELETE /api/v1/raids/{id}/title':
        return this.#changed(id, { title: null });
      case 'GET /api/v1/raids/{id}/links':
        return json(200, { links: this.raidLinks[id] ?? [] });
      case 'DELETE /api/v1/reports/{id}': {
        const code = (id.split('x')[0] ?? '').toUpperCase();
        const left = this.fights[code]?.filter(({ reportId }) => reportId !== id) ?? [];
        this.fights[code] = left;
        this.#changed(code, { fights: left.length });
        return json(200, { done: true });
      }
      case 'GET /api/v1/people':
        return json(200, { people: this.people, next: null });
      case 'DELETE /api/v1/people/{id}':
        if (!this.fresh) return again();
        this.people = this.people.filter(other);
        return json(200, { done: true });
      case 'GET /api/v1/removals':
        return json(200, { removals: this.removals });
      case 'DELETE /api/v1/removals/{id}':
        this.removals = this.removals.filter(other);
        return done();
      case 'GET /api/v1/opt-outs':
        return json(200, { players: rows.HIDDEN, next: null });
      case 'POST /api/v1/opt-outs/look':
        return json(200, rows.LOOKED_AT);
      case 'POST /api/v1/opt-outs':
        return done();
      case 'GET /api/v1/me/characters':
        return json(200, { ways: rows.PROOFS, claims: this.claims, characters: this.characters });
      case 'PATCH /api/v1/me/characters/{id}':
        this.characters = this.characters.map((one) => (other(one) ? one : { ...one, ...body }));
        return done();
      case 'GET /api/v1/me/export':
        return this.fresh ? archive('raidcast.tar.zst') : again();
      case 'GET /api/v1/me/characters/{id}/export': {
        if (!this.fresh) return again();
        const character = this.characters.find((one) => !other(one));
        if (character === undefined) return nothing();
        return character.way === 'administrator' ? archive() : fault(409, 'conflict', rows.NOT_CONFIRMED);
      }
      case 'POST /api/v1/player-exports':
        if (!this.fresh) return again();
        if (body.player.length === 32) return fault(404, 'not_found', 'no player is known by this key');
        this.asked = body;
        return archive();
      case 'POST /api/v1/me/claims': {
        const now = Date.now();
        const { called, way } = body;
        const claim = { id: this.#next++, called, way, code: null, createdAtMs: now, endsAtMs: now + 7 * DAY_MS };
        this.claims.push(claim);
        return json(201, claim);
      }
      case 'DELETE /api/v1/me/claims/{id}':
        this.claims = this.claims.filter(other);
        return done();
      case `GET /api/v1/me/confirmations/${rows.CONFIRMATION.code}`: {
        const { by, called } = rows.CONFIRMATION;
        const now = Date.now();
        return json(200, { by, called, name: 'Frostlily', createdAtMs: now - HOUR_MS, endsAtMs: now + DAY_MS });
      }
      case `PUT /api/v1/me/confirmations/${rows.CONFIRMATION.code}`:
        return done();
      case 'GET /api/v1/claims':
        return json(200, { claims: this.openClaims });
      case 'PUT /api/v1/claims/{id}':
      case 'DELETE /api/v1/claims/{id}':
        this.openClaims = this.openClaims.filter(other);
        return done();
      case 'GET /api/v1/limits':
        return json(200, rows.limits(Date.now()));
      case 'GET /api/v1/audit':
        return json(200, { lines: this.audit, next: null });
      case 'GET /api/v1/accounts':
        return json(200, { accounts: this.unheld });
      case 'POST /api/v1/accounts/{id}/claim':
        if (!this.fresh) return again();
        this.held.push(...this.unheld.filter((one) => !other(one)));
        this.unheld = this.unheld.filter(other);
        return done();
      case 'GET /api/v1/pairings/{id}':
        return this.device !== null && id === STAGED_CODE ? json(200, this.device) : nothing();
      case 'POST /api/v1/pairings/{id}':
        if (body.approve && !this.fresh) return again();
        if (this.device === null || id !== STAGED_CODE) return nothing();
        this.device = null;
        return done();
      default:
        return nothing();
    }
  }

  /**
   * A raid of his is otherwise from now on.
   *
   * @param {string} code
   * @param {object} as
   */
  #changed(code, as) {
    if (!this.raids.some((raid) => raid.code === code)) return nothing();
    this.raids = this.raids.map((raid) => (raid.code === code ? { ...raid, ...as } : raid));
    return 'visibility' in as ? json(200, as) : done();
  }

  /**
   * @param {string} name
   * @param {any} form
   */
  #makeKey(name, { scopes, visibility, days, uploadsPerDay = null }) {
    const now = Date.now();
    const endsAtMs = days === undefined ? null : now + days * DAY_MS;
    const key = {
      id: this.#next++,
      account: 1,
      name,
      scopes,
      visibility,
      uploadsPerDay,
      createdAtMs: now,
      endsAtMs,
      usedAtMs: null,
    };
    this.keys.push(key);
    return json(201, { ...key, secret: 'rc_yhjskwdA6OZ1AL1YmHWZWm8LLG7HjnuCA2j5rOw8Xp10h2vF8' });
  }

  #me() {
    const now = Date.now();
    return {
      name: this.#name,
      role: this.administers ? 'administrator' : 'member',
      signedInAtMs: now,
      freshUntilMs: this.fresh ? now + 900_000 : now - 1,
      accounts: [{ id: 1, name: null, channelUrl: 'https://raidcast.example/live/STAGECHANNEL' }, ...this.held],
    };
  }
}

/**
 * @param {number} status
 * @param {unknown} value
 * @param {Record<string, string>} [headers]
 */
function json(status, value, headers = {}) {
  return { status, type: 'application/json', body: JSON.stringify(value), headers };
}

/**
 * @param {number} status
 * @param {string} code
 * @param {string} message
 * @param {Record<string, string>} [headers]
 */
function fault(status, code, message, headers) {
  return json(status, { code, message }, headers);
}

/** Some bytes that nobody unpacks. */
function archive(name = 'raidcast-player.tar.zst') {
  const headers = { 'content-disposition': `attachment; filename="${name}"` };
  return { status: 200, type: 'application/zstd', body: Buffer.alloc(3_400_000, 7), headers };
}

function done() {
  return { status: 204, type: 'application/json', body: '' };
}

function nothing() {
  return fault(404, 'not_found', 'nothing is here');
}

/** @param {import('node:http').IncomingMessage} request */
async function read(request) {
  let text = '';
  for await (const piece of request) text += piece;
  return text === '' ? null : JSON.parse(text);
}
