import { afterEach, describe, expect, it, vi } from 'vitest';
import { Desktop } from './desktop.svelte';
import { midnight } from './day';
import { speech } from './speech.svelte';
import { Staged, STAGED_PAGE } from './staged';
import * as samples from './samples';
import type { FightPage, FightRow } from './types';

async function started(app: Staged): Promise<Desktop> {
  const desktop = new Desktop(app);
  await desktop.start();
  return desktop;
}

/** A promise that is kept from outside. */
function held<T>(): { promise: Promise<T>; give: (value: T) => void } {
  let give: (value: T) => void = () => undefined;
  const promise = new Promise<T>((resolve) => (give = resolve));
  return { promise, give };
}

const row = (app: Staged, at: number): FightRow => {
  const found = app.rows.filter(({ can }) => can.includes('upload'))[at];
  if (found === undefined) throw new Error('there is no such fight');
  return found;
};

afterEach(() => {
  vi.useRealTimers();
  speech.choose('en');
});

describe('the window', () => {
  it('is ready once it has something to show', async () => {
    const app = new Staged();
    const asked = held<null>();
    const desktop = new Desktop(app);
    const call = app.call.bind(app);
    vi.spyOn(app, 'call').mockImplementation((name, ...taken) => {
      if (name === 'ready') asked.give(null);
      return call(name, ...taken);
    });
    void desktop.start();
    expect(desktop.place).toBe('loading');
    await asked.promise;
    expect([desktop.place, desktop.now?.state]).toEqual(['tabs', 'idle']);
    expect(app.asked.slice(0, 3).map(([name]) => name)).toEqual(['now', 'settings', 'ready']);
  });

  it('is ready also where nothing answers, says why, and tries again', async () => {
    const app = new Staged();
    app.fails = { now: samples.fault() };
    const desktop = await started(app);
    expect([desktop.place, desktop.fault?.sentence]).toEqual(['broken', samples.fault().sentence]);
    expect(app.count('ready')).toBe(1);
    app.fails = {};
    await desktop.again();
    expect([desktop.place, desktop.fault]).toEqual(['tabs', null]);
    // Once, not twice: what was heard before is not heard any more.
    app.say('now', samples.STATES.live());
    expect(desktop.now?.state).toBe('live');
  });

  it('that is answered nonsense says what to do', async () => {
    const app = new Staged();
    vi.spyOn(app, 'on').mockRejectedValue('command not found');
    const desktop = await started(app);
    expect(desktop.fault).toEqual({ code: 'no-answer', ...speech.words.noAnswer });
  });

  it('shows the first start until that is over', async () => {
    const app = new Staged();
    app.now = samples.STATES.setup();
    app.first = samples.first();
    const desktop = await started(app);
    await vi.waitUntil(() => desktop.place === 'first');
    expect(desktop.first.step).toBe('relay');
    expect(await desktop.first.pairing.relay('https://raid.example')).toMatchObject({ paired: false });
    await desktop.first.goOn();
    expect(desktop.first.step).toBe('pair');
    await desktop.first.pairing.paste('rc_staged');
    await desktop.first.goOn();
    expect(desktop.first.step).toBe('fights');
    const shown = samples.settings().shown;
    await desktop.first.finish({ old: 'none' }, shown);
    expect(app.last('finish_first')).toEqual({ choice: { old: { old: 'none' }, shown } });
    expect([desktop.place, desktop.now?.state]).toEqual(['tabs', 'idle']);
  });

  it('shows it, too, where that is known a moment later', async () => {
    const app = new Staged();
    app.first = samples.first();
    const desktop = await started(app);
    expect(desktop.place).toBe('tabs');
    app.say('now', samples.STATES.setup());
    await vi.waitUntil(() => desktop.place === 'first');
  });

  it('stays with its pages where the key is gone later', async () => {
    const desktop = await started(new Staged());
    desktop.hear(samples.STATES.setup());
    await vi.waitUntil(() => desktop.first.view !== null);
    expect([desktop.place, desktop.first.view?.step]).toEqual(['tabs', 'done']);
  });

  it('goes back a step, and on where it was', async () => {
    const app = new Staged();
    app.now = samples.STATES.setup();
    app.first = samples.first();
    const desktop = await started(app);
    await vi.waitUntil(() => desktop.place === 'first');
    desktop.first.goTo('meter');
    expect(desktop.first.step).toBe('meter');
    app.fails = { use_meter: samples.fault() };
    await desktop.first.useMeter('/nothing.db');
    expect([desktop.first.step, desktop.first.errand.text]).toEqual([
      'meter',
      `${samples.fault().sentence} ${String(samples.fault().remedy)}`,
    ]);
    app.fails = {};
    await desktop.first.useMeter(samples.meter().path);
    expect([desktop.first.step, desktop.first.errand.text]).toEqual(['relay', null]);
  });
});

