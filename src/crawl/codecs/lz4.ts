import { TenonError } from '../../model/errors.ts';
import { Output, type Codec, type Unpacked } from '../codec.ts';
import { littleEndian, unpackLz4 } from '../lz-blocks.ts';

const MARK = 0x184d2204;

/** LZ4 in its frame format. */
export const lz4: Codec = {
  name: 'lz4',
  begins: (raw) => raw.length >= 7 && littleEndian(raw, 0, 4) === MARK,
  unpack,
};

function unpack(raw: Uint8Array, size: number): Unpacked {
  const output = new Output(size);
  const flags = raw[4] ?? 0;
  const largest = 2 ** (8 + 2 * (((raw[5] ?? 0) >>> 4) & 7));
  if (flags >>> 6 !== 1 || largest < 65_536) throw new Error('an LZ4 frame of an unknown version');
  if ((flags & 1) !== 0) throw new TenonError('UNSUPPORTED', 'LZ4 with a dictionary is not supported.');
  let at = 7 + ((flags & 8) === 0 ? 0 : 8);
  while (!output.full && at + 4 <= raw.length) {
    const word = littleEndian(raw, at, 4);
    if (word === 0) return output.unpacked(at + 4 + ((flags & 4) === 0 ? 0 : 4) >= raw.length, at + 4);
    const length = word % 0x80000000;
    if (length > largest) throw new Error('an LZ4 block longer than its frame allows');
    if (at + 4 + length > raw.length) break;
    const block = raw.subarray(at + 4, at + 4 + length);
    if (word >= 0x80000000) output.add(block);
    else unpackLz4(block, output, largest);
    at += 4 + length + ((flags & 16) === 0 ? 0 : 4);
  }
  return output.unpacked(false, Math.max(1, at));
}
