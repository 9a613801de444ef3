import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ensureDatabase } from '../../src/catalog/databases.ts';
import { listPartitions, recordPartitions } from '../../src/catalog/partitions.ts';
import { findTable, listTables, recordTable } from '../../src/catalog/tables.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asApi, asCrawler, columns, emptyCatalog, itemsOf, makeSales, partition, reader, salesDraft } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
beforeEach(() => emptyCatalog(t.ground));
afterAll(() => t.close());

const find = (name = 'sales') => findTable(t.db, reader, { database: 'lake', name });

describe('hostile names', () => {
  const names = [
    '"; drop table x; --',
    "it's",
    'new\nline',
    'ünï çødé 🦫',
    'a,b',
    '{}',
    '\\',
    '"',
    '%s',
    '$1',
    'null',
    'NULL',
    ' ',
    '__proto__',
    'constructor',
  ];

  it('of columns come back as they are', async () => {
    const schema = {
      columns: names.map((name) => ({ name, type: { kind: 'string' as const } })),
      partitionKeys: columns('a"b string'),
    };
    const table = await makeSales(t.ground, [], { schema });
    expect((await find())?.schema).toEqual(schema);
    const partitions = names.map((name) => partition([name]));
    await asCrawler(t.ground, (w) => recordPartitions(w, table, partitions));
    const listed = itemsOf(await listPartitions(t.db, reader, table, {}, { first: 100 }));
    expect(new Set(listed.map(({ values }) => values[0]))).toEqual(new Set(names));
    expect(new Set(listed.map(({ location }) => location))).toEqual(new Set(partitions.map(({ location }) => location)));
  });

  it('of parameters, descriptions and locations come back as they are', async () => {
    const parameters = Object.fromEntries(names.filter((name) => name !== '__proto__').map((name) => [name, name]));
    await makeSales(t.ground, [], { parameters, description: names.join('|'), location: `s3://b/${names.join('/')}` });
    expect(await find()).toMatchObject({ parameters, description: names.join('|'), location: `s3://b/${names.join('/')}` });
  });

  it('of tables are refused when they have dots, slashes or control characters', async () => {
    await asApi(t.ground, (w) => ensureDatabase(w, 'lake'));
    for (const name of ['', 'a.b', 'a/b', 'a\nb', 'a\0', 'x'.repeat(256)]) {
      await expect(asApi(t.ground, (w) => recordTable(w, salesDraft({ name })))).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
    const { table } = await asApi(t.ground, (w) => recordTable(w, salesDraft({ name: '"; drop table tables; --' })));
    expect(await find(table.name)).toEqual(table);
  });

  it('that Postgres cannot keep are refused', async () => {
    await asApi(t.ground, (w) => ensureDatabase(w, 'lake'));
    for (const name of ['a\0b', '\ud83d', '']) {
      const schema = { columns: [{ name, type: { kind: 'string' as const } }], partitionKeys: [] };
      await expect(asApi(t.ground, (w) => recordTable(w, salesDraft({ schema })))).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
    await expect(asApi(t.ground, (w) => recordTable(w, salesDraft({ parameters: { a: '\0' } })))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    await expect(asApi(t.ground, (w) => recordTable(w, salesDraft({ description: '\udc00' })))).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
  });

  it('that Postgres cannot take find nothing, and say so', async () => {
    const bad = { code: 'BAD_INPUT' };
    await expect(find('a\0')).rejects.toMatchObject(bad);
    await expect(findTable(t.db, reader, { id: '\ud83d' })).rejects.toMatchObject(bad);
    await expect(listTables(t.db, reader, { nameContains: '\0' }, { first: 1 })).rejects.toMatchObject(bad);
    expect(await find('"; drop table tables; --')).toBeUndefined();
  });

  it('refuse partition keys that differ only by case, or that have no order', async () => {
    await asApi(t.ground, (w) => ensureDatabase(w, 'lake'));
    const record = (...keys: string[]) =>
      asApi(t.ground, (w) => recordTable(w, salesDraft({ schema: { columns: [], partitionKeys: columns(...keys) } })));
    await expect(record('dt string', 'DT string')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(record('dt array<string>')).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('refuse two columns of the same name', async () => {
    await asApi(t.ground, (w) => ensureDatabase(w, 'lake'));
    const schema = { columns: columns('a string'), partitionKeys: columns('a string') };
    await expect(asApi(t.ground, (w) => recordTable(w, salesDraft({ schema })))).rejects.toMatchObject({
      code: 'BAD_INPUT',
      details: { column: 'a' },
    });
  });

  it('10,000 columns are kept, ten times as many and one are refused', async () => {
    const many = (count: number) => ({
      columns: columns(...Array.from({ length: count }, (_, i) => `column_${i} double`)),
      partitionKeys: [],
    });
    await makeSales(t.ground, [], { schema: many(10_000) });
    expect((await find())?.schema.columns).toHaveLength(10_000);
    await expect(asCrawler(t.ground, (w) => recordTable(w, salesDraft({ schema: many(100_001) })))).rejects.toMatchObject({
      code: 'LIMIT',
    });
  });
});
