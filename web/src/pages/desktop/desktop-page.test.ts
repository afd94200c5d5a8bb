import { cleanup, fireEvent, render, screen, within } from '@testing-library/svelte';
import { afterEach, describe, expect, it, vi } from 'vitest';
import * as samples from '$lib/desktop/samples';
import { SCENES } from '$lib/desktop/scenes';
import { speech } from '$lib/desktop/speech.svelte';
import type { Staged } from '$lib/desktop/staged';
import type { AppState } from '$lib/desktop/types';
import DesktopPage from './DesktopPage.svelte';

async function opened(app: Staged): Promise<Staged> {
  render(DesktopPage, { bridge: app });
  await vi.waitUntil(() => app.count('ready') === 1);
  return app;
}

const scene = (name: string): Staged => {
  const app = SCENES[name]?.();
  if (app === undefined) throw new Error(`there is no scene ${name}`);
  return app;
};
const tab = async (name: string): Promise<void> => {
  await fireEvent.click(screen.getByRole('tab', { name }));
};
const press = (name: string | RegExp): Promise<unknown> => fireEvent.click(screen.getByRole('button', { name }));
const words = (element: Element | null | undefined): string => element?.textContent.replace(/\s+/g, ' ').trim() ?? '';

afterEach(() => {
  cleanup();
  speech.choose('en');
});

