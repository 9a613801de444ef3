import { Output, type Codec, type Unpacked } from '../codec.ts';
import { BitReader, Cut } from '../bit-reader.ts';
import { readCode, symbolAt, type Code } from '../bzip2-code.ts';

const BLOCK = 0x314159265359;
const END = 0x177245385090;
/** Symbols that one selector is for. */
const GROUP = 50;
const MAX_SELECTORS = 18_002;

/**
 * A decoder of our own: those in the registry can be made to loop for ever by a few bytes. Checksums are not compared, as
 * it is the reader of the whole who has to.
 */
export const bzip2: Codec = {
  name: 'bzip2',
  begins: (raw) => raw[0] === 0x42 && raw[1] === 0x5a && raw[2] === 0x68 && isLevel(raw[3]) && [BLOCK, END].includes(markAt(raw)),
  unpack,
};

function isLevel(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 0x31 && byte <= 0x39;
}

function markAt(raw: Uint8Array): number {
  return raw.length < 10 ? 0 : Buffer.from(raw.subarray(4, 10)).readUIntBE(0, 6);
}

function unpack(raw: Uint8Array, size: number): Unpacked {
  const output = new Output(size);
  const bits = new BitReader(raw);
  let used = 1;
  try {
    while (!output.full) {
      if (bits.left < 32) return output.unpacked(bits.left === 0, used);
      if (bits.read(24) !== 0x425a68) throw new Error('no bzip2 stream follows');
      const level = bits.read(8) - 0x30;
      if (level < 1 || level > 9) throw new Error('an unknown bzip2 level');
      while (readBlock(bits, level * 100_000, output)) {
        used = bits.at;
        if (output.full) return output.unpacked(false, used);
      }
      bits.read(24);
      bits.read(8);
      bits.align();
      used = bits.at;
    }
  } catch (error) {
    if (!(error instanceof Cut)) throw error;
  }
  return output.unpacked(false, used);
}

/** One block; false at the end of the stream. */
function readBlock(bits: BitReader, capacity: number, output: Output): boolean {
  const mark = bits.read(24) * 0x1000000 + bits.read(24);
  if (mark === END) return false;
  if (mark !== BLOCK) throw new Error('no bzip2 block');
  bits.read(24);
  bits.read(8);
  if (bits.read(1) === 1) throw new Error('a randomized bzip2 block');
  const origin = bits.read(24);
  const bytes = readAlphabet(bits);
  const codes = readCodes(bits, bytes.length + 2);
  const { block, counts, length } = readSymbols(bits, bytes, codes, capacity);
  if (origin >= length) throw new Error('a bzip2 block that begins behind its end');
  writeBlock(block, counts, length, origin, output);
  return true;
}

/** Which bytes occur in the block. */
function readAlphabet(bits: BitReader): number[] {
  const rows = bits.read(16);
  const bytes: number[] = [];
  for (let row = 0; row < 16; row += 1) {
    if ((rows & (0x8000 >> row)) === 0) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column += 1) if ((columns & (0x8000 >> column)) !== 0) bytes.push(row * 16 + column);
  }
  if (bytes.length === 0) throw new Error('an empty bzip2 block');
  return bytes;
}

/** The codes in the order in which they are used, one for each group of symbols. */
function readCodes(bits: BitReader, symbols: number): Code[] {
  const tables = bits.read(3);
  const selectors = bits.read(15);
  if (tables < 2 || tables > 6 || selectors < 1 || selectors > MAX_SELECTORS) throw new Error('impossible bzip2 tables');
  const recent = Uint8Array.from({ length: tables }, (_, i) => i);
  const order: number[] = [];
  for (let i = 0; i < selectors; i += 1) {
    let back = 0;
    while (bits.read(1) === 1) {
      back += 1;
      if (back >= tables) throw new Error('an unknown bzip2 table');
    }
    order.push(moveToFront(recent, back));
  }
  const codes = Array.from({ length: tables }, () => readCode(bits, symbols));
  return order.flatMap((table) => codes[table] ?? []);
}

function moveToFront(list: Uint8Array, at: number): number {
  const value = list[at] ?? 0;
  list.copyWithin(1, 0, at);
  list[0] = value;
  return value;
}

interface Symbols {
  readonly block: Uint32Array;
  readonly counts: Uint32Array;
  readonly length: number;
}

function readSymbols(bits: BitReader, bytes: readonly number[], codes: readonly Code[], capacity: number): Symbols {
  const block = new Uint32Array(capacity);
  const counts = new Uint32Array(256);
  const recent = Uint8Array.from(bytes);
  const end = bytes.length + 1;
  let length = 0;
  let run = 0;
  let weight = 1;
  for (let n = 0; ; n += 1) {
    const code = codes[Math.floor(n / GROUP)];
    if (code === undefined) throw new Error('a bzip2 block without an end');
    const symbol = symbolAt(bits, code);
    if (symbol <= 1) {
      run += weight << symbol;
      weight *= 2;
      if (run > capacity - length) throw new Error('a bzip2 block longer than its stream allows');
      continue;
    }
    if (run > 0) {
      const byte = recent[0] ?? 0;
      block.fill(byte, length, length + run);
      counts[byte] = (counts[byte] ?? 0) + run;
      length += run;
      run = 0;
      weight = 1;
    }
    if (symbol === end) return { block, counts, length };
    if (length >= capacity) throw new Error('a bzip2 block longer than its stream allows');
    const byte = moveToFront(recent, symbol - 1);
    counts[byte] = (counts[byte] ?? 0) + 1;
    block[length] = byte;
    length += 1;
  }
}

/** Sorts the block back, and repeats what four equal bytes and a count stand for. */
function writeBlock(block: Uint32Array, counts: Uint32Array, length: number, origin: number, output: Output): void {
  let sum = 0;
  for (let byte = 0; byte < 256; byte += 1) {
    const count = counts[byte] ?? 0;
    counts[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < length; i += 1) {
    const byte = (block[i] ?? 0) & 0xff;
    const place = counts[byte] ?? 0;
    counts[byte] = place + 1;
    block[place] = (block[place] ?? 0) | (i << 8);
  }
  let at = (block[origin] ?? 0) >>> 8;
  let last = -1;
  let equal = 0;
  for (let i = 0; i < length && !output.full; i += 1) {
    const entry = block[at] ?? 0;
    const byte = entry & 0xff;
    at = entry >>> 8;
    if (equal === 4) {
      output.room(byte).fill(last, output.length, output.length + byte);
      output.length += byte;
      equal = 0;
      last = -1;
      continue;
    }
    equal = byte === last ? equal + 1 : 1;
    last = byte;
    output.room(1)[output.length] = byte;
    output.length += 1;
  }
}
