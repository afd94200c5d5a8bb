import { describe, expect, it } from 'vitest';
import { ApiFailure } from '$lib/api/client';
import { FIREFOX } from '$lib/testing/samples';
import { browserName } from './agent';
import { codeOf } from './code';
import { invitationOf } from './invitation';
import { nextPath } from './next';
import { cameBack, providerFaultWords, titleOf, withoutCameBack } from './provider';
import { endWords, faultWords, keptBackWords, lookWords, mayWords, passwordFaultWords } from './words';

describe('who is to be hidden', () => {
  const look = (fights: number, names: [string, number][], hidden = false): string =>
    lookWords({
      player: 'a',
      hidden,
      hiddenByAdministrator: false,
      fights,
      names: names.map(([name, fights]) => ({ name, fights })),
    });

  it('is told by what most fights call the player, and how many there are', () => {
    expect(look(3, [['Aeris', 3]])).toBe('Called “Aeris”, in 3 fights.');
    expect(look(3, [['Aeris', 2]])).toBe('Called “Aeris” in 2 fights; 3 fights in all.');
    const two: [string, number][] = [
      ['Aeris', 999],
      ['Bo', 1],
    ];
    expect(look(1_000, two)).toBe(
      'Called “Aeris” in 999 fights, “Bo” in 1 fight; the newest 1,000 fights were looked at.',
    );
    expect(look(0, [])).toBe('No fight with this player is here.');
    expect(look(1, [], true)).toBe('The player is in 1 fight. The player has hidden the character already.');
  });
});

describe('what a raid keeps back', () => {
  it('is told where it is anything', () => {
    expect([keptBackWords('full', 0), keptBackWords('full', 30)]).toEqual(['', 'Others: 30 s later']);
    expect(keptBackWords('hidden', 60)).toBe('Others: only names of players who agreed, 60 s later');
  });
});

describe('where somebody goes who has signed in', () => {
  const go = (next: string): string =>
    nextPath(`?${new URLSearchParams({ next }).toString()}`, 'https://relay.example');

  it.each(['/', '/account', '/reports/abc?tab=healing#top', '/raids/X?ticket=1//2'])('is %s', (path) => {
    expect(go(path)).toBe(path);
  });

  it.each([
    'https://other.example/',
    '//other.example',
    '/\\other.example',
    '/\t/other.example',
    '/\n\\other.example',
    '/.//other.example',
    '/x/..//other.example',
    '\\\\other.example',
    ' //other.example',
    'javascript:alert(1)',
    'account',
    '',
  ])('is not %j', (path) => {
    expect(go(path)).toBe('/account');
  });

  it('is the account where nothing is said', () => {
    expect(nextPath('', 'https://relay.example')).toBe('/account');
  });
});

describe('who comes back from a provider', () => {
  const none = { entered: false, newcomer: false, added: false, fault: null, provider: '', wait: null };

  it.each([
    ['', none],
    ['?next=/account', none],
    ['?entered=sso&next=/reports/r1', { ...none, entered: true, provider: 'sso' }],
    ['?newcomer=sso', { ...none, newcomer: true, provider: 'sso' }],
    ['?added=sso', { ...none, added: true, provider: 'sso' }],
    ['?fault=denied&provider=sso', { ...none, fault: 'denied', provider: 'sso' }],
    ['?fault=too_often&provider=sso&wait=90', { ...none, fault: 'too_often', provider: 'sso', wait: 90 }],
    ['?fault=busy&provider=sso&wait=soon', { ...none, fault: 'busy', provider: 'sso' }],
    ['?fault=denied&provider=', { ...none, fault: 'denied' }],
    ['?fault=toString&provider=sso', { ...none, provider: 'sso' }],
    ['?fault=%3Cb%3E', none],
  ])('with %j is understood', (search, came) => {
    expect(cameBack(search)).toEqual(came);
  });

  it('is told so once', () => {
    expect(withoutCameBack('/sign-in', '?fault=denied&provider=sso&next=%2Fa')).toBe('/sign-in?next=%2Fa');
    expect(withoutCameBack('/sign-in', '?fault=too_often&provider=sso&wait=90')).toBe('/sign-in');
    expect(withoutCameBack('/account', '?added=sso')).toBe('/account');
  });

  it('is told for how long he waits', () => {
    expect(providerFaultWords('too_often', 'Guild', 61)).toContain('Wait 2 minutes, and begin again');
    expect(providerFaultWords('provider_busy', 'Guild', 300)).toContain('Wait 5 minutes, and try again');
    expect(providerFaultWords('provider_busy', 'Guild')).toContain('Wait a minute, and try again');
  });

  it('is told in sentences, with what people call the provider', () => {
    const providers = [{ id: 'sso', title: 'Guild' }];
    expect([titleOf('sso', providers), titleOf('other', providers)]).toEqual(['Guild', 'the provider']);
    expect(providerFaultWords('provider_down', 'the provider')).toBe(
      'The provider does not answer now. Try again in a moment.',
    );
    expect(providerFaultWords('not_invited', 'Guild')).toMatch(/by this Guild account .* invitation link/);
  });
});

