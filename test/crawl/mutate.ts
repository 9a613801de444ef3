/** Numbers between 0 and 1, the same for the same seed. */
export function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** What parsers have stumbled over elsewhere: long numbers, signs that open and do not close, bytes that are no text. */
const TOKENS = [
  '\x00',
  '\x00'.repeat(64),
  '"',
  '""',
  '"\n"',
  "'",
  '\\',
  ',',
  '\t',
  ';',
  '|',
  '\x01',
  '\r',
  '\r\n',
  '{',
  '}',
  '[',
  ']',
  '{"a":'.repeat(30),
  '['.repeat(70),
  '{}',
  'null',
  '1e999',
  '-0',
  '9'.repeat(40),
  '\ud83d',
  '\ufeff',
  '<a>',
  '</a>',
  '<a b="c">',
  '<![CDATA[',
  ']]>',
  '<!--',
  '&lt;',
  '&x;',
  '&#0;',
  '<?xml version="1.0"?>',
  '<!DOCTYPE a [<!ENTITY b "c">]>',
  'Obj\x01',
  'PAR1',
  'ORC',
  'BZh9',
].map((text) => Buffer.from(text));
const BYTES = [
  [0xff, 0xff, 0xff, 0xff, 0x07],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  Array.from({ length: 12 }, () => 0xff),
  Array.from({ length: 40 }, () => 0x80),
  [0xfe, 0xff],
  [0xff, 0xfe],
  [0x1f, 0x8b, 0x08],
  [0x28, 0xb5, 0x2f, 0xfd],
].map((bytes) => Buffer.from(bytes));
const WORDS = [...TOKENS, ...BYTES];

/** One to four changes of a seed: bytes turned over, cut out, doubled, put in, taken from another seed, the end cut off. */
export function mutate(seeds: readonly Uint8Array[], next: () => number): Uint8Array {
  const pick = <T>(list: readonly T[]): T | undefined => list[Math.floor(next() * list.length)];
  let bytes = Buffer.from(pick(seeds) ?? []);
  for (let n = next() < 0.6 ? 1 : 4; n > 0; n -= 1) bytes = change(bytes, seeds, next, pick);
  return bytes;
}

function change(
  bytes: Buffer,
  seeds: readonly Uint8Array[],
  next: () => number,
  pick: <T>(list: readonly T[]) => T | undefined,
): Buffer<ArrayBuffer> {
  const at = Math.floor(next() * bytes.length);
  const length = 1 + Math.floor(next() ** 3 * 200);
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (Math.floor(next() * 8)) {
    case 0: {
      const copy = Buffer.from(bytes);
      for (let i = 0; i < 8 && copy.length > 0; i += 1) copy[Math.floor(next() * copy.length)] = Math.floor(next() * 256);
      return copy;
    }
    case 1: {
      const copy = Buffer.from(bytes);
      if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << Math.floor(next() * 8));
      return copy;
    }
    case 2:
      return Buffer.from(before);
    case 3:
      return Buffer.concat([before, after.subarray(length)]);
    case 4:
      return Buffer.concat([before, after.subarray(0, length), after]);
    case 5:
      return Buffer.concat([before, pick(WORDS) ?? Buffer.alloc(0), after]);
    case 6:
      return Buffer.concat([before, pick(WORDS) ?? Buffer.alloc(0), after.subarray(length)]);
    default: {
      const other = pick(seeds) ?? bytes;
      const from = Math.floor(next() * other.length);
      return Buffer.concat([before, other.subarray(from, from + length), after.subarray(length)]);
    }
  }
}
