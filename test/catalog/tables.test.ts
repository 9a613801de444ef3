import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, ensureDatabase } from '../../src/catalog/databases.ts';
import { listPartitions, recordPartitions } from '../../src/catalog/partitions.ts';
import { dropTable, findTable, listTables, recordTable, tablesOf } from '../../src/catalog/tables.ts';
import { findSchema, findVersion, listVersions } from '../../src/catalog/versions.ts';
import { latestPosition } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import { schemaHash } from '../../src/model/schema.ts';
import type { Table } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import {
  asApi,
  asCrawler,
  asOwner,
  columns,
  emptyCatalog,
  itemsOf,
  log,
  makeSales,
  partition,
  reader,
  salesDraft,
} from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
beforeEach(() => emptyCatalog(t.ground));
afterAll(() => t.close());

const find = (name = 'sales') => findTable(t.db, reader, { database: 'lake', name });
const wider = {
  columns: columns('id bigint', 'email string', 'amount double'),
  partitionKeys: columns('dt date', 'region string'),
};

describe('recordTable', () => {
  it('makes a table with version 1 and one entry in the log', async () => {
    const table = await makeSales(t.ground);
    expect(table).toMatchObject({ database: 'lake', name: 'sales', version: 1, owner: 'crawler:lake', parameters: {} });
    expect(await find()).toEqual(table);
    const [, entry] = await log(t.ground);
    expect(entry).toMatchObject({
      kind: 'table.created',
      subject: table.id,
      database: 'lake',
      table: 'sales',
      by: { principal: 'ada', owner: 'crawler:lake', runId: 'run-1' },
      after: {
        database: 'lake',
        name: 'sales',
        type: 'table',
        location: 's3://bucket/sales/',
        format: { name: 'csv', options: { delimiter: ',', header: true } },
        parameters: {},
        version: 1,
        columns: [
          { name: 'id', type: 'bigint' },
          { name: 'email', type: 'string' },
        ],
        partitionKeys: [
          { name: 'dt', type: 'date' },
          { name: 'region', type: 'string' },
        ],
      },
    });
    expect(entry?.before ?? undefined).toBeUndefined();
  });

  it('writes nothing when nothing changed', async () => {
    await makeSales(t.ground);
    const before = await log(t.ground);
    const format = { options: { header: true, delimiter: ',' }, name: 'csv' };
    const again = await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ format })));
    expect(again).toMatchObject({ created: false, changed: false, versionAdded: false });
    expect(await log(t.ground)).toEqual(before);
  });

  it('adds a version, and its diff to the log, when the schema changed', async () => {
    const first = await makeSales(t.ground);
    t.clock.advance(60_000);
    const { table, versionAdded } = await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ schema: wider })));
    expect(versionAdded).toBe(true);
    expect(table).toMatchObject({ id: first.id, version: 2, schema: wider });
    const entry = (await log(t.ground)).at(-1);
    expect(entry).toMatchObject({
      kind: 'table.changed',
      before: { version: 1 },
      after: { version: 2 },
      details: { diff: [{ kind: 'added', path: 'amount', after: 'double' }] },
    });
    const versions = itemsOf(await listVersions(t.db, reader, table.id, { first: 10 }));
    expect(versions.map(({ number, runId }) => [number, runId])).toEqual([
      [2, 'run-1'],
      [1, 'run-1'],
    ]);
    expect(versions[0]).toMatchObject({ hash: schemaHash(wider), schema: wider, added: entry?.position, at: t.clock() });
  });

  it('keeps the version when only the location changed', async () => {
    await makeSales(t.ground);
    const { table, changed, versionAdded } = await asCrawler(t.ground, (w) =>
      recordTable(w, salesDraft({ location: 's3://other/' })),
    );
    expect([table.version, changed, versionAdded]).toEqual([1, true, false]);
    const entry = (await log(t.ground)).at(-1);
    expect(entry).toMatchObject({
      kind: 'table.changed',
      before: { location: 's3://bucket/sales/' },
      after: { location: 's3://other/' },
    });
    expect(entry?.details ?? undefined).toBeUndefined();
  });

  it('adds a version with an old hash when a schema comes back', async () => {
    const { id } = await makeSales(t.ground);
    await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ schema: wider })));
    const { table } = await asCrawler(t.ground, (w) => recordTable(w, salesDraft()));
    expect(table.version).toBe(3);
    expect((await findVersion(t.db, reader, id, 3))?.hash).toBe((await findVersion(t.db, reader, id, 1))?.hash);
  });

  it('keeps a description and comments that people wrote when a crawl brings none', async () => {
    await makeSales(t.ground);
    const commented = salesDraft().schema.columns.map((column) => ({ ...column, comment: `the ${column.name}` }));
    const schema = { ...salesDraft().schema, columns: commented };
    await asApi(t.ground, (w) => recordTable(w, salesDraft({ description: 'All sales', parameters: { team: 'shop' }, schema })));
    const { table, versionAdded } = await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ schema: wider })));
    expect(versionAdded).toBe(true);
    expect(table).toMatchObject({ description: 'All sales', parameters: { team: 'shop' }, owner: 'crawler:lake' });
    expect(table.schema.columns.map(({ comment }) => comment)).toEqual(['the id', 'the email', undefined]);
  });

  it('lets the API take a comment away', async () => {
    const schema = { columns: [{ ...columns('id bigint')[0], comment: 'x' }], partitionKeys: [] } as unknown as Table['schema'];
    await makeSales(t.ground, [], { schema });
    const { table } = await asApi(t.ground, (w) =>
      recordTable(w, salesDraft({ schema: { columns: columns('id bigint'), partitionKeys: [] } })),
    );
    expect(table.schema.columns[0]?.comment).toBeUndefined();
  });

  it('folds names to lower case', async () => {
    await asApi(t.ground, async (w) => {
      await createDatabase(w, { name: 'Lake' });
      await recordTable(w, salesDraft({ database: 'LAKE', name: 'MyT' }));
    });
    expect((await find('myt'))?.name).toBe('myt');
    expect((await find('MYT'))?.name).toBe('myt');
  });

  it('refuses what belongs to another owner, but for the API', async () => {
    await makeSales(t.ground);
    const other = asOwner(t.ground, 'job:nightly', (w) => recordTable(w, salesDraft({ location: 's3://mine/' })));
    await expect(other).rejects.toMatchObject({ code: 'ALREADY_EXISTS', details: { owner: 'crawler:lake' } });
    const drop = asOwner(t.ground, 'job:nightly', (w) => dropTable(w, { database: 'lake', name: 'sales' }));
    await expect(drop).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
    expect((await asApi(t.ground, (w) => recordTable(w, salesDraft({ location: 's3://mine/' })))).changed).toBe(true);
  });

  it('refuses a table of a database that does not exist', async () => {
    await expect(asApi(t.ground, (w) => recordTable(w, salesDraft()))).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('refuses a reader', async () => {
    const attempt = write(t.ground, { principal: reader, owner: 'api' }, (w) => recordTable(w, salesDraft()));
    await expect(attempt).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('lets exactly one of 20 writers make a table', async () => {
    await asApi(t.ground, (w) => ensureDatabase(w, 'lake'));
    const all = await Promise.all(Array.from({ length: 20 }, () => asApi(t.ground, (w) => recordTable(w, salesDraft()))));
    expect(all.filter(({ created }) => created)).toHaveLength(1);
    expect(new Set(all.map(({ table }) => table.id)).size).toBe(1);
    expect((await log(t.ground)).filter(({ kind }) => kind.startsWith('table.'))).toHaveLength(1);
  });

  it('lets exactly one of 20 writers with the same expected version through', async () => {
    await makeSales(t.ground);
    const attempts = Array.from({ length: 20 }, (_, i) => {
      const schema = { ...wider, columns: columns('id bigint', `c${i} string`) };
      return asApi(t.ground, (w) => recordTable(w, salesDraft({ schema }), { expectedVersion: 1 }));
    });
    const outcomes = await Promise.allSettled(attempts);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason.code] : []));
    expect(new Set(reasons)).toEqual(new Set(['CONFLICT']));
    expect((await find())?.version).toBe(2);
  });

  it('gives 20 writers on one table the outcome of some order', async () => {
    await makeSales(t.ground);
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        asApi(t.ground, (w) => recordTable(w, salesDraft({ schema: { ...wider, columns: columns(`c${i} string`) } }))),
      ),
    );
    const entries = (await log(t.ground)).filter(({ kind }) => kind === 'table.changed');
    expect(entries).toHaveLength(20);
    entries.forEach((entry, i) => {
      expect(entry.after).toMatchObject({ version: i + 2 });
      if (i > 0) expect(entry.before).toEqual(entries[i - 1]?.after);
    });
  });

  it('changed twice in one transaction leaves the last state and one entry', async () => {
    await makeSales(t.ground);
    const position = await latestPosition(t.db);
    await asCrawler(t.ground, async (w) => {
      await recordTable(w, salesDraft({ location: 's3://a/' }));
      await recordTable(w, salesDraft({ location: 's3://b/' }));
    });
    expect((await find())?.location).toBe('s3://b/');
    expect((await findTable(t.db, reader, { database: 'lake', name: 'sales' }, { asOf: position }))?.location).toBe(
      's3://bucket/sales/',
    );
    expect((await log(t.ground)).filter(({ kind }) => kind === 'table.changed')).toHaveLength(1);
  });
});

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