describe('an invitation', () => {
  it.each([
    ['#invitation=abc', 'abc'],
    ['#invitation=', null],
    ['#other', null],
    ['', null],
  ])('of %j is %j', (hash, secret) => {
    expect(invitationOf(hash)).toBe(secret);
  });
});

describe('a code', () => {
  it.each([
    ['BCDF-GHJK', 'BCDF-GHJK'],
    [' bcdf ghjk\t', 'BCDF-GHJK'],
    ['bcdf\u2013ghjk', 'BCDF-GHJK'],
    ['B-C-D-F.GHJK', 'BCDF-GHJK'],
    ['BCDF-GHJ', null],
    ['BCDF-GHJKL', null],
    ['BCDF-GHJ1', null],
    ['BCDF-GHJ\u00c4', null],
    ['', null],
  ])('%j is %j', (typed, code) => {
    expect(codeOf(typed)).toBe(code);
  });
});

describe('a browser', () => {
  const MOZILLA = 'Mozilla/5.0';
  const KIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  it.each([
    [FIREFOX, 'Firefox on Windows'],
    [`${MOZILLA} (X11; Linux x86_64) ${KIT} Chrome/140.0.0.0 Safari/537.36`, 'Chrome on Linux'],
    [`${MOZILLA} (Linux; Android 15) ${KIT} Chrome/140.0.0.0 Mobile Safari/537.36`, 'Chrome on Android'],
    [`${MOZILLA} (Windows NT 10.0) ${KIT} Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0`, 'Edge on Windows'],
    [`${MOZILLA} (Windows NT 10.0) ${KIT} Chrome/140.0.0.0 Safari/537.36 OPR/120.0.0.0`, 'Opera on Windows'],
    [`${MOZILLA} (Macintosh; Intel Mac OS X 10_15_7) ${KIT} Version/18.0 Safari/605.1.15`, 'Safari on Mac'],
    [
      `${MOZILLA} (iPhone; CPU iPhone OS 18_0 like Mac OS X) ${KIT} Version/18.0 Mobile/15E148 Safari/604.1`,
      'Safari on iPhone',
    ],
    [`${MOZILLA} (iPad; CPU OS 18_0 like Mac OS X) ${KIT} FxiOS/140.0 Safari/605.1.15`, 'Firefox on iPad'],
    ['curl/8.14.1', 'curl/8.14.1'],
    ['', 'Unknown browser'],
    ['x'.repeat(80), `${'x'.repeat(60)}…`],
  ])('%j is %s', (agent, name) => {
    expect(browserName(agent)).toBe(name);
  });
});

describe('words', () => {
  it('say what a key may do', () => {
    expect(mayWords(['upload'])).toBe('May upload fights');
    expect(mayWords(['manage', 'upload', 'read'])).toBe(
      'May upload fights, see what is private and share and delete your raids',
    );
    expect(mayWords([])).toBe('May do nothing');
  });

  it('say when something ends: to the minute where that is soon', () => {
    const now = new Date(2026, 10, 23, 21, 40).getTime();
    expect(endWords(null, now)).toBe('Never');
    expect(endWords(now + 3_600_000, now)).toBe('23 Nov 2026, 22:40');
    expect(endWords(now + 30 * 86_400_000, now)).toBe('23 Dec 2026');
  });

  it('say why something did not work as sentences, and how long to wait', () => {
    expect(faultWords(new ApiFailure(400, 'choose another'))).toBe('Choose another.');
    expect(faultWords(new ApiFailure(0, 'The relay does not answer.'))).toBe('The relay does not answer.');
    expect(faultWords(new ApiFailure(429, 'wait', 'too_many', 1))).toBe('Wait. It can be tried again in 1 second.');
    expect(faultWords(new ApiFailure(429, 'wait', 'too_many', 90))).toBe('Wait. It can be tried again in 90 seconds.');
    const wrong = new ApiFailure(401, 'the name or the password is wrong: try again', 'wrong_sign_in');
    expect(faultWords(wrong)).toBe('The name or the password is wrong: try again.');
    expect(passwordFaultWords(wrong)).toBe('The password is wrong: try again.');
  });
});
