/**
 * Compares two texts as their UTF-8 bytes would compare, which is how S3 orders keys. The `<` of JavaScript compares
 * UTF-16 units and puts an emoji (a surrogate pair) before the characters from U+E000 on; bytes have it the other way.
 * Up to `from` they are known to be the same.
 */
export function compareBytes(a: string, b: string, from = 0): number {
  const length = Math.min(a.length, b.length);
  for (let i = from; i < length; i += 1) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for characters above U+FFFF, so they rank above every other unit. */
function rank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
