/**
 * One socket to a feed, kept for ever: a state machine without Svelte and without globals.
 *
 * It ends only when `close` is called, the relay says not to come back, or the link is good no more. Everything else (a cut, silence, a frame that
 * cannot be read, a laptop that slept) leads to another try after a jittered wait. Each try says where the view stands
 * and begins with what was missed or with a keyframe, so nothing ever has to be guessed; after a frame that could not
 * be read it asks for a keyframe.
 */
import { ApiFailure } from '$lib/api/client';
import type { Bye, FeedFrame, FeedRequest } from '$lib/wire/types';
import { FrameError, type Wire } from '$lib/wire/frame';
import { backoffMs } from './backoff';

/** Where the connection stands. */
export type ConnectionState =
  /** A try is under way; `tries` failed since frames last came. */
  | { kind: 'connecting'; tries: number }
  /** Frames come; since `askedMs` the relay owes an answer. */
  | { kind: 'open'; askedMs: number | null }
  /** The next try is at `retryAtMs` of the clock. */
  | { kind: 'waiting'; tries: number; retryAtMs: number }
  /** It will not try again. */
  | { kind: 'closed'; reason: string };

/** What of a WebSocket is needed. */
export interface Socket {
  binaryType: BinaryType;
  readonly protocol: string;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(): void;
}

/** Time, chance and the network, as parameters. */
export interface ConnectionEnv {
  /** How frames are written. */
  readonly wire: Wire;
  open(url: string, protocol: string): Socket;
  /** Unix ms. */
  now(): number;
  random(): number;
  setTimer(run: () => void, ms: number): number;
  clearTimer(id: number): void;
}

/** Who is told. */
export interface ConnectionListener {
  /** The address of the next try. `anew`: what is held is not to be built upon. */
  url(anew: boolean, ticket: string | null): string;
  /** Gets what opens the next try alone, where something is needed; a try that gets none has failed, for good where there is nothing. */
  ticket?(): Promise<string> | null;
  state(state: ConnectionState): void;
  /** A frame, and when it came (Unix ms). May throw FrameError: then the socket is dropped and opened anew. */
  frame(frame: FeedFrame, receivedMs: number): void;
  /** The relay says goodbye; what follows from it is done by the connection, after this. */
  bye?(frame: Bye): void;
}

/** What is said where a link opens nothing any more. */
export const LINK_OVER = 'this link is good no more: ask whoever gave it to you for another';
/** Time for a try to give its first frame, ms. */
const FIRST_FRAME_MS = 10_000;
/** Silence after which the relay is asked whether it is there, ms: it sends nothing while nothing changes. */
const SILENCE_MS = 4_000;
/** The same when it has answered and still has nothing to say, ms. */
const QUIET_SILENCE_MS = 20_000;
/** Time for an answer, ms. */
const ANSWER_MS = 5_000;
/** Time for that where the page woke up, ms: the reader is waiting. */
const WAKE_ANSWER_MS = 2_000;
/** A connection that lasted this long was a good one: the next cut waits from the shortest again, ms. */
const SETTLED_MS = 5_000;
/** Probes after opening, ms from one to the next; from then on the last again and again. */
const PROBE_STEPS_MS = [200, 1_000, 2_000, 20_000] as const;

/** See the module. */
export class FeedConnection {
  readonly #env: ConnectionEnv;
  readonly #listener: ConnectionListener;
  #state: ConnectionState = { kind: 'connecting', tries: 0 };
  #socket: Socket | null = null;
  #tries = 0;
  /** Tells a try that waits for its ticket that it was given up. */
  #tried = 0;
  /** What is held is not to be built upon. */
  #anew = true;
  #lastHeardMs = 0;
  #openedMs = 0;
  #silenceMs = SILENCE_MS;
  #probes = 0;
  /** The try, the wait, or the silence: only one of them is ever waited for. */
  #timer: number | null = null;
  #probeTimer: number | null = null;

  constructor(env: ConnectionEnv, listener: ConnectionListener) {
    this.#env = env;
    this.#listener = listener;
  }

  /** Begins; the listener hears of it. */
  start(): void {
    this.#try();
  }

  /** Ends it for good. */
  close(reason = 'closed by the page'): void {
    this.#drop();
    this.#enter({ kind: 'closed', reason });
  }

  /** Begins again at once and anew: the listener has another URL. */
  restart(): void {
    this.#tries = 0;
    this.#anew = true;
    this.#try();
  }

