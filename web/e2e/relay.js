/** A relay of a check's own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A port on this machine that nobody uses. */
export async function freePort() {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/**
 * Starts it, and waits for the first link, by which an administrator joins.
 *
 * @param {string} binary
 * @param {{ port: number, folder: string, settings?: string[], env?: Record<string, string> }} own `settings`: lines at
 *   the end of its settings file
 */
export async function startRelay(binary, { port, folder, settings = [], env = {} }) {
  const config = join(folder, 'raidcast.toml');
  const lines = [
    `listen = ["127.0.0.1:${port}"]`,
    `data = ${JSON.stringify(join(folder, 'data'))}`,
    `public_url = "http://127.0.0.1:${port}"`,
    ...settings,
  ];
  await writeFile(config, `${lines.join('\n')}\n`);
  const options = { ...process.env, RUST_LOG: 'error', ...env };
  const relay = spawn(binary, ['--config', config], { env: options, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(relay, 'exit');
  // Its lines are read to the end: a pipe that nobody reads would stop it.
  const told = createInterface({ input: relay.stdout });
  const link = await new Promise((/** @type {(link: string) => void} */ resolve, reject) => {
    told.on('line', (line) => {
      const found = /http:\S+#invitation=\w+/.exec(line);
      if (found !== null) resolve(found[0]);
    });
    ended.then(() => reject(new Error('the relay ended before it told the first link')), reject);
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    link,
    close: async () => {
      relay.kill('SIGTERM');
      await ended;
    },
  };
}
