import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { runSql } from '../../src/etl/sql.ts';
import type { Format } from '../../src/model/schema.ts';
import { formatType } from '../../src/model/types.ts';
import { sourceOf } from '../crawl/bytes.ts';
import { openLab, type Lab } from './lab.ts';

describe('sql over text in other encodings', () => {
  let lab: Lab;
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab.close());

  /** Records a file as it was classified, and reads it. */
  async function readAsFound(table: string, fixture: string): Promise<readonly (readonly unknown[])[]> {
    const bytes = readFileSync(resolve('test/fixtures', fixture));
    const found = await classify(sourceOf(fixture, bytes), CLASSIFY_LIMITS);
    if (found === undefined) throw new Error(`${fixture} was not known`);
    lab.put(`${table}/${fixture.replace(/^.*\//, '')}`, bytes);
    const columns = Object.fromEntries(found.columns.map(({ name, type }) => [name, formatType(type)]));
    await lab.crawl({ table, columns, keys: {}, format: found.format });
    return (await runSql(lab.deps, SYSTEM, `select * from lake.${table} order by 1`)).rows;
  }

  it('reads UTF-16 in little-endian order, with its mark and without', async () => {
    expect(await readAsFound('marked', 'csv/utf-16.csv')).toHaveLength(2);
    expect(await readAsFound('unmarked', 'csv/utf-16-without-mark.csv')).toEqual([
      [1, 'Zoe'],
      [2, 'Bob'],
    ]);
  });

  it('reads JSON behind a byte order mark', async () => {
    expect(await readAsFound('lines', 'json/byte-order-mark-lines.ndjson')).toEqual([[1], [2]]);
    expect(await readAsFound('array', 'json/byte-order-mark-array.json')).toEqual([[1], [2]]);
  });

  it('begins behind the title of a report', async () => {
    expect(await readAsFound('report', 'csv/spreadsheet-title.csv')).toEqual([
      [1, 'north', 10.5, 1],
      [2, 'south', 11.5, 2],
    ]);
  });

  it('reads what the engine does not, as a copy', async () => {
    expect(await readAsFound('big_endian', 'csv/utf-16-big-endian.csv')).toEqual([[1, 'Zoë']]);
    expect(await readAsFound('windows', 'csv/windows-1252.csv')).toEqual([
      [1, '“quoted”'],
      [2, '€ 5 – 10'],
    ]);
    expect(await readAsFound('wide_json', 'json/utf-16.json')).toEqual([
      [1, 'ë'],
      [2, null],
    ]);
    expect(readdirSync(join(lab.folder, 'work'))).toEqual([]);
  });

  const WINDOWS: Format = {
    name: 'csv',
    options: { delimiter: ',', quote: '"', escape: '"', header: true, encoding: 'windows-1252' },
  };
  const COLUMNS = { id: 'bigint', price: 'string' };

  async function read(table: string, file: string, bytes: Uint8Array, format: Format): Promise<readonly (readonly unknown[])[]> {
    lab.put(`${table}/${file}`, bytes);
    await lab.crawl({ table, columns: COLUMNS, keys: {}, format });
    return (await runSql(lab.deps, SYSTEM, `select count(*), min(price), max(price) from lake.${table}`)).rows;
  }

  it('copies files that are packed by gzip, and longer than what is read at once', async () => {
    const rows = Array.from({ length: 50_000 }, (_, id) => `${id},\x80 ${id % 7}\n`).join('');
    const bytes = Buffer.from(`id,price\n${rows}`, 'latin1');
    const expected = [[50_000, '€ 0', '€ 6']];
    expect(await read('long', 'a.csv', bytes, WINDOWS)).toEqual(expected);
    expect(await read('packed', 'a.csv.gz', gzipSync(bytes), { ...WINDOWS, compression: 'gzip' })).toEqual(expected);
    const wide = Buffer.from(`id,price\n${rows}`.replaceAll('\x80', '€'), 'utf16le').swap16();
    const format = { ...WINDOWS, options: { ...WINDOWS.options, encoding: 'utf-16be' } };
    expect(await read('wide', 'a.csv', wide, format)).toEqual(expected);
    // The last character is half there, the last block is not there at all, and this is packed by something else.
    const unreadable = { code: 'DATA_UNREADABLE', message: expect.stringContaining('a.csv') as string };
    await expect(read('half', 'a.csv', wide.subarray(0, -1), format)).rejects.toMatchObject(unreadable);
    const cut = gzipSync(bytes).subarray(0, 10_000);
    await expect(read('cut', 'a.csv.gz', cut, { ...WINDOWS, compression: 'gzip' })).rejects.toMatchObject(unreadable);
    const zstd = read('zstd', 'a.csv.zst', bytes, { ...WINDOWS, compression: 'zstd' });
    await expect(zstd).rejects.toMatchObject({ code: 'UNSUPPORTED', details: { encoding: 'windows-1252' } });
  });
});
