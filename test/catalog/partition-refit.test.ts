import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listPartitions } from '../../src/catalog/partitions.ts';
import { recordTable } from '../../src/catalog/tables.ts';
import { latestPosition } from '../../src/changes/list.ts';
import type { Table } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asCrawler, columns, emptyCatalog, itemsOf, log, makeSales, partition, reader, salesDraft, valuesOf } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
beforeEach(() => emptyCatalog(t.ground));
afterAll(() => t.close());

const all = async (table: Table) => itemsOf(await listPartitions(t.db, reader, table, {}, { first: 1_000 }));

describe('a change of partition keys', () => {
  const keyed = (...keys: string[]) => ({ schema: { columns: columns('x int'), partitionKeys: columns(...keys) } });
  const change = (...keys: string[]) => asCrawler(t.ground, (w) => recordTable(w, salesDraft(keyed(...keys))));

  it('of type re-orders the current partitions, and leaves the history as it was', async () => {
    const table = await makeSales(t.ground, [partition(['2']), partition(['10']), partition([null])], keyed('n int'));
    const position = await latestPosition(t.db);
    const { table: now } = await change('n string');
    expect(await valuesOf(t.ground, now, { predicate: "n < '2'" })).toEqual(['10']);
    expect(await valuesOf(t.ground, now, { predicate: 'n < 3', asOf: position })).toEqual(['2']);
    expect(await valuesOf(t.ground, now)).toEqual(['10', '2', 'null']);
    expect((await log(t.ground)).at(-1)).toMatchObject({
      kind: 'table.changed',
      details: { partitions: { changed: 2 }, diff: [{ kind: 'retyped' }] },
    });
    expect(table.id).toBe(now.id);
  });

  it('of type that widens writes no partition', async () => {
    await makeSales(t.ground, [partition(['2']), partition(['10'])], keyed('n int'));
    await change('n bigint');
    expect((await log(t.ground)).at(-1)?.details).not.toHaveProperty('partitions');
  });

  it('of type that a value does not fit is refused', async () => {
    await makeSales(t.ground, [partition(['2']), partition(['x'])], keyed('n string'));
    await expect(change('n int')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    const same = await makeSales(t.ground, [partition(['01']), partition(['1'])], { ...keyed('n string'), name: 'other' });
    const merge = asCrawler(t.ground, (w) => recordTable(w, salesDraft({ ...keyed('n int'), name: 'other' })));
    await expect(merge).rejects.toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining('become one') });
    expect(await all(same)).toHaveLength(2);
  });

  it('of number ends the current partitions', async () => {
    await makeSales(t.ground, [partition(['2']), partition(['10'])], keyed('n int'));
    const { table } = await change('n int', 'm int');
    expect(await all(table)).toEqual([]);
    expect((await log(t.ground)).at(-1)?.details).toMatchObject({ partitions: { removed: 2 } });
  });

  it('of name keeps them', async () => {
    await makeSales(t.ground, [partition(['2']), partition(['10'])], keyed('n int'));
    const { table } = await change('number int');
    expect(await valuesOf(t.ground, table, { predicate: 'number > 5' })).toEqual(['10']);
  });
});
