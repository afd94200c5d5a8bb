/** Updates, and what the app is. */
import type { Bridge } from './calls';
import { Errand } from './errand.svelte';
import type { AboutView, UpdateView } from './types';

/** See the module. */
export class Update {
  view = $state.raw<UpdateView | null>(null);
  about = $state.raw<AboutView | null>(null);
  /** Where the text for whoever helps is. */
  bundle = $state<string | null>(null);
  readonly errand = new Errand();
  /** What is done with the log. */
  readonly log = new Errand();

  constructor(private readonly bridge: Bridge) {}

  /** The version that is offered, if one is. */
  get offered(): string | null {
    return this.view?.rule?.rule === 'offer' ? this.view.rule.version : null;
  }

  /** What the app is, and how updates stand. */
  async load(): Promise<void> {
    const done = await this.log.run(() => this.bridge.call('about'));
    if (done !== null) this.about = done.gave;
    await this.ask();
  }

  /** How updates stand; where that is not told, it is not known. */
  async ask(): Promise<void> {
    const gave = await this.bridge.call('update').catch(() => null);
    if (gave !== null) this.view = gave;
  }

  /** Looks whether there is a newer version. */
  async check(): Promise<void> {
    this.#take(await this.errand.run(() => this.bridge.call('update_check')));
  }

  /** Loads it, and installs it. */
  async install(): Promise<void> {
    this.#take(await this.errand.run(() => this.bridge.call('update_install')));
  }

  /** It is not wanted. */
  async skip(): Promise<void> {
    this.#take(await this.errand.run(() => this.bridge.call('update_skip')));
  }

  /** Writes a text for whoever helps. */
  async pack(): Promise<void> {
    const done = await this.log.run(() => this.bridge.call('bundle'));
    if (done !== null) this.bundle = done.gave;
  }

  /** Shows the log's folder. */
  async openLog(): Promise<void> {
    await this.log.run(() => this.bridge.call('open_log'));
  }

  /** Ends the app. */
  async quit(): Promise<void> {
    await this.log.run(() => this.bridge.call('quit'));
  }

  #take(done: { gave: UpdateView } | null): void {
    if (done !== null) this.view = done.gave;
  }
}