describe('what is now', () => {
  it.each(Object.keys(samples.STATES) as AppState[])('is said in words: %s', async (state) => {
    const app = await opened(scene(state));
    const { headline, sentence, remedy } = app.now;
    expect(screen.getByRole('heading', { level: 1, name: headline })).toBeTruthy();
    expect(screen.getByText(sentence)).toBeTruthy();
    // What is to be set up has a button in its place.
    if (state === 'setup') expect(screen.getByRole('button', { name: 'Set it up' })).toBeTruthy();
    else if (remedy !== null) expect(screen.getByText(remedy)).toBeTruthy();
    expect(screen.getAllByRole('status').map(words)).toContain(headline);
  });

  it('shows the fight, what has arrived, and how late it is by cause', async () => {
    await opened(scene('live'));
    const facts = (name: string): string[] =>
      [...screen.getByRole('region', { name }).querySelectorAll('dl > div')].map((one) =>
        [...one.children].map(words).join(': '),
      );
    expect(screen.getByText('Super Battle Mech 99')).toBeTruthy();
    expect(facts('Fight')).toEqual(['Length: 4:12', 'Hits and deaths: 48,211', 'Parts not arrived: 2']);
    expect(screen.getByText('2 parts are on their way.')).toBeTruthy();
    expect(facts('How late it is')).toEqual([
      'The meter writes it after: 300 ms',
      'The relay has it after: 100 ms',
      'The oldest part waits for: Nothing waits',
      'Others see it later by: 60 s',
    ]);
  });

  it('is paused, goes on, and is tried at once', async () => {
    const app = await opened(scene('waiting'));
    await press('Try now');
    expect(app.count('try_now')).toBe(1);
    await vi.waitUntil(() => !screen.getByRole<HTMLButtonElement>('button', { name: 'Pause' }).disabled);
    await press('Pause');
    await fireEvent.click(await screen.findByRole('button', { name: 'End the pause' }));
    expect(app.asked.filter(([name]) => name === 'pause').map(([, taken]) => taken)).toEqual([
      { paused: true },
      { paused: false },
    ]);
    expect(await screen.findByRole('heading', { level: 1, name: 'Waiting for a fight' })).toBeTruthy();
  });

  it('says why it is not paused', async () => {
    const app = await opened(scene('idle'));
    app.fails = { pause: samples.fault() };
    await press('Pause');
    expect(words(await screen.findByRole('alert'))).toContain(samples.fault().sentence);
  });

  it('has links to copy and to open, by what they are of', async () => {
    const app = await opened(scene('idle'));
    await press('Copy: This raid');
    expect([app.last('copy'), await screen.findByText('Copied.')]).toEqual([
      { link: { to: 'raid' } },
      expect.anything(),
    ]);
    await press('Open: Always the newest raid');
    expect(app.last('open')).toEqual({ link: { to: 'channel' } });
  });

  it('shows no ticket, and opens nothing that is elsewhere', async () => {
    const app = await opened(scene('private'));
    expect(document.body.innerHTML).not.toContain('staged-ticket');
    expect(screen.getByText(/ticket=…$/)).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Open: This raid' }).disabled).toBe(true);
    expect(screen.getByText(/^It is not at the address that you gave/)).toBeTruthy();
    expect(app.count('open')).toBe(0);
  });

  it('is private when the relay has said so', async () => {
    const app = await opened(scene('live'));
    const box = screen.getByRole<HTMLInputElement>('checkbox', { name: /^Private/ });
    await fireEvent.click(box);
    expect(app.last('private')).toEqual({ private: true });
    expect(await screen.findByText('The relay has not said yet that it is so.')).toBeTruthy();
    // Also to a page that is opened anew meanwhile.
    expect(app.now.link).toMatchObject({ isPrivate: false, askedPrivate: true });
    expect(box.checked).toBe(true);
    app.say('now', scene('private').now);
    await vi.waitUntil(() => screen.queryByText('The relay has not said yet that it is so.') === null);
    expect(box.checked).toBe(true);
  });

  it('stays as it was where that does not work', async () => {
    const app = await opened(scene('live'));
    app.fails = { private: samples.fault() };
    const box = screen.getByRole<HTMLInputElement>('checkbox', { name: /^Private/ });
    await fireEvent.click(box);
    await screen.findByRole('alert');
    expect(box.checked).toBe(false);
  });

  it('does nothing where another does the work', async () => {
    await opened(scene('elsewhere'));
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('leads to the settings where there is no key', async () => {
    await opened(scene('setup'));
    await press('Set it up');
    expect(screen.getByRole('tab', { selected: true, name: 'Settings' })).toBeTruthy();
  });
});

describe('the first start', () => {
  it('goes from the relay to the first fight, each step saying what to do', async () => {
    const app = await opened(scene('first-relay'));
    expect(words(await screen.findByRole('region', { name: 'This meter is read' }))).toContain('Resonance Logs');
    await fireEvent.input(screen.getByLabelText('Address or invitation link'), {
      target: { value: 'https://raid.example/join#invitation=x' },
    });
    await press('Use this relay');
    await screen.findByRole('heading', { name: 'Pair this computer' });
    expect(screen.getByText(/^Your invitation is used/)).toBeTruthy();
    await press('Get a code');
    expect(words((await screen.findByText('BCDF-GHJK')).parentElement)).toBe('Code BCDF-GHJK');
    await press('Open the page');
    expect(app.last('open')).toEqual({ link: { to: 'pair' } });
    await press('Stop');
    await fireEvent.input(await screen.findByLabelText('Key'), { target: { value: ' rc_key ' } });
    await press('Use this key');
    expect(words((await screen.findByText('This computer is paired')).parentElement)).toContain('It uploads for Mira.');
    expect(app.last('paste_key')).toEqual({ key: 'rc_key' });
    await press('Go on');
    await screen.findByRole('heading', { name: 'Earlier fights' });
    await press('Go live');
    await screen.findByRole('heading', { level: 1, name: 'Waiting for a fight' });
    expect(app.last('finish_first')).toMatchObject({ choice: { old: { old: 'none' } } });
  });

  it('says what is wrong with an address, and leaves it to be mended', async () => {
    const app = await opened(scene('first-relay'));
    app.fails = { relay: samples.fault({ sentence: 'That is not the address of a relay.' }) };
    const field = screen.getByLabelText('Address or invitation link');
    await fireEvent.input(field, { target: { value: 'raid' } });
    await press('Use this relay');
    expect(words(await screen.findByRole('alert'))).toContain('That is not the address of a relay.');
    await vi.waitUntil(() => document.activeElement === field);
    expect(field.getAttribute('aria-invalid')).toBe('true');
  });

  it('warns where others can read what is sent', async () => {
    await opened(scene('first-pair'));
    expect(screen.getByText(/begins with http: others on the way can read/)).toBeTruthy();
  });

  it('finds a meter, takes another, or goes on without one', async () => {
    const app = await opened(scene('first-meter'));
    expect(screen.getAllByRole('status').map(words)).toContain(app.first.noMeter);
    const other = await screen.findByRole('button', { name: /^Use this one: BPSR Logs/ });
    expect(screen.getByText('Another program holds it. Close that one.')).toBeTruthy();
    await fireEvent.click(other);
    expect(app.last('use_meter')).toEqual({ path: app.meters[1]?.path });
    await screen.findByRole('heading', { name: 'Your relay' });
    await press('Choose another');
    await fireEvent.input(await screen.findByLabelText('A database elsewhere'), { target: { value: '/x.db' } });
    app.fails = { use_meter: samples.fault({ sentence: 'It is no meter’s database.' }) };
    await fireEvent.submit(screen.getByLabelText('A database elsewhere').closest('form') as HTMLFormElement);
    expect(words(await screen.findByRole('alert'))).toContain('It is no meter’s database.');
  });

  it('goes on without a meter', async () => {
    const app = await opened(scene('first-meter'));
    await screen.findByText('BPSR Logs');
    await press('Go on without a meter');
    expect(app.last('use_meter')).toEqual({ path: null });
    expect(await screen.findByText(/^No meter is read\./)).toBeTruthy();
  });

  it('sends earlier fights that are chosen, to those that are named', async () => {
    const app = await opened(scene('first-fights'));
    await fireEvent.click(await screen.findByLabelText('Choose them from a list'));
    await press('Go live');
    expect(words(await screen.findByRole('alert'))).toBe('Choose at least one fight, or send none.');
    const [box] = (await screen.findAllByRole<HTMLInputElement>('checkbox', { name: /^Choose / })).filter(
      (one) => !one.disabled,
    );
    if (box !== undefined) await fireEvent.click(box);
    await fireEvent.change(screen.getByLabelText('Names that others see'), { target: { value: 'class' } });
    await press('Send 1 fight and go live');
    const chosen = app.rows.find(({ can }) => can.includes('upload'));
    expect(app.last('finish_first')).toMatchObject({
      choice: { old: { old: 'these', fights: [chosen?.encounter] }, shown: { names: 'class', delayS: 60 } },
    });
  });
});

describe('a relay with a certificate of its own authority', () => {
  it('is believed by a file that can be named before there is a key', async () => {
    const app = await opened(scene('first-pair'));
    const field = screen.getByLabelText<HTMLInputElement>('File of authorities');
    await fireEvent.input(field, { target: { value: ' /home/mira/authority.pem ' } });
    await press('Save');
    expect(app.last('change')).toEqual({ change: { change: 'ca', path: '/home/mira/authority.pem' } });
    await vi.waitUntil(() => field.value === '/home/mira/authority.pem');
    app.fails = { change: samples.fault({ sentence: '/nowhere.pem cannot be read.' }) };
    await fireEvent.input(field, { target: { value: '/nowhere.pem' } });
    await press('Save');
    expect((await screen.findByRole('alert')).textContent).toContain('/nowhere.pem cannot be read.');
  });
});

describe('the list of fights', () => {
  it('says where each stands, why, and what to do', async () => {
    await opened(scene('idle'));
    await tab('Fights');
    const refused = await screen.findByText('The relay does not take it: its fights are larger than 64 MB.');
    const line = refused.closest('li');
    expect(words(line)).toContain('Refused');
    expect(words(line)).toContain('Ask who runs the relay for a larger limit, and try again.');
    expect(screen.getByRole('progressbar', { name: /^What of Ice Dragon, .* has arrived$/ })).toBeTruthy();
    expect(screen.getByText('12 shown, 30 fights in all')).toBeTruthy();
  });

  it('copies and opens a report, and tries again', async () => {
    const app = await opened(scene('idle'));
    await tab('Fights');
    const line = (await screen.findAllByText('Uploaded'))
      .map((one) => one.closest('li'))
      .find((one) => one?.dataset['stand'] === 'onRelay');
    if (line === undefined || line === null) throw new Error('none is on the relay');
    await fireEvent.click(within(line).getByRole('button', { name: /^Copy link: / }));
    await fireEvent.click(within(line).getByRole('button', { name: /^Open: / }));
    const link = { link: { to: 'fight', encounter: line.dataset['encounter'] } };
    expect([app.last('copy'), app.last('open')]).toEqual([link, link]);
    const [again] = screen.getAllByRole('button', { name: /^Try again: / });
    if (again !== undefined) await fireEvent.click(again);
    expect(app.count('again')).toBe(1);
  });

  it('sends what was agreed to, and nothing before', async () => {
    const app = await opened(scene('idle'));
    await tab('Fights');
    const boxes = (await screen.findAllByRole<HTMLInputElement>('checkbox', { name: /^Choose \w+ \w+.*,/ })).filter(
      (one) => !one.disabled,
    );
    for (const box of boxes.slice(0, 2)) await fireEvent.click(box);
    await press('Upload …');
    const dialog = await screen.findByRole('dialog', { name: 'Upload 2 fights?' });
    // As new raids are shown.
    expect(within(dialog).getByLabelText<HTMLSelectElement>('Who sees a raid').value).toBe('unlisted');
    await within(dialog).findByText(/^2 fights would be sent to https:\/\/staged\.example\./);
    await fireEvent.click(within(dialog).getByRole('button', { name: 'Cancel' }));
    expect([screen.queryByRole('dialog'), app.count('upload')]).toEqual([null, 0]);
    await press('Upload …');
    await fireEvent(await screen.findByRole('dialog'), new Event('cancel', { cancelable: true }));
    expect([screen.queryByRole('dialog'), app.count('upload')]).toEqual([null, 0]);
    await press('Upload …');
    await screen.findByText(/^2 fights would be sent/);
    await press('Send 2 fights');
    expect(app.last('upload')).toEqual({ plan: 7 });
    app.running?.end(samples.end());
    expect(await screen.findByText('2 fights sent.')).toBeTruthy();
    await press('Close');
    expect(screen.queryByText('2 fights sent.')).toBeNull();
  });

  it('shows an upload that a window before this one began, and stops it', async () => {
    const app = await opened(scene('uploading'));
    expect(screen.getByText('7 of 24 fights uploaded, 1 not taken.')).toBeTruthy();
    await press('Stop');
    expect(app.count('stop_upload')).toBe(1);
  });
});

describe('the settings', () => {
  it('are so at once, or when they are saved', async () => {
    const app = await opened(scene('idle'));
    await tab('Settings');
    await fireEvent.click(await screen.findByLabelText('Tell me when a fight has ended'));
    expect(app.last('change')).toEqual({ change: { change: 'noticeAtEnd', on: true } });
    await fireEvent.change(screen.getByLabelText('Who sees a raid'), { target: { value: 'private' } });
    const form = screen.getByRole<HTMLFormElement>('form', { name: 'New raids' });
    await fireEvent.submit(form);
    expect(app.last('change')).toMatchObject({ change: { change: 'shown', shown: { visibility: 'private' } } });
    expect(await screen.findByText('Saved.')).toBeTruthy();
    await fireEvent.change(screen.getByLabelText('Language'), { target: { value: 'zh' } });
    expect(await screen.findByRole('tab', { selected: true, name: '设置' })).toBeTruthy();
  });

  it('name a database, or the one that was written last', async () => {
    const app = await opened(scene('idle'));
    await tab('Settings');
    const field = await screen.findByLabelText<HTMLInputElement>('Database');
    const form = field.closest('form') as HTMLFormElement;
    await fireEvent.input(field, { target: { value: ' /m.db ' } });
    await fireEvent.submit(form);
    expect(app.last('change')).toEqual({ change: { change: 'meterPath', path: '/m.db' } });
    await screen.findByText('Saved.');
    await vi.waitUntil(() => field.value === '/m.db');
    await fireEvent.input(field, { target: { value: '' } });
    await fireEvent.submit(form);
    expect(app.last('change')).toEqual({ change: { change: 'meterPath', path: null } });
  });

  it('say at its place why one is not taken', async () => {
    const app = await opened(scene('idle'));
    await tab('Settings');
    app.fails = { change: samples.fault() };
    const box = await screen.findByLabelText<HTMLInputElement>('Tell me when a raid goes live');
    await fireEvent.click(box);
    expect(words(await screen.findByRole('alert'))).toContain(samples.fault().sentence);
    expect(box.checked).toBe(true);
  });

  it('forget the key after a question', async () => {
    const app = await opened(scene('idle'));
    await tab('Settings');
    await fireEvent.click(await screen.findByRole('button', { name: 'Forget the key' }));
    await fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Keep it' }));
    expect(app.count('forget_key')).toBe(0);
    await press('Forget the key');
    await fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'Forget it' }));
    expect(await screen.findByText(/^This computer has no key for it/)).toBeTruthy();
    await vi.waitUntil(() => screen.queryByRole('dialog') === null);
  });

  it('pair anew, and with another relay', async () => {
    const app = await opened(scene('idle'));
    await tab('Settings');
    await fireEvent.click(await screen.findByRole('button', { name: 'Another relay' }));
    await fireEvent.input(screen.getByLabelText('Address or invitation link'), {
      target: { value: 'https://other.example' },
    });
    await press('Use this relay');
    await fireEvent.click(await screen.findByRole('button', { name: 'Get a code' }));
    await screen.findByText('BCDF-GHJK');
    await press('Cancel');
    await vi.waitUntil(() => app.count('stop_pairing') === 1);
    expect(screen.queryByText('BCDF-GHJK')).toBeNull();
  });
});

