/**
 * What an overlay shows of what is known at a moment. Pure.
 *
 * One invariant: figures of which nobody knows whether they are the present ones are never shown as such: they fade and
 * are marked, and go when that lasts.
 */
import {
  amountOf,
  rateOf,
  rateSeconds,
  sortPlayers,
  totalOf,
  type FightFigures,
  type Metric,
  type PlayerFigures,
} from '$lib/fight/figures';
import { elapsedMs, isQuiet, type FightTimer } from '$lib/fight/timer';
import { classLook } from '$lib/format/game';
import { cut, plainText, shownName } from '$lib/format/name';
import { percent, shortText } from '$lib/format/number';
import { clock } from '$lib/format/time';
import { fightTitle, METRIC_WORDS, outcomeWord } from '$lib/format/words';
import { LINK_OVER, type ConnectionState } from '$lib/live/connection';
import { statusOf } from '$lib/live/status';
import { ME_UPLOADER, type OverlayColumn, type OverlayMetric, type OverlayOptions } from './options';

/** What is known of a raid at a moment. */
export interface Moment {
  /** The present or last fight; `null` before the first. */
  fight: FightFigures | null;
  /** Whether anything of the raid has come at all. */
  known: boolean;
  timer: FightTimer | null;
  connection: ConnectionState;
  lastFrameMs: number | null;
  heardMs: number | null;
  /** Whether its uploader is connected. */
  connected: boolean;
  /** By how many seconds the relay shows it late. */
  delayS: number;
}

/** How sure what is shown is. */
export type Trust =
  /** It is what is known, and that is the present. */
  | 'good'
  /** A moment ago it was. */
  | 'doubted'
  /** For some time nobody knows. */
  | 'stale'
  /** For so long that no figure is shown. */
  | 'gone';

/** A row of the overlay. */
export interface OverlayRow {
  key: string;
  /** Its rank, from 1. */
  rank: number;
  /** Empty where no names are shown. */
  name: string;
  /** Two letters for the class, and its colours. */
  mark: string;
  className: string;
  color: string;
  ink: string;
  /** How long its bar is, 0 to 100. */
  width: number;
  me: boolean;
  dead: boolean;
  /** One for each column. */
  cells: readonly string[];
}

/** See the module. */
export interface Picture {
  trust: Trust;
  /** What is said about that; `null` where there is nothing to say. */
  note: string | null;
  /** Nothing at all is to be seen. */
  hidden: boolean;
  title: string;
  time: string;
  total: string;
  /** How the fight went, where it is over. */
  outcome: string | null;
  columns: readonly OverlayColumn[];
  rows: readonly OverlayRow[];
}

/** After so long without news no figure is shown any more, ms. */
export const GONE_MS = 60_000;
/** A try to connect that takes no longer is not told, ms: an overlay that wakes up shows nothing meanwhile. */
export const QUIET_CONNECT_MS = 1_500;
/** Characters of a short name. */
const SHORT_MAX = 8;
const TITLE_MAX = 40;

const METRIC_OF: Record<OverlayMetric, Metric> = { dps: 'damage', hps: 'healing', dtps: 'taken' };

/** What a column is called. */
export function columnName(column: OverlayColumn, metric: OverlayMetric): string {
  const words = METRIC_WORDS[METRIC_OF[metric]];
  return { rate: words.rate, amount: words.amount, share: 'Share', crit: 'Crit', deaths: 'Deaths' }[column];
}

/**
 * @param startedMs when the overlay began, Unix ms
 * @param room how many rows have place
 */
export function pictureOf(
  moment: Moment,
  options: OverlayOptions,
  { nowMs, startedMs, room }: { nowMs: number; startedMs: number; room: number },
): Picture {
  const { trust, note } = trustOf(moment, nowMs, startedMs);
  const { fight } = moment;
  const empty = { title: '', time: '', total: '', outcome: null, columns: [], rows: [] };
  if (fight === null || trust === 'gone') {
    const waits = trust === 'good' && moment.known;
    const hidden = waits && options.hideIdle !== null && nowMs - startedMs > options.hideIdle * 1000;
    return { trust, note: waits ? 'Waiting for the first fight' : note, hidden, ...empty };
  }
  const metric = METRIC_OF[options.metric];
  const live = fight.state === 'live';
  const calm = !live || fight.idle || moment.timer === null || isQuiet(moment.timer, nowMs);
  const durationMs =
    live && moment.timer !== null
      ? elapsedMs(moment.timer, nowMs, calm || trust !== 'good')
      : Math.max(0, fight.lastMs - fight.firstMs);
  const actedMs = fight.startedAtMs + fight.lastMs + moment.delayS * 1000;
  const columns = options.columns.filter((column) => isKnown(column, fight, metric));
  const seconds = rateSeconds(fight, metric, durationMs);
  const total = totalOf(fight.totals, metric);
  const rate = rateOf(total, seconds);
  return {
    trust,
    note,
    hidden: calm && options.hideIdle !== null && nowMs - actedMs > options.hideIdle * 1000,
    title: cut(
      plainText(
        fightTitle(
          fight.bosses.map((boss) => boss.name),
          fight.place,
        ),
      ) || 'Unknown fight',
      TITLE_MAX,
    ),
    time: clock(durationMs),
    total: rate === null ? '–' : `${shortText(rate)} ${METRIC_WORDS[metric].rate}`,
    outcome: live ? null : outcomeWord(fight.state, fight.outcome),
    columns,
    rows: rowsOf(fight, options, { columns, seconds, total, room }),
  };
}

