import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { packManifest } from '../../src/catalog/manifests.ts';
import {
  endPartitions,
  listPartitions,
  partitionTotals,
  recordPartitions,
  streamPartitions,
} from '../../src/catalog/partitions.ts';
import { dropTable, recordTable } from '../../src/catalog/tables.ts';
import { findSchema } from '../../src/catalog/versions.ts';
import { latestPosition } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import { schemaHash } from '../../src/model/schema.ts';
import type { Partition, PartitionDraft, Table } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import {
  asApi,
  asCrawler,
  asOwner,
  columns,
  emptyCatalog,
  files,
  itemsOf,
  log,
  makeSales,
  partition,
  reader,
  salesDraft,
  valuesOf,
} from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
beforeEach(() => emptyCatalog(t.ground));
afterAll(() => t.close());

const record = (table: Table, drafts: readonly PartitionDraft[]) =>
  asCrawler(t.ground, (w) => recordPartitions(w, table, drafts));
const all = async (table: Table) => itemsOf(await listPartitions(t.db, reader, table, {}, { first: 1_000 }));
const two = () => [partition(['2026-01-01', 'eu']), partition(['2026-01-02', 'us'])];

describe('recordPartitions', () => {
  it('adds partitions and sums them up in the log', async () => {
    const table = await makeSales(t.ground);
    const drafts = [...two(), partition(['2025-12-31', null])];
    expect(await record(table, drafts)).toEqual({ added: 3, changed: 0, unchanged: 0 });
    expect((await log(t.ground)).at(-1)).toMatchObject({
      kind: 'partitions.changed',
      subject: table.id,
      details: {
        partitions: {
          added: 3,
          changed: 0,
          removed: 0,
          first: 'dt=2025-12-31/region=__HIVE_DEFAULT_PARTITION__',
          last: 'dt=2026-01-02/region=us',
        },
      },
    });
    const listed = await all(table);
    expect(listed).toHaveLength(3);
    expect(listed[0]).toMatchObject({
      values: ['2025-12-31', null],
      owner: 'crawler:lake',
      files: 1,
      bytes: 100n,
      rows: undefined,
      format: undefined,
    });
  });

  it('writes nothing for what is the same', async () => {
    const table = await makeSales(t.ground, two());
    const before = [await log(t.ground), await all(table)];
    expect(await record(table, two())).toEqual({ added: 0, changed: 0, unchanged: 2 });
    expect([await log(t.ground), await all(table)]).toEqual(before);
  });

  it('switches what changed: the old row ends where the new one begins', async () => {
    const table = await makeSales(t.ground, two());
    const position = await latestPosition(t.db);
    expect(await record(table, [partition(['2026-01-01', 'eu'], 'new'), ...two().slice(1)])).toEqual({
      added: 0,
      changed: 1,
      unchanged: 1,
    });
    const { rows } = await t.db.execute(sql`select added, ended from partitions where key[2] = 'eu' order by id`);
    expect(rows).toHaveLength(2);
    expect(rows[0]?.['ended']).toBe(rows[1]?.['added']);
    expect(rows[1]?.['ended']).toBeNull();
    const before = itemsOf(await listPartitions(t.db, reader, table, { asOf: position }, { first: 10 }));
    expect(before.map(({ manifestHash }) => manifestHash).sort()).toEqual(
      two()
        .map(({ manifest }) => manifest.hash)
        .sort(),
    );
  });

  it('sees a change of location, format, columns or rows', async () => {
    const table = await makeSales(t.ground, two());
    const [first] = two();
    const changes: Partial<PartitionDraft>[] = [
      { location: 's3://elsewhere/' },
      { format: { name: 'json' } },
      { columns: columns('id int') },
      { rows: 7n },
    ];
    let draft: PartitionDraft = first ?? partition([]);
    for (const change of changes) {
      draft = { ...draft, ...change };
      expect(await record(table, [draft])).toEqual({ added: 0, changed: 1, unchanged: 0 });
      expect(await record(table, [draft])).toEqual({ added: 0, changed: 0, unchanged: 1 });
    }
    const [found] = await all(table);
    const hash = schemaHash({ columns: columns('id int'), partitionKeys: [] });
    expect(found).toMatchObject({ location: 's3://elsewhere/', format: { name: 'json' }, schemaHash: hash, rows: 7n });
    expect((await findSchema(t.db, hash))?.columns).toEqual(columns('id int'));
  });

  it('keeps columns and rows that a draft does not tell while the files are the same', async () => {
    const full = partition(['2026-01-01', 'eu'], 'a', { rows: 5n, columns: columns('id int') });
    const table = await makeSales(t.ground, [full]);
    expect(await record(table, [partition(['2026-01-01', 'eu'])])).toMatchObject({ unchanged: 1 });
    await record(table, [partition(['2026-01-01', 'eu'], 'a', { location: 's3://moved/' })]);
    expect((await all(table))[0]).toMatchObject({ rows: 5n, location: 's3://moved/', schemaHash: expect.any(String) });
    await record(table, [partition(['2026-01-01', 'eu'], 'b')]);
    expect((await all(table))[0]).toMatchObject({ rows: undefined, schemaHash: undefined });
  });

  it('refuses values that do not fit the keys, and the same partition twice', async () => {
    const table = await makeSales(t.ground);
    for (const values of [
      [],
      ['2026-01-01'],
      ['2026-01-01', 'eu', 'x'],
      ['no date', 'eu'],
      ['2026-02-30', 'eu'],
      ['2026-01-01', 'a\0b'],
    ]) {
      await expect(record(table, [partition(values)])).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
    await expect(record(table, [...two(), ...two()])).rejects.toMatchObject({
      code: 'BAD_INPUT',
      details: { partition: 'dt=2026-01-01/region=eu' },
    });
    expect(await all(table)).toEqual([]);
  });

  it('keeps keys as long as an index can hold, and refuses longer ones', async () => {
    const keys = columns('a string', 'b string', 'c string');
    const table = await makeSales(t.ground, [], { schema: { columns: columns('x int'), partitionKeys: keys } });
    const noise = (length: number, seed: number) =>
      Array.from({ length }, (_, i) => String.fromCodePoint(0x4e00 + ((i * 7_919 + seed * 104_729) % 20_000))).join('');
    await record(table, [partition([noise(255, 1), noise(255, 2), noise(255, 3)])]);
    expect(await all(table)).toHaveLength(1);
    await expect(record(table, [partition([noise(340, 1), noise(340, 2), noise(340, 3)])])).rejects.toMatchObject({
      code: 'LIMIT',
    });
    await expect(record(table, [partition([noise(400, 1), 'x', 'y'])])).rejects.toMatchObject({ code: 'LIMIT' });
  });

  it('keeps the one partition of a table without keys', async () => {
    const table = await makeSales(t.ground, [], { schema: { columns: columns('x int'), partitionKeys: [] } });
    expect(await record(table, [partition([])])).toEqual({ added: 1, changed: 0, unchanged: 0 });
    const position = await latestPosition(t.db);
    expect(await record(table, [partition([], 'b')])).toEqual({ added: 0, changed: 1, unchanged: 0 });
    expect(await all(table)).toHaveLength(1);
    expect(itemsOf(await listPartitions(t.db, reader, table, { asOf: position }, { first: 10 }))).toHaveLength(1);
    expect(await valuesOf(t.ground, table)).toEqual(['']);
    expect((await log(t.ground)).at(-1)?.details).toEqual({ partitions: { added: 0, changed: 1, removed: 0 } });
  });

  it('sums up several calls of one transaction, net', async () => {
    const table = await makeSales(t.ground, two());
    await asCrawler(t.ground, async (w) => {
      await recordPartitions(w, table, [partition(['2026-01-03', 'eu'])]);
      await recordPartitions(w, table, [partition(['2026-01-03', 'eu'], 'b'), partition(['2026-01-04', 'eu'])]);
      const present: Partition[] = [];
      for await (const found of streamPartitions(w.tx, reader, table)) present.push(found);
      const idOf = (region: string, dt: string) =>
        present.find(({ values }) => values[0] === dt && values[1] === region)?.id ?? 0n;
      await endPartitions(w, table, [idOf('us', '2026-01-02'), idOf('eu', '2026-01-04'), idOf('eu', '2026-01-01')]);
      await recordPartitions(w, table, [partition(['2026-01-01', 'eu'], 'again')]);
    });
    expect((await log(t.ground)).at(-1)?.details).toMatchObject({ partitions: { added: 1, changed: 1, removed: 1 } });
    expect(await valuesOf(t.ground, table)).toEqual(['2026-01-01/eu', '2026-01-03/eu']);
    const { rows } = await t.db.execute(sql`select 1 from partitions where added = ended`);
    expect(rows).toEqual([]);
  });

  it('leaves one of 20 concurrent writers’ partitions current, and all of them in the history', async () => {
    const table = await makeSales(t.ground);
    await Promise.all(Array.from({ length: 20 }, (_, i) => record(table, [partition(['2026-01-01', 'eu'], `etag-${i}`)])));
    expect(await all(table)).toHaveLength(1);
    const { rows } = await t.db.execute<{ added: string; ended: string | null }>(
      sql`select added, ended from partitions order by added`,
    );
    expect(rows).toHaveLength(20);
    rows.forEach((row, i) => expect(row.ended).toBe(rows[i + 1]?.added ?? null));
  });

  it('does not change what another owner added, but for the API, and keeps the owner', async () => {
    const table = await makeSales(t.ground, two());
    const byJob = (drafts: PartitionDraft[]) => asOwner(t.ground, 'job:x', (w) => recordPartitions(w, table, drafts));
    await expect(byJob([partition(['2026-01-01', 'eu'], 'mine')])).rejects.toMatchObject({
      code: 'ALREADY_EXISTS',
      details: { owner: 'crawler:lake' },
    });
    expect(await byJob([partition(['2026-01-05', 'eu'])])).toMatchObject({ added: 1 });
    await asApi(t.ground, (w) => recordPartitions(w, table, [partition(['2026-01-01', 'eu'], 'by hand')]));
    expect((await all(table)).map(({ owner }) => owner)).toEqual(['crawler:lake', 'crawler:lake', 'job:x']);
    expect(await record(table, [partition(['2026-01-01', 'eu'])])).toMatchObject({ changed: 1 });
  });

  it('refuses a table that is gone, and a reader', async () => {
    const table = await makeSales(t.ground);
    await expect(
      write(t.ground, { principal: reader, owner: 'api' }, (w) => recordPartitions(w, table, two())),
    ).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await asCrawler(t.ground, (w) => dropTable(w, table));
    await expect(record(table, two())).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('uses the keys that the table has now, whatever the caller knew', async () => {
    const old = await makeSales(t.ground);
    const schema = { columns: columns('id bigint'), partitionKeys: columns('dt date', 'region string', 'hour int') };
    await asCrawler(t.ground, (w) => recordTable(w, salesDraft({ schema })));
    await expect(record(old, two())).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(await record(old, [partition(['2026-01-01', 'eu', '7'])])).toMatchObject({ added: 1 });
  });
});

describe('endPartitions', () => {
  it('ends the writer’s own current partitions of this table only', async () => {
    const table = await makeSales(t.ground, two());
    const other = await makeSales(t.ground, two(), { name: 'other' });
    await asOwner(t.ground, 'job:x', (w) => recordPartitions(w, table, [partition(['2026-01-09', 'eu'])]));
    const ids = [...(await all(table)), ...(await all(other))].map(({ id }) => id);
    expect(await asCrawler(t.ground, (w) => endPartitions(w, table, [...ids, 999_999n]))).toEqual({ removed: 2 });
    expect(await valuesOf(t.ground, table)).toEqual(['2026-01-09/eu']);
    expect(await all(other)).toHaveLength(2);
    expect((await log(t.ground)).at(-1)).toMatchObject({
      kind: 'partitions.changed',
      details: { partitions: { removed: 2, first: 'dt=2026-01-01/region=eu' } },
    });
    expect(await asCrawler(t.ground, (w) => endPartitions(w, table, ids))).toEqual({ removed: 0 });
    expect(await asApi(t.ground, (w) => endPartitions(w, table, ids))).toEqual({ removed: 1 });
  });
});

describe('partitionTotals', () => {
  it('sums rows, bytes and files, and does not guess rows', async () => {
    const table = await makeSales(t.ground);
    expect(await partitionTotals(t.db, table)).toEqual({ partitions: 0, rows: 0n, bytes: 0n, files: 0 });
    const manifest = packManifest(files('s3://b/', '1', '2', '3'));
    await record(table, [
      partition(['2026-01-01', 'eu'], 'a', { rows: 5n, manifest }),
      partition(['2026-01-02', 'eu'], 'a', { rows: 6n }),
    ]);
    expect(await partitionTotals(t.db, table)).toEqual({ partitions: 2, rows: 11n, bytes: 400n, files: 4 });
    await record(table, [partition(['2026-01-03', 'eu'])]);
    expect(await partitionTotals(t.db, table)).toEqual({ partitions: 3, rows: undefined, bytes: 500n, files: 5 });
  });
});