describe('the language', () => {
  it.each([
    ['system', 'zh-Hans-CN', 'zh', 'zh-CN'],
    ['system', 'de-DE', 'en', 'en'],
    ['en', 'zh-CN', 'en', 'en'],
    ['zh', 'en-GB', 'zh', 'zh-CN'],
  ] as const)('is %s on a system that speaks %s: %s', (choice, system, language, tag) => {
    vi.spyOn(navigator, 'language', 'get').mockReturnValue(system);
    speech.choose(choice);
    expect([speech.language, document.documentElement.lang]).toEqual([language, tag]);
  });

  it('changes with the settings', async () => {
    const desktop = await started(new Staged());
    expect(speech.words.tabs.now).toBe('Now');
    await desktop.settings.change({ change: 'language', language: 'zh' });
    expect(speech.words.tabs.now).toBe('当前');
    expect(speech.day(samples.STAGED_MS)).toContain('2026年');
  });
});

describe('pairing', () => {
  it('asks each second until somebody has typed the code', async () => {
    vi.useFakeTimers();
    const app = new Staged();
    const { pairing } = (await started(app)).first;
    await pairing.begin();
    expect(pairing.step.step).toBe('waiting');
    await vi.advanceTimersByTimeAsync(2000);
    expect([app.count('pairing'), pairing.kept]).toEqual([2, null]);
    app.confirm();
    await vi.advanceTimersByTimeAsync(1000);
    expect(pairing.kept).toEqual(samples.kept());
    await vi.advanceTimersByTimeAsync(5000);
    expect(app.count('pairing')).toBe(3);
  });

  it('says why it came to nothing, and is asked no more', async () => {
    vi.useFakeTimers();
    const app = new Staged();
    const { pairing } = (await started(app)).first;
    await pairing.begin();
    app.pairing = { step: 'failed', fault: samples.fault() };
    await vi.advanceTimersByTimeAsync(3000);
    expect([pairing.step.step, app.count('pairing')]).toEqual(['failed', 1]);
  });

  it('that is stopped is over, whatever comes of what was asked', async () => {
    vi.useFakeTimers();
    const app = new Staged();
    const { pairing } = (await started(app)).first;
    await pairing.begin();
    await pairing.stop();
    app.confirm();
    await vi.advanceTimersByTimeAsync(3000);
    expect([pairing.step.step, pairing.kept, app.count('pairing')]).toEqual(['none', null, 0]);
  });

  it('goes on where the window was closed meanwhile', async () => {
    vi.useFakeTimers();
    const app = new Staged();
    app.pairing = { step: 'waiting', view: samples.code() };
    const { pairing } = (await started(app)).first;
    await pairing.resume();
    expect(pairing.step.step).toBe('waiting');
    app.confirm();
    await vi.advanceTimersByTimeAsync(1000);
    expect(pairing.kept).not.toBeNull();
  });

  it('with a relay that cannot be one says why', async () => {
    const app = new Staged();
    app.fails = { relay: samples.fault() };
    const { pairing } = (await started(app)).first;
    expect(await pairing.relay('nonsense')).toBeNull();
    expect(pairing.errand.fault).toEqual(samples.fault());
  });
});

