import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PartitionStats } from '../../src/model/partition-stats.ts';
import { duckdb } from './duckdb.ts';
import { openLab, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const settings = { inventory: 'footers' };
let made = 0;

async function parquet(select: string, options = ''): Promise<Uint8Array> {
  const file = join(lab.root, `.made-${(made += 1)}`);
  await (await duckdb()).run(`copy (${select}) to '${file}' (format parquet${options})`);
  return readFileSync(file);
}

/** Of all partitions, in their order. */
async function statsOf(): Promise<(PartitionStats | undefined)[]> {
  return (await lab.catalog()).flatMap(({ partitions }) => partitions.map(({ stats }) => stats));
}

/** One row with the values of all columns, its least and its greatest ones. */
const KINDS = {
  flag: ['false', 'true'],
  tiny: ["'-128'::tinyint", '127::tinyint'],
  whole: ["'-2147483648'::integer", '2147483647::integer'],
  large: ["'-9223372036854775808'::bigint", '9223372036854775807::bigint'],
  unsigned: ['0::uinteger', '4294967295::uinteger'],
  most: ['0::ubigint', '18446744073709551615::ubigint'],
  single: ["'-0.1'::float", '1e30::float'],
  twice: ["'-inf'::double", '0.1::double'],
  money: ["'-12.5'::decimal(9,2)", '100::decimal(9,2)'],
  cents: ["'-0.01'::decimal(18,2)", '9999999999999999.99::decimal(18,2)'],
  huge: ["'-99999999999999999999999999999999.999999'::decimal(38,6)", '0.000001::decimal(38,6)'],
  day: ["date '1969-12-31'", "date '2026-02-28'"],
  moment: ["timestamp '1969-12-31 23:59:59.5'", "timestamp '2026-01-01 00:00:00'"],
  exact: ["timestamp_ns '1970-01-01 00:00:00.000000001'", "timestamp_ns '2026-01-01 12:00:00.123456789'"],
  instant: ["timestamptz '2026-01-01 00:00:00+02'", "timestamptz '2026-01-01 00:00:00.25-01'"],
  word: ["''", "'ünder'"],
} as const;
const TOLD = {
  flag: ['false', 'true'],
  tiny: ['-128', '127'],
  whole: ['-2147483648', '2147483647'],
  large: ['-9223372036854775808', '9223372036854775807'],
  unsigned: ['0', '4294967295'],
  most: ['0', '18446744073709551615'],
  single: ['-0.1', '1e+30'],
  twice: ['-Infinity', '0.1'],
  money: ['-12.50', '100.00'],
  cents: ['-0.01', '9999999999999999.99'],
  huge: ['-99999999999999999999999999999999.999999', '0.000001'],
  day: ['1969-12-31', '2026-02-28'],
  moment: ['1969-12-31 23:59:59.5', '2026-01-01 00:00:00'],
  exact: ['1970-01-01 00:00:00.000000001', '2026-01-01 12:00:00.123456789'],
  instant: ['2025-12-31 22:00:00Z', '2026-01-01 01:00:00.25Z'],
  word: ['', 'ünder'],
};

describe('least and greatest values of a partition', () => {
  it('are told for all simple types, over row groups and files', async () => {
    const row = (which: 0 | 1) =>
      `select ${Object.entries(KINDS)
        .map(([name, values]) => `${values[which]} as ${name}`)
        .join(', ')}`;
    const nulls = `select ${Object.entries(KINDS)
      .map(([name, values]) => `if(true, null, ${values[0]}) as ${name}`)
      .join(', ')}`;
    lab.put({
      'sales/n=1/a.parquet': await parquet(`${row(1)} union all ${nulls}`),
      'sales/n=1/b.parquet': await parquet(row(0)),
      'sales/n=1/c.parquet': await parquet(`${nulls} union all ${nulls}`),
    });
    await lab.crawl({ settings });
    const expected = Object.fromEntries(Object.entries(TOLD).map(([name, [min, max]]) => [name, { min, max, nulls: 3 }]));
    expect(await statsOf()).toEqual([expected]);
  });

  it('are those of many row groups', async () => {
    const many = await parquet(
      "select 70000 - i as id, if(i % 100 = 0, null, 'n' || i) as name from range(70000) t(i)",
      ', row_group_size 2048',
    );
    const groups = await (
      await duckdb()
    ).runAndReadAll(`select count(distinct row_group_id) from parquet_metadata('${join(lab.root, `.made-${made}`)}')`);
    expect(Number(groups.getRows()[0]?.[0])).toBeGreaterThan(10);
    lab.put({ 'sales/n=1/a.parquet': many });
    await lab.crawl({ settings });
    expect(await statsOf()).toEqual([
      { id: { min: '1', max: '70000', nulls: 0 }, name: { min: 'n1', max: 'n9999', nulls: 700 } },
    ]);
  });

  it('are left out where they would not be exact: long texts, NaN, bytes, times of day, and values inside of others', async () => {
    const select = `select repeat('x', 129) as long, 'NaN'::double as nan, '\\x00'::blob as bytes, time '12:00:00' as hour,
      [1, 2] as list, {'a': 1} as inner, 'a' || chr(0) as nul, uuid() as id, null::integer as nothing, repeat('y', 128) as fits, 1 as last,
      unnest(['NaN'::double, 2, 'NaN'::double]) as some`;
    lab.put({ 'sales/n=1/a.parquet': await parquet(select) });
    await lab.crawl({ settings });
    const [stats] = await statsOf();
    const fits = 'y'.repeat(128);
    expect(stats).toMatchObject({
      long: { nulls: 0 },
      nothing: { nulls: 3 },
      fits: { min: fits, max: fits, nulls: 0 },
      last: { min: '1', max: '1', nulls: 0 },
    });
    for (const name of ['long', 'bytes', 'hour', 'nul', 'id', 'nan', 'some']) {
      expect(stats?.[name]).not.toHaveProperty('min');
      expect(stats?.[name]).not.toHaveProperty('max');
    }
    expect(stats).not.toHaveProperty('list');
    expect(stats).not.toHaveProperty('inner');
  });

  it('are of a table without partitions as well, and of nothing where only the listing is asked for', async () => {
    lab.put({ 'flat/a.parquet': await parquet('select 3 as id'), 'flat/b.parquet': await parquet('select 5 as id') });
    await lab.crawl();
    expect(await statsOf()).toEqual([undefined]);
    lab.put({ 'flat/c.parquet': await parquet('select 4 as id') });
    await lab.crawl({ settings });
    expect(await statsOf()).toEqual([{ id: { min: '3', max: '5', nulls: 0 } }]);
  });

  it('are not told where one of the files cannot be read', async () => {
    const good = await parquet('select 3 as id');
    lab.put({
      'sales/n=1/a.parquet': good,
      'sales/n=1/b.parquet': good.subarray(0, good.length - 20),
      'sales/n=2/a.parquet': good,
    });
    const { result } = await lab.crawl({ settings });
    expect(result.unknown).toBe(1);
    expect(await statsOf()).toEqual([undefined, { id: { min: '3', max: '3', nulls: 0 } }]);
  });

  it('are kept while the files are the same, and read anew only of partitions that changed', async () => {
    lab.put({ 'sales/n=1/a.parquet': await parquet('select 1 as id'), 'sales/n=2/a.parquet': await parquet('select 2 as id') });
    await lab.crawl({ settings });
    const before = await lab.changes();
    const again = await lab.crawl({ settings });
    expect([again.result.bill.gets, (await lab.changes()) - before]).toEqual([0, 0]);
    lab.put({ 'sales/n=2/b.parquet': await parquet('select 20 as id') });
    const third = await lab.crawl({ settings });
    expect([third.result.bill.gets, third.result.partitionsChanged]).toEqual([2, 1]);
    expect(await statsOf()).toEqual([{ id: { min: '1', max: '1', nulls: 0 } }, { id: { min: '2', max: '20', nulls: 0 } }]);
  });

  it.each([{}, { partitionBehavior: 'inherit' }])('go with a partition that moves to another table: %j', async (more) => {
    const glue = { ...settings, ...more, grouping: 'glue' };
    for (const n of [1, 2, 3]) lab.put({ [`sales/n=${n}/a.parquet`]: await parquet(`select ${n} as id`) });
    await lab.crawl({ settings: glue });
    expect((await lab.catalog()).map(({ keys }) => keys.length)).toEqual([2]);
    const before = await statsOf();
    expect(before[2]).toEqual({ id: { min: '3', max: '3', nulls: 0 } });
    // With another table beside it, it begins one folder further down.
    lab.put({ 'other/a.parquet': await parquet('select 9 as q, 8 as r') });
    const { result } = await lab.crawl({ settings: glue });
    expect([result.bill.gets, result.added, result.removed]).toEqual([1, 2, 1]);
    expect((await lab.catalog()).map(({ name, keys }) => [name, keys.length])).toEqual([
      ['other', 0],
      ['sales', 1],
    ]);
    expect((await statsOf()).slice(1)).toEqual(before);
    const again = await lab.crawl({ settings: glue });
    expect([again.result.bill.gets, again.result.changed]).toEqual([0, 0]);
  });

  it('are kept by partitions that inherit from their table from now on', async () => {
    lab.put({ 'sales/n=1/a.parquet': await parquet('select 1 as id') });
    await lab.crawl({ settings });
    await lab.crawl({ settings: { ...settings, partitionBehavior: 'inherit' } });
    expect(await statsOf()).toEqual([{ id: { min: '1', max: '1', nulls: 0 } }]);
  });
});