describe('dropTable', () => {
  it('ends the table and its partitions, and a new one of the name begins at version 1', async () => {
    const table = await makeSales(t.ground, [partition(['2026-01-01', 'eu']), partition(['2026-01-02', 'eu'])]);
    await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ schema: wider })));
    const position = await latestPosition(t.db);
    await asCrawler(t.ground, (w) => dropTable(w, { database: 'Lake', name: 'SALES' }));
    expect(await find()).toBeUndefined();
    expect(await findTable(t.db, reader, { id: table.id })).toBeUndefined();
    const entry = (await log(t.ground)).at(-1);
    expect(entry).toMatchObject({
      kind: 'table.dropped',
      before: { version: 2 },
      details: { partitions: { added: 0, changed: 0, removed: 2 } },
    });
    const again = await makeSales(t.ground);
    expect(again.id).not.toBe(table.id);
    expect(again.version).toBe(1);
    expect(itemsOf(await listPartitions(t.db, reader, again, {}, { first: 10 }))).toEqual([]);
    expect(itemsOf(await listPartitions(t.db, reader, table, { asOf: position }, { first: 10 }))).toHaveLength(2);
    expect((await findVersion(t.db, reader, table.id, 2))?.schema).toEqual(wider);
  });

  it('of what is not there is NOT_FOUND', async () => {
    await expect(asApi(t.ground, (w) => dropTable(w, { database: 'lake', name: 'sales' }))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('in the transaction that made the table leaves nothing to see', async () => {
    await asApi(t.ground, async (w) => {
      await ensureDatabase(w, 'lake');
      const { table } = await recordTable(w, salesDraft());
      await recordPartitions(w, table, [partition(['2026-01-01', 'eu'])]);
      await dropTable(w, table);
    });
    expect(await find()).toBeUndefined();
    expect(
      await findTable(t.db, reader, { database: 'lake', name: 'sales' }, { asOf: await latestPosition(t.db) }),
    ).toBeUndefined();
  });
});

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

describe('versions', () => {
  it('are listed newest first, in pages', async () => {
    const table = await makeSales(t.ground);
    for (let i = 0; i < 4; i++) {
      await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ schema: { ...wider, columns: columns(`c${i} string`) } })));
    }
    const first = await listVersions(t.db, reader, table.id, { first: 3 });
    const second = await listVersions(t.db, reader, table.id, { first: 3, after: first.items.at(-1)?.cursor });
    expect([...itemsOf(first), ...itemsOf(second)].map(({ number }) => number)).toEqual([5, 4, 3, 2, 1]);
    expect([first.hasNextPage, second.hasNextPage]).toEqual([true, false]);
    for (const number of [0, 6, -1, 1.5, 1e12, Number.NaN])
      expect(await findVersion(t.db, reader, table.id, number)).toBeUndefined();
  });

  it('keep nested types, source types and comments', async () => {
    const schema = {
      columns: [
        {
          name: 'a',
          type: columns('a array<struct<x:int,y:map<string,decimal(10,2)>>>')[0]?.type ?? { kind: 'string' as const },
          sourceType: 'jsonb',
          nullable: false,
        },
        { name: 'b', type: { kind: 'timestamptz' as const }, comment: 'when «it» happened' },
      ],
      partitionKeys: [],
    };
    await makeSales(t.ground, [], { schema });
    expect((await find())?.schema).toEqual(schema);
    expect(await findSchema(t.db, schemaHash(schema))).toEqual(schema);
    expect(await findSchema(t.db, 'none')).toBeUndefined();
  });
});
