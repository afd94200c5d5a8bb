/** A relay and the key for it: by a code that is typed into the relay's page, or by one that is pasted. */
import type { Bridge } from './calls';
import { Errand } from './errand.svelte';
import type { KeptView, PairStep, RelayView } from './types';

/** How often is asked whether somebody has typed the code, ms. */
const ASKED_MS = 1000;

/** See the module. */
export class Pairing {
  step = $state.raw<PairStep>({ step: 'none' });
  /** The key that was kept. */
  kept = $state.raw<KeptView | null>(null);
  readonly errand = new Errand();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #number = 0;

  constructor(private readonly bridge: Bridge) {}

  /** Names the relay; what it is, or `null` where it is none. */
  async relay(text: string): Promise<RelayView | null> {
    this.#end();
    const done = await this.errand.run(() => this.bridge.call('relay', { text }));
    return done?.gave ?? null;
  }

  /** Goes on with a code that somebody may be typing already: the window was closed meanwhile. */
  async resume(): Promise<void> {
    const number = this.#number;
    // Where that is not told, a code is asked for anew.
    const step = await this.bridge.call('pairing').catch(() => null);
    if (step?.step !== 'waiting' || number !== this.#number) return;
    this.step = step;
    this.#watch();
  }

  /** Asks for a code. */
  async begin(): Promise<void> {
    this.#end();
    const done = await this.errand.run(() => this.bridge.call('pair'));
    if (done === null) return;
    this.step = { step: 'waiting', view: done.gave };
    this.#watch();
  }

  /** It is not wanted any more. */
  async stop(): Promise<void> {
    this.#end();
    await this.errand.run(() => this.bridge.call('stop_pairing'));
  }

  /** A key that somebody has already. */
  async paste(key: string): Promise<void> {
    const done = await this.errand.run(() => this.bridge.call('paste_key', { key }));
    if (done === null) return;
    this.#end();
    this.kept = done.gave;
  }

  /** Asks no more; what goes on in the app goes on. */
  leave(): void {
    this.#number += 1;
    clearTimeout(this.#timer);
  }

  #end(): void {
    this.leave();
    [this.step, this.kept] = [{ step: 'none' }, null];
  }

  #watch(): void {
    this.leave();
    const number = this.#number;
    this.#timer = setTimeout(() => {
      void this.#look(number);
    }, ASKED_MS);
  }

  async #look(number: number): Promise<void> {
    let step: PairStep;
    try {
      step = await this.bridge.call('pairing');
    } catch {
      // It is asked again.
      step = this.step;
    }
    // Meanwhile it may be another, or none.
    if (number !== this.#number) return;
    this.step = step;
    if (step.step === 'paired') this.kept = step.kept;
    else if (step.step === 'waiting') this.#watch();
  }
}
