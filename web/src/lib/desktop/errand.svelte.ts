/** One thing that is asked of the app at a time: whether it goes on, and why it did not work. */
import { faultOf, faultText } from './fault';
import type { Fault } from './types';

/** See the module. */
export class Errand {
  busy = $state(false);
  fault = $state.raw<Fault | null>(null);

  /** What happened, as one text. */
  get text(): string | null {
    return faultText(this.fault);
  }

  /** Does it; `null` where it did not work, or another goes on. */
  async run<T>(what: () => Promise<T>): Promise<{ gave: T } | null> {
    if (this.busy) return null;
    [this.busy, this.fault] = [true, null];
    try {
      return { gave: await what() };
    } catch (error) {
      this.fault = faultOf(error);
      return null;
    } finally {
      this.busy = false;
    }
  }
}