describe('the page about the app', () => {
  it('says what it is, and writes a file for whoever helps', async () => {
    const app = await opened(scene('idle'));
    await tab('About');
    expect(await screen.findByText('0.4.0')).toBeTruthy();
    await press('Write a file for whoever helps');
    expect(await screen.findByText(/raidcast-help\.txt$/)).toBeTruthy();
    await press('Open the folder');
    expect(app.count('open_log')).toBe(1);
    await press('Look for updates');
    expect(await screen.findByText('This is the newest version.')).toBeTruthy();
  });

  it('offers an update with what is new, as text', async () => {
    const app = scene('offer');
    app.update = samples.update({ rule: { rule: 'offer', version: '0.5.0', notes: '<b>Not bold</b>' } });
    await opened(app);
    await tab('About');
    expect(words(await screen.findByRole('region', { name: 'What is new' }))).toBe('<b>Not bold</b>');
    await press('Install');
    expect(app.count('update_install')).toBe(1);
    await vi.waitUntil(() => !screen.getByRole<HTMLButtonElement>('button', { name: 'Skip this version' }).disabled);
    await press('Skip this version');
    expect(await screen.findByText('Raidcast 0.5.0 is there. You chose to skip it.')).toBeTruthy();
  });

  it('installs nothing while a fight goes on, and says so', async () => {
    await opened(scene('blocked'));
    await tab('About');
    expect(await screen.findByText(/^A fight goes on, and nothing is installed meanwhile\./)).toBeTruthy();
    expect(screen.getByRole<HTMLButtonElement>('button', { name: 'Install' }).disabled).toBe(true);
  });

  it('ends the app after a question', async () => {
    const app = await opened(scene('idle'));
    await tab('About');
    await press('End Raidcast');
    await fireEvent.click(within(screen.getByRole('dialog')).getByRole('button', { name: 'End it' }));
    expect(app.count('quit')).toBe(1);
  });
});

it('a window that nothing answers says so, and tries again', async () => {
  const app = await opened(scene('broken'));
  expect(screen.getByText('Raidcast is ending.')).toBeTruthy();
  app.fails = {};
  await press('Try again');
  expect(await screen.findByRole('heading', { level: 1, name: 'Waiting for a fight' })).toBeTruthy();
});
