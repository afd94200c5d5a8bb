import { describe, expect, it } from 'vitest';
import { FakeEnv } from '$lib/testing/env';
import { raidPage, summary } from '$lib/testing/samples';
import { offered, PARTNERS_MAX, PartnerLists } from './partners.svelte';

const fights = [
  summary({ reportId: 'a', startedAtMs: 1 }),
  summary({ reportId: 'b', startedAtMs: 2, bosses: ['Other'] }),
  summary({ reportId: 'c', startedAtMs: 3 }),
  summary({ reportId: 'd', startedAtMs: 4, stub: true }),
];

describe('fights to compare with', () => {
  it('are those of the same boss first, the newest first, without this one and what could not be taken', () => {
    expect(offered(fights, 'a', 'Ogre').map((fight) => fight.reportId)).toEqual(['c', 'b']);
    expect(offered(fights, 'x', null).map((fight) => fight.reportId)).toEqual(['c', 'b', 'a']);
    const many = Array.from({ length: 50 }, (_, at) => summary({ reportId: `m${at}`, startedAtMs: at }));
    expect(offered(many, 'x', null)).toHaveLength(PARTNERS_MAX);
  });

  it('come of the raid and by search, each once; what cannot be read says so and keeps nothing from the other', async () => {
    const asked: string[] = [];
    const get = (url: RequestInfo | URL): Promise<Response> => {
      asked.push(String(url));
      const found = [
        summary({ reportId: 'p', raid: 'ELSE' }),
        summary({ reportId: 'q', raid: 'ELSE', bosses: ['Ogre King'] }),
        summary({ reportId: 'c' }),
      ];
      return Promise.resolve(Response.json({ encounters: found, pagination: {} }));
    };
    const lists = new PartnerLists(
      { raid: () => Promise.resolve(raidPage({ reports: fights })) },
      Object.assign(new FakeEnv(), { get }),
    );
    await lists.read({ id: 'a', raid: 'RAID', boss: 'Ogre' });
    const ids = (list: typeof lists.raid): unknown => (Array.isArray(list) ? list.map((one) => one.reportId) : list);
    expect([ids(lists.raid), ids(lists.public)]).toEqual([['c', 'b'], ['p']]);
    expect(asked).toEqual(['/api/v1/encounters?bossName=Ogre&limit=40']);

    const refused = new PartnerLists(
      { raid: () => Promise.resolve(raidPage({ reports: fights })) },
      Object.assign(new FakeEnv(), { get: () => Promise.resolve(new Response('', { status: 503 })) }),
    );
    await refused.read({ id: 'a', raid: '', boss: 'Ogre' });
    expect([refused.raid, refused.public]).toEqual([[], 'failed']);
  });
});
