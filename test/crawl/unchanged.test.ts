import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { write } from '../../src/changes/write.ts';
import { defineCrawler } from '../../src/crawl/crawlers.ts';
import type { Run } from '../../src/work/run.ts';
import { openTestApi, type TestApi } from '../graphql/api.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { until } from '../until.ts';

const csv = (rows: string) => Buffer.from(`id,amount\n${rows}\n`);

let api: TestApi;
let fake: FakeS3;

beforeAll(async () => {
  api = await openTestApi();
  fake = await startFakeS3();
  await write(api.tenon.ground, { principal: SYSTEM, owner: 'api' }, (w) =>
    api.tenon.connections.define(w, {
      name: 'fake',
      kind: 's3',
      options: { endpoint: fake.url, accessKeyId: 'key' },
      secret: 'secret',
    }),
  );
});
afterAll(async () => {
  await api.close();
  await fake.close();
});

async function crawl(name: string, settings: Record<string, unknown>): Promise<Run> {
  const { ground, crawlers, work } = api.tenon;
  const draft = { name, kind: 's3', options: { url: `s3://lake/${name}` }, connection: 'fake', database: name, settings };
  await write(ground, { principal: SYSTEM, owner: 'api' }, (w) => defineCrawler(w, draft, crawlers));
  const { id } = await work.enqueue(SYSTEM, { kind: 'crawl', name, params: {} });
  return work.waitFor(id);
}

async function requests(fn: () => Promise<unknown>): Promise<{ lists: number; gets: number }> {
  const before = fake.requests.length;
  await fn();
  const lists = fake.requests.slice(before).map(({ path }) => path.includes('list-type=2'));
  return { lists: lists.filter(Boolean).length, gets: lists.filter((list) => !list).length };
}

/** Where each row lies and which transaction wrote it: nothing can be inserted, changed or deleted without showing here. */
async function rowsOfAllTables(): Promise<Record<string, string>> {
  const { db } = api.tenon.ground;
  const { rows } = await db.execute<{ name: string }>(
    sql`select tablename as name from pg_tables where schemaname = 'public' order by 1`,
  );
  const found: Record<string, string> = {};
  for (const { name } of rows) {
    const [row] = (
      await db.execute<{ print: string }>(
        sql`select count(*) || ' ' || coalesce(md5(string_agg(ctid::text || xmin::text, ',' order by ctid)), '') as print from ${sql.identifier(name)}`,
      )
    ).rows;
    found[name] = row?.print ?? '';
  }
  return found;
}

/** The followers of the log have caught up with the crawl before. */
async function quietRows(): Promise<Record<string, string>> {
  let before = await rowsOfAllTables();
  await until('nothing is written any more', async () => {
    const { db } = api.tenon.ground;
    const { rows } = await db.execute(sql`select 1 from followers where cursor >= (select max(position) from changes)`);
    const now = await rowsOfAllTables();
    const isQuiet = rows.length > 0 && JSON.stringify(now) === JSON.stringify(before);
    before = now;
    return isQuiet;
  });
  return before;
}

describe('a crawl of what has not changed', () => {
  for (const settings of [
    {},
    { inventory: 'footers' },
    { recrawl: 'new-folders' },
    { recrawl: 'events' },
    { grouping: 'glue' },
  ]) {
    it(`reads no object, and writes no row but its run: ${JSON.stringify(settings)}`, async () => {
      const name = `lake${Object.values(settings).join('').replace('-', '')}`;
      for (let n = 1; n <= 1_500; n += 1) fake.bucket.put(`${name}/sales/dt=${n}/a.csv`, csv(`${n},1.5`));
      fake.bucket.put(`${name}/stores/a.csv`, csv('1,2.5'));
      expect(await crawl(name, settings)).toMatchObject({ state: 'SUCCEEDED', result: { partitions: 1_500 } });
      const before = await quietRows();
      const made = await requests(async () => {
        expect(await crawl(name, settings)).toMatchObject({ state: 'SUCCEEDED', result: { added: 0, changed: 0, removed: 0 } });
      });
      const after = await rowsOfAllTables();
      const written = Object.keys(after).filter((table) => after[table] !== before[table]);
      // Of `scopes` the one row that says when everything was seen last.
      const isWhole = !('recrawl' in settings);
      expect(written.sort()).toEqual(isWhole ? ['run_logs', 'runs', 'scopes'] : ['run_logs', 'runs']);
      // The key itself and two pages; two levels, of which one has two pages; nothing at all.
      const lists = isWhole ? 3 : settings.recrawl === 'new-folders' ? 3 : 0;
      expect(made).toEqual({ lists, gets: 0 });
    }, 60_000);
  }
});

describe('a crawl with sampleFiles', () => {
  it('reads so many files of each leaf folder, whatever the configuration says', async () => {
    for (const leaf of ['dt=1', 'dt=2', 'dt=3']) {
      for (let n = 1; n <= 500; n += 1) fake.bucket.put(`samples/t/${leaf}/${n}.csv`, csv(`${n},1.5`));
    }
    expect(await requests(() => crawl('samples', { sampleFiles: 5, samplePartitions: 'all' }))).toMatchObject({ gets: 3 * 5 });
    for (const leaf of ['dt=4', 'dt=5']) {
      for (let n = 1; n <= 500; n += 1) fake.bucket.put(`samples/t/${leaf}/${n}.csv`, csv(`${n},1.5`));
    }
    expect(await requests(() => crawl('samples', { sampleFiles: 1, samplePartitions: 'all' }))).toMatchObject({ gets: 2 });
  });
});
