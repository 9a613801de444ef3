import { Output, type Codec, type Unpacked } from '../codec.ts';
import { snappyLength, unpackSnappy } from '../lz-blocks.ts';

/** Nobody writes larger blocks; Hadoop's own preset is 256 KiB. */
const BLOCK_BYTES = 8 * 1024 * 1024;

/**
 * Snappy as Hadoop writes it: blocks of a plain length and, until it is reached, chunks of a packed length and a Snappy
 * block. It has no mark, but its first bytes have to fit together in four ways.
 */
export const hadoopSnappy: Codec = { name: 'hadoop-snappy', begins, unpack };

function begins(raw: Uint8Array): boolean {
  // Text does not begin with a zero byte, and a block of 16 MB is none of Hadoop's.
  if (raw.length < 10 || raw[0] !== 0 || raw[4] !== 0) return false;
  const plain = bigEndian(raw, 0);
  const packed = bigEndian(raw, 4);
  const said = snappyLength(raw.subarray(8, 13));
  if (plain < 1 || plain > BLOCK_BYTES || packed < 2 || said === undefined || said.length < 1 || said.length > plain)
    return false;
  // The first element of a Snappy block is a literal, as nothing stands before it that could be copied.
  return packed <= said.length + said.length / 6 + 32 && ((raw[8 + said.at] ?? 0) & 3) === 0;
}

function unpack(raw: Uint8Array, size: number): Unpacked {
  const output = new Output(size);
  let at = 0;
  let used = 1;
  while (!output.full && at + 4 <= raw.length) {
    let left = bigEndian(raw, at);
    if (left > BLOCK_BYTES) throw new Error('a block longer than Hadoop writes');
    at += 4;
    while (left > 0) {
      if (at + 4 > raw.length) return output.unpacked(false, used);
      const length = bigEndian(raw, at);
      if (length === 0) throw new Error('an empty chunk');
      if (at + 4 + length > raw.length) return output.unpacked(false, used);
      const before = output.length;
      unpackSnappy(raw.subarray(at + 4, at + 4 + length), output, left);
      if (output.length === before) throw new Error('a chunk of nothing');
      left -= output.length - before;
      at += 4 + length;
      used = at;
      if (output.full) break;
    }
  }
  return output.unpacked(at === raw.length, used);
}

function bigEndian(raw: Uint8Array, at: number): number {
  return new DataView(raw.buffer, raw.byteOffset + at, 4).getUint32(0);
}
