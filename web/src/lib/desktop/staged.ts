/**
 * An app by script, for tests and pictures: it answers as the model would, and says what it is told to say. Never part
 * of the window that is built: a test looks.
 */
import type { Bridge, CallName, Calls, Heard, Taken } from './calls';
import * as samples from './samples';
import type {
  AboutView,
  Fault,
  FightFilter,
  FightPage,
  FightRow,
  FirstView,
  MeterView,
  NowView,
  PairStep,
  SettingsChange,
  SettingsView,
  UpdateView,
  UploadEnd,
  UploadPlan,
  UploadStep,
} from './types';

/** Fights of a page: few, so that there are several. */
export const STAGED_PAGE = 12;

/** What of an upload the script decides. */
interface StagedUpload {
  hear: (step: UploadStep) => void;
  end: (end: UploadEnd) => void;
  fail: (fault: Fault) => void;
}

/** See the module. */
export class Staged implements Bridge {
  now: NowView = samples.now();
  first: FirstView = samples.first({ step: 'done' });
  meters: MeterView[] = [samples.meter()];
  pairing: PairStep = { step: 'none' };
  settings: SettingsView = samples.settings();
  starts: boolean | null = false;
  rows: FightRow[] = samples.fights();
  fightsFault: Fault | null = null;
  plan: Partial<UploadPlan> = {};
  update: UpdateView = samples.update();
  about: AboutView = samples.about();
  /** What does not work. */
  fails: Partial<Record<CallName, Fault>> = {};
  /** What is never answered. */
  silent = new Set<CallName>();
  /** What was called, and with what. */
  readonly asked: [CallName | 'upload', unknown][] = [];
  /** The upload that goes on. */
  running: StagedUpload | null = null;
  #hearers: { [K in keyof Heard]: Set<(said: Heard[K]) => void> } = {
    now: new Set(),
    fights: new Set(),
    update: new Set(),
  };

  async call<K extends CallName>(name: K, ...taken: Taken<K>): Promise<Calls[K]['gives']> {
    this.asked.push([name, taken[0] ?? null]);
    if (this.silent.has(name)) return new Promise(() => undefined);
    const fault = this.fails[name];
    // As calls of the app come back: no error, but what it says.
    if (fault !== undefined) throw fault;
    const answer: (taken: unknown) => Calls[K]['gives'] = this.#answers[name] as never;
    return Promise.resolve(structuredClone(answer(taken[0])));
  }

  upload(plan: number, hear: (step: UploadStep) => void): Promise<UploadEnd> {
    this.asked.push(['upload', { plan }]);
    return new Promise((end, fail: (fault: Fault) => void) => {
      this.running = { hear, end, fail };
    });
  }

  on<K extends keyof Heard>(what: K, hear: (said: Heard[K]) => void): Promise<() => void> {
    this.#hearers[what].add(hear);
    return Promise.resolve(() => this.#hearers[what].delete(hear));
  }

  /** Says something by itself. */
  say<K extends keyof Heard>(what: K, said: Heard[K]): void {
    if (what === 'now') this.now = said as NowView;
    for (const hear of this.#hearers[what]) hear(structuredClone(said));
  }

  /** How often something was called. */
  count(name: CallName | 'upload'): number {
    return this.asked.filter(([asked]) => asked === name).length;
  }

  /** With what something was called last. */
  last(name: CallName | 'upload'): unknown {
    return this.asked.findLast(([asked]) => asked === name)?.[1];
  }

  readonly #answers: { [K in CallName]: (taken: Calls[K]['takes']) => Calls[K]['gives'] } = {
    ready: () => null,
    now: () => this.now,
    first: () => this.first,
    find_meters: () => this.meters,
    use_meter: ({ path }) => {
      const meter = this.meters.find((held) => held.path === path) ?? null;
      this.first = { ...this.first, step: this.first.relay === null ? 'relay' : this.first.step, meter };
      return this.first;
    },
    relay: ({ text }) => {
      const relay = samples.relay({
        relay: text,
        plain: text.startsWith('http:'),
        invited: text.includes('invitation'),
      });
      this.first = { ...this.first, step: this.first.step === 'done' ? 'done' : 'pair', relay };
      return relay;
    },
    pair: () => {
      const view = samples.code();
      this.pairing = { step: 'waiting', view };
      return view;
    },
    pairing: () => this.pairing,
    stop_pairing: () => {
      this.pairing = { step: 'none' };
      return null;
    },
    paste_key: () => this.#pair(),
    forget_key: () => {
      this.settings = { ...this.settings, paired: false };
      return true;
    },
    finish_first: () => {
      this.first = { ...this.first, step: 'done' };
      this.now = samples.now();
      return this.now;
    },
    pause: ({ paused }) => {
      this.now = paused ? samples.STATES.paused() : samples.now();
      return this.now;
    },
    private: ({ private: on }) => {
      const { link } = this.now;
      if (link !== null) {
        this.now = { ...this.now, link: { ...link, askedPrivate: on === link.isPrivate ? null : on } };
      }
      return this.now;
    },
    try_now: () => this.now,
    fights: ({ filter }) => this.#page(filter),
    plan: ({ choice }) => samples.plan(choice, this.plan),
    stop_upload: () => {
      this.running?.end(samples.end({ sent: 1, waiting: 1 }));
      this.running = null;
      return null;
    },
    again: () => null,
    settings: () => this.settings,
    change: ({ change }) => {
      this.settings = changed(this.settings, change);
      return this.settings;
    },
    starts_with_system: () => this.starts,
    start_with_system: ({ on }) => (this.starts = on),
    open: () => null,
    copy: () => null,
    update: () => this.update,
    update_check: () => {
      this.update = { ...this.update, rule: this.update.rule ?? { rule: 'none' }, lookedAtMs: samples.STAGED_MS };
      return this.update;
    },
    update_install: () => this.update,
    update_skip: () => {
      const sentence = 'Raidcast 0.5.0 is there. You chose to skip it.';
      this.update = samples.update({ rule: { rule: 'held', sentence } });
      return this.update;
    },
    about: () => this.about,
    bundle: () => '/home/mira/.local/state/raidcast/raidcast-help.txt',
    open_log: () => null,
    quit: () => null,
  };

  /** Somebody has typed the code. */
  confirm(): void {
    this.pairing = { step: 'paired', kept: this.#pair() };
  }

  #pair(): ReturnType<typeof samples.kept> {
    this.settings = { ...this.settings, paired: true };
    const { relay, step } = this.first;
    this.first = {
      ...this.first,
      step: step === 'done' ? 'done' : 'fights',
      relay: relay === null ? null : { ...relay, paired: true, invited: false },
    };
    return samples.kept();
  }

  #page({ text, sinceMs, untilMs, stands, beforeMs }: FightFilter): FightPage {
    const fits = this.rows.filter(
      (row) =>
        row.title.toLowerCase().includes(text.toLowerCase()) &&
        row.startedAtMs >= (sinceMs ?? 0) &&
        row.startedAtMs < Math.min(untilMs ?? Infinity, beforeMs ?? Infinity) &&
        (stands.length === 0 || stands.includes(row.stand)),
    );
    const fights = fits.slice(0, STAGED_PAGE);
    const nextMs = fits.length > STAGED_PAGE ? (fights.at(-1)?.startedAtMs ?? null) : null;
    return { fights, nextMs, total: this.rows.length, fault: this.fightsFault };
  }
}

function changed(settings: SettingsView, change: SettingsChange): SettingsView {
  switch (change.change) {
    case 'meterPath':
      return { ...settings, meterPath: change.path };
    case 'meterData':
      return { ...settings, meterData: change.path };
    case 'ca':
      return { ...settings, ca: change.path };
    case 'shown':
      return { ...settings, shown: change.shown };
    case 'notices':
      return { ...settings, notices: change.on };
    case 'noticeAtEnd':
      return { ...settings, noticeAtEnd: change.on };
    case 'language':
      return { ...settings, language: change.language };
    case 'channel':
      return { ...settings, channel: change.url };
  }
}
