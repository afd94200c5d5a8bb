/** The settings: each is changed by itself, and is so at once. */
import type { Bridge } from './calls';
import { Errand } from './errand.svelte';
import { faultOf } from './fault';
import { Pairing } from './pairing.svelte';
import { speech } from './speech.svelte';
import type { Fault, SettingsChange, SettingsView } from './types';

/** See the module. */
export class Settings {
  view = $state.raw<SettingsView | null>(null);
  /** Whether the app starts with the system; `null` where that cannot be chosen here. */
  starts = $state<boolean | null>(null);
  /** What was changed last; what became of it stands there. */
  part = $state<SettingsChange['change'] | 'start' | 'key' | null>(null);
  /** It was changed. */
  said = $state(false);
  readonly errand = new Errand();
  readonly pairing: Pairing;

  constructor(private readonly bridge: Bridge) {
    this.pairing = new Pairing(bridge);
  }

  /** Asks for them. */
  async load(): Promise<void> {
    this.#take(await this.bridge.call('settings'));
  }

  /** Asks again for what may have been changed elsewhere. */
  async show(): Promise<void> {
    try {
      const [view, starts] = await Promise.all([this.bridge.call('settings'), this.bridge.call('starts_with_system')]);
      this.#take(view);
      this.starts = starts;
    } catch (error) {
      [this.part, this.errand.fault] = [null, faultOf(error)];
    }
  }

  /** Changes one of them; whether that worked. */
  async change(change: SettingsChange): Promise<boolean> {
    this.#begin(change.change);
    const done = await this.errand.run(() => this.bridge.call('change', { change }));
    if (done !== null) this.#take(done.gave);
    this.said = done !== null;
    return this.said;
  }

  /** Lets the app start with the system, or not. */
  async start(on: boolean): Promise<void> {
    this.#begin('start');
    const done = await this.errand.run(() => this.bridge.call('start_with_system', { on }));
    if (done !== null) this.starts = done.gave;
    this.said = done !== null;
  }

  /** Forgets the key for the relay. */
  async forget(): Promise<boolean> {
    this.#begin('key');
    const done = await this.errand.run(() => this.bridge.call('forget_key'));
    if (done !== null) await this.show();
    return done !== null;
  }

  /** Why that part could not be changed. */
  faultOf(part: Settings['part']): string | null {
    return this.part === part ? this.errand.text : null;
  }

  /** What is wrong with the settings as a whole. */
  get fault(): Fault | null {
    return this.view?.fault ?? (this.part === null ? this.errand.fault : null);
  }

  #begin(part: NonNullable<Settings['part']>): void {
    [this.part, this.said] = [part, false];
  }

  #take(view: SettingsView): void {
    this.view = view;
    speech.choose(view.language);
  }
}
