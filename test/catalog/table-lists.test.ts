import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ensureDatabase } from '../../src/catalog/databases.ts';
import { listTables, recordTable, tablesOf } from '../../src/catalog/tables.ts';
import type { Table } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asApi, asCrawler, emptyCatalog, itemsOf, reader, salesDraft } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
beforeEach(() => emptyCatalog(t.ground));
afterAll(() => t.close());

describe('listTables', () => {
  beforeEach(async () => {
    await asApi(t.ground, async (w) => {
      for (const database of ['lake', 'raw', 'lake_2']) {
        await ensureDatabase(w, database);
        for (const name of ['orders', 'sales', 'sales_2', 'items']) {
          await recordTable(
            w,
            salesDraft({ database, name, location: `s3://${database}/${name}/`, type: name === 'items' ? 'view' : 'table' }),
          );
        }
      }
    });
    await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ database: 'raw', name: 'mine' })));
  });

  const names = (tables: readonly Table[]) => tables.map(({ database, name }) => `${database}.${name}`);

  it('gives every table once, in pages, in the order of their names', async () => {
    const seen: string[] = [];
    let after: string | undefined;
    do {
      const page = await listTables(t.db, reader, {}, { first: 3, after });
      seen.push(...names(itemsOf(page)));
      after = page.hasNextPage ? page.items.at(-1)?.cursor : undefined;
    } while (after !== undefined);
    expect(seen).toHaveLength(13);
    expect(new Set(seen).size).toBe(13);
    expect(seen.slice(0, 4)).toEqual(['lake.items', 'lake.orders', 'lake.sales', 'lake.sales_2']);
  });

  it('filters by database, name, part of a name, owner, type and location', async () => {
    const list = async (filter: Parameters<typeof listTables>[2]) =>
      names(itemsOf(await listTables(t.db, reader, filter, { first: 100 })));
    expect(await list({ database: 'RAW', name: 'Sales' })).toEqual(['raw.sales']);
    expect(await list({ database: 'raw', nameContains: 'ALES' })).toEqual(['raw.sales', 'raw.sales_2']);
    expect(await list({ nameContains: '%' })).toEqual([]);
    expect(await list({ owner: 'crawler:lake' })).toEqual(['raw.mine']);
    expect(await list({ type: 'view' })).toHaveLength(3);
    expect(await list({ locationPrefix: 's3://lake/' })).toEqual(['lake.items', 'lake.orders', 'lake.sales', 'lake.sales_2']);
  });

  it('refuses the cursor of another filter, and what is no cursor', async () => {
    const page = await listTables(t.db, reader, { database: 'lake' }, { first: 1 });
    const after = page.items[0]?.cursor;
    await expect(listTables(t.db, reader, { database: 'raw' }, { first: 1, after })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    for (const bad of ['', 'x', 'W10', '{}', Buffer.from('[1,{}]').toString('base64url')]) {
      await expect(listTables(t.db, reader, {}, { first: 1, after: bad })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
  });

  it('refuses a page of no items or of too many', async () => {
    for (const first of [0, -1, 1.5, 1_000_000, Number.NaN]) {
      await expect(listTables(t.db, reader, {}, { first })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
  });

  it('tablesOf gives the tables of one owner', async () => {
    const found: Table[] = [];
    for await (const table of tablesOf(t.db, 'crawler:lake')) found.push(table);
    expect(names(found)).toEqual(['raw.mine']);
  });
});
