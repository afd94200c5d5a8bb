/** The first start: the meter, the relay, the key for it, and what becomes of fights from before. */
import type { Bridge } from './calls';
import { Errand } from './errand.svelte';
import { Pairing } from './pairing.svelte';
import type { FirstStep, FirstView, NowView, OldChoice, ShownTo } from './types';

/** Its steps, in turn. */
export const STEPS = ['meter', 'relay', 'pair', 'fights'] as const satisfies FirstStep[];
export type Step = (typeof STEPS)[number];

/** See the module. */
export class FirstStart {
  view = $state.raw<FirstView | null>(null);
  /** The step that somebody went back to; `null`: the one that comes next. */
  back = $state<Step | null>(null);
  readonly errand = new Errand();
  readonly pairing: Pairing;

  constructor(
    private readonly bridge: Bridge,
    private readonly over: (now: NowView) => void,
  ) {
    this.pairing = new Pairing(bridge);
  }

  /** The step that is shown. */
  get step(): Step {
    const next = this.view?.step ?? 'meter';
    return this.back ?? (next === 'done' ? 'fights' : next);
  }

  /** Asks how it stands. */
  async load(): Promise<void> {
    const done = await this.errand.run(() => this.bridge.call('first'));
    if (done !== null) this.view = done.gave;
  }

  /** Goes on with what comes next. */
  async goOn(): Promise<void> {
    await this.load();
    if (this.errand.fault === null) this.back = null;
  }

  /** Another meter; `null`: the one that was written last, now or later. */
  async useMeter(path: string | null): Promise<void> {
    const done = await this.errand.run(() => this.bridge.call('use_meter', { path }));
    if (done !== null) [this.view, this.back] = [done.gave, null];
  }

  /** Goes back to a step that was done. */
  goTo(step: Step): void {
    [this.back, this.errand.fault] = [step, null];
  }

  /** It is over. */
  async finish(old: OldChoice, shown: ShownTo): Promise<void> {
    const done = await this.errand.run(() => this.bridge.call('finish_first', { choice: { old, shown } }));
    if (done === null) return;
    if (this.view !== null) this.view = { ...this.view, step: 'done' };
    this.over(done.gave);
  }
}
