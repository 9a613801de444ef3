import { describe, expect, it } from 'vitest';
import { mergeStats, type ColumnFacts } from '../../src/model/partition-stats.ts';
import { parseType } from '../../src/model/types.ts';

function facts(name: string, type: string, rest: Partial<ColumnFacts> = {}): ColumnFacts {
  return { name, type: parseType(type), ...rest };
}

describe('statistics of several files', () => {
  it.each([
    ['int', ['9', '10'], ['-2', '3'], ['-2', '10']],
    ['decimal(10,2)', ['-1.50', '9.99'], ['-1.25', '10.00'], ['-1.50', '10.00']],
    ['double', ['1e-7', '2'], ['-Infinity', '1e+30'], ['-Infinity', '1e+30']],
    ['boolean', ['true', 'true'], ['false', 'true'], ['false', 'true']],
    ['date', ['2026-01-31', '2026-02-01'], ['0999-12-31', '2026-01-01'], ['0999-12-31', '2026-02-01']],
    [
      'timestamp',
      ['2026-01-01 00:00:00', '2026-01-01 00:00:00.5'],
      ['2026-01-01 00:00:00.25', '2026-01-01 00:00:00.25'],
      ['2026-01-01 00:00:00', '2026-01-01 00:00:00.5'],
    ],
    [
      'timestamp with local time zone',
      ['2026-01-01 00:00:00.5Z', '2026-01-01 00:00:01Z'],
      ['2026-01-01 00:00:00Z', '2026-01-01 00:00:00.75Z'],
      ['2026-01-01 00:00:00Z', '2026-01-01 00:00:01Z'],
    ],
    ['string', ['', 'Z'], ['a', '\u{1F600}'], ['', '\u{1F600}']],
    ['string', ['\uFF5E', '\uFF5E'], ['\u{1F600}', '\u{1F600}'], ['\uFF5E', '\u{1F600}']],
  ])('compare as values of %s', (type, one, other, both) => {
    const told = ([min, max]: readonly string[], nulls: number) => [
      facts('a', type, { ...(min !== undefined && { min }), ...(max !== undefined && { max }), nulls }),
    ];
    const [min, max] = both;
    expect(mergeStats([told(one, 1), told(other, 2)])).toEqual({ a: { min, max, nulls: 3 } });
    expect(mergeStats([told(other, 2), told(one, 1)])).toEqual({ a: { min, max, nulls: 3 } });
  });

  it('leave out what one of the files does not tell', () => {
    const one = [facts('a', 'int', { min: '1', max: '2', nulls: 0 }), facts('b', 'int', { min: '1', max: '1' })];
    expect(mergeStats([one, [facts('a', 'int', { max: '7' })]])).toEqual({ a: { max: '7' } });
    expect(mergeStats([one, []])).toBeUndefined();
    expect(mergeStats([])).toBeUndefined();
  });

  it('take the values of the others where a file has only nulls', () => {
    const empty = [facts('a', 'int', { nulls: 4, empty: true })];
    const full = [facts('a', 'int', { min: '1', max: '2', nulls: 1 })];
    expect(mergeStats([empty, full])).toEqual({ a: { min: '1', max: '2', nulls: 5 } });
    expect(mergeStats([full, empty])).toEqual({ a: { min: '1', max: '2', nulls: 5 } });
    expect(mergeStats([empty, empty])).toEqual({ a: { nulls: 8 } });
  });

  it('compare numbers of several widths, and nothing that is of several kinds', () => {
    const told = (type: string, value: string) => [facts('A', type, { min: value, max: value, nulls: 0 })];
    expect(mergeStats([told('int', '7'), told('bigint', '70'), told('decimal(10,2)', '8.50')])).toEqual({
      a: { min: '7', max: '70', nulls: 0 },
    });
    expect(mergeStats([told('int', '7'), told('string', '7'), told('int', '8')])).toEqual({ a: { nulls: 0 } });
  });

  it('tell nothing of columns whose names differ only in case', () => {
    const one = [facts('a', 'int', { nulls: 0 }), facts('A', 'int', { nulls: 1 }), facts('B', 'int', { nulls: 2 })];
    expect(mergeStats([one])).toEqual({ b: { nulls: 2 } });
  });
});