describe('the list of fights', () => {
  it('comes in pages, the newest first', async () => {
    const app = new Staged();
    const { fights } = await started(app);
    await fights.show();
    expect([fights.rows.length, fights.total]).toEqual([STAGED_PAGE, 30]);
    await fights.more();
    expect(fights.rows.map(({ encounter }) => encounter)).toEqual(
      app.rows.slice(0, 2 * STAGED_PAGE).map(({ encounter }) => encounter),
    );
    await fights.more();
    expect([fights.rows.length, fights.nextMs]).toEqual([30, null]);
    await fights.more();
    expect(app.count('fights')).toBe(3);
  });

  it('asks again for as much as is there where it differs, while it is looked at', async () => {
    const app = new Staged();
    const { fights } = await started(app);
    fights.stale();
    expect(app.count('fights')).toBe(0);
    await fights.show();
    await fights.more();
    app.rows = app.rows.map((one) => ({ ...one, title: 'Anew' }));
    app.say('fights', null);
    await vi.waitUntil(() => fights.rows.every(({ title }) => title === 'Anew'));
    expect([fights.rows.length, app.count('fights')]).toEqual([2 * STAGED_PAGE, 4]);
    fights.hide();
    app.say('fights', null);
    expect(app.count('fights')).toBe(4);
  });

  it('asks once more where it differs while it is being told', async () => {
    const app = new Staged();
    const { fights } = await started(app);
    const shown = fights.show();
    fights.stale();
    fights.stale();
    await shown;
    await vi.waitUntil(() => !fights.busy);
    expect(app.count('fights')).toBe(2);
  });

  it('is filtered by boss, days and stand', async () => {
    const app = new Staged();
    const { fights } = await started(app);
    fights.text = ' dragon ';
    fights.since = '2026-11-20';
    fights.until = '2026-11-20';
    fights.stand = 'unsent';
    await fights.load(true);
    const from = midnight('2026-11-20', 0);
    expect(app.last('fights')).toEqual({
      filter: {
        text: 'dragon',
        sinceMs: from,
        untilMs: (from ?? 0) + 86_400_000,
        stands: ['unsent'],
        beforeMs: null,
      },
    });
    expect([fights.isFiltered, fights.rows.every(({ title }) => title === 'Ice Dragon')]).toEqual([true, true]);
    await fights.unfilter();
    expect([fights.isFiltered, fights.rows.length]).toEqual([false, STAGED_PAGE]);
  });

  it('shows what was asked for last, whichever comes first', async () => {
    const app = new Staged();
    const { fights } = await started(app);
    const slow = held<FightPage>();
    const call = app.call.bind(app);
    const late = vi.spyOn(app, 'call').mockImplementationOnce(() => slow.promise as never);
    const first = fights.load();
    late.mockImplementation(call);
    fights.text = 'frost';
    await fights.load(true);
    slow.give({ fights: [samples.row({ title: 'Too late' })], nextMs: null, total: 1, fault: null });
    await first;
    expect(fights.rows.map(({ title }) => title)).not.toContain('Too late');
    expect([fights.busy, fights.rows.every(({ title }) => title === 'Frostmaw')]).toEqual([false, true]);
  });

  it('says why it is not all there is, and keeps what is there', async () => {
    const app = new Staged();
    app.fightsFault = samples.fault();
    const { fights } = await started(app);
    await fights.show();
    expect([fights.fault, fights.rows.length]).toEqual([samples.fault(), STAGED_PAGE]);
    app.fails = { fights: samples.fault({ code: 'other' }) };
    await fights.load();
    expect([fights.fault?.code, fights.rows.length, fights.busy]).toEqual(['other', STAGED_PAGE, false]);
  });

  it('lets those alone be chosen that can be sent, and forgets those that are gone', async () => {
    const app = new Staged();
    const { fights } = await started(app);
    await fights.show();
    fights.chooseAll(true);
    expect(fights.chosen.size).toBe(app.rows.slice(0, STAGED_PAGE).filter(({ can }) => can.includes('upload')).length);
    const gone = row(app, 0).encounter;
    app.rows = app.rows.map((one) => (one.encounter === gone ? { ...one, stand: 'onRelay', can: ['copy'] } : one));
    await fights.load();
    expect([fights.chosen.has(gone), fights.chosen.has(row(app, 0).encounter)]).toEqual([false, true]);
    fights.chooseAll(false);
    expect(fights.chosen.size).toBe(0);
  });

  it('tries one again that was not taken', async () => {
    const app = new Staged();
    const { fights } = await started(app);
    await fights.show();
    await fights.again('018f');
    expect([app.last('again'), app.count('fights')]).toEqual([{ fights: ['018f'] }, 2]);
  });
});

describe('an upload', () => {
  async function planned(app: Staged): Promise<Desktop> {
    const desktop = await started(app);
    await desktop.fights.show();
    for (const at of [0, 1]) desktop.fights.choose(row(app, at).encounter, true);
    desktop.fights.planning.open([...desktop.fights.chosen], 'unlisted', 'full');
    await vi.waitUntil(() => !desktop.fights.planning.busy);
    return desktop;
  }

  it('is planned anew with each choice, and the last plan is the one that is shown', async () => {
    const app = new Staged();
    const { fights } = await planned(app);
    const { planning } = fights;
    expect(planning.plan?.sentence).toContain('everybody who has the link');
    planning.visibility = 'private';
    const first = planning.ask();
    planning.visibility = 'public';
    planning.names = 'class';
    await Promise.all([first, planning.ask()]);
    expect(planning.plan?.sentence).toContain('the relay lists it');
    expect(app.last('plan')).toEqual({
      choice: { fights: [row(app, 0).encounter, row(app, 1).encounter], visibility: 'public', names: 'class' },
    });
  });

  it('that cannot be planned says why, and nothing can be agreed to', async () => {
    const app = new Staged();
    app.fails = { plan: samples.fault() };
    const { fights } = await planned(app);
    expect([fights.planning.plan, fights.planning.fault]).toEqual([null, samples.fault()]);
    await fights.upload();
    expect(app.count('upload')).toBe(0);
  });

  it('tells of each fight how far it is, and how it ended', async () => {
    const app = new Staged();
    const { fights } = await planned(app);
    const [first, second] = [row(app, 0).encounter, row(app, 1).encounter];
    const over = fights.upload();
    expect([fights.uploading, fights.chosen.size, fights.planning.isOpen]).toEqual([true, 0, false]);
    expect(fights.progress.get(second)).toEqual({ parts: null, how: null, why: null });
    app.running?.hear({ kind: 'fight', encounter: first, parts: { arrived: 1, of: 4 } });
    app.running?.hear({ kind: 'note', sentence: 'The relay does not answer.' });
    app.running?.hear({ kind: 'done', encounter: second, how: 'refused', why: 'Too large.', url: null });
    expect(fights.progress.get(first)).toMatchObject({ parts: { arrived: 1, of: 4 }, how: null });
    expect(fights.progress.get(second)).toMatchObject({ how: 'refused', why: 'Too large.' });
    expect(fights.note).toBe('The relay does not answer.');
    app.running?.end(samples.end());
    await over;
    expect([fights.uploading, fights.end?.sentence, fights.progress.size]).toEqual([false, '2 fights sent.', 0]);
    fights.dismiss();
    expect(fights.end).toBeNull();
  });

  it('that ends before its time says why', async () => {
    const app = new Staged();
    const { fights } = await planned(app);
    const over = fights.upload();
    app.running?.fail(samples.fault());
    await over;
    expect([fights.uploading, fights.uploadFault]).toEqual([false, samples.fault()]);
  });

  it('is stopped', async () => {
    const app = new Staged();
    const { fights } = await planned(app);
    const over = fights.upload();
    await fights.stopUpload();
    await over;
    expect([app.count('stop_upload'), fights.end?.waiting]).toEqual([1, 1]);
  });
});

