import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { duckdb } from '../crawl/duckdb.ts';
import { openTestApi, READER, type TestApi } from './api.ts';
import { crawlLake } from './crawl-lake.ts';

let api: TestApi;
let lake: string;

async function parquet(path: string, select: string): Promise<void> {
  const file = join(lake, path);
  mkdirSync(join(file, '..'), { recursive: true });
  await (await duckdb()).run(`copy (${select}) to '${file}' (format parquet)`);
}

interface Told {
  readonly name: string;
  readonly rows: string | null;
  readonly stats: unknown;
}

async function partitions(table: string, args = '(first: 100)', as = READER): Promise<Told[]> {
  const query = `query ($name: String!) { table(name: $name) { partitions${args} { edges { node { name rows stats } } } } }`;
  const { table: found } = await api.ask<{ table: { partitions: { edges: { node: Told }[] } } }>(query, { name: table }, as);
  return found.partitions.edges.map(({ node }) => node).toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

beforeAll(async () => {
  api = await openTestApi();
  lake = join(api.folder, 'lake');
  for (const day of [1, 2, 3]) {
    const rows = `select i as id, if(i = ${day}0, null, 'n' || i) as name, date '2026-01-0${day}' as at from range(${day}0, ${day}5) t(i)`;
    await parquet(`sales/day=${day}/a.parquet`, rows);
  }
  mkdirSync(join(lake, 'kinds'), { recursive: true });
  cpSync(resolve('test/fixtures/orc/kinds.orc'), join(lake, 'kinds', 'kinds.orc'));
  mkdirSync(join(lake, 'texts'), { recursive: true });
  writeFileSync(join(lake, 'texts', 'a.csv'), 'id,amount\n1,1.5\n2,2.5\n');
  await api.ask('mutation ($c: CrawlerInput!) { defineCrawler(crawler: $c) { name } }', {
    c: { name: 'lake', url: pathToFileURL(lake).href, database: 'lake', settings: { inventory: 'footers' } },
  });
  await crawlLake(api);
});
afterAll(() => api.close());

const day = (n: number, rows = 5) => ({
  name: `day=${n}`,
  rows: String(rows),
  stats: {
    at: { min: `2026-01-0${n}`, max: `2026-01-0${n}`, nulls: 0 },
    id: { min: `${n}0`, max: `${n}4`, nulls: 0 },
    name: { min: `n${n}1`, max: `n${n}4`, nulls: 1 },
  },
});

describe('what partitions tell of their columns', () => {
  it('is there for whoever may read the table', async () => {
    expect(await partitions('lake.sales')).toEqual([day(1), day(2), day(3)]);
    expect(await partitions('lake.sales', '(predicate: "day = 2")')).toEqual([day(2)]);
  });

  it('is told of ORC and of tables without partitions', async () => {
    const [whole] = await partitions('lake.kinds');
    expect(whole).toMatchObject({
      name: '',
      rows: '3',
      stats: {
        large: { min: '-9223372036854775808', max: '9223372036854775807', nulls: 1 },
        money: { min: '-12.50', max: '100.00', nulls: 1 },
        nothing: { nulls: 3 },
      },
    });
  });

  it('is null where there is no footer', async () => {
    expect(await partitions('lake.texts')).toEqual([{ name: '', rows: '2', stats: null }]);
  });

  it('is of the files that there are now, and of those that there were then', async () => {
    const { status } = await api.ask<{ status: { position: string } }>('{ status { position } }');
    await parquet('sales/day=2/b.parquet', "select 7 as id, 'a' as name, date '2025-12-31' as at");
    await crawlLake(api);
    const stats = {
      at: { min: '2025-12-31', max: '2026-01-02', nulls: 0 },
      id: { min: '7', max: '24', nulls: 0 },
      name: { min: 'a', max: 'n24', nulls: 1 },
    };
    expect(await partitions('lake.sales')).toEqual([day(1), { name: 'day=2', rows: '6', stats }, day(3)]);
    const query = `query ($asOf: Position!) { table(name: "lake.sales", asOf: $asOf) { partitions(predicate: "day = 2") { edges { node { name rows stats } } } } }`;
    const { table } = await api.ask<{ table: { partitions: unknown } }>(query, { asOf: status.position });
    expect(table.partitions).toEqual({ edges: [{ node: day(2) }] });
  });
});
