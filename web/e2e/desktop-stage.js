/**
 * The window of the desktop app as it is built, before a staged app: the files of `dist-desktop` under the app's own
 * policy, and what answers their calls put where they look for it.
 */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join, normalize } from 'node:path';
import { build } from 'vite';

const WEB = join(import.meta.dirname, '..');
const DIST = join(WEB, 'dist-desktop');
const TYPES = /** @type {Record<string, string>} */ ({ html: 'text/html', js: 'text/javascript', css: 'text/css' });
/** As `client/desktop/tauri.conf.json` has it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src ipc: http://ipc.localhost";

/** The staged apps, as a script to be run before the window's own. */
async function internals() {
  const made = await build({
    configFile: false,
    root: WEB,
    logLevel: 'warn',
    resolve: { alias: { $lib: join(WEB, 'src/lib') } },
    build: {
      write: false,
      target: 'es2022',
      lib: { entry: join(WEB, 'src/lib/desktop/internals.ts'), formats: ['iife'], name: 'internals' },
    },
  });
  const [first] = [made].flat();
  if (first === undefined || !('output' in first)) throw new Error('the staged apps were not built');
  return first.output[0].code;
}

/** What the policy forbade is kept for the test to see. */
function watchPolicy() {
  const held = /** @type {any} */ (window);
  // As the app does it, too (`freezePrototype`).
  Object.freeze(Object.prototype);
  held.forbidden = [];
  document.addEventListener('securitypolicyviolation', (event) => {
    held.forbidden.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
  });
}

