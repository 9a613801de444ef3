import { Decompress } from 'fzstd';
import { TenonError } from '../../model/errors.ts';
import { Output, type Codec, type Unpacked } from '../codec.ts';
import { littleEndian } from '../lz-blocks.ts';

const MARK = 0xfd2fb528;
/** The library moves its whole window for each block: a frame of tiny blocks would keep it busy for ever. */
const MOVED_BYTES = 2 * 1024 ** 3;
const BLOCK_BYTES = 131_072;
const HEADER_BYTES = 18;

export const zstd: Codec = {
  name: 'zstd',
  begins: (raw) => raw.length >= 8 && (littleEndian(raw, 0, 4) === MARK || isSkippable(raw, 0)),
  unpack,
};

function isSkippable(raw: Uint8Array, at: number): boolean {
  return littleEndian(raw, at + 1, 3) === 0x184d2a && ((raw[at] ?? 0) & 0xf0) === 0x50;
}

function unpack(raw: Uint8Array, size: number): Unpacked {
  const output = new Output(size);
  let at = 0;
  while (!output.full && at + 8 <= raw.length) {
    if (isSkippable(raw, at)) {
      at += 8 + littleEndian(raw, at + 4, 4);
      continue;
    }
    if (littleEndian(raw, at, 4) !== MARK) throw new Error('no zstd frame follows');
    const frame = readFrame(raw, at, size, output);
    at = frame.at;
    if (!frame.ended) return output.unpacked(false, Math.max(1, at));
  }
  return output.unpacked(at === raw.length, Math.max(1, Math.min(at, raw.length)));
}

/** Hands the library one whole block after another, behind a header that asks for no more memory than a head needs. */
function readFrame(raw: Uint8Array, start: number, size: number, output: Output): { at: number; ended: boolean } {
  const header = readHeader(raw, start);
  if (header.end > raw.length) return { at: start, ended: false };
  const { exponent, window } = windowFor(Math.min(header.window, size + BLOCK_BYTES));
  const stream = new Decompress((part) => output.add(part));
  stream.push(Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (exponent - 10) << 3));
  let at = header.end;
  for (let moved = 0; moved < MOVED_BYTES && !output.full; moved += window) {
    if (at + 3 > raw.length) return { at, ended: false };
    const word = littleEndian(raw, at, 3);
    const length = 3 + ((word & 6) === 2 ? 1 : word >>> 3);
    if (word >>> 3 > BLOCK_BYTES) throw new Error('a zstd block longer than allowed');
    if (at + length > raw.length) return { at, ended: false };
    const last = (word & 1) !== 0;
    stream.push(raw.subarray(at, at + length), last);
    at += length;
    if (last) return { at: at + header.checksum, ended: true };
  }
  return { at, ended: false };
}

interface Header {
  readonly end: number;
  readonly window: number;
  readonly checksum: number;
}

function readHeader(raw: Uint8Array, start: number): Header {
  const bytes = new Uint8Array(HEADER_BYTES);
  bytes.set(raw.subarray(start, start + HEADER_BYTES));
  const flags = bytes[4] ?? 0;
  const single = (flags & 0x20) !== 0;
  const dictionary = [0, 1, 2, 4][flags & 3] ?? 0;
  const sizes = [single ? 1 : 0, 2, 4, 8][flags >>> 6] ?? 0;
  const afterWindow = single ? 5 : 6;
  if (dictionary > 0 && littleEndian(bytes, afterWindow, dictionary) !== 0)
    throw new TenonError('UNSUPPORTED', 'Zstandard with a dictionary is not supported.');
  if ((flags & 8) !== 0) throw new Error('a zstd frame of an unknown kind');
  const content = littleEndian(bytes, afterWindow + dictionary, sizes) + (sizes === 2 ? 256 : 0);
  const descriptor = bytes[5] ?? 0;
  const base = 2 ** (10 + (descriptor >>> 3));
  return {
    end: start + afterWindow + dictionary + sizes,
    window: single ? content : base + (base / 8) * (descriptor & 7),
    checksum: (flags & 4) === 0 ? 0 : 4,
  };
}

/** The smallest power of two that is enough, but not less than the largest block. */
function windowFor(bytes: number): { exponent: number; window: number } {
  let exponent = 17;
  while (2 ** exponent < bytes) exponent += 1;
  return { exponent, window: 2 ** exponent };
}