  /** Asks for something; lost where no socket is open, so whoever asks does so again when one opens. */
  ask(request: FeedRequest): void {
    if (this.#state.kind === 'open') this.#send(request);
  }

  /**
   * The page was shown again, the network came back or the clock jumped: waits end now, and a silent socket has to
   * answer quickly.
   */
  wake(): void {
    if (this.#state.kind === 'waiting') {
      this.#try();
    } else if (this.#state.kind === 'open') {
      this.#ask(WAKE_ANSWER_MS);
    }
  }

  #try(): void {
    this.#drop();
    this.#enter({ kind: 'connecting', tries: this.#tries });
    const paying = this.#listener.ticket?.() ?? null;
    if (paying === null) {
      this.#open(null);
      return;
    }
    const tried = this.#tried;
    this.#wait(FIRST_FRAME_MS, () => {
      this.#again();
    });
    paying.then(
      (ticket) => {
        if (this.#tried === tried) this.#open(ticket);
      },
      (failure: unknown) => {
        if (this.#tried === tried) this.#unpaid(failure);
      },
    );
  }

  /** There is no ticket: a link that is good no more, or a relay that does not answer. */
  #unpaid(failure: unknown): void {
    if (!(failure instanceof ApiFailure) || failure.status !== 404) {
      this.#again();
      return;
    }
    this.#listener.bye?.({ reason: LINK_OVER, retryMs: null });
    this.close(LINK_OVER);
  }

  #open(ticket: string | null): void {
    let socket: Socket;
    try {
      socket = this.#env.open(this.#listener.url(this.#anew, ticket), this.#env.wire.subprotocol);
    } catch {
      this.#again();
      return;
    }
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    socket.onmessage = (event: MessageEvent<unknown>) => {
      if (this.#socket === socket) this.#heard(event.data);
    };
    // Where nothing was missed nothing is sent: the answer tells that the relay is there.
    socket.onopen = () => {
      if (this.#socket === socket) this.#send({ t: 'probe', clock: this.#env.now() });
    };
    socket.onclose = () => {
      if (this.#socket === socket) this.#again();
    };
    this.#wait(FIRST_FRAME_MS, () => {
      this.#again();
    });
  }

  #heard(data: unknown): void {
    this.#lastHeardMs = this.#env.now();
    try {
      if (typeof data !== 'string' && !(data instanceof ArrayBuffer)) throw new FrameError('neither text nor bytes');
      const frame = this.#env.wire.decode(data);
      if (frame === null) return;
      this.#answered(frame.t === 'echo');
      if (frame.t === 'bye') {
        this.#listener.bye?.(frame);
        if (frame.retryMs === null) this.close(frame.reason);
        else this.#again(frame.retryMs);
        return;
      }
      const first = this.#state.kind !== 'open';
      // Told before the frame, so that whoever reads the state while folding it sees the connection it came by.
      if (first) this.#opened();
      this.#listener.frame(frame, this.#lastHeardMs);
      if (frame.t === 'keyframe') this.#anew = false;
      if (this.#lastHeardMs - this.#openedMs >= SETTLED_MS) this.#tries = 0;
    } catch (error) {
      if (!(error instanceof FrameError)) throw error;
      this.#anew = true;
      this.#again();
    }
  }

  #opened(): void {
    this.#openedMs = this.#lastHeardMs;
    this.#probes = 0;
    this.#silenceMs = SILENCE_MS;
    this.#enter({ kind: 'open', askedMs: null });
    this.#watch();
    this.#scheduleProbe();
  }

  /** Something came: nothing is owed any more, and news shorten the patience that an answer alone has made longer. */
  #answered(isEcho: boolean): void {
    if (this.#state.kind !== 'open') return;
    if (!isEcho) this.#silenceMs = SILENCE_MS;
    if (this.#state.askedMs === null) return;
    if (isEcho) this.#silenceMs = QUIET_SILENCE_MS;
    this.#enter({ kind: 'open', askedMs: null });
    this.#watch();
  }

  /** Waits for silence. */
  #watch(): void {
    // A clock that was set back must not make it wait for longer than silence lasts.
    const left = Math.min(this.#lastHeardMs + this.#silenceMs - this.#env.now(), this.#silenceMs);
    this.#wait(Math.max(left, 100), () => {
      const silentMs = this.#env.now() - this.#lastHeardMs;
      if (silentMs >= this.#silenceMs || silentMs < 0) this.#ask(ANSWER_MS);
      else this.#watch();
    });
  }

  /** Sends a probe; whoever says nothing at all within `ms` is gone. */
  #ask(ms: number): void {
    this.#enter({ kind: 'open', askedMs: this.#env.now() });
    this.#send({ t: 'probe', clock: this.#env.now() });
    this.#wait(ms, () => {
      this.#again();
    });
  }

  #scheduleProbe(): void {
    const ms = PROBE_STEPS_MS[Math.min(this.#probes, PROBE_STEPS_MS.length - 1)] ?? 20_000;
    this.#probes += 1;
    this.#probeTimer = this.#env.setTimer(() => {
      this.#send({ t: 'probe', clock: this.#env.now() });
      this.#scheduleProbe();
    }, ms);
  }

  #send(request: FeedRequest): void {
    try {
      this.#socket?.send(this.#env.wire.encode(request, this.#socket.protocol));
    } catch {
      // A socket that is closing: its onclose or the silence brings the next try.
    }
  }

  #again(askedMs?: number): void {
    this.#drop();
    const ms = (askedMs ?? 0) + backoffMs(this.#tries, this.#env.random());
    this.#tries += 1;
    this.#enter({ kind: 'waiting', tries: this.#tries, retryAtMs: this.#env.now() + ms });
    this.#wait(ms, () => {
      this.#try();
    });
  }

  #drop(): void {
    this.#clear();
    this.#tried += 1;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #wait(ms: number, run: () => void): void {
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = this.#env.setTimer(run, ms);
  }

  #clear(): void {
    for (const timer of [this.#timer, this.#probeTimer]) if (timer !== null) this.#env.clearTimer(timer);
    this.#timer = null;
    this.#probeTimer = null;
  }

  #enter(state: ConnectionState): void {
    this.#state = state;
    this.#listener.state(state);
  }
}