/** See the module. */
export class DesktopStage {
  origin = '';
  #script = '';
  #server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? '/', 'http://stage');
    const file = join(DIST, normalize(pathname));
    readFile(file).then(
      (body) => {
        const type = TYPES[file.split('.').at(-1) ?? ''] ?? 'text/plain';
        response.writeHead(200, {
          'content-type': type,
          'content-security-policy': POLICY,
          'cache-control': 'no-cache',
        });
        response.end(body);
      },
      () => {
        response.writeHead(404);
        response.end();
      },
    );
  });

  async open() {
    this.#script = await internals();
    await new Promise((listening) => this.#server.listen(0, '127.0.0.1', () => listening(undefined)));
    const address = this.#server.address();
    this.origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  }

  async close() {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }

  /**
   * A page that any scene can be shown in.
   *
   * @param {import('playwright-core').BrowserContext} context
   * @param {'dark' | 'light'} theme
   */
  async page(context, theme) {
    const page = await context.newPage();
    await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
    await page.addInitScript(watchPolicy);
    await page.addInitScript(this.#script);
    return page;
  }

  /**
   * Shows a scene, from its beginning.
   *
   * @param {import('playwright-core').Page} page
   * @param {string} scene
   * @param {string} [language]
   */
  async show(page, scene, language = 'en') {
    // The fragment alone loads nothing anew.
    await page.goto('about:blank');
    await page.goto(`${this.origin}/desktop.html#scene=${scene}&language=${language}`);
    await page.waitForFunction(() => /** @type {any} */ (window).staged.count('ready') === 1);
  }
}

/**
 * Goes to one of the window's pages.
 *
 * @param {import('playwright-core').Page} page
 * @param {'now' | 'fights' | 'settings' | 'about'} tab
 */
export async function goTo(page, tab) {
  await page.locator(`#page-${tab}`).click();
  await page.locator(`[role=tabpanel][aria-labelledby=page-${tab}]`).waitFor();
}

/**
 * Does something with the staged app.
 *
 * @param {import('playwright-core').Page} page
 * @param {(staged: any) => unknown} what
 */
export function withApp(page, what) {
  return page.evaluate(`(${what})(window.staged)`);
}

/** @typedef {import('playwright-core').Page} Page */

/**
 * Each state of the window: the staged app that it is of, and the way there.
 *
 * @type {{ name: string, scene: string, act?: (page: Page) => Promise<unknown> }[]}
 */
export const LOOKS = [
  {
    name: 'first start without a meter',
    scene: 'first-meter',
    act: (page) => page.getByText('Written').or(page.getByText('BPSR Logs')).first().waitFor(),
  },
  {
    name: 'first start that asks for a relay',
    scene: 'first-relay',
    act: (page) => page.locator('#first-relay').waitFor(),
  },
  {
    name: 'first start with a relay that cannot be one',
    scene: 'first-relay',
    act: async (page) => {
      await withApp(page, (staged) => {
        staged.fails.relay = {
          code: 'x',
          sentence: 'That is not the address of a relay.',
          remedy: 'It begins with https://.',
        };
      });
      await page.locator('#first-relay').fill('raid');
      await page.keyboard.press('Enter');
      await page.locator('#first-relay-fault').waitFor();
    },
  },
  {
    name: 'first start that pairs, by an invitation over plain HTTP',
    scene: 'first-pair',
    act: async (page) => {
      await page.getByText('I have a key already').click();
      await page.locator('#first-pair-key').waitFor();
    },
  },
  {
    name: 'first start that waits for its code',
    scene: 'first-code',
    act: (page) => page.locator('[data-code]').waitFor(),
  },
  {
    name: 'first start that is paired',
    scene: 'first-code',
    act: async (page) => {
      await page.locator('[data-code]').waitFor();
      await withApp(page, (staged) => staged.confirm());
      await page.getByRole('heading', { name: 'This computer is paired' }).waitFor();
    },
  },
  {
    name: 'first start that asks for earlier fights',
    scene: 'first-fights',
    act: (page) => page.locator('#first-shown-delay').waitFor(),
  },
  {
    name: 'first start with a list of earlier fights',
    scene: 'first-fights',
    act: async (page) => {
      await page.getByLabel('Choose them from a list').check();
      await page.locator('[data-encounter] input:enabled').first().check();
    },
  },
  ...['setup', 'noMeter', 'idle', 'live', 'private', 'waiting', 'trouble', 'paused', 'elsewhere'].map((scene) => ({
    name: `window that is ${scene}`,
    scene,
    act: (/** @type {Page} */ page) => page.locator('[data-state]').waitFor(),
  })),
  {
    name: 'window while fights are uploaded',
    scene: 'uploading',
    act: (page) => page.locator('[data-upload]').waitFor(),
  },
  {
    name: 'window that nothing answers',
    scene: 'broken',
    act: (page) => page.getByRole('heading', { name: 'Nothing can be shown' }).waitFor(),
  },
  {
    name: 'list of fights',
    scene: 'live',
    act: async (page) => {
      await goTo(page, 'fights');
      await page.locator('[data-encounter]').first().waitFor();
    },
  },
  {
    name: 'list of fights, some of them chosen',
    scene: 'idle',
    act: async (page) => {
      await goTo(page, 'fights');
      for (const at of [0, 1]) await page.locator('[data-encounter] input:enabled').nth(at).check();
    },
  },
  {
    name: 'question whether fights are to be sent',
    scene: 'idle',
    act: async (page) => {
      await goTo(page, 'fights');
      for (const at of [0, 1]) await page.locator('[data-encounter] input:enabled').nth(at).check();
      await page.getByRole('button', { name: 'Upload …' }).click();
      await page.getByText('2 fights would be sent').waitFor();
    },
  },
  {
    name: 'list of fights that are on their way',
    scene: 'uploading',
    act: async (page) => {
      await withApp(page, (staged) => staged.say('now', { ...staged.now, upload: null }));
      await goTo(page, 'fights');
      for (const at of [0, 1, 2]) await page.locator('[data-encounter] input:enabled').nth(at).check();
      await page.getByRole('button', { name: 'Upload …' }).click();
      await page.getByRole('button', { name: 'Send 3 fights' }).click();
      await page.waitForFunction(() => /** @type {any} */ (window).staged.running !== null);
      await withApp(page, (staged) => {
        const [first, second] = staged.rows.filter((/** @type {any} */ row) => row.can.includes('upload'));
        const { hear } = staged.running;
        hear({ kind: 'fight', encounter: first.encounter, parts: { arrived: 5, of: 9 } });
        hear({
          kind: 'done',
          encounter: second.encounter,
          how: 'refused',
          why: 'The relay does not take it.',
          url: null,
        });
        staged.say('now', {
          ...staged.now,
          upload: { done: 1, of: 3, sentence: '0 of 3 fights uploaded, 1 not taken.' },
        });
      });
      await page.getByText('5 of 9 parts').waitFor();
    },
  },
  {
    name: 'list of fights where the meter cannot be read',
    scene: 'unread',
    act: async (page) => {
      await goTo(page, 'fights');
      await page.getByText('another program holds it').waitFor();
    },
  },
  {
    name: 'list without fights',
    scene: 'none',
    act: async (page) => {
      await goTo(page, 'fights');
      await page.getByText('No fight yet').waitFor();
    },
  },
  {
    name: 'list that no fight fits',
    scene: 'idle',
    act: async (page) => {
      await goTo(page, 'fights');
      await page.locator('[data-encounter]').first().waitFor();
      await page.locator('#fights-text').fill('nobody');
      await page.getByText('No fight fits').waitFor();
    },
  },
  {
    name: 'page of settings',
    scene: 'idle',
    act: async (page) => {
      await goTo(page, 'settings');
      for (const summary of await page.locator('summary').all()) await summary.click();
      await page.locator('#channel').waitFor();
      await page.getByText('(Written last)').waitFor();
    },
  },
  {
    name: 'page of settings that pairs anew',
    scene: 'idle',
    act: async (page) => {
      await goTo(page, 'settings');
      await page.getByRole('button', { name: 'Pair anew' }).click();
      await page.getByRole('button', { name: 'Get a code' }).click();
      await page.locator('[data-code]').waitFor();
    },
  },
  {
    name: 'question whether a key is to be forgotten',
    scene: 'idle',
    act: async (page) => {
      await goTo(page, 'settings');
      await page.getByRole('button', { name: 'Forget the key' }).click();
      await page.getByRole('dialog').waitFor();
    },
  },
  {
    name: 'page about the app',
    scene: 'idle',
    act: async (page) => {
      await goTo(page, 'about');
      await page.getByRole('button', { name: 'Write a file for whoever helps' }).click();
      await page.getByText('It is here:').waitFor();
    },
  },
  ...['offer', 'blocked', 'loading', 'tampered', 'installed'].map((scene) => ({
    name: `page about the app with an update: ${scene}`,
    scene,
    act: async (/** @type {Page} */ page) => {
      await goTo(page, 'about');
      await page.locator('[data-update=offer]').waitFor();
    },
  })),
];