function trustOf(moment: Moment, nowMs: number, startedMs: number): { trust: Trust; note: string | null } {
  const { connection, fight, lastFrameMs, heardMs } = moment;
  if (connection.kind === 'closed' && connection.reason === LINK_OVER) {
    return { trust: 'gone', note: 'This link is good no more' };
  }
  if (!moment.known) {
    const tries = 'tries' in connection ? connection.tries : 0;
    const said = nowMs - startedMs > QUIET_CONNECT_MS;
    return { trust: 'gone', note: !said ? null : tries < 2 ? 'Connecting' : 'No connection: trying again' };
  }
  const status = statusOf({
    failure: null,
    state: 'live',
    connection,
    inFeed: fight?.state === 'live',
    uploaderConnected: moment.connected,
    lastFrameMs,
    newsMs: heardMs,
    idle: false,
    nowMs,
  });
  if (status.kind === 'reconnecting') return { trust: 'doubted', note: 'Reconnecting' };
  if (status.kind !== 'stale') return { trust: 'good', note: null };
  const age = nowMs - status.sinceMs;
  const who = status.who === 'relay' ? 'No connection' : 'The uploader is gone';
  return { trust: age > GONE_MS ? 'gone' : 'stale', note: `${who} for ${clock(age)}` };
}

function isKnown(column: OverlayColumn, fight: FightFigures, metric: Metric): boolean {
  switch (column) {
    case 'crit':
      return metric === 'damage' && fight.players.some((player) => player.critHits !== null);
    case 'deaths':
      return fight.players.some((player) => player.deaths !== null);
    default:
      return true;
  }
}

interface Told {
  columns: readonly OverlayColumn[];
  seconds: number;
  total: number | null;
  room: number;
}

function rowsOf(fight: FightFigures, options: OverlayOptions, told: Told): OverlayRow[] {
  const metric = METRIC_OF[options.metric];
  const ranked = sortPlayers(fight.players, metric).filter((player) => (amountOf(player, metric) ?? 0) > 0);
  const top = Math.max(1, ...ranked.map((player) => amountOf(player, metric) ?? 0));
  const calls = callsOf(fight.players, options);
  const rows = ranked.map((player, at): OverlayRow => {
    const look = classLook(player.classId, player.specId);
    return {
      key: player.key,
      rank: at + 1,
      name: calls.get(player.key) ?? '',
      mark: look.mark,
      className: look.className,
      color: look.color,
      ink: look.ink,
      width: (100 * (amountOf(player, metric) ?? 0)) / top,
      me: isMe(player, options.me),
      dead: player.dead,
      cells: told.columns.map((column) => cellOf(player, column, metric, told)),
    };
  });
  const most = Math.max(1, Math.min(options.rows, told.room));
  const shown = rows.slice(0, most);
  // Who is marked is there, whatever the rank: in place of the last one.
  const me = rows.slice(most).find((row) => row.me);
  return me === undefined || shown.some((row) => row.me) ? shown : [...shown.slice(0, -1), me];
}

function cellOf(player: PlayerFigures, column: OverlayColumn, metric: Metric, { seconds, total }: Told): string {
  const amount = amountOf(player, metric);
  const known = (value: number | null): string => (value === null ? '–' : shortText(value));
  switch (column) {
    case 'amount':
      return known(amount);
    case 'rate':
      return known(rateOf(amount, seconds));
    case 'share':
      return amount === null || total === null ? '–' : percent(amount, total);
    case 'crit':
      return player.critHits === null ? '–' : percent(player.critHits, player.critOf);
    case 'deaths':
      return player.deaths === null ? '–' : String(player.deaths);
  }
}

/** How each player is called. Numbers of a class go by the order in which players came, so that nobody's changes. */
function callsOf(players: readonly PlayerFigures[], { names }: OverlayOptions): Map<string, string> {
  const seen = new Map<string, number>();
  const call = (player: PlayerFigures): string => {
    if (names === 'off') return '';
    if (names !== 'class') return names === 'short' ? cut(shownName(player.name), SHORT_MAX) : shownName(player.name);
    const { className } = classLook(player.classId, player.specId);
    const number = (seen.get(className) ?? 0) + 1;
    seen.set(className, number);
    return `${className} ${number}`;
  };
  return new Map(players.map((player) => [player.key, call(player)]));
}

function isMe(player: PlayerFigures, me: string): boolean {
  if (me === '') return false;
  return me === ME_UPLOADER ? player.isLocal : player.name !== null && plainText(player.name) === plainText(me);
}
