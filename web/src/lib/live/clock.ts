/** The relay's clock against ours, from Probe and Echo, and the delay of a frame by cause. */
import type { FrameTimes } from '$lib/wire/types';

/** Relay clock minus ours. */
export interface ClockOffset {
  offsetMs: number;
  /** Half the round trip: the answer may have been given at any moment of it. */
  uncertaintyMs: number;
}

/** Probes that are remembered: clocks drift, so old ones go. */
const KEPT = 8;

/** Keeps the best of the last probes: the one with the shortest round trip knows most. */
export class ClockEstimate {
  #kept: ClockOffset[] = [];

  /** Takes one echo: our clock when the probe left and when its echo came, and the relay's between. All Unix ms. */
  add(sentMs: number, receivedMs: number, relayMs: number): void {
    // Our clock was set back between: this echo says nothing.
    if (receivedMs < sentMs) return;
    const uncertaintyMs = (receivedMs - sentMs) / 2;
    this.#kept = [...this.#kept.slice(1 - KEPT), { offsetMs: relayMs - (sentMs + receivedMs) / 2, uncertaintyMs }];
  }

  /** Forgets all: our clock may have been set since. */
  clear(): void {
    this.#kept = [];
  }

  get best(): ClockOffset | null {
    return this.#kept.reduce<ClockOffset | null>(
      (best, one) => (best === null || one.uncertaintyMs <= best.uncertaintyMs ? one : best),
      null,
    );
  }
}

/** Where the time between a hit and its picture went, ms. */
export interface FrameDelay {
  /** From the meter's record to the relay; the two clocks are the uploader's and the relay's. */
  meterMs: number;
  /** Inside the relay. */
  relayMs: number;
  /** From the relay to this page. */
  youMs: number;
  /** How wrong `youMs` may be. */
  uncertaintyMs: number;
}

/** The delay of one frame; `null` while it holds no event, or the relay's clock is not known yet. */
export function frameDelay(times: FrameTimes, receivedMs: number, clock: ClockOffset | null): FrameDelay | null {
  const [captured, received, encoded] = times;
  if (captured === 0 || received === 0 || encoded === 0 || clock === null) return null;
  return {
    meterMs: Math.max(0, received - captured),
    relayMs: Math.max(0, encoded - received),
    youMs: Math.max(0, receivedMs + clock.offsetMs - encoded),
    uncertaintyMs: clock.uncertaintyMs,
  };
}

/** The middle of several delays, cause by cause: one late frame does not make the line jump. */
export function medianDelay(delays: readonly FrameDelay[]): FrameDelay | null {
  if (delays.length === 0) return null;
  const middle = (of: (delay: FrameDelay) => number): number => {
    const sorted = delays.map(of).sort((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? 0;
  };
  return {
    meterMs: middle((d) => d.meterMs),
    relayMs: middle((d) => d.relayMs),
    youMs: middle((d) => d.youMs),
    uncertaintyMs: middle((d) => d.uncertaintyMs),
  };
}
