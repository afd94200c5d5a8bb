/** The server's end of a WebSocket, as much of it as a scripted relay needs. */
import { createHash } from 'node:crypto';

const MAGIC = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/**
 * Answers an upgrade.
 *
 * @param {import('node:http').IncomingMessage} request
 * @param {import('node:stream').Duplex} socket
 * @param {(payload: Buffer) => void} heard each message
 */
export function accept(request, socket, heard) {
  const key = request.headers['sec-websocket-key'] ?? '';
  const protocol =
    String(request.headers['sec-websocket-protocol'] ?? '')
      .split(',')[0]
      ?.trim() ?? '';
  socket.write(
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
      `Sec-WebSocket-Accept: ${createHash('sha1')
        .update(key + MAGIC)
        .digest('base64')}\r\n` +
      (protocol === '' ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`) +
      '\r\n',
  );
  let held = Buffer.alloc(0);
  socket.on('data', (bytes) => {
    held = Buffer.concat([held, bytes]);
    for (;;) {
      const frame = take(held);
      if (frame === null) return;
      held = held.subarray(frame.length);
      if (frame.opcode === 8) socket.end();
      else if (frame.opcode === 1 || frame.opcode === 2) heard(frame.payload);
    }
  });
  socket.on('error', () => socket.destroy());
}

/**
 * One message as a frame: binary, or of text.
 *
 * @param {Uint8Array} payload
 * @param {{ text?: boolean }} [how]
 */
export function frameOf(payload, { text = false } = {}) {
  const opcode = text ? 0x81 : 0x82;
  const { length } = payload;
  const head = length < 126 ? Buffer.from([opcode, length]) : Buffer.alloc(length < 65_536 ? 4 : 10);
  if (length >= 126) {
    head[0] = opcode;
    head[1] = length < 65_536 ? 126 : 127;
    if (length < 65_536) head.writeUInt16BE(length, 2);
    else head.writeBigUInt64BE(BigInt(length), 2);
  }
  return Buffer.concat([head, payload]);
}

/**
 * The first whole frame of what was heard; a browser's are masked, and a page's are short.
 *
 * @param {Buffer} held
 */
function take(held) {
  if (held.length < 6) return null;
  const short = (held[1] ?? 0) & 0x7f;
  const at = short === 126 ? 4 : 2;
  const size = short === 126 ? held.readUInt16BE(2) : short;
  if (short === 127) throw new Error('no page sends a frame of more than 64 KiB');
  if (held.length < at + 4 + size) return null;
  const mask = held.subarray(at, at + 4);
  const payload = Buffer.from(held.subarray(at + 4, at + 4 + size));
  for (let i = 0; i < size; i++) payload[i] = (payload[i] ?? 0) ^ (mask[i % 4] ?? 0);
  return { opcode: (held[0] ?? 0) & 0x0f, payload, length: at + 4 + size };
}
