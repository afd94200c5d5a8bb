/** Frames as MessagePack: binary is that, text is JSON. */
import { decode, encode } from '@msgpack/msgpack';
import { frameOf, SUBPROTOCOL, SUBPROTOCOL_JSON, type Wire } from './frame';

/** See the module. */
export const messagePack: Wire = {
  subprotocol: SUBPROTOCOL,
  decode: (data) => frameOf(() => (typeof data === 'string' ? JSON.parse(data) : decode(data))),
  encode: (request, subprotocol) => (subprotocol === SUBPROTOCOL_JSON ? JSON.stringify(request) : encode(request)),
};
