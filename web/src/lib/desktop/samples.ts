/** What a staged app has: texts as the model makes them, long ones among them. For tests and pictures alone. */
import type {
  AboutView,
  AppState,
  Fault,
  FightRow,
  FightStand,
  FirstView,
  KeptView,
  MeterView,
  NowView,
  PairView,
  RelayView,
  SettingsView,
  UpdateView,
  UploadChoice,
  UploadEnd,
  UploadPlan,
} from './types';

const RELAY = 'https://staged.example';
/** An evening. */
export const STAGED_MS = Date.UTC(2026, 10, 20, 20, 41);

export const fault = (over: Partial<Fault> = {}): Fault => ({
  code: 'staged',
  sentence: 'The staged relay does not answer (connection refused).',
  remedy: 'See whether it runs, and try again.',
  ...over,
});

export const meter = (over: Partial<MeterView> = {}): MeterView => ({
  path: '/home/mira/.local/share/com.resonance-logs/resonance-logs.db',
  meter: 'Resonance Logs',
  generation: 'events',
  what: 'It writes each hit while the fight goes on.',
  newest: true,
  fault: null,
  ...over,
});

export const now = (over: Partial<NowView> = {}): NowView => ({
  state: 'idle',
  headline: 'Waiting for a fight',
  sentence: 'Everything has arrived. The next fight is live as soon as it begins.',
  remedy: null,
  meter: meter(),
  relay: RELAY,
  fight: null,
  delay: { meterMs: 300, relayMs: 100, waitingSinceMs: null, shownS: 60 },
  link: {
    raid: `${RELAY}/raids/K7Q2M9XD`,
    channel: `${RELAY}/live/mira`,
    opens: true,
    isPrivate: false,
    askedPrivate: null,
  },
  paused: false,
  elsewhere: null,
  upload: null,
  trayed: true,
  ...over,
});

const fight = { title: 'Super Battle Mech 99', elapsedMs: 252_400, events: 48_211, unacknowledged: 2 };

/** Each state as the model says it. */
export const STATES: Record<AppState, () => NowView> = {
  setup: () =>
    now({
      state: 'setup',
      headline: 'Not set up yet',
      sentence: 'Raidcast is not set up yet: nothing is sent.',
      remedy: 'Open its window.',
      meter: null,
      delay: null,
      link: null,
    }),
  noMeter: () =>
    now({
      state: 'noMeter',
      headline: 'Waiting for the meter',
      sentence:
        'No meter’s database was found. It was looked for in /home/mira/.local/share, /home/mira/.config and in folders of Wine and Proton.',
      remedy: 'Start your meter once, or choose its database in the settings.',
      meter: null,
      delay: null,
    }),
  idle: () => now(),
  live: () =>
    now({
      state: 'live',
      headline: 'Live',
      sentence: 'A fight goes on, and the relay takes it.',
      fight: { ...fight, arrived: '2 parts are on their way.' },
    }),
  waiting: () =>
    now({
      state: 'waiting',
      headline: 'Not all has arrived',
      sentence:
        'The relay does not answer (connection refused). It is tried again by itself. 14 parts wait here, and nothing is lost.',
      remedy: 'See whether this computer is online, and whether the relay’s page opens in your browser.',
      fight: { ...fight, unacknowledged: 14, arrived: '14 parts wait here for the relay.' },
      delay: { meterMs: 300, relayMs: null, waitingSinceMs: Date.now() - 34_000, shownS: 0 },
    }),
  trouble: () =>
    now({
      state: 'trouble',
      headline: 'Something is to be put right',
      sentence: 'The relay does not know this computer’s key any more.',
      remedy: 'Pair this computer anew in the settings.',
      link: null,
      delay: null,
    }),
  paused: () =>
    now({
      state: 'paused',
      headline: 'Paused',
      sentence:
        'Nothing is sent. Fights that begin now are left alone, also later. 3 parts of earlier fights wait here.',
      remedy: 'End the pause, and it goes on.',
      paused: true,
      delay: null,
    }),
  elsewhere: () =>
    now({
      state: 'elsewhere',
      headline: 'Another Raidcast is at work',
      sentence: 'Another Raidcast (process 4711) does the work on this computer. It is connected to the relay.',
      remedy: 'End that one, if this one is to do it: it goes on by itself then.',
      meter: null,
      delay: null,
      link: null,
      elsewhere: { process: 4711 },
    }),
};

export const relay = (over: Partial<RelayView> = {}): RelayView => ({
  relay: RELAY,
  invited: false,
  plain: false,
  paired: false,
  ...over,
});

export const first = (over: Partial<FirstView> = {}): FirstView => ({
  step: 'relay',
  meter: meter(),
  noMeter: null,
  relay: null,
  old: { fights: 214, firstMs: STAGED_MS - 120 * 86_400_000 },
  ...over,
});