describe('settings', () => {
  it('are changed one by one, and say of which they are', async () => {
    const app = new Staged();
    const { settings } = await started(app);
    expect(await settings.change({ change: 'notices', on: false })).toBe(true);
    expect([settings.view?.notices, settings.said]).toEqual([false, true]);
    app.fails = { change: samples.fault() };
    expect(await settings.change({ change: 'ca', path: '/nothing.pem' })).toBe(false);
    expect([settings.faultOf('ca'), settings.faultOf('notices'), settings.said]).toEqual([
      expect.stringContaining(samples.fault().sentence),
      null,
      false,
    ]);
  });

  it('are read anew where they are shown', async () => {
    const app = new Staged();
    const { settings } = await started(app);
    app.starts = null;
    app.settings = samples.settings({ relay: 'https://other.example' });
    await settings.show();
    expect([settings.view?.relay, settings.starts]).toEqual(['https://other.example', null]);
    app.fails = { settings: samples.fault() };
    await settings.show();
    expect(settings.fault).toEqual(samples.fault());
  });

  it('forget the key', async () => {
    const app = new Staged();
    const { settings } = await started(app);
    expect(await settings.forget()).toBe(true);
    expect(settings.view?.paired).toBe(false);
    app.fails = { forget_key: samples.fault() };
    expect(await settings.forget()).toBe(false);
    expect(settings.faultOf('key')).toContain(samples.fault().sentence);
  });

  it('let the app start with the system, or say that it does not', async () => {
    const app = new Staged();
    const { settings } = await started(app);
    await settings.show();
    await settings.start(true);
    expect(settings.starts).toBe(true);
    app.fails = { start_with_system: samples.fault() };
    await settings.start(false);
    expect([settings.starts, settings.faultOf('start')]).toEqual([true, expect.stringContaining('does not answer')]);
  });
});

describe('an update', () => {
  it('is looked for, told of by itself, installed, or skipped', async () => {
    const app = new Staged();
    const { update } = await started(app);
    expect([update.view?.rule, update.offered]).toEqual([null, null]);
    app.update = samples.update({ rule: { rule: 'offer', version: '0.5.0', notes: '' } });
    await update.check();
    expect(update.offered).toBe('0.5.0');
    app.say('update', { ...app.update, busy: 'loading', percent: 10 });
    expect(update.view).toMatchObject({ busy: 'loading', percent: 10 });
    await update.install();
    expect(app.count('update_install')).toBe(1);
    await update.skip();
    expect([app.count('update_skip'), update.view?.rule?.rule, update.offered]).toEqual([1, 'held', null]);
  });

  it('that cannot be looked for says why', async () => {
    const app = new Staged();
    app.fails = { update_check: samples.fault() };
    const { update } = await started(app);
    await update.check();
    expect(update.errand.fault).toEqual(samples.fault());
  });
});

describe('a day', () => {
  it('begins here, whatever the zone', () => {
    expect(midnight('2026-11-20', 0)).toBe(new Date(2026, 10, 20).getTime());
    expect(midnight('2026-11-30', 1)).toBe(new Date(2026, 11, 1).getTime());
    expect([midnight('', 0), midnight('20.11.2026', 0), midnight('2026-11', 0)]).toEqual([null, null, null]);
  });
});
