import type { Output } from './codec.ts';

/** Copies what stands `distance` bytes back; it may overlap what it writes. */
function copyBack(output: Output, distance: number, length: number): void {
  if (distance < 1 || distance > output.length) throw new Error('a copy from before the beginning');
  const bytes = output.room(length);
  const to = output.length;
  if (distance >= length) bytes.copyWithin(to, to - distance, to - distance + length);
  else for (let i = 0; i < length; i += 1) bytes[to + i] = bytes[to + i - distance] ?? 0;
  output.length += length;
}

function copyOut(output: Output, raw: Uint8Array, from: number, length: number): void {
  if (from + length > raw.length) throw new Error('a literal that ends behind its block');
  output.add(raw.subarray(from, from + length));
}

/** The length that a Snappy block says it unpacks to, and where its content begins. */
export function snappyLength(raw: Uint8Array): { length: number; at: number } | undefined {
  let length = 0;
  for (let at = 0; at < 5; at += 1) {
    const byte = raw[at];
    if (byte === undefined) return undefined;
    length += (byte & 0x7f) * 2 ** (7 * at);
    if (byte < 0x80) return length > 0xffffffff ? undefined : { length, at: at + 1 };
  }
  return undefined;
}

/** Unpacks one whole Snappy block of at most `most` bytes behind what is in `output`. */
export function unpackSnappy(raw: Uint8Array, output: Output, most: number): void {
  const said = snappyLength(raw);
  if (said === undefined || said.length > most) throw new Error('a Snappy block of an impossible length');
  const start = output.length;
  const end = start + said.length;
  let at = said.at;
  while (at < raw.length) {
    const tag = raw[at] ?? 0;
    const kind = tag & 3;
    let length = (tag >>> 2) + 1;
    at += 1;
    if (kind === 0) {
      if (length > 60) {
        const bytes = length - 60;
        length = littleEndian(raw, at, bytes) + 1;
        at += bytes;
      }
      if (output.length + length > end) throw new Error('a Snappy block longer than it says');
      copyOut(output, raw, at, length);
      at += length;
      continue;
    }
    const bytes = kind === 1 ? 1 : kind === 2 ? 2 : 4;
    let distance = littleEndian(raw, at, bytes);
    at += bytes;
    if (kind === 1) {
      length = ((tag >>> 2) & 7) + 4;
      distance += (tag >>> 5) * 256;
    }
    if (distance > output.length - start) throw new Error('a copy from before the beginning');
    if (output.length + length > end) throw new Error('a Snappy block longer than it says');
    copyBack(output, distance, length);
  }
  if (output.length !== end) throw new Error('a Snappy block shorter than it says');
}

/** Unpacks one LZ4 block behind what is in `output`, to which its copies may reach back. */
export function unpackLz4(raw: Uint8Array, output: Output, most: number): void {
  const end = output.length + most;
  let at = 0;
  const lengthFrom = (nibble: number): number => {
    let length = nibble;
    if (nibble < 15) return length;
    for (;;) {
      const byte = raw[at];
      if (byte === undefined) throw new Error('an LZ4 block that ends in a length');
      at += 1;
      length += byte;
      if (byte < 255) return length;
    }
  };
  while (at < raw.length) {
    const token = raw[at] ?? 0;
    at += 1;
    const literals = lengthFrom(token >>> 4);
    if (output.length + literals > end) throw new Error('an LZ4 block longer than allowed');
    copyOut(output, raw, at, literals);
    at += literals;
    if (at >= raw.length) return;
    const distance = littleEndian(raw, at, 2);
    at += 2;
    const length = lengthFrom(token & 15) + 4;
    if (output.length + length > end) throw new Error('an LZ4 block longer than allowed');
    copyBack(output, distance, length);
  }
}

export function littleEndian(raw: Uint8Array, at: number, bytes: number): number {
  if (at + bytes > raw.length) throw new Error('a number that is cut off');
  let value = 0;
  for (let i = bytes - 1; i >= 0; i -= 1) value = value * 256 + (raw[at + i] ?? 0);
  return value;
}
