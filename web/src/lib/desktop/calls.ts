/**
 * What the window calls of the app, and what it hears of it: names, arguments and answers as `client/desktop` has them.
 * All of it goes through a `Bridge`: the app's own is in `bridge.ts`, tests have one by script.
 */
import type {
  AboutView,
  FightFilter,
  FightPage,
  FirstChoice,
  FirstView,
  KeptView,
  Link,
  MeterView,
  NowView,
  PairStep,
  PairView,
  RelayView,
  SettingsChange,
  SettingsView,
  UpdateView,
  UploadChoice,
  UploadEnd,
  UploadPlan,
  UploadStep,
} from './types';

/** One command: what it takes, what it gives. */
interface Command<Takes extends object | undefined, Gives> {
  takes: Takes;
  gives: Gives;
}

/** All that can be called. Whatever goes wrong comes as a `Fault`. */
export interface Calls {
  /** The window has something to show. */
  ready: Command<undefined, null>;
  now: Command<undefined, NowView>;
  first: Command<undefined, FirstView>;
  find_meters: Command<undefined, MeterView[]>;
  use_meter: Command<{ path: string | null }, FirstView>;
  relay: Command<{ text: string }, RelayView>;
  pair: Command<undefined, PairView>;
  pairing: Command<undefined, PairStep>;
  stop_pairing: Command<undefined, null>;
  paste_key: Command<{ key: string }, KeptView>;
  forget_key: Command<undefined, boolean>;
  finish_first: Command<{ choice: FirstChoice }, NowView>;
  pause: Command<{ paused: boolean }, NowView>;
  private: Command<{ private: boolean }, NowView>;
  try_now: Command<undefined, NowView>;
  fights: Command<{ filter: FightFilter }, FightPage>;
  plan: Command<{ choice: UploadChoice }, UploadPlan>;
  stop_upload: Command<undefined, null>;
  again: Command<{ fights: string[] }, null>;
  settings: Command<undefined, SettingsView>;
  change: Command<{ change: SettingsChange }, SettingsView>;
  /** Whether the app starts with the system; `null` where that cannot be chosen here. */
  starts_with_system: Command<undefined, boolean | null>;
  start_with_system: Command<{ on: boolean }, boolean | null>;
  open: Command<{ link: Link }, null>;
  copy: Command<{ link: Link }, null>;
  update: Command<undefined, UpdateView>;
  update_check: Command<undefined, UpdateView>;
  update_install: Command<undefined, UpdateView>;
  /** The version that is offered is not wanted. */
  update_skip: Command<undefined, UpdateView>;
  about: Command<undefined, AboutView>;
  /** Writes a text for whoever helps; gives where. */
  bundle: Command<undefined, string>;
  open_log: Command<undefined, null>;
  quit: Command<undefined, null>;
}

/** A command's name. */
export type CallName = keyof Calls;

/** What a command is given. */
export type Taken<K extends CallName> = Calls[K]['takes'] extends undefined ? [] : [takes: Calls[K]['takes']];

/** What the app says by itself. */
export interface Heard {
  /** What is now differs. */
  now: NowView;
  /** The list of fights differs: ask again. */
  fights: null;
  /** How updates stand differs. */
  update: UpdateView;
}

/** The way to the app. */
export interface Bridge {
  call<K extends CallName>(name: K, ...taken: Taken<K>): Promise<Calls[K]['gives']>;
  /** Uploads what was planned; `hear` is told each step. */
  upload(plan: number, hear: (step: UploadStep) => void): Promise<UploadEnd>;
  /** Hears what the app says from then on; gives what ends it. */
  on<K extends keyof Heard>(what: K, hear: (said: Heard[K]) => void): Promise<() => void>;
}
