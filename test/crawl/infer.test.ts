import { describe, expect, it } from 'vitest';
import { textKind } from '../../src/crawl/infer.ts';
import { chooseNull, guessedType, observeText, textGuess, type TextGuess } from '../../src/crawl/text-guess.ts';
import { duckdb } from './duckdb.ts';

function guess(values: readonly string[]): TextGuess {
  const made = textGuess();
  for (const value of values) observeText(made, value);
  return made;
}

const typeOf = (...values: string[]): string => guessedType(guess(values), undefined).kind;

describe('the type of texts', () => {
  it.each([
    [['1', '-2', '0'], 'bigint'],
    [['999999999999999999'], 'bigint'],
    [['1234567890123456789'], 'string'],
    [['007'], 'string'],
    [['00'], 'string'],
    [['+49'], 'string'],
    [['1_000'], 'string'],
    [['1,000'], 'string'],
    [['1', '1.5'], 'double'],
    [['.5', '5.', '-0.25', '1.5e-3'], 'double'],
    [['00.5'], 'string'],
    [['1.2.3'], 'string'],
    [['9007199254740993', '0.5'], 'decimal'],
    [['12345678901234567.25', '1'], 'decimal'],
    [['0.30000000000000004', '1'], 'double'],
    [['12345678901234567.25', '1.5e3'], 'string'],
    [['12345678901234567890123456789012345.123456'], 'string'],
    [['4111111111111111', '5500000000000004', '4012888888881881'], 'string'],
    [['4111111111111111', '5500000000000004', '4012888888881882'], 'bigint'],
    [['12E4'], 'string'],
    [['12E4', '5'], 'string'],
    [['12E4', '0.5'], 'double'],
    [['nan'], 'string'],
    [['nan', '1'], 'double'],
    [['inf', '-Infinity', '1.5'], 'double'],
    [['true', 'FALSE'], 'boolean'],
    [['true', '1'], 'string'],
    [['yes', 'no'], 'string'],
    [['t', 'f'], 'string'],
    [['2024-02-29'], 'date'],
    [['2023-02-29'], 'string'],
    [['0000-01-01'], 'string'],
    [['2024-01-01', '2024-01-01 10:00'], 'timestamp'],
    [['2024-01-01T10:00:00Z', '2024-01-01 10:00:00+02'], 'timestamptz'],
    [['2024-01-01T10:00:00Z', '2024-01-01 10:00:00'], 'string'],
    [['2024-01-01 24:00'], 'string'],
    [['2024-01-01 10:00:60'], 'string'],
    [['2024-01-01 10:00:00.1234567'], 'string'],
    [['2024-01-01 10:00:00.1234560'], 'timestamp'],
    [['2024-01-01', '5'], 'string'],
    [['', '5', ''], 'bigint'],
    [['', ''], 'string'],
    [[' 5', '6 '], 'bigint'],
    [['٣'], 'string'],
  ])('of %j is %s', (values, type) => {
    expect(typeOf(...values)).toBe(type);
  });

  it('is one that DuckDB reads without a change, for each kind of value', async () => {
    const samples = {
      int: '-12',
      long: '999999999999999999',
      float: '-1.25',
      boolean: 'TRUE',
      date: '2024-02-29',
      timestamp: '2024-02-29T10:00:00.5',
      timestamptz: '2024-02-29 10:00:00+02:00',
    };
    const connection = await duckdb();
    for (const [kind, text] of Object.entries(samples)) {
      expect(textKind(text)).toBe(kind);
      const type = guessedType(guess([text]), undefined).kind;
      const result = await connection.runAndReadAll(
        `select try_cast('${text}' as ${type === 'timestamptz' ? 'timestamptz' : type}) is not null as ok`,
      );
      expect([kind, result.getRowObjects()[0]?.['ok']]).toEqual([kind, true]);
    }
  });

  it('takes no time over hostile texts', () => {
    const started = performance.now();
    for (const text of [
      '9'.repeat(1_000_000),
      '1'.repeat(500_000) + 'e',
      ' '.repeat(1_000_000),
      '-'.repeat(1_000_000),
      '1.'.repeat(500_000),
    ])
      textKind(text);
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('the spelling of null', () => {
  it('is taken where it gives a column a type', () => {
    expect(chooseNull([guess(['1', 'NULL']), guess(['x', 'NULL'])])).toBe('NULL');
    expect(chooseNull([guess(['1', 'NA'])])).toBe('NA');
  });

  it('is not taken where it may be somebody’s value', () => {
    expect(chooseNull([guess(['1', 'NA']), guess(['NA', 'DE'])])).toBeUndefined();
    expect(chooseNull([guess(['NULL', 'x'])])).toBeUndefined();
    expect(chooseNull([guess(['NA', 'NA'])])).toBeUndefined();
  });

  it('leaves columns with another spelling as strings', () => {
    const [a, b] = [guess(['1', 'NULL']), guess(['1', 'NA'])];
    const chosen = chooseNull([a, b]);
    expect([guessedType(a, chosen).kind, guessedType(b, chosen).kind]).toEqual(
      chosen === 'NULL' ? ['bigint', 'string'] : ['string', 'bigint'],
    );
  });
});
