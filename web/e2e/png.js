/**
 * A screenshot as a PNG of 256 colours: a third of the bytes, and no difference that is seen in a page of few colours.
 */
import { crc32, deflateSync } from 'node:zlib';

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
/** Bits of a channel that tell two colours apart when they are counted. */
const BITS = 6;

/**
 * @param {string} type
 * @param {Uint8Array} data
 */
function chunk(type, data) {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/**
 * The colours that most pixels have, and for each pixel the nearest of them.
 *
 * @param {Uint8Array} rgba
 */
function palette(rgba) {
  const key = (/** @type {number} */ at) => {
    const [r, g, b] = [rgba[at] ?? 0, rgba[at + 1] ?? 0, rgba[at + 2] ?? 0].map((channel) => channel >> (8 - BITS));
    return ((r ?? 0) << (2 * BITS)) | ((g ?? 0) << BITS) | (b ?? 0);
  };
  /** @type {Map<number, { count: number, colour: number[] }>} */
  const colours = new Map();
  for (let at = 0; at < rgba.length; at += 4) {
    const held = colours.get(key(at));
    if (held) held.count += 1;
    else colours.set(key(at), { count: 1, colour: [...rgba.subarray(at, at + 3)] });
  }
  const kept = [...colours.values()].sort((a, b) => b.count - a.count).slice(0, 256);
  const distance = (/** @type {number[]} */ a, /** @type {number[]} */ b) =>
    a.reduce((sum, channel, i) => sum + (channel - (b[i] ?? 0)) ** 2, 0);
  /** @type {Map<number, number>} */
  const nearest = new Map();
  for (const [name, { colour }] of colours) {
    const far = kept.map((one) => distance(one.colour, colour));
    nearest.set(name, far.indexOf(Math.min(...far)));
  }
  const pixels = new Uint8Array(rgba.length / 4);
  for (let i = 0; i < pixels.length; i++) pixels[i] = nearest.get(key(i * 4)) ?? 0;
  return { colours: kept.map((one) => one.colour), pixels };
}

/**
 * @param {number} width
 * @param {number} height
 * @param {Uint8Array} rgba Four bytes a pixel, row after row.
 */
export function encode(width, height, rgba) {
  const { colours, pixels } = palette(rgba);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  // Eight bits an index, colours in a palette.
  header.set([8, 3, 0, 0, 0], 8);
  const rows = Buffer.alloc((width + 1) * height);
  for (let y = 0; y < height; y++) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1);
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('PLTE', Buffer.from(colours.flat())),
    chunk('IDAT', deflateSync(rows, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
