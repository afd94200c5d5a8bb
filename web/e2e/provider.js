/**
 * Signing in by a real provider of OpenID Connect: the browser goes from a real relay to it and back. What the provider
 * itself refuses, it refuses here.
 */
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Provider from 'oidc-provider';
import { launchClean, violations } from './browser.js';
import { freePort, startRelay } from './relay.js';
import { expect, same } from './runner.js';

const CLIENT = { id: 'raidcast of tests', secret: 'a secret: with signs & spaces' };
/** Who is known there, by what is typed. @type {Record<string, { sub: string, name: string }>} */
const PEOPLE = {
  ana: { sub: 'subject-of-ana', name: 'Ana of the guild' },
  bo: { sub: 'subject-of-bo', name: 'Bo' },
};

/** A key that tokens are signed with. */
function signingKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), kid: 'first', use: 'sig', alg: 'RS256' };
}

/**
 * Starts the provider. Its pages for signing in are one field and a button.
 *
 * @param {number} port
 * @param {string} relay
 */
async function startProvider(port, relay) {
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT.id,
        client_secret: CLIENT.secret,
        redirect_uris: [`${relay}/sign-in/guild/callback`],
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [signingKey()] },
    cookies: { keys: ['a key for the cookies of tests'] },
    pkce: { required: () => true },
    conformIdTokenClaims: false,
    claims: { openid: ['sub'], profile: ['name'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    findAccount: (_, id) => {
      const who = Object.values(PEOPLE).find(({ sub }) => sub === id);
      return who === undefined ? undefined : { accountId: id, claims: () => ({ ...who }) };
    },
    // Who signs in there has allowed it.
    loadExistingGrant: async (context) => {
      const { client, session, provider: own } = context.oidc;
      const grant = new own.Grant({ clientId: client?.clientId, accountId: session?.accountId });
      grant.addOIDCScope('openid profile');
      await grant.save();
      return grant;
    },
  });
  const handle = provider.callback();
  /** Hears of the next way back, in place of the browser. @type {((url: URL) => void) | null} */
  let hold = null;
  const server = createServer((request, response) => {
    const { end } = response;
    response.end = (/** @type {any[]} */ ...rest) => {
      const to = String(response.getHeader('location') ?? '');
      if (hold === null || !to.startsWith(`${relay}/sign-in/`)) return end.apply(response, /** @type {any} */ (rest));
      hold(new URL(to));
      hold = null;
      for (const name of ['location', 'content-length']) response.removeHeader(name);
      response.statusCode = 200;
      response.setHeader('content-type', 'text/html');
      return end.call(response, '<!doctype html><title>held</title>', 'utf8');
    };
    if (!request.url?.startsWith('/interaction/')) {
      handle(request, response);
      return;
    }
    answerInteraction(provider, request, response).catch((error) => {
      response.writeHead(500);
      response.end(String(error));
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    issuer,
    /** The next way back, which the browser then does not go. */
    held: () =>
      new Promise((/** @type {(url: URL) => void} */ resolve) => {
        hold = resolve;
      }),
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/**
 * @param {Provider} provider
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:http').ServerResponse} response
 */
async function answerInteraction(provider, request, response) {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html');
    response.end(
      '<!doctype html><html lang="en"><title>Guild</title><form method="post"><label>Who <input name="who" autofocus></label>' +
        '<button name="what" value="yes">Yes</button><button name="what" value="no">No</button></form>',
    );
    return;
  }
  let text = '';
  for await (const piece of request) text += piece;
  const form = new URLSearchParams(text);
  const who = PEOPLE[form.get('who') ?? ''];
  const result =
    form.get('what') === 'no' || who === undefined
      ? { error: 'access_denied', error_description: 'somebody said no' }
      : { login: { accountId: who.sub } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

/**
 * @param {import('./runner.js').Runner} runner
 * @param {string} chromium
 * @param {string} binary
 */
export async function providerChecks(runner, chromium, binary) {
  const browser = await launchClean(chromium);
  const folder = await mkdtemp(join(tmpdir(), 'raidcast-e2e-'));
  const [relayPort, providerPort] = [await freePort(), await freePort()];
  const provider = await startProvider(providerPort, `http://127.0.0.1:${relayPort}`);
  const known = [
    '[providers.guild]',
    'kind = "openid"',
    'title = "Guild"',
    `issuer = "${provider.issuer}"`,
    `client_id = ${JSON.stringify(CLIENT.id)}`,
  ];
  const secrets = { RAIDCAST_PROVIDER_GUILD_SECRET: CLIENT.secret };
  const relay = await startRelay(binary, { port: relayPort, folder, settings: known, env: secrets });
  /** @typedef {import('playwright-core').Page} Page */

  /** In a browser of its own: nothing is kept of the others. */
  const newPage = async () => (await browser.newContext()).newPage();
  /** At the provider. */
  const signInThere = async (/** @type {Page} */ page, /** @type {string} */ who) => {
    await page.getByLabel('Who').fill(who);
    await page.getByRole('button', { name: 'Yes' }).click();
  };
  const hereAs = async (/** @type {Page} */ page, /** @type {string} */ name) => {
    await page.waitForURL((url) => url.origin === relay.origin && url.pathname === '/account');
    await page.getByText(`You are signed in as ${name}`).waitFor();
  };
  /** The way back that the browser was about to take, which it does not take. */
  const wayBack = async (/** @type {Page} */ page, /** @type {string} */ who) => {
    const held = provider.held();
    await page.goto(`${relay.origin}/sign-in`);
    await page.getByRole('button', { name: 'Sign in with Guild' }).click();
    if (who !== '') await signInThere(page, who);
    await page.waitForFunction(() => document.title === 'held');
    return held;
  };
  const alert = async (/** @type {Page} */ page, /** @type {RegExp} */ words) => {
    await page.getByRole('alert').filter({ hasText: words }).waitFor();
  };

  try {
    await runner.run('who is invited joins by a real provider, under a name that he chooses', async () => {
      const page = await newPage();
      /** @type {string[]} */
      const asked = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.goto(relay.link);
      await page.getByRole('button', { name: 'Join with Guild' }).click();
      await signInThere(page, 'ana');
      await page.getByRole('heading', { level: 1, name: 'Join' }).waitFor();
      same(await page.getByLabel('Name').inputValue(), PEOPLE['ana']?.name, 'name');
      same(await violations(page), [], 'violations');
      await page.getByLabel('Name').fill('Ana');
      await page.keyboard.press('Enter');
      await hereAs(page, 'Ana');
      await page.getByText('an administrator of this relay').waitFor();
      const secret = new URL(relay.link).hash.split('=')[1] ?? '';
      same(
        asked.filter((url) => url.includes(secret)),
        [],
        'addresses with the invitation',
      );
      const part = page.getByRole('region', { name: 'How you sign in' });
      same(await part.getByRole('button', { name: 'Remove Guild' }).count(), 0, 'ways to remove the last way');
      // Signed out here, he is still known there.
      await page.getByRole('button', { name: 'Sign out', exact: true }).click();
      await page.waitForURL(`${relay.origin}/`);
      await page.goto(`${relay.origin}/sign-in?next=/docs/api`);
      await page.getByRole('button', { name: 'Sign in with Guild' }).click();
      await page.waitForURL(`${relay.origin}/docs/api`);
      same(await page.locator('header').first().getByRole('link', { name: 'Ana' }).count(), 1, 'links');
    });

    await runner.run('the session that a browser had before it came back ends', async () => {
      const page = await newPage();
      await page.goto(`${relay.origin}/sign-in`);
      const enter = async () => {
        await page.goto(`${relay.origin}/sign-in`);
        await page.getByRole('button', { name: 'Sign in with Guild' }).click();
      };
      await enter();
      await signInThere(page, 'ana');
      await hereAs(page, 'Ana');
      const session = async () => {
        const cookies = await page.context().cookies(relay.origin);
        return cookies.find(({ name }) => name === '__Host-raidcast');
      };
      const before = await session();
      same([before?.httpOnly, before?.secure, before?.sameSite], [true, true, 'Lax'], 'cookie');
      await enter();
      await hereAs(page, 'Ana');
      expect((await session())?.value !== before?.value, 'the session is the same');
      const cookie = `__Host-raidcast=${before?.value ?? ''}`;
      const answer = await fetch(`${relay.origin}/api/v1/me`, { headers: { cookie } });
      same(answer.status, 401, 'the old session');
    });

    await runner.run('who is not invited, or says no there, is told so in words', async () => {
      const page = await newPage();
      await page.goto(`${relay.origin}/sign-in`);
      await page.getByRole('button', { name: 'Sign in with Guild' }).click();
      await page.getByRole('button', { name: 'No' }).click();
      await alert(page, /Guild did not let this relay know who you are/);
      await page.getByRole('button', { name: 'Sign in with Guild' }).click();
      await signInThere(page, 'bo');
      await alert(page, /to join you need an invitation link/);
      // Where somebody wanted to go is kept, and nothing else.
      same(new URL(page.url()).search, '?next=%2Faccount', 'what stands in the address');
    });

    await runner.run('a way back is good once, in the browser in which it began', async () => {
      const [page, other] = [await newPage(), await newPage()];
      const first = await wayBack(page, 'ana');
      await other.goto(first.href);
      await alert(other, /began in another browser/);
      // That does no harm to whose it is.
      await page.goto(first.href);
      await hereAs(page, 'Ana');
      await page.goto(first.href);
      await alert(page, /has ended, or was used already/);
      const second = await wayBack(page, '');
      await page.goto(second.href);
      await hereAs(page, 'Ana');
      await page.goto(second.href);
      await alert(page, /has ended, or was used already/);
      second.searchParams.set('iss', 'http://127.0.0.1:1');
      const third = await wayBack(page, '');
      third.searchParams.set('iss', 'https://elsewhere.example');
      await page.goto(third.href);
      await alert(page, /does not belong to this sign-in/);
    });

    await runner.run(
      'the provider refuses a code that was used, and one that began with another verifier',
      async () => {
        const page = await newPage();
        const used = await wayBack(page, 'ana');
        await page.goto(used.href);
        await hereAs(page, 'Ana');
        const again = await wayBack(page, '');
        again.searchParams.set('code', used.searchParams.get('code') ?? '');
        await page.goto(again.href);
        await alert(page, /Guild did not confirm who you are/);
        const [one, two] = [await wayBack(page, ''), await wayBack(page, '')];
        two.searchParams.set('code', one.searchParams.get('code') ?? '');
        await page.goto(two.href);
        await alert(page, /Guild did not confirm who you are/);
        await page.getByRole('button', { name: 'Sign in with Guild' }).click();
        await hereAs(page, 'Ana');
      },
    );

    await runner.run('who has a password adds the provider, signs in by it, and removes it', async () => {
      const [administrator, page] = [await newPage(), await newPage()];
      await administrator.goto(`${relay.origin}/sign-in`);
      await administrator.getByRole('button', { name: 'Sign in with Guild' }).click();
      await signInThere(administrator, 'ana');
      await hereAs(administrator, 'Ana');
      const makes = async () => {
        await administrator.getByRole('button', { name: 'Make an invitation' }).click();
        await administrator.getByRole('button', { name: 'Make invitation' }).click();
      };
      await makes();
      // The provider did not say that she signed in there just now, so she is asked to, once.
      await administrator.getByRole('button', { name: 'Sign in again with Guild' }).click();
      await hereAs(administrator, 'Ana');
      await makes();
      const made = administrator.getByRole('region', { name: 'New invitation' });
      const link = await made.locator('[data-secret]').innerText();
      await page.goto(link);
      await page.getByLabel('Name').fill('Bo');
      await page.getByLabel('Password', { exact: true }).fill('correct horse battery');
      await page.keyboard.press('Enter');
      await hereAs(page, 'Bo');
      const part = page.getByRole('region', { name: 'How you sign in' });
      // Somebody else's is not taken for his.
      await part.getByRole('button', { name: 'Add Guild' }).click();
      await signInThere(page, 'ana');
      await alert(page, /somebody else signs in by it/);
      await page.context().clearCookies({ domain: '127.0.0.1', name: /^_(session|interaction)/ });
      await part.getByRole('button', { name: 'Add Guild' }).click();
      await signInThere(page, 'bo');
      await part.getByText('You can sign in with Guild from now on.').waitFor();
      const elsewhere = await newPage();
      await elsewhere.goto(`${relay.origin}/sign-in`);
      await elsewhere.getByRole('button', { name: 'Sign in with Guild' }).click();
      await signInThere(elsewhere, 'bo');
      await hereAs(elsewhere, 'Bo');
      await part.getByRole('button', { name: 'Remove Guild' }).click();
      await part.getByRole('button', { name: 'Remove', exact: true }).click();
      await part.getByText('Nobody signs in with Guild any more.').waitFor();
      await elsewhere.goto(`${relay.origin}/account`);
      await elsewhere.waitForURL((url) => url.pathname === '/sign-in');
      await elsewhere.getByRole('button', { name: 'Sign in with Guild' }).click();
      await alert(elsewhere, /to join you need an invitation link/);
    });
  } finally {
    await browser.close();
    await relay.close();
    await provider.close();
    await rm(folder, { recursive: true, force: true });
  }
}
