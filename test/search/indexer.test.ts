import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { createDatabase, dropDatabase } from '../../src/catalog/databases.ts';
import { dropTable, recordTable } from '../../src/catalog/tables.ts';
import { listFollowers } from '../../src/changes/follow.ts';
import { write, type Write } from '../../src/changes/write.ts';
import { parseType } from '../../src/model/types.ts';
import { followCatalog, INDEXER } from '../../src/search/indexer.ts';
import { openPostgresIndex } from '../../src/search/postgres.ts';
import { rebuild } from '../../src/search/rebuild.ts';
import { search } from '../../src/search/search.ts';
import type { SearchIndex } from '../../src/search/search-index.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { until } from '../until.ts';

describe('the indexer', () => {
  let t: TestDb;
  let index: SearchIndex;
  let stop = new AbortController();
  let following: Promise<void> | undefined;
  const warnings: string[] = [];
  const options = { maxColumns: 20, log: (_: string, message: string) => void warnings.push(message) };

  beforeAll(async () => {
    t = await openTestDb();
    index = openPostgresIndex(t.db);
  });
  afterEach(() => pause());
  afterAll(() => t.close());

  const start = () => {
    stop = new AbortController();
    following = followCatalog(t.ground, index, { ...options, signal: stop.signal });
  };
  const pause = async () => {
    stop.abort();
    await following;
  };
  const change = <T>(fn: (w: Write) => Promise<T>) => write(t.ground, { principal: SYSTEM, owner: 'api' }, fn);
  const record = (database: string, name: string, columns: string[], description?: string) =>
    change((w) =>
      recordTable(w, {
        database,
        name,
        type: 'table',
        ...(description !== undefined && { description }),
        schema: { columns: columns.map((one) => ({ name: one, type: parseType('struct<inner:int>') })), partitionKeys: [] },
      }),
    );
  const caughtUp = () =>
    until('the index is up to date', async () => (await listFollowers(t.db)).find(({ name }) => name === INDEXER)?.upToDate);
  const names = async (text: string) => (await search(index, SYSTEM, { text, first: 100 })).items.map(({ item }) => item.name);
  const rebuildAll = () => rebuild(t.ground, index, { ...options, signal: new AbortController().signal });
  const contents = async () => (await t.db.execute(sql`select * from search_documents order by id`)).rows;

  it('follows what is made, changed and dropped', async () => {
    await change((w) => createDatabase(w, { name: 'lake', description: 'wet' }));
    await record('lake', 'orders', ['id', 'price'], 'all that was sold');
    start();
    await caughtUp();
    expect(await names('lake.orders')).toContain('lake.orders.price.inner');
    expect(await names('wet')).toEqual(['lake']);
    expect(await names('sold')).toEqual(['lake.orders']);
    await record('lake', 'orders', ['id', 'amount'], 'all that was bought');
    await caughtUp();
    expect(await names('price')).toEqual([]);
    expect(await names('sold')).toEqual([]);
    expect(await names('amount')).toEqual(['lake.orders.amount', 'lake.orders.amount.inner']);
    await change((w) => dropTable(w, { database: 'lake', name: 'orders' }));
    await caughtUp();
    expect(await names('orders')).toEqual([]);
  });

  it('keeps a database that was dropped and made anew, with its new tables only', async () => {
    await change((w) => createDatabase(w, { name: 'pond' }));
    await record('pond', 'frogs', ['legs']);
    await change((w) => dropDatabase(w, 'pond', { cascade: true }));
    await change((w) => createDatabase(w, { name: 'pond', description: 'again' }));
    await record('pond', 'ducks', ['wings']);
    start();
    await caughtUp();
    expect(await names('again')).toEqual(['pond']);
    expect(await names('frogs')).toEqual([]);
    expect(await names('wings')).toContain('pond.ducks.wings');
  });

  it('indexes only so many columns of a table, and says so', async () => {
    await record(
      'lake',
      'wide',
      Array.from({ length: 30 }, (_, i) => `wide_${i}`),
    );
    start();
    await caughtUp();
    expect((await names('lake.wide')).filter((name) => name.startsWith('lake.wide'))).toHaveLength(1 + 20);
    expect(warnings).toContain('Of lake.wide only 20 columns are searchable; limits.columns says how many.');
  });

  it('rebuilds the same index from nothing, and changes nothing in one that is right', async () => {
    start();
    await caughtUp();
    await pause();
    const before = await contents();
    await rebuildAll();
    expect(await contents()).toEqual(before);
    await index.clear(t.db);
    await rebuildAll();
    expect(await contents()).toEqual(before);
  });

  it('repairs what is missing, wrong or left over, and never empties the index meanwhile', async () => {
    const before = await contents();
    await index.remove(t.db, {
      tableIds: (await index.roots(t.db, { first: 100 })).flatMap(({ tableId }) => tableId ?? []).slice(0, 1),
    });
    await index.put(t.db, [
      { id: 'database:gone', kind: 'database', name: 'gone', path: ['gone'] },
      { id: 'table:gone', kind: 'table', name: 'gone.table', path: ['gone', 'table'], tableId: 'gone' },
      { id: 'table:left', kind: 'table', name: 'lake.left', path: ['lake', 'left'], tableId: 'left' },
      { id: 'column:left:over', kind: 'column', name: 'lake.left.over', path: ['lake', 'left', 'over'], tableId: 'left' },
    ]);
    let least = Number.POSITIVE_INFINITY;
    const done = new AbortController();
    const watching = (async () => {
      while (!done.signal.aborted) least = Math.min(least, (await names('lake.wide')).length);
    })();
    await rebuildAll();
    done.abort();
    await watching;
    expect(least).toBeGreaterThan(0);
    expect(await contents()).toEqual(before);
  });

  it('ends up the same when a rebuild runs while the catalog changes', async () => {
    start();
    const changing = (async () => {
      for (let i = 0; i < 30; i++) await record('pond', `busy_${i % 5}`, [`column_${i}`]);
    })();
    await Promise.all([changing, rebuildAll(), rebuildAll()]);
    await caughtUp();
    await pause();
    const after = await contents();
    await index.clear(t.db);
    await rebuildAll();
    expect(await contents()).toEqual(after);
  });

  it('is for those who may read, and pages are bounded', async () => {
    await expect(
      search(index, { id: 'x', name: 'x', role: 'nobody' as 'reader' }, { text: 'a', first: 1 }),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    for (const first of [0, -1, 1.5, 1e9])
      await expect(search(index, SYSTEM, { text: 'a', first })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
