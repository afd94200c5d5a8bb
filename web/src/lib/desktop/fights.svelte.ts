/** All fights of the meter in pages, those of them that are chosen, and their upload. */
import { SvelteMap, SvelteSet } from 'svelte/reactivity';
import type { Bridge } from './calls';
import { Errand } from './errand.svelte';
import { faultOf } from './fault';
import { midnight } from './day';
import type { Fault, FightFilter, FightPage, FightRow, FightStand, Parts, UploadEnd, UploadHow } from './types';
import { UploadPlanning } from './planning.svelte';

/** So many pages are asked for again at most where the list differs: what is far down is seldom what changed. */
const PAGES_MAX = 20;

/** How a fight of an upload stands. */
export interface Progress {
  parts: Parts | null;
  how: UploadHow | null;
  why: string | null;
}

/** See the module. */
export class FightList {
  text = $state('');
  /** As a field for dates has them: `2026-11-29`, or nothing. */
  since = $state('');
  until = $state('');
  stand = $state<FightStand | 'all'>('all');
  rows = $state.raw<FightRow[]>([]);
  nextMs = $state<number | null>(null);
  total = $state(0);
  /** Something was told of it. */
  isThere = $state(false);
  busy = $state(false);
  /** Why it is not all there is, or nothing. */
  fault = $state.raw<Fault | null>(null);
  /** Fights that are chosen, by name. */
  readonly chosen = new SvelteSet<string>();
  readonly progress = new SvelteMap<string, Progress>();
  readonly planning: UploadPlanning;
  /** What was done with one fight. */
  readonly errand = new Errand();
  /** An upload that this window has begun goes on. */
  uploading = $state(false);
  /** What was said about the whole of it. */
  note = $state<string | null>(null);
  end = $state.raw<UploadEnd | null>(null);
  uploadFault = $state.raw<Fault | null>(null);
  #asked = 0;
  #isStale = false;
  #isShown = false;

  constructor(private readonly bridge: Bridge) {
    this.planning = new UploadPlanning(bridge);
  }

  /** Fights that can be chosen. */
  get choosable(): FightRow[] {
    return this.rows.filter((row) => row.can.includes('upload'));
  }

  /** Whether fewer are asked for than there are. */
  get isFiltered(): boolean {
    return this.text.trim() !== '' || this.since !== '' || this.until !== '' || this.stand !== 'all';
  }

  /** The list is looked at from now on. */
  async show(): Promise<void> {
    this.#isShown = true;
    await this.load();
  }

  /** It is not looked at any more. */
  hide(): void {
    this.#isShown = false;
  }

  /** It differs from what was told. */
  stale(): void {
    if (!this.#isShown) return;
    if (this.busy) this.#isStale = true;
    else void this.load();
  }

  /** Asks for as much as was there; `anew`: for the first page alone. */
  async load(anew = false): Promise<void> {
    const number = ++this.#asked;
    const wanted = anew ? 0 : this.rows.length;
    this.busy = true;
    try {
      const rows: FightRow[] = [];
      let page: FightPage;
      let beforeMs: number | null = null;
      let pages = 0;
      do {
        page = await this.bridge.call('fights', { filter: this.#filter(beforeMs) });
        if (number !== this.#asked) return;
        rows.push(...page.fights);
        beforeMs = page.nextMs;
        pages += 1;
      } while (beforeMs !== null && rows.length < wanted && pages < PAGES_MAX);
      this.#take(page, rows);
    } catch (error) {
      if (number === this.#asked) this.fault = faultOf(error);
    } finally {
      if (number === this.#asked) this.#done();
    }
  }

  /** The next page, behind what is there. */
  async more(): Promise<void> {
    if (this.nextMs === null || this.busy) return;
    const number = ++this.#asked;
    this.busy = true;
    try {
      const page = await this.bridge.call('fights', { filter: this.#filter(this.nextMs) });
      if (number === this.#asked) this.#take(page, [...this.rows, ...page.fights]);
    } catch (error) {
      if (number === this.#asked) this.fault = faultOf(error);
    } finally {
      if (number === this.#asked) this.#done();
    }
  }

  /** All fights again. */
  async unfilter(): Promise<void> {
    [this.text, this.since, this.until, this.stand] = ['', '', '', 'all'];
    await this.load(true);
  }

  /** Chooses a fight, or not. */
  choose(encounter: string, on: boolean): void {
    if (on) this.chosen.add(encounter);
    else this.chosen.delete(encounter);
  }

  /** All that are there and can be sent, or none. */
  chooseAll(on: boolean): void {
    if (!on) this.chosen.clear();
    else for (const { encounter } of this.choosable) this.chosen.add(encounter);
  }

  /** One that was not taken is tried again. */
  async again(encounter: string): Promise<void> {
    const done = await this.errand.run(() => this.bridge.call('again', { fights: [encounter] }));
    if (done !== null) await this.load();
  }

  /** Sends what was planned and agreed to. */
  async upload(): Promise<void> {
    const { plan, fights } = this.planning;
    if (plan === null || this.uploading) return;
    this.progress.clear();
    for (const encounter of fights) this.progress.set(encounter, { parts: null, how: null, why: null });
    this.chosen.clear();
    this.planning.close();
    [this.uploading, this.note, this.end, this.uploadFault] = [true, null, null, null];
    try {
      this.end = await this.bridge.upload(plan.plan, (step) => {
        if (step.kind === 'note') this.note = step.sentence;
        else if (step.kind === 'fight') this.#step(step.encounter, { parts: step.parts });
        else this.#step(step.encounter, { how: step.how, why: step.why });
      });
    } catch (error) {
      this.uploadFault = faultOf(error);
    } finally {
      this.uploading = false;
      this.progress.clear();
      await this.load();
    }
  }

  /** It is not to go on. */
  async stopUpload(): Promise<void> {
    await this.errand.run(() => this.bridge.call('stop_upload'));
  }

  /** What was said of its end was read. */
  dismiss(): void {
    [this.end, this.uploadFault, this.note] = [null, null, null];
  }

  #step(encounter: string, news: Partial<Progress>): void {
    const held = this.progress.get(encounter) ?? { parts: null, how: null, why: null };
    this.progress.set(encounter, { ...held, ...news });
  }

  #take(page: FightPage, rows: FightRow[]): void {
    this.rows = rows;
    [this.nextMs, this.total, this.fault, this.isThere] = [page.nextMs, page.total, page.fault, true];
    const there = this.choosable.map(({ encounter }) => encounter);
    for (const encounter of [...this.chosen]) if (!there.includes(encounter)) this.chosen.delete(encounter);
  }

  #done(): void {
    this.busy = false;
    if (!this.#isStale) return;
    this.#isStale = false;
    void this.load();
  }

  #filter(beforeMs: number | null): FightFilter {
    return {
      text: this.text.trim(),
      sinceMs: midnight(this.since, 0),
      // The day that is named is one of them.
      untilMs: midnight(this.until, 1),
      stands: this.stand === 'all' ? [] : [this.stand],
      beforeMs,
    };
  }
}
