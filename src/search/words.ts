/** Longer words are cut; nobody types more of one. */
const MAX_WORD_CHARS = 64;

/**
 * The spelling under which words are kept and compared: lower case, without the accents of Latin, Greek and Cyrillic
 * letters, compatibility forms unified.
 */
export function foldText(text: string): string {
  const plain = text.normalize('NFKD').toLowerCase().normalize('NFKD');
  return plain.replace(/[\u0300-\u036f]/g, '').normalize('NFKC');
}

/**
 * The words of an identifier or a sentence, folded: split at everything that is no letter or digit, and where camelCase
 * does. `customerId`, `customer_id` and `Customer ID` are all customer, id.
 */
export function wordsOf(text: string): string[] {
  return rawWords(text).flatMap(splitCamel).map(fold);
}

/** The words, and those that were split also whole: PostgreSQL is postgre, sql and postgresql. */
export function wordsAndWholes(text: string): string[] {
  return rawWords(text).flatMap((raw) => {
    const parts = splitCamel(raw);
    return parts.length > 1 ? [...parts.map(fold), fold(raw)] : parts.map(fold);
  });
}

/** The words of each part that camelCase split: of `HTTPServer_log` http, server. */
export function splitNames(text: string): string[][] {
  return rawWords(text)
    .map((raw) => splitCamel(raw).map(fold))
    .filter((words) => words.length > 1);
}

/** All words in one: `customer_id` is also found as customerid. */
export function joinWords(words: readonly string[]): string {
  return cut(words.join(''));
}

/** Compatibility forms are unified before it is split, for they may become several words: ½ is 1 and 2. */
function rawWords(text: string): string[] {
  return text.normalize('NFKC').match(/[\p{L}\p{N}][\p{L}\p{N}\p{M}]*/gu) ?? [];
}

/** Digits stay with the letters before them: s3, utf8, address2. */
function splitCamel(word: string): string[] {
  return word
    .replace(/([\p{Ll}\p{N}])(\p{Lu})/gu, '$1 $2')
    .replace(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(' ');
}

function fold(word: string): string {
  return cut(foldText(word));
}

/** By characters, not by halves of one. */
function cut(word: string): string {
  return word.length <= MAX_WORD_CHARS ? word : [...word].slice(0, MAX_WORD_CHARS).join('');
}

/** One typo in a short word, two in a long one; in a very short one every other word would be close. */
export function allowedTypos(word: string): number {
  if (word.length < 4) return 0;
  return word.length < 8 ? 1 : 2;
}

/**
 * How many letters were added, left out, replaced or swapped with their neighbour (optimal string alignment distance), or
 * more than `most` as soon as that is certain.
 */
export function typosBetween(a: string, b: string, most: number): number {
  if (Math.abs(a.length - b.length) > most) return most + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    if (Math.min(...row) > most) return most + 1;
    [beforeLast, last] = [last, row];
  }
  return last[b.length] ?? most + 1;
}
