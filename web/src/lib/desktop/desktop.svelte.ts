/** The window as a whole: what is now, and which page is shown. */
import { tick } from 'svelte';
import type { Bridge } from './calls';
import { faultOf } from './fault';
import { FightList } from './fights.svelte';
import { FirstStart } from './first.svelte';
import { Settings } from './settings.svelte';
import type { Fault, NowView } from './types';
import { Update } from './update.svelte';

/** Pages that are there once everything is set up. */
export const TABS = ['now', 'fights', 'settings', 'about'] as const;
export type Tab = (typeof TABS)[number];

/** See the module. */
export class Desktop {
  now = $state.raw<NowView | null>(null);
  /** What the window shows as a whole. */
  place = $state<'loading' | 'broken' | 'first' | 'tabs'>('loading');
  tab = $state<Tab>('now');
  /** Why nothing can be shown. */
  fault = $state.raw<Fault | null>(null);
  readonly first: FirstStart;
  readonly fights: FightList;
  readonly settings: Settings;
  readonly update: Update;
  #stops: (() => void)[] = [];
  #isFirstAsked = false;

  constructor(readonly bridge: Bridge) {
    this.first = new FirstStart(bridge, (now) => {
      [this.now, this.place, this.tab] = [now, 'tabs', 'now'];
    });
    this.fights = new FightList(bridge);
    this.settings = new Settings(bridge);
    this.update = new Update(bridge);
  }

  /** Asks for all that is shown first, and says that the window can be shown, whatever came of it. */
  async start(): Promise<void> {
    try {
      await this.#ask();
    } catch (error) {
      [this.fault, this.place] = [faultOf(error), 'broken'];
    }
    // What is there by now is painted first.
    await tick();
    await this.bridge.call('ready').catch(() => undefined);
    if (this.place !== 'broken') await this.update.ask();
  }

  /** Tries it once more. */
  async again(): Promise<void> {
    [this.fault, this.place] = [null, 'loading'];
    this.stop();
    await this.start();
  }

  /** Hears no more. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Shows what is now. */
  hear(now: NowView): void {
    this.now = now;
    if (now.state === 'setup') void this.#begin();
    else if (this.place === 'loading') this.place = 'tabs';
  }

  async #ask(): Promise<void> {
    const { bridge } = this;
    // First what changes, then what is: nothing falls in between.
    this.#stops = await Promise.all([
      bridge.on('now', (now) => {
        this.hear(now);
      }),
      bridge.on('fights', () => {
        this.fights.stale();
      }),
      bridge.on('update', (update) => {
        this.update.view = update;
      }),
    ]);
    const [now] = await Promise.all([bridge.call('now'), this.settings.load()]);
    this.hear(now);
  }

  /** Whether the first start is over is asked once: afterwards what is missing is set up in the settings. */
  async #begin(): Promise<void> {
    if (this.#isFirstAsked) return;
    this.#isFirstAsked = true;
    await this.first.load();
    if (this.first.view === null) this.#isFirstAsked = false;
    else if (this.first.view.step !== 'done') this.place = 'first';
    else if (this.place === 'loading') this.place = 'tabs';
  }
}
