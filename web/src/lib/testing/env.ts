/** Time, chance and sockets under a test's control. */
import type { Socket } from '$lib/live/connection';
import type { PageEnv } from '$lib/live/env';
import type { FeedFrame, FeedRequest } from '$lib/wire/types';
import { SUBPROTOCOL_JSON } from '$lib/wire/frame';
import { messagePack } from '$lib/wire/message-pack';

/** A socket whose other end is the test. */
export class FakeSocket implements Socket {
  binaryType: BinaryType = 'blob';
  readonly protocol = SUBPROTOCOL_JSON;
  onopen: Socket['onopen'] = null;
  onmessage: Socket['onmessage'] = null;
  onclose: Socket['onclose'] = null;
  readonly sent: FeedRequest[] = [];
  closed = false;

  constructor(readonly url: string) {}

  send(data: string | Uint8Array): void {
    if (typeof data === 'string') this.sent.push(JSON.parse(data) as FeedRequest);
  }

  close(): void {
    this.closed = true;
  }

  /** The relay sends. */
  give(frame: FeedFrame | string): void {
    this.onmessage?.({ data: typeof frame === 'string' ? frame : JSON.stringify(frame) } as MessageEvent);
  }

  /** The network ends it. */
  cut(): void {
    this.onclose?.({} as CloseEvent);
  }
}

/** The environment of a connection, with a clock that stands until it is moved. */
export class FakeEnv implements PageEnv {
  readonly wire = messagePack;
  readonly sockets: FakeSocket[] = [];
  #now = 1_000_000;
  #timers = new Map<number, { at: number; run: () => void }>();
  #next = 1;

  open = (url: string): Socket => {
    const socket = new FakeSocket(url);
    this.sockets.push(socket);
    return socket;
  };
  now = (): number => this.#now;
  random = (): number => 0.5;
  /** While set, frames of the screen wait here; otherwise each comes at once. */
  frames: (() => void)[] | null = null;
  frame = (run: () => void): (() => void) => {
    if (this.frames === null) run();
    else this.frames.push(run);
    return () => {
      this.frames = this.frames?.filter((other) => other !== run) ?? null;
    };
  };
  setTimer = (run: () => void, ms: number): number => {
    this.#timers.set(this.#next, { at: this.#now + ms, run });
    return this.#next++;
  };
  clearTimer = (id: number): void => {
    this.#timers.delete(id);
  };

  /** The newest socket. */
  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (last === undefined) throw new Error('no socket was opened');
    return last;
  }

  /** Moves the clock, running what is due on the way. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(([, timer]) => timer.at <= until).sort(([, a], [, b]) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due[0]);
      this.#now = Math.max(this.#now, due[1].at);
      due[1].run();
    }
    this.#now = until;
  }

  /** The same, letting promises settle after each step of the page's clock. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 250) {
      this.advance(Math.min(250, left));
      for (let i = 0; i < 6; i++) await Promise.resolve();
    }
  }
}
