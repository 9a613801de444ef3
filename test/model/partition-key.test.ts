import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  inferKeyType,
  orderedKeys,
  parsePartitionLevel,
  parsePartitionText,
  partitionText,
} from '../../src/model/partition-key.ts';
import { formatType, simple } from '../../src/model/types.ts';
import { columnName } from './arbitraries.ts';

const keys = [
  { name: 'dt', type: simple('date') },
  { name: 'region', type: simple('string') },
];

describe('partitionText', () => {
  it('is Hive’s path', () => {
    expect(partitionText(keys, ['2026-01-01', 'eu'])).toBe('dt=2026-01-01/region=eu');
    expect(partitionText(keys, [null, 'a/b: 100 % "ü"'])).toBe('dt=__HIVE_DEFAULT_PARTITION__/region=a%2Fb%3A 100 %25 %22ü%22');
    expect(partitionText([], [])).toBe('');
  });

  it('is read back exactly, whatever the names and values are', () => {
    const value = fc.option(
      fc.oneof(
        fc.string({ unit: 'grapheme' }),
        fc.constantFrom('..', '%', '%41', '%C3%BC', '__HIVE_DEFAULT_PARTITION__', '', 'a=b', '\n'),
      ),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(columnName, value), { maxLength: 4 }), (pairs) => {
        const text = partitionText(
          pairs.map(([name]) => ({ name })),
          pairs.map(([, each]) => each),
        );
        expect(parsePartitionText(text)).toEqual(pairs.map(([name, each]) => ({ name, value: each })));
      }),
      { numRuns: 5_000 },
    );
  });

  it('refuses a wrong number of values', () => {
    expect(() => partitionText(keys, ['2026-01-01'])).toThrow('2 partition keys');
    expect(() => orderedKeys(['2026-01-01'], keys)).toThrow('2 partition keys');
  });
});

describe('parsePartitionText', () => {
  it('takes more encoding than Hive writes, and leaves what is none as it is', () => {
    expect(parsePartitionText('city=K%c3%b6ln/x=%zz%/y=%ff')).toEqual([
      { name: 'city', value: 'Köln' },
      { name: 'x', value: '%zz%' },
      { name: 'y', value: '%ff' },
    ]);
  });

  it('knows a level that is not key=value', () => {
    expect(parsePartitionLevel('2026')).toBeUndefined();
    expect(parsePartitionLevel('=x')).toBeUndefined();
    expect(parsePartitionLevel('a=b=c')).toEqual({ name: 'a', value: 'b=c' });
    expect(() => parsePartitionText('a=1/part')).toThrow(expect.objectContaining({ code: 'BAD_INPUT' }));
  });
});

describe('inferKeyType', () => {
  const cases: [(string | null)[], string][] = [
    [['1', '2', null], 'int'],
    [['1', '2147483648'], 'bigint'],
    [['9223372036854775808'], 'string'],
    [['01', '02'], 'string'],
    [['0', '-1'], 'int'],
    [['-0'], 'string'],
    [['2026-01-01', '2024-02-29'], 'date'],
    [['2026-02-30'], 'string'],
    [['2026-01-01', '5'], 'string'],
    [['5', '2026-01-01'], 'string'],
    [['eu'], 'string'],
    [[''], 'string'],
    [[null], 'string'],
    [[], 'string'],
  ];
  for (const [values, type] of cases) {
    it(`of ${JSON.stringify(values)} is ${type}`, () => expect(formatType(inferKeyType(values))).toBe(type));
  }
});
