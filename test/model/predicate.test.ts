import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parsePredicate } from '../../src/model/predicate-parser.ts';
import { matches } from '../../src/model/predicate.ts';
import type { Column } from '../../src/model/schema.ts';
import { parseType } from '../../src/model/types.ts';

const keys: Column[] = ['dt date', 'region string', 'n int', 'date string'].map((text) => {
  const [name = '', type = ''] = text.split(' ');
  return { name, type: parseType(type) };
});

const holds = (text: string, values: (string | null)[]): boolean => matches(parsePredicate(text, keys), values, keys);
const row = ['2026-01-15', 'eu', '7', 'x'];

describe('a predicate', () => {
  const cases: [string, boolean][] = [
    ["dt = '2026-01-15'", true],
    ["dt = DATE '2026-01-15'", true],
    ["dt >= '2026-01-01' and dt < '2026-02-01'", true],
    ["dt < '2026-01-15 12:00:00'", true],
    ["'2026-01-01' <= dt", true],
    ["'2026-01-01' > dt", false],
    ["date '2026-01-01' < dt", true],
    ["date = 'x'", true],
    ['n = 7', true],
    ['n = 07.0', true],
    ['n < 7.5', true],
    ["n in (1, '7', 100)", true],
    ['n not in (1, 2)', true],
    ['n between 7 and 7', true],
    ['n not between -5 and 6', true],
    ['n > 10', false],
    ['n > 99999999999999999999999999', false],
    ["region like 'e_'", true],
    ["region like '%'", true],
    ["region like '%x%'", false],
    ["region not like 'u%'", true],
    ["region like 'e\\u'", true],
    ['region is null', false],
    ['region is not null', true],
    ["REGION <> 'us'", true],
    ['"region" = \'eu\' AND `n` == 7', true],
    ["region = 'us' or n = 7 and dt > '2027-01-01'", false],
    ["(region = 'us' or n = 7) and dt < '2027-01-01'", true],
    ["not region = 'us' and not not n = 7", true],
    ["not (region = 'us' or n = 8)", true],
  ];
  for (const [text, expected] of cases) it(`${text} is ${expected}`, () => expect(holds(text, row)).toBe(expected));

  it('about null is neither true nor false', () => {
    const nulls = [null, null, null, null];
    for (const text of [
      'n = 7',
      'n <> 7',
      'not n = 7',
      'n not in (7)',
      "region like '%'",
      "region not like 'x'",
      'n between 1 and 9',
      'n = 1 and n = 2',
    ]) {
      expect(holds(text, nulls), text).toBe(false);
    }
    expect(holds('n is null', nulls)).toBe(true);
    expect(holds('not n is null', nulls)).toBe(false);
    expect(holds('n = 7 or region is null', nulls)).toBe(true);
    expect(holds('not (n = 7 and region is not null)', nulls)).toBe(true);
  });

  it('keeps hostile texts as texts', () => {
    const text = `it's "; drop table x; -- \\ %`;
    expect(holds(`region = '${text.replaceAll("'", "''")}'`, ['2026-01-15', text, '7', 'x'])).toBe(true);
    const odd = [{ name: '"; drop table x; --', type: parseType('string') }];
    expect(matches(parsePredicate(`"""; drop table x; --" = 'a'`, odd), ['a'], odd)).toBe(true);
  });
});

