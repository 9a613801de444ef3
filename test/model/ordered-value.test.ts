import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderedKey } from '../../src/model/ordered-value.ts';
import { compareBytes } from '../../src/model/predicate.ts';
import { parseType } from '../../src/model/types.ts';

const RUNS = { numRuns: 5_000 };
const key = (value: string | null, type: string): string => orderedKey(value, parseType(type));
const sign = (a: number | bigint | boolean): number => (Number(a) > 0 ? 1 : Number(a) < 0 ? -1 : 0);

/** Whatever two values: their keys compare as they do. */
function keepsOrder<T>(type: string, values: fc.Arbitrary<T>, text: (value: T) => string, order: (a: T, b: T) => number): void {
  fc.assert(
    fc.property(values, values, (a, b) => {
      expect(compareBytes(key(text(a), type), key(text(b), type))).toBe(sign(order(a, b)));
      expect(compareBytes(key(null, type), key(text(a), type))).toBe(-1);
    }),
    RUNS,
  );
}

describe('orderedKey keeps the order of', () => {
  it('integers, negative and huge', () => {
    const integer = fc.oneof(
      fc.bigInt(-200n, 200n),
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      fc.bigInt(-(10n ** 60n), 10n ** 60n),
    );
    keepsOrder('bigint', integer, String, (a, b) => sign(a - b));
  });

  it('decimals', () => {
    // Both as multiples of 10^-6, so that the oracle is exact.
    const decimal = fc.oneof(fc.bigInt(-3_000_000n, 3_000_000n), fc.bigInt(-(10n ** 30n), 10n ** 30n));
    keepsOrder('decimal(38,6)', decimal, asDecimal, (a, b) => sign(a - b));
  });

  it('doubles, the infinite ones too', () => {
    keepsOrder('double', fc.double({ noNaN: true }), String, (a, b) => (a < b ? -1 : a > b ? 1 : 0));
  });

  it('dates', () => {
    const day = fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true });
    keepsOrder(
      'date',
      day,
      (date) => date.toISOString().slice(0, 10),
      (a, b) => Math.floor(+a / 86_400_000) - Math.floor(+b / 86_400_000),
    );
  });

  it('timestamps, to the nanosecond', () => {
    const time = fc.tuple(
      fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }),
      fc.nat(999_999),
    );
    const text = ([date, nanos]: [Date, number]): string => date.toISOString().slice(0, 23) + String(nanos).padStart(6, '0');
    keepsOrder('timestamp', time, text, (a, b) => +a[0] - +b[0] || a[1] - b[1]);
    keepsOrder(
      'timestamp with local time zone',
      time,
      (value) => `${text(value)}Z`,
      (a, b) => +a[0] - +b[0] || a[1] - b[1],
    );
  });

  it('strings, byte by byte', () => {
    const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => !value.includes('\0'));
    keepsOrder(
      'string',
      fc.oneof(text, fc.constantFrom('', '\u0001', '\u0001\u0001', 'a\u0001', '\uffff', '😀')),
      (value) => value,
      (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)),
    );
  });
});

describe('orderedKey', () => {
  it('gives equal values equal keys, however they are written', () => {
    expect(key('007', 'int')).toBe(key('+7', 'int'));
    expect(key('-0', 'int')).toBe(key('0', 'int'));
    expect(key('1.50', 'decimal(5,2)')).toBe(key('01.5', 'decimal(5,2)'));
    expect(key('-0.00', 'decimal(5,2)')).toBe(key('0', 'decimal(5,2)'));
    expect(key('-0', 'double')).toBe(key('0.0', 'double'));
    expect(key('1e2', 'double')).toBe(key('100', 'double'));
    expect(key('2026-01-01T00:00', 'timestamp')).toBe(key('2026-01-01 00:00:00.000', 'timestamp'));
    expect(key('2026-01-01 01:30:00+01:30', 'timestamp with local time zone')).toBe(
      key('2026-01-01', 'timestamp with local time zone'),
    );
    expect(key('TRUE', 'boolean')).toBe(key('true', 'boolean'));
  });

  it('keeps stored keys right when the type of a key is widened', () => {
    for (const [value, from, to] of [
      ['-42', 'int', 'bigint'],
      ['-42', 'bigint', 'decimal(20,1)'],
      ['2026-02-28', 'date', 'timestamp'],
    ] as const) {
      expect(key(value, to)).toBe(key(value, from));
    }
  });

  it('refuses what is no value of the type', () => {
    const wrong: [string, string[]][] = [
      ['int', ['', 'x', '1.5', '1e3', '٣', '1 ', '--1', '+']],
      ['decimal(5,2)', ['', '.', '-', '1,5', '1e3', 'NaN']],
      ['double', ['', '.', 'e5', '0x10', '1e99999', '1_000', 'constructor']],
      ['boolean', ['', '1', 'yes', 'constructor']],
      ['date', ['', '2026-02-30', '2026-13-01', '2026-1-1', '0000-01-01', '2026-01-01 00:00', '-2026-01-01', '2026-01-01\n']],
      ['timestamp', ['', '2026-01-01 24:00:00', '2026-01-01 00:60:00', '2026-01-01 00:00:00Z', '2026-01-01 1:00']],
      ['string', ['a\0b', '\ud800']],
    ];
    for (const [type, values] of wrong)
      for (const value of values)
        expect(() => key(value, type), `${type} ${value}`).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
    expect(() => key('x', 'array<int>')).toThrow(expect.objectContaining({ code: 'UNSUPPORTED' }));
  });

  it('refuses a key that no index row could hold', () => {
    expect(key('x'.repeat(1_024), 'string')).toHaveLength(1_024);
    for (const value of ['x'.repeat(1_025), 'ü'.repeat(600), '9'.repeat(2_000)]) {
      expect(() => key(value, 'string')).toThrow(expect.objectContaining({ code: 'LIMIT' }));
    }
    expect(() => key('9'.repeat(1_024), 'bigint')).toThrow(expect.objectContaining({ code: 'LIMIT' }));
  });
});

function asDecimal(millionths: bigint): string {
  const digits = String(millionths < 0n ? -millionths : millionths).padStart(7, '0');
  return `${millionths < 0n ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}
