/** Staged apps by name, for the browser tests and for pictures. */
import { Staged } from './staged';
import * as samples from './samples';
import type { AppState } from './types';

const at = (state: AppState) => (): Staged => {
  const app = new Staged();
  app.now = samples.STATES[state]();
  return app;
};

/** Before the first start is over. */
function beginning(change: (app: Staged) => void): () => Staged {
  return () => {
    const app = at('setup')();
    app.first = samples.first();
    app.settings = samples.settings({ relay: null, paired: false });
    change(app);
    return app;
  };
}

function changed(change: (app: Staged) => void): () => Staged {
  return () => {
    const app = new Staged();
    change(app);
    return app;
  };
}

const NOTES = `A list of all fights, with their bosses.\n\n- Fights can be filtered by day.\n- The tray says why something waits.\n- ${'A line that is long enough to be broken. '.repeat(6)}\n`;

const OFFER = { rule: 'offer', version: '0.5.0', notes: NOTES } as const;

/** All of them. */
export const SCENES: Record<string, () => Staged> = {
  'first-meter': beginning((app) => {
    app.first = samples.first({ step: 'meter', meter: null, noMeter: samples.STATES.noMeter().sentence, old: null });
    app.meters = [
      samples.meter({ path: '/home/mira/old.db', newest: false, fault: 'Another program holds it. Close that one.' }),
      samples.meter({
        path: '/home/mira/.steam/steam/steamapps/compatdata/3681810/pfx/drive_c/users/steamuser/AppData/bpsr.db',
        meter: 'BPSR Logs',
        newest: false,
      }),
    ];
  }),
  'first-relay': beginning(() => undefined),
  'first-pair': beginning((app) => {
    app.first = samples.first({
      step: 'pair',
      relay: samples.relay({ relay: 'http://192.168.1.20:8787', invited: true, plain: true }),
    });
  }),
  'first-code': beginning((app) => {
    app.first = samples.first({ step: 'pair', relay: samples.relay() });
    app.pairing = { step: 'waiting', view: samples.code() };
  }),
  'first-fights': beginning((app) => {
    app.first = samples.first({ step: 'fights', relay: samples.relay({ paired: true }) });
  }),
  setup: changed((app) => {
    app.now = samples.STATES.setup();
    app.settings = samples.settings({ paired: false });
  }),
  noMeter: at('noMeter'),
  idle: at('idle'),
  live: at('live'),
  private: changed((app) => {
    const live = samples.STATES.live();
    const raid = 'https://staged.example/raids/K7Q2M9XD?ticket=staged-ticket-0123456789';
    const channel = 'https://staged.example/live/mira';
    app.now = { ...live, link: { raid, channel, opens: false, isPrivate: true, askedPrivate: null } };
  }),
  waiting: at('waiting'),
  trouble: at('trouble'),
  paused: at('paused'),
  elsewhere: at('elsewhere'),
  uploading: changed((app) => {
    app.now = samples.now({
      upload: { done: 7, of: 24, sentence: '7 of 24 fights uploaded, 1 not taken.' },
    });
  }),
  unread: changed((app) => {
    app.rows = samples.fights().filter((row) => row.stand === 'onRelay');
    app.fightsFault = samples.fault({
      sentence: 'The meter’s database cannot be read now: another program holds it.',
      remedy: 'Close what holds it, or wait.',
    });
  }),
  none: changed((app) => {
    app.rows = [];
  }),
  offer: changed((app) => {
    app.update = samples.update({ rule: OFFER, asksPassword: true });
  }),
  blocked: changed((app) => {
    app.now = samples.STATES.live();
    app.update = samples.update({
      rule: OFFER,
      ready: true,
      blocked: 'A fight goes on, and nothing is installed meanwhile. It is offered again when that is over.',
    });
  }),
  loading: changed((app) => {
    app.update = samples.update({ rule: OFFER, busy: 'loading', percent: 42 });
  }),
  tampered: changed((app) => {
    const sentence = 'What came from updates.example is not what was signed. It was not installed.';
    app.update = samples.update({ rule: OFFER, fault: samples.fault({ sentence, remedy: 'Tell who keeps it.' }) });
  }),
  installed: changed((app) => {
    app.update = samples.update({ rule: OFFER, installed: '0.5.0' });
  }),
  broken: changed((app) => {
    app.fails.now = samples.fault({
      sentence: 'Raidcast is ending.',
      remedy: null,
    });
  }),
};