describe('parsePredicate', () => {
  const wrong: [string, number][] = [
    ['', 1],
    ['n', 2],
    ['n =', 4],
    ['n = 7 and', 10],
    ['n = 7 n = 8', 7],
    ['(n = 7', 7],
    ['n = 7)', 6],
    ['n = null', 5],
    ["n = 'x'", 5],
    ['n in ()', 7],
    ['n in (1,)', 9],
    ["dt = '2026-02-30'", 6],
    ['m = 7', 1],
    ["region = 'x", 10],
    ['n = 7; drop table x', 6],
    ['n = 7 -- x', 7],
    ['region like 5', 13],
    ['n is 7', 6],
    ['n not = 7', 7],
    ['n = n', 5],
    ['region = "eu"', 10],
    ['n = 7x', 5],
    ['n = 0x10', 5],
    ['lower(region)', 1],
    ['n = 7 /* x */', 7],
    ["region = 'a\0'", 10],
  ];
  for (const [text, position] of wrong) {
    it(`refuses ${JSON.stringify(text)} at character ${position}`, () => {
      expect(() => parsePredicate(text, keys)).toThrow(expect.objectContaining({ code: 'BAD_PREDICATE', details: { position } }));
    });
  }

  it('refuses what is too long, too deep or too many', () => {
    const huge = [
      '('.repeat(8_000),
      'not '.repeat(4_000),
      "region like '",
      'n = 1 or '.repeat(1_800),
      `n in (${'1,'.repeat(3_000)}1)`,
      'x'.repeat(100_000),
      "'".repeat(16_001),
    ];
    for (const text of huge) {
      expect(() => parsePredicate(text, keys), text.slice(0, 20)).toThrow(expect.objectContaining({ code: 'BAD_PREDICATE' }));
    }
    expect(() => parsePredicate(`${'('.repeat(60)}n = 1${')'.repeat(60)}`, keys)).not.toThrow();
  });

  it('answers anything with a predicate or BAD_PREDICATE', () => {
    const word = fc.constantFrom(
      'dt',
      'n',
      'region',
      'and',
      'or',
      'not',
      'in',
      'like',
      'is',
      'null',
      'between',
      '(',
      ')',
      ',',
      '=',
      '<',
      "'x'",
      "''",
      '7',
      '-',
      '"',
      '`',
      "'",
      '\\',
      'é',
      '😀',
      '\0',
      'true',
      'date',
    );
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(word, { maxLength: 12 }).map((words) => words.join(' ')),
    );
    fc.assert(
      fc.property(text, (each) => {
        try {
          parsePredicate(each, keys);
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_PREDICATE' });
        }
      }),
      { numRuns: 10_000 },
    );
  });

  it('matches a pattern that is made to be slow within the test’s timeout', () => {
    expect(holds(`region like '${'%a'.repeat(400)}b'`, ['2026-01-15', 'a'.repeat(1_000), '7', 'x'])).toBe(false);
  });
});

/** The same predicate as text and as a function that was written without looking at the other. */
type Twin = { text: string; holds: (n: number | null, s: string | null) => boolean | null };

const leaf: fc.Arbitrary<Twin> = fc.oneof(
  fc
    .tuple(fc.constantFrom('=', '<>', '<', '<=', '>', '>='), fc.integer({ min: -12, max: 12 }))
    .map(([operator, value]): Twin => ({
      text: `n ${operator} ${value}`,
      holds: (n) =>
        n === null
          ? null
          : ({ '=': n === value, '<>': n !== value, '<': n < value, '<=': n <= value, '>': n > value, '>=': n >= value }[
              operator
            ] ?? null),
    })),
  fc.array(fc.integer({ min: -12, max: 12 }), { minLength: 1, maxLength: 3 }).map((values): Twin => ({
    text: `n in (${values.join(', ')})`,
    holds: (n) => (n === null ? null : values.includes(n)),
  })),
  fc.tuple(fc.integer({ min: -12, max: 12 }), fc.integer({ min: -12, max: 12 })).map(([low, high]): Twin => ({
    text: `n not between ${low} and ${high}`,
    holds: (n) => (n === null ? null : n < low || n > high),
  })),
  fc.string({ unit: fc.constantFrom('a', 'b', '%', '_'), maxLength: 4 }).map((pattern): Twin => ({
    text: `region like '${pattern}'`,
    holds: (_, s) => (s === null ? null : new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`).test(s)),
  })),
  fc.constant<Twin>({ text: 'region is null', holds: (_, s) => s === null }),
);

const twin = fc.letrec<{ any: Twin }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.tuple(tie('any'), tie('any')).map(([a, b]): Twin => ({
      text: `(${a.text}) and (${b.text})`,
      holds: (n, s) => {
        const both = [a.holds(n, s), b.holds(n, s)];
        return both.includes(false) ? false : both.includes(null) ? null : true;
      },
    })),
    fc.tuple(tie('any'), tie('any')).map(([a, b]): Twin => ({
      text: `(${a.text} or ${b.text})`,
      holds: (n, s) => {
        const both = [a.holds(n, s), b.holds(n, s)];
        return both.includes(true) ? true : both.includes(null) ? null : false;
      },
    })),
    tie('any').map((a): Twin => ({
      text: `not (${a.text})`,
      holds: (n, s) => {
        const inner = a.holds(n, s);
        return inner === null ? null : !inner;
      },
    })),
  ),
})).any;

describe('matches', () => {
  it('agrees with a naive evaluator', () => {
    const n = fc.option(fc.integer({ min: -12, max: 12 }));
    const s = fc.option(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 4 }));
    fc.assert(
      fc.property(twin, n, s, (each, number, text) => {
        expect(holds(each.text, [null, text, number === null ? null : String(number), null]), each.text).toBe(
          each.holds(number, text) === true,
        );
      }),
      { numRuns: 10_000 },
    );
  });
});
