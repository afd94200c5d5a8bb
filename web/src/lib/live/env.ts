/** The browser's own time, chance and network. */
import type { ConnectionEnv } from './connection';

/** The real ones. */
export const browserEnv: ConnectionEnv = {
  open: (url, protocol) => new WebSocket(url, protocol),
  now: () => performance.timeOrigin + performance.now(),
  random: () => Math.random(),
  setTimer: (run, ms) => window.setTimeout(run, ms),
  clearTimer: (id) => {
    window.clearTimeout(id);
  },
};

/** Calls `wake` when the page is shown again, comes back from the browser's cache, or the network returns. */
export function onWake(wake: () => void): () => void {
  const visible = (): void => {
    if (document.visibilityState === 'visible') wake();
  };
  document.addEventListener('visibilitychange', visible);
  window.addEventListener('pageshow', wake);
  window.addEventListener('online', wake);
  return () => {
    document.removeEventListener('visibilitychange', visible);
    window.removeEventListener('pageshow', wake);
    window.removeEventListener('online', wake);
  };
}
