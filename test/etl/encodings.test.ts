import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { CLASSIFY_LIMITS } from '../../src/crawl/classifier.ts';
import { classify } from '../../src/crawl/classify.ts';
import { runSql } from '../../src/etl/sql.ts';
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

  it('names an encoding that the engine cannot read, of which the catalog knows the columns', async () => {
    const refusal = (encoding: string) => ({ code: 'UNSUPPORTED', details: { encoding } });
    await expect(readAsFound('big_endian', 'csv/utf-16-big-endian.csv')).rejects.toMatchObject(refusal('utf-16be'));
    await expect(readAsFound('windows', 'csv/windows-1252.csv')).rejects.toMatchObject(refusal('windows-1252'));
    await expect(readAsFound('wide_json', 'json/utf-16.json')).rejects.toMatchObject(refusal('utf-16'));
  });
});
