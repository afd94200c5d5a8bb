/**
 * Whether all that a feed told has come. Ticks and events are numbered without gaps, so what did not come is counted and
 * not guessed: a tick that was left out is made good by the keyframe that stands in its place, an event that did not come
 * before it is not.
 */
import type { FeedEvent, Keyframe, Tick } from '$lib/wire/types';

/** What is known of the frames of a feed since its page was opened. */
export interface FrameCount {
  /** Ticks and events that came. */
  came: number;
  /** Ticks that did not come by themselves: what they told came as one whole picture. */
  madeGood: number;
  /** Ticks and events that did not come, and what they told neither. */
  missed: number;
}

/** See the module. Frames are given in the order in which they come. */
export class FrameLedger {
  #came = 0;
  #madeGood = 0;
  /** Ticks that are known to lack: until the next keyframe. */
  #lacking = 0;
  #eventsMissed = 0;
  #epoch: string | null = null;
  #position = 0;
  /** The number of the last event that came, or was counted as missed. */
  #event = 0;

  get count(): FrameCount {
    return { came: this.#came, madeGood: this.#madeGood, missed: this.#lacking + this.#eventsMissed };
  }

  /** Of another run of the relay (`anew`) it is not known what it told while nobody was there. */
  keyframe(frame: Keyframe, anew: boolean): void {
    if (frame.epoch === this.#epoch) this.#madeGood += Math.max(0, frame.position - this.#position);
    // Of another epoch it is the whole picture, too: what lacked of the one before is in it.
    else this.#madeGood += this.#lacking;
    this.#lacking = 0;
    // What is owed comes before its keyframe: what has not come by then does not come.
    if (anew || this.#epoch === null) this.#event = frame.events;
    else this.#miss(frame.events);
    this.#epoch = frame.epoch;
    this.#position = frame.position;
  }

  /** A tick; one that does not follow is not folded by its page, which asks for a keyframe then. */
  tick(frame: Pick<Tick, 'p'>): void {
    const lacks = frame.p - this.#position - 1;
    if (lacks !== 0) {
      this.#lacking = Math.max(this.#lacking, lacks);
      return;
    }
    this.#came += 1;
    this.#position = frame.p;
  }

  /** An event; one that came before may come again. */
  event(frame: Pick<FeedEvent, 'n'>): void {
    if (frame.n <= this.#event) return;
    this.#miss(frame.n - 1);
    this.#came += 1;
    this.#event = frame.n;
  }

  #miss(until: number): void {
    this.#eventsMissed += Math.max(0, until - this.#event);
    this.#event = Math.max(this.#event, until);
  }
}
