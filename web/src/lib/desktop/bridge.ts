/** The way to the app by its own calls: the only place that knows them. */
import { Channel, invoke } from '@tauri-apps/api/core';
import { listen } from '@tauri-apps/api/event';
import type { Bridge } from './calls';
import type { UploadStep } from './types';

/** The app's own bridge. */
export const bridge: Bridge = {
  call: (name, ...taken) => invoke(name, { ...taken[0] }),
  upload: (plan, hear) => invoke('upload', { plan, progress: new Channel<UploadStep>(hear) }),
  on: (what, hear) =>
    listen<Parameters<typeof hear>[0]>(what, ({ payload }) => {
      hear(payload);
    }),
};
