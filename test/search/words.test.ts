import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { foldText, typosBetween, wordsAndWholes, wordsOf } from '../../src/search/words.ts';

describe('wordsOf', () => {
  it.each<[string, string[]]>([
    ['customer_id', ['customer', 'id']],
    ['customerId', ['customer', 'id']],
    ['CustomerID', ['customer', 'id']],
    ['HTTPServerLog', ['http', 'server', 'log']],
    ['lake.orders-2026', ['lake', 'orders', '2026']],
    ['s3_utf8', ['s3', 'utf8']],
    ['address2Line', ['address2', 'line']],
    ['  a  b ', ['a', 'b']],
    ['Größe', ['große']],
    ['İstanbul', ['istanbul']],
    ['Ｆｕｌｌ', ['full']],
    ['имяПоля', ['имя', 'поля']],
    ['顧客_名', ['顧客', '名']],
    ['', []],
    ['!?', []],
  ])('splits «%s»', (text, words) => {
    expect(wordsOf(text)).toEqual(words);
  });

  it('keeps also whole what it split', () => {
    expect(wordsAndWholes('PostgreSQL and s3')).toEqual(['postgre', 'sql', 'postgresql', 'and', 's3']);
  });

  it('is the same for a word and the words of it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) =>
        wordsOf(text).every((word) => word !== '' && [...word].length <= 64 && !/\p{Cs}/u.test(word) && foldText(word) === word),
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('typosBetween', () => {
  it.each<[string, string, number]>([
    ['customer', 'customer', 0],
    ['custmer', 'customer', 1],
    ['cuustomer', 'customer', 1],
    ['kustomer', 'customer', 1],
    ['csutomer', 'customer', 1],
    ['csutmer', 'customer', 2],
    ['orders', 'customer', 3],
  ])('from «%s» to «%s» it is %d', (a, b, typos) => {
    expect(typosBetween(a, b, 2)).toBe(typos);
    expect(typosBetween(b, a, 2)).toBe(typos);
  });

  it('is at most one for any one letter that changed', () => {
    const word = fc.stringMatching(/^[a-z]{4,12}$/);
    fc.assert(
      fc.property(word, fc.nat(), fc.stringMatching(/^[a-z]$/), (text, seed, letter) => {
        const at = seed % text.length;
        const changed = [
          text.slice(0, at) + text.slice(at + 1),
          text.slice(0, at) + letter + text.slice(at),
          text.slice(0, at) + letter + text.slice(at + 1),
        ];
        return changed.every((one) => typosBetween(text, one, 2) <= 1);
      }),
    );
  });
});
