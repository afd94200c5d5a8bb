/** What pages need of the browser, with frames as MessagePack. */
import { messagePack } from '$lib/wire/message-pack';
import { plainEnv, type PageEnv } from './env';

/** See the module. */
export const browserEnv: PageEnv = { ...plainEnv, wire: messagePack };
