import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, ensureDatabase } from '../../src/catalog/databases.ts';
import { listPartitions, recordPartitions } from '../../src/catalog/partitions.ts';
import { dropTable, findTable, recordTable } from '../../src/catalog/tables.ts';
import { findVersion, listVersions } from '../../src/catalog/versions.ts';
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
