import { describe, expect, it } from 'vitest';
import { summary } from '$lib/testing/samples';
import { codeOf, leadOf, liveOf, scenesLike } from './lead';
import { ANYTHING } from './place';

const HERE = 'https://relay.example';

describe('a link that is typed', () => {
  it('leads to its page with its ticket, on this relay alone', () => {
    expect(leadOf(` ${HERE}/raids/abcd2345?ticket=t `, HERE)).toEqual({
      kind: 'raid',
      name: 'abcd2345',
      href: '/raids/abcd2345?ticket=t',
    });
    expect(leadOf('/reports/r1?tab=healing', HERE)?.href).toBe('/reports/r1?tab=healing');
    expect(leadOf(`${HERE}/live/chan`, HERE)?.kind).toBe('channel');
    const none = [
      'https://other.example/raids/a',
      `${HERE}/account`,
      '//evil.example/raids/a',
      'raids/a',
      'https://',
      'Ogre',
    ];
    expect(none.map((text) => leadOf(text, HERE))).toEqual(none.map(() => null));
  });

  it('is a raid’s code where it may be one', () => {
    expect(['k3mvq8xw2n', ' K3MVQ8XW2N ', 'Frostlily', 'bramstead', 'ogre', 'k3m vq8xw'].map(codeOf)).toEqual([
      'k3mvq8xw2n',
      'k3mvq8xw2n',
      null,
      null,
      null,
      null,
    ]);
  });
});

describe('scenes by a part of their names', () => {
  const fights = ['Towering Ruin', 'Towering Ruin', 'Tina’s Mindrealm', null].map((scene) =>
    summary({ encounter: { scene, sceneId: null, difficulty: null } }),
  );

  it('are offered once each, and not where they are typed already', () => {
    expect(scenesLike('RUIN', fights)).toEqual(['Towering Ruin']);
    expect(scenesLike('ｒｕｉｎ', fights)).toEqual(['Towering Ruin']);
    expect([scenesLike('towering ruin', fights), scenesLike(' ', fights), scenesLike('moon', fights)]).toEqual([
      [],
      [],
      [],
    ]);
  });
});

describe('who is live', () => {
  const ogre = summary({ reportId: 'a', state: 'live', bosses: ['Ogre'] });
  const golem = summary({ reportId: 'b', state: 'live', bosses: ['Golem'] });
  const over = summary({ reportId: 'c', bosses: ['Ogre'] });
  const ids = (place: typeof ANYTHING): string[] => liveOf(place, [ogre, golem, over]).map(({ reportId }) => reportId);

  it('is shown where the text may mean it, and not where it is asked how fights went', () => {
    expect(ids(ANYTHING)).toEqual(['a', 'b']);
    expect(ids({ ...ANYTHING, text: 'og' })).toEqual(['a']);
    expect(ids({ ...ANYTHING, text: 'valley', of: 'scene' })).toEqual(['a', 'b']);
    expect(ids({ ...ANYTHING, outcome: 'kill' })).toEqual([]);
  });
});
