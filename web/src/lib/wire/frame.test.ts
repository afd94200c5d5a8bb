import { encode } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import { keyframe, tick } from '$lib/testing/samples';
import { FrameError, json, SUBPROTOCOL, SUBPROTOCOL_JSON } from './frame';
import { messagePack } from './message-pack';
import { applyRowChanges } from './row';

const { decode: decodeFrame, encode: encodeRequest } = messagePack;

function bytes(value: unknown): ArrayBuffer {
  return encode(value).slice().buffer;
}

describe('frames', () => {
  it('are the same from MessagePack and from JSON', () => {
    for (const frame of [keyframe(), tick(6, { rows: [0, 1, 7] })]) {
      expect(decodeFrame(bytes(frame))).toEqual(frame);
      expect(decodeFrame(JSON.stringify(frame))).toEqual(frame);
      expect(json.decode(JSON.stringify(frame))).toEqual(frame);
    }
  });

  it('keep sums up to 2^53 - 1 exact', () => {
    const frame = decodeFrame(bytes(tick(1, { rows: [0, 1, Number.MAX_SAFE_INTEGER] })));
    expect(frame).toMatchObject({ rows: [0, 1, Number.MAX_SAFE_INTEGER] });
  });

  it('of a kind that is not known are skipped', () => {
    expect(decodeFrame('{"t":"novelty","skills":[]}')).toBeNull();
  });

  it('that cannot be read are errors', () => {
    for (const bad of ['', '[]', 'null', '{"x":1}', '{"t":5}']) expect(() => decodeFrame(bad)).toThrow(FrameError);
    expect(() => decodeFrame(new Uint8Array([0xc1]).buffer)).toThrow(FrameError);
    expect(() => json.decode(bytes(tick(1)))).toThrow(FrameError);
    // Bytes behind the frame.
    expect(() => decodeFrame(new Uint8Array([...encode(tick(1)), 1]).buffer)).toThrow(FrameError);
  });

  it('to the relay are written in the format of the subprotocol', () => {
    expect(encodeRequest({ t: 'probe', clock: 1 }, SUBPROTOCOL_JSON)).toBe('{"t":"probe","clock":1}');
    expect(encodeRequest({ t: 'probe', clock: 1 }, SUBPROTOCOL)).toBeInstanceOf(Uint8Array);
    expect(json.encode({ t: 'probe', clock: 1 }, SUBPROTOCOL)).toBe('{"t":"probe","clock":1}');
  });
});

describe('row changes', () => {
  const rows = [
    [1, 2, 3],
    [4, 5, 6],
  ];

  it('replace the columns of their mask, and leave other rows the same objects', () => {
    const next = applyRowChanges(rows, [1, 0b101, 40, 60], 3);
    expect(next).toEqual([
      [1, 2, 3],
      [40, 5, 60],
    ]);
    expect(next[0]).toBe(rows[0]);
    expect(rows[1]).toEqual([4, 5, 6]);
  });

  it('may bring new rows, one behind the last', () => {
    expect(applyRowChanges(rows, [2, 0b010, 9], 3)[2]).toEqual([0, 9, 0]);
  });

  it('that do not fit are errors', () => {
    for (const bad of [[0], [0, 1], [3, 1, 1], [-1, 1, 1], [0, 0b1000, 1], [0, 0b11, 1]]) {
      expect(() => applyRowChanges(rows, bad, 3)).toThrow(FrameError);
    }
  });
});
