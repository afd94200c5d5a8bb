/** What an upload would send, and who would see it: asked anew with each choice, until somebody agrees. */
import type { Bridge } from './calls';
import { faultOf, faultText } from './fault';
import type { Fault, UploadPlan, Visibility } from './types';
import type { NamesPolicy } from '$lib/wire/types';

/** See the module. */
export class UploadPlanning {
  /** The fights that are asked about; none: nobody asks. */
  fights = $state.raw<readonly string[]>([]);
  visibility = $state<Visibility>('unlisted');
  names = $state<NamesPolicy>('full');
  plan = $state.raw<UploadPlan | null>(null);
  busy = $state(false);
  fault = $state.raw<Fault | null>(null);
  #asked = 0;

  constructor(private readonly bridge: Bridge) {}

  /** Whether somebody is asked. */
  get isOpen(): boolean {
    return this.fights.length > 0;
  }

  get text(): string | null {
    return faultText(this.fault);
  }

  /** Begins to ask, with what new raids are shown as. */
  open(fights: readonly string[], visibility: Visibility, names: NamesPolicy): void {
    [this.fights, this.visibility, this.names] = [fights, visibility, names];
    void this.ask();
  }

  /** Nothing is sent. */
  close(): void {
    this.#asked += 1;
    [this.fights, this.plan, this.fault, this.busy] = [[], null, null, false];
  }

  /** What would be sent as is chosen now. The sentence before stays to be read until there is another. */
  async ask(): Promise<void> {
    const number = ++this.#asked;
    const { visibility, names } = this;
    [this.busy, this.fault] = [true, null];
    try {
      const plan = await this.bridge.call('plan', { choice: { fights: [...this.fights], visibility, names } });
      if (number === this.#asked) this.plan = plan;
    } catch (error) {
      if (number === this.#asked) [this.plan, this.fault] = [null, faultOf(error)];
    } finally {
      if (number === this.#asked) this.busy = false;
    }
  }
}
