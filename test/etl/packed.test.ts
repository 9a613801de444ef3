import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { runSql } from '../../src/etl/sql.ts';
import { CSV } from '../contract/engine.ts';
import { openLab, type Lab } from './lab.ts';

const COLUMNS = { id: 'bigint', name: 'string', price: 'double', day: 'date' };

describe('sql over packed files', () => {
  let lab: Lab;
  const sql = (table: string) => runSql(lab.deps, SYSTEM, `select count(*), max(day) from lake.${table}`);
  const put = async (table: string, file: string, format: object): Promise<void> => {
    lab.put(`${table}/${file}`, readFileSync(resolve('test/fixtures/compressed', file)));
    await lab.crawl({ table, columns: COLUMNS, keys: {}, format: { ...CSV, ...format } });
  };
  beforeAll(async () => {
    lab = await openLab();
  });
  afterAll(() => lab.close());

  it.each([
    ['gzip', 'orders.csv.gz'],
    ['zstd', 'flushed.csv.zst'],
  ])('reads %s', async (compression, file) => {
    await put(compression, file, { compression });
    expect((await sql(compression)).rows).toEqual([[400, '2026-01-28']]);
  });

  it('reads json that is packed by zstd', async () => {
    const file = 'orders.json.zst';
    lab.put(`json/${file}`, readFileSync(resolve('test/fixtures/compressed', file)));
    const format = { name: 'json', compression: 'zstd', options: { layout: 'lines' } };
    await lab.crawl({ table: 'json', columns: { id: 'bigint', name: 'string', when: 'date' }, keys: {}, format });
    expect((await runSql(lab.deps, SYSTEM, 'select count(*), max(id) from lake.json')).rows).toEqual([[200, 199]]);
  });

  it.each([
    ['bzip2', 'orders.csv.bz2'],
    ['hadoop-snappy', 'orders.csv.snappy'],
    ['lz4', 'orders.csv.lz4'],
  ])('names what the engine cannot unpack: %s', async (compression, file) => {
    const table = compression.replace('-', '_');
    await put(table, file, { compression });
    await expect(sql(table)).rejects.toMatchObject({ code: 'UNSUPPORTED', details: { compression } });
  });

  it.each(['avro', 'orc', 'xml', 'combined_apache'])('names a format that the engine cannot read: %s', async (name) => {
    await put(name, 'orders.csv', { name });
    await expect(sql(name)).rejects.toMatchObject({ code: 'UNSUPPORTED', details: { format: name } });
  });
});
