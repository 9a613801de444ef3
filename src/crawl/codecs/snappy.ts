import { Output, type Codec, type Unpacked } from '../codec.ts';
import { littleEndian, unpackSnappy } from '../lz-blocks.ts';

const MARK = [0xff, 0x06, 0x00, 0x00, 0x73, 0x4e, 0x61, 0x50, 0x70, 0x59];
/** A chunk of the framing format unpacks to this much at most. */
const CHUNK_BYTES = 65_536;

/** Snappy in its framing format: chunks with a type, a length and a checksum. */
export const snappy: Codec = {
  name: 'snappy',
  begins: (raw) => MARK.every((byte, i) => raw[i] === byte),
  unpack,
};

function unpack(raw: Uint8Array, size: number): Unpacked {
  const output = new Output(size);
  let at = 0;
  while (!output.full && at + 4 <= raw.length) {
    const type = raw[at] ?? 0;
    const length = littleEndian(raw, at + 1, 3);
    if (at + 4 + length > raw.length) break;
    const chunk = raw.subarray(at + 4, at + 4 + length);
    if (type <= 1 && length < 4) throw new Error('a Snappy chunk without a checksum');
    if (type === 0) unpackSnappy(chunk.subarray(4), output, CHUNK_BYTES);
    else if (type === 1) output.add(chunk.subarray(4));
    else if (type < 0x80) throw new Error('a Snappy chunk of an unknown type');
    at += 4 + length;
  }
  return output.unpacked(at === raw.length, Math.max(1, at));
}
