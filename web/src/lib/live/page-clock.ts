/** A page's own clock: it tells the time again and again, each time with the next frame of the screen. */
import type { PageEnv } from './env';

/** See the module. */
export class PageClock {
  readonly #env: Pick<PageEnv, 'now' | 'frame' | 'setTimer' | 'clearTimer'>;
  readonly #everyMs: number;
  readonly #beat: (nowMs: number) => void;
  #timer: number | null = null;
  #takeBack: () => void = () => undefined;

  /** @param beat is told the time, Unix ms */
  constructor(
    env: Pick<PageEnv, 'now' | 'frame' | 'setTimer' | 'clearTimer'>,
    everyMs: number,
    beat: (nowMs: number) => void,
  ) {
    this.#env = env;
    this.#everyMs = everyMs;
    this.#beat = beat;
  }

  /** Whether it runs. */
  get running(): boolean {
    return this.#timer !== null;
  }

  /** Beats from now on; the first time after one wait. */
  start(): void {
    if (this.#timer === null) this.#wait();
  }

  /** Beats no more, not even with a frame that was asked for already. */
  stop(): void {
    this.#takeBack();
    if (this.#timer !== null) this.#env.clearTimer(this.#timer);
    this.#timer = null;
  }

  /** Beats at once: the page woke up, and what it shows is of long ago. */
  now(): void {
    this.#beat(this.#env.now());
  }

  #wait(): void {
    this.#timer = this.#env.setTimer(() => {
      this.#takeBack();
      this.#takeBack = this.#env.frame(() => {
        if (this.running) this.now();
      });
      this.#wait();
    }, this.#everyMs);
  }
}
