/**
 * Uploads fight.json, and reads its report back. The types are made of the API's description; nothing else is needed.
 * Node 22.18 and newer run it as it stands:
 *
 *     RELAY=http://127.0.0.1:8787 RAIDCAST_KEY=… node raidcast.ts
 */
import { readFile } from 'node:fs/promises';
import type { components } from '../../web/src/lib/api/schema';

type Schemas = components['schemas'];

const relay = process.env['RELAY'] ?? 'http://127.0.0.1:8787';

async function asked(response: Response): Promise<Response> {
  if (response.ok || response.status === 304) return response;
  const { code, message } = (await response.json()) as Schemas['ApiError'];
  throw new Error(`${response.status} ${code}: ${message}`);
}

const uploaded = await asked(
  await fetch(`${relay}/api/v1/encounters?visibility=public`, {
    method: 'POST',
    headers: {
      'X-API-Key': process.env['RAIDCAST_KEY'] ?? '',
      'Content-Type': 'application/json',
    },
    body: await readFile(new URL('fight.json', import.meta.url)),
  }),
);
const { reportId } = (await uploaded.json()) as Schemas['Receipt'];
console.log('report', reportId);

const path = `${relay}/api/v1/reports/${reportId}`;
const answer = await asked(await fetch(path));
const report = (await answer.json()) as Schemas['Report'];
for (const player of report.players) {
  // null: the meter cannot know it.
  console.log(player.name ?? 'unknown', player.damage, player.damageTaken);
}

const again = await asked(
  await fetch(path, {
    headers: { 'If-None-Match': answer.headers.get('ETag') ?? '' },
  }),
);
console.log('again', again.status);
