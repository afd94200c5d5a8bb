/**
 * Puts a staged app where the window's own calls look for the real one, for the browser tests: what they look at is the
 * window as it is built, byte by byte. The address' fragment names the scene, and the language.
 */
import type { Heard } from './calls';
import { STATES } from './samples';
import { SCENES } from './scenes';
import type { LanguageChoice, UploadStep } from './types';

const asked = new URLSearchParams(location.hash.slice(1));
const app = (SCENES[asked.get('scene') ?? ''] ?? SCENES['idle'])?.();
if (app === undefined) throw new Error('there is no such scene');
app.settings.language = (asked.get('language') ?? 'en') as LanguageChoice;

const heard = new Map<number, (said: unknown) => void>();
const stops = new Map<number, () => void>();
let last = 0;

async function invoke(name: string, taken: Record<string, unknown> = {}): Promise<unknown> {
  if (app === undefined) return null;
  if (name === 'plugin:event|listen') {
    const hear = heard.get(Number(taken['handler']));
    const id = ++last;
    const what = String(taken['event']) as keyof Heard;
    stops.set(id, await app.on(what, (payload) => hear?.({ event: what, id, payload })));
    return id;
  }
  if (name === 'plugin:event|unlisten') {
    stops.get(Number(taken['eventId']))?.();
    return null;
  }
  if (name === 'upload') {
    // A channel is written as text, like all that is sent.
    const channel = JSON.parse(JSON.stringify(taken['progress'])) as string;
    const hear = heard.get(Number(channel.replace('__CHANNEL__:', '')));
    let index = 0;
    return app.upload(Number(taken['plan']), (message: UploadStep) => hear?.({ message, index: index++ }));
  }
  const call = app.call.bind(app) as (name: string, taken: unknown) => Promise<unknown>;
  return call(name, JSON.parse(JSON.stringify(taken)));
}

Object.assign(window, {
  __TAURI_INTERNALS__: {
    invoke,
    transformCallback(hear: (said: unknown) => void): number {
      heard.set(++last, hear);
      return last;
    },
    unregisterCallback(id: number): void {
      heard.delete(id);
    },
  },
  __TAURI_EVENT_PLUGIN_INTERNALS__: { unregisterListener: () => undefined },
  /** For the test that looks on. */
  staged: Object.assign(app, { states: STATES }),
});
