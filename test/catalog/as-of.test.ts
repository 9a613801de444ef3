import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dropDatabase, ensureDatabase, findDatabase, listDatabases } from '../../src/catalog/databases.ts';
import { endPartitions, listPartitions, recordPartitions, streamPartitions } from '../../src/catalog/partitions.ts';
import { resolve } from '../../src/catalog/resolve.ts';
import { dropTable, findTable, listTables, recordTable } from '../../src/catalog/tables.ts';
import { latestPosition } from '../../src/changes/list.ts';
import type { Write } from '../../src/changes/write.ts';
import type { Position } from '../../src/model/change.ts';
import type { Table } from '../../src/model/table.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { asApi, columns, itemsOf, partition, reader, salesDraft } from './lake.ts';

let t: TestDb;
beforeAll(async () => {
  t = await openTestDb();
});
afterAll(() => t.close());

/** Numbers that look random and are the same in every run (mulberry32). */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

const pick = <T>(random: (below: number) => number, list: readonly T[]): T => list[random(list.length)] as T;

async function mutate(w: Write, random: (below: number) => number): Promise<void> {
  const database = pick(random, ['lake', 'raw']);
  const name = pick(random, ['orders', 'sales', 'items']);
  await ensureDatabase(w, database);
  const table = await findTable(w.tx, reader, { database, name });
  const action = random(20);
  if (table === undefined || action < 5) await recordSome(w, random, database, name);
  else if (action < 6) await dropTable(w, table);
  else if (action < 7) await dropDatabase(w, database, { cascade: true });
  else if (action < 16) await addSome(w, random, table);
  else await endSome(w, random, table);
}

async function recordSome(w: Write, random: (below: number) => number, database: string, name: string): Promise<void> {
  const schema = {
    columns: columns(...Array.from({ length: 1 + random(3) }, (_, i) => `c${i} ${pick(random, ['int', 'string'])}`)),
    partitionKeys: columns(...pick(random, [['n int'], ['n string'], ['n string'], ['n int', 'm string'], []])),
  };
  const location = `s3://bucket/${random(2)}/`;
  await recordTable(w, salesDraft({ database, name, location, schema }));
}

async function addSome(w: Write, random: (below: number) => number, table: Table): Promise<void> {
  const count = table.schema.partitionKeys.length === 0 ? 1 : 1 + random(8);
  const drafts = Array.from({ length: count }, () =>
    partition(
      table.schema.partitionKeys.map(() => pick(random, ['1', '2', '9', '10', '11', null])),
      pick(random, ['a', 'b', 'c']),
    ),
  );
  const unique = new Map(drafts.map((draft) => [JSON.stringify(draft.values), draft]));
  await recordPartitions(w, table, [...unique.values()]);
}

async function endSome(w: Write, random: (below: number) => number, table: Table): Promise<void> {
  const ids: bigint[] = [];
  for await (const { id } of streamPartitions(w.tx, reader, table)) if (random(3) === 0) ids.push(id);
  await endPartitions(w, table, ids);
}

/** All that can be read, at a position or now. */
async function snapshot(asOf?: Position): Promise<unknown> {
  const databases = asOf === undefined ? itemsOf(await listDatabases(t.db, reader, { first: 100 })).map(({ name }) => name) : [];
  const tables = itemsOf(await listTables(t.db, reader, {}, { first: 100 }, { asOf }));
  const partitions = await Promise.all(tables.map((table) => partitionsOf(table, asOf)));
  return { tables, partitions, databases: asOf === undefined ? databases : await databasesAt(asOf) };
}

async function databasesAt(asOf: Position): Promise<string[]> {
  const found = await Promise.all(['lake', 'raw'].map((name) => findDatabase(t.db, reader, name, { asOf })));
  return found.flatMap((database) => database?.name ?? []);
}

async function partitionsOf(table: Table, asOf?: Position): Promise<unknown> {
  const predicate = table.schema.partitionKeys.length === 0 ? undefined : "n >= '10'";
  const listed = itemsOf(await listPartitions(t.db, reader, table, { asOf }, { first: 100 }));
  const filtered = itemsOf(await listPartitions(t.db, reader, table, { asOf, predicate }, { first: 100 }));
  const byId = (a: { id: bigint }, b: { id: bigint }) => (a.id < b.id ? -1 : 1);
  return [listed.toSorted(byId), filtered.toSorted(byId)];
}

describe('reads as of a position', () => {
  it('equal what was read at that time, after 300 random mutations', async () => {
    const random = randomNumbers(20_261_120);
    const remembered: { position: Position; seen: unknown }[] = [];
    for (let i = 0; i < 300; i++) {
      await asApi(t.ground, async (w) => {
        for (let many = random(3); many >= 0; many--) await mutate(w, random);
      });
      remembered.push({ position: await latestPosition(t.db), seen: await snapshot() });
    }
    for (let i = 0; i < 100; i++) {
      const { position, seen } = pick(random, remembered);
      expect(await snapshot(position)).toEqual(seen);
    }
    for (const { position, seen } of remembered.slice(-5)) expect(await snapshot(position)).toEqual(seen);
    expect(await snapshot(0n)).toEqual({ tables: [], partitions: [], databases: [] });
  }, 120_000);

  it('resolve to the files of that time', async () => {
    await asApi(t.ground, (w) => ensureDatabase(w, 'old'));
    const record = (etag: string) =>
      asApi(t.ground, async (w) => {
        const { table } = await recordTable(w, salesDraft({ database: 'old' }));
        await recordPartitions(w, table, [partition(['2026-01-01', 'eu'], etag)]);
      });
    await record('first');
    const position = await latestPosition(t.db);
    await record('second');
    const etags = async (asOf?: Position) => {
      const found: string[] = [];
      for await (const { files } of (await resolve(t.db, reader, 'old.sales', { asOf })).partitions)
        found.push(...files.map(({ etag }) => etag));
      return found;
    };
    expect([await etags(position), await etags()]).toEqual([['first'], ['second']]);
    await expect(resolve(t.db, reader, 'old.sales', { asOf: 1n })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
