import type { BitReader } from './bit-reader.ts';

/** A prefix code: by the length of a word, the last word of that length, and what to take off for its place in `symbols`. */
export interface Code {
  readonly shortest: number;
  readonly last: Int32Array;
  readonly offset: Int32Array;
  readonly symbols: Uint16Array;
}

const LONGEST = 20;

/** Reads the lengths of the words of a code, each as the difference to the one before. */
export function readCode(bits: BitReader, symbols: number): Code {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol += 1) {
    for (;;) {
      if (length < 1 || length > LONGEST) throw new Error('an impossible bzip2 code');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return codeOf(lengths);
}

function codeOf(lengths: Uint8Array): Code {
  const last = new Int32Array(LONGEST + 1).fill(-1);
  const offset = new Int32Array(LONGEST + 1);
  const symbols = new Uint16Array(lengths.length);
  let word = 0;
  let place = 0;
  for (let length = 1; length <= LONGEST; length += 1) {
    word *= 2;
    offset[length] = word - place;
    for (const [symbol, its] of lengths.entries()) {
      if (its !== length) continue;
      symbols[place] = symbol;
      place += 1;
      word += 1;
    }
    last[length] = word - 1;
  }
  return { shortest: Math.min(...lengths), last, offset, symbols };
}

export function symbolAt(bits: BitReader, code: Code): number {
  let length = code.shortest;
  let word = bits.read(length);
  while (word > (code.last[length] ?? -1)) {
    length += 1;
    if (length > LONGEST) throw new Error('a word that is in no bzip2 code');
    word = word * 2 + bits.read(1);
  }
  const symbol = code.symbols[word - (code.offset[length] ?? 0)];
  if (symbol === undefined) throw new Error('a word that is in no bzip2 code');
  return symbol;
}
