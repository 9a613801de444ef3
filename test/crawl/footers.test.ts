import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { duckdb } from './duckdb.ts';
import { openLab, type Lab } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

it('counts the rows of all Parquet files where footers are the inventory, and reads samples of the others', async () => {
  const connection = await duckdb();
  const files: Record<string, Uint8Array | string> = {};
  for (const rows of [3, 40]) {
    const file = join(lab.root, `.made-${rows}`);
    await connection.run(`copy (select i as id from range(${rows}) t(i)) to '${file}' (format parquet)`);
    const bytes = readFileSync(file);
    for (let i = 0; i < 12; i += 1) files[`sales/n=${rows}/part-${i}.parquet`] = bytes;
  }
  for (let i = 0; i < 12; i += 1) files[`texts/n=1/part-${i}.csv`] = 'id,name\n1,a\n2,b\n';
  lab.put(files);
  const settings = { inventory: 'footers' };
  const { result } = await lab.crawl({ settings });
  const rowsOf = async () => (await lab.catalog()).flatMap(({ partitions }) => partitions.map(({ rows }) => rows));
  expect(await rowsOf()).toEqual(['36', '480', undefined]);
  expect(result.bill.gets).toBe(24 + 5);
  const again = await lab.crawl({ settings });
  expect([again.result.bill.gets, again.result.partitionsChanged]).toEqual([0, 0]);
});
