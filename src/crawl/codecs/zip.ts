import { TenonError } from '../../model/errors.ts';
import type { Codec, Unpacked } from '../codec.ts';
import { littleEndian } from '../lz-blocks.ts';
import { inflateRawHead } from './gzip.ts';

const MARK = 0x04034b50;
const ENTRY_BYTES = 30;

/** A ZIP archive, of which the first file is read; `holdsOneFile` says whether it is the only one. */
export const zip: Codec = {
  name: 'zip',
  begins: (raw) => raw.length > ENTRY_BYTES && littleEndian(raw, 0, 4) === MARK,
  unpack,
};

async function unpack(raw: Uint8Array, size: number): Promise<Unpacked> {
  const flags = littleEndian(raw, 6, 2);
  const method = littleEndian(raw, 8, 2);
  const start = ENTRY_BYTES + littleEndian(raw, 26, 2) + littleEndian(raw, 28, 2);
  if ((flags & 1) !== 0) throw new TenonError('UNSUPPORTED', 'An encrypted ZIP archive cannot be read.');
  if (method === 8) return inflateRawHead(raw.subarray(start), size);
  if (method !== 0)
    throw new TenonError('UNSUPPORTED', `A ZIP archive of method ${method} cannot be read; supported are 0 and 8.`);
  // A stored file whose length stands behind it has no end that could be seen.
  const length = (flags & 8) === 0 ? littleEndian(raw, 18, 4) : Infinity;
  const bytes = raw.subarray(start, Math.min(start + length, start + size));
  return { bytes, ended: bytes.length === length, used: Math.max(1, bytes.length) };
}

const END_MARK = Buffer.from([0x50, 0x4b, 0x05, 0x06]);

/** By the last bytes of an archive: the directory's end, with how many files there are. */
export function holdsOneFile(tail: Uint8Array): boolean {
  const bytes = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  const at = bytes.lastIndexOf(END_MARK);
  return at >= 0 && at + 22 <= bytes.length && bytes.readUInt16LE(at + 10) === 1;
}