export const code = (over: Partial<PairView> = {}): PairView => ({
  page: `${RELAY}/pair`,
  code: 'BCDF-GHJK',
  untilMs: STAGED_MS + 600_000,
  ...over,
});

export const kept = (over: Partial<KeptView> = {}): KeptView => ({
  account: 'Mira',
  sentence: 'The key is in the Secret Service.',
  inFile: false,
  ...over,
});

export const settings = (over: Partial<SettingsView> = {}): SettingsView => ({
  relay: RELAY,
  paired: true,
  meterPath: null,
  meterData: null,
  ca: null,
  shown: { visibility: 'unlisted', reportVisibility: 'live', names: 'full', delayS: 60 },
  notices: true,
  noticeAtEnd: false,
  language: 'en',
  channel: null,
  files: {
    settings: '/home/mira/.config/raidcast/config.toml',
    state: '/home/mira/.local/state/raidcast',
    log: '/home/mira/.local/state/raidcast/log',
  },
  fault: null,
  ...over,
});

const BOSSES = ['Super Battle Mech 99', 'Ice Dragon', 'Frostmaw', 'Golden Juggernaut', 'Thunder Ogre'];

export const row = (over: Partial<FightRow> = {}): FightRow => ({
  encounter: '018f0000-0000-7000-8000-000000000001',
  title: 'Ice Dragon',
  startedAtMs: STAGED_MS,
  durationMs: 252_000,
  size: '48.2k hits',
  outcome: 'kill',
  stand: 'unsent',
  arrived: null,
  why: null,
  remedy: null,
  url: null,
  seenBy: null,
  can: ['upload'],
  ...over,
});

const STANDING: Partial<Record<FightStand, Partial<FightRow>>> = {
  goingOn: { outcome: null, can: [] },
  streaming: {
    outcome: null,
    arrived: { arrived: 31, of: 33 },
    url: `${RELAY}/reports/s`,
    can: ['copy', 'open'],
  },
  onRelay: { url: `${RELAY}/reports/r`, seenBy: 'Everybody who has the link.', can: ['copy', 'open'] },
  waiting: {
    outcome: 'wipe',
    arrived: { arrived: 4, of: 18 },
    why: 'The relay does not answer. It is sent when it does.',
    can: [],
  },
  refused: {
    outcome: 'wipe',
    why: 'The relay does not take it: its fights are larger than 64 MB.',
    remedy: 'Ask who runs the relay for a larger limit, and try again.',
    can: ['again'],
  },
  unreadable: {
    outcome: 'unknown',
    size: null,
    durationMs: null,
    why: 'The meter’s database has no hits of it.',
    remedy: 'Nothing is to be done, unless the meter can repair it.',
    can: ['again'],
  },
};

/** Thirty, the newest first: one of each stand at the top. */
export function fights(): FightRow[] {
  const stands: FightStand[] = ['streaming', 'waiting', 'refused', 'onRelay', 'unreadable', 'unsent', 'onRelay'];
  return Array.from({ length: 30 }, (_, at) => {
    const stand = stands[at] ?? 'unsent';
    return row({
      encounter: `018f0000-0000-7000-8000-${String(at).padStart(12, '0')}`,
      title: BOSSES[at % BOSSES.length] ?? '',
      startedAtMs: STAGED_MS - at * 3_600_000,
      durationMs: 180_000 + at * 7_000,
      stand,
      ...STANDING[stand],
    });
  });
}

export const plan = (choice: UploadChoice, over: Partial<UploadPlan> = {}): UploadPlan => {
  const fights = choice.fights.length;
  const who = { public: 'everybody: the relay lists it', unlisted: 'everybody who has the link', private: 'you' };
  return {
    plan: 7,
    fights,
    there: 0,
    agreed: 0,
    firstMs: STAGED_MS - 86_400_000,
    lastMs: STAGED_MS,
    relay: RELAY,
    sentence: `${fights} fights would be sent to ${RELAY}. Who may see what is new there: ${who[choice.visibility]}.`,
    ...over,
  };
};

export const end = (over: Partial<UploadEnd> = {}): UploadEnd => ({
  sent: 2,
  known: 0,
  refused: 0,
  waiting: 0,
  sentence: '2 fights sent.',
  remedy: null,
  ...over,
});

export const update = (over: Partial<UpdateView> = {}): UpdateView => ({
  rule: null,
  lookedAtMs: null,
  busy: 'no',
  percent: null,
  ready: false,
  asksPassword: false,
  blocked: null,
  installed: null,
  fault: null,
  ...over,
});

export const about = (over: Partial<AboutView> = {}): AboutView => ({
  version: '0.4.0',
  system: 'Linux x86_64',
  logFolder: '/home/mira/.local/state/raidcast/log',
  ...over,
});
