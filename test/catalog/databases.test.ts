import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, dropDatabase, ensureDatabase, findDatabase, listDatabases } from '../../src/catalog/databases.ts';
import { findTable, recordTable } from '../../src/catalog/tables.ts';
import { latestPosition } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asApi, asCrawler, emptyCatalog, itemsOf, log, makeSales, reader, salesDraft } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
beforeEach(() => emptyCatalog(t.ground));
afterAll(() => t.close());

describe('databases', () => {
  it('are made once, with their entry in the log', async () => {
    const made = await asApi(t.ground, (w) =>
      createDatabase(w, { name: 'Lake', description: 'All of it', parameters: { a: 'b' } }),
    );
    expect(made).toMatchObject({ name: 'lake', description: 'All of it', owner: 'api', parameters: { a: 'b' } });
    expect(await findDatabase(t.db, reader, 'LAKE')).toEqual(made);
    await expect(asApi(t.ground, (w) => createDatabase(w, { name: 'lake' }))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect(await asCrawler(t.ground, (w) => ensureDatabase(w, 'lake'))).toEqual(made);
    expect(await log(t.ground)).toMatchObject([
      {
        kind: 'database.created',
        subject: made.id,
        database: 'lake',
        after: { name: 'lake', description: 'All of it', parameters: { a: 'b' } },
      },
    ]);
  });

  it('are made once by 20 who ensure them at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => asApi(t.ground, (w) => ensureDatabase(w, 'lake'))));
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
  });

  it('with tables are dropped only with cascade', async () => {
    await makeSales(t.ground);
    await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ name: 'other' })));
    await expect(asApi(t.ground, (w) => dropDatabase(w, 'lake'))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      details: { tables: 2 },
    });
    const position = await latestPosition(t.db);
    await asApi(t.ground, (w) => dropDatabase(w, 'lake', { cascade: true }));
    expect(await findDatabase(t.db, reader, 'lake')).toBeUndefined();
    expect(await findDatabase(t.db, reader, 'lake', { asOf: position })).toMatchObject({ name: 'lake' });
    expect(await findTable(t.db, reader, { database: 'lake', name: 'sales' }, { asOf: position })).toMatchObject({
      name: 'sales',
    });
    expect((await log(t.ground)).slice(-3).map(({ kind }) => kind)).toEqual([
      'table.dropped',
      'table.dropped',
      'database.dropped',
    ]);
    expect(await findTable(t.db, reader, { database: 'lake', name: 'sales' })).toBeUndefined();
    expect((await makeSales(t.ground)).version).toBe(1);
  });

  it('that another owns, or that are not there, are not dropped', async () => {
    await asApi(t.ground, (w) => ensureDatabase(w, 'lake'));
    await expect(asCrawler(t.ground, (w) => dropDatabase(w, 'lake'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    await expect(asApi(t.ground, (w) => dropDatabase(w, 'none'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('are listed in the order of their names, in pages', async () => {
    await asApi(t.ground, async (w) => {
      for (const name of ['c', 'a', 'b', 'it is; drop']) await createDatabase(w, { name });
    });
    const first = await listDatabases(t.db, reader, { first: 3 });
    const rest = await listDatabases(t.db, reader, { first: 3, after: first.items.at(-1)?.cursor });
    expect([...itemsOf(first), ...itemsOf(rest)].map(({ name }) => name)).toEqual(['a', 'b', 'c', 'it is; drop']);
  });

  it('are not for readers to write', async () => {
    const by = { principal: reader, owner: 'api' };
    await expect(write(t.ground, by, (w) => createDatabase(w, { name: 'x' }))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(write(t.ground, by, (w) => ensureDatabase(w, 'x'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(write(t.ground, by, (w) => dropDatabase(w, 'x'))).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });
});
