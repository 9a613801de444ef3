import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type pg from 'pg';
import { to } from 'pg-copy-streams';
import { TenonError } from '../model/errors.ts';
import { quoteIdentifier } from '../model/names.ts';
import { encode, FORMAT_VERSION, type Frame } from './backup-format.ts';
import { programVersion, qualified, readAge, relationsAt } from './migrations.ts';

/**
 * Writes the whole catalog as it is at one moment into one stream, and ends it: every table and sequence of ours, with
 * hashes that `restore` checks. Others may go on writing meanwhile. Memory does not grow with the catalog.
 *
 * Secrets of connections are in it as ciphertext only, and the key that opens them is not: it stays in the data
 * directory's key file (or where the configuration says), and has to be kept apart from the backup, and as carefully.
 * Not in it either: the wake-ups of waiting runs (the runs are; they are woken anew), caches, and the files that tables
 * point at. Throws DISK_FULL when the stream says so.
 */
export async function backup(pool: pg.Pool, out: Writable): Promise<{ tables: number; rows: number }> {
  const client = await pool.connect();
  const counts = { tables: 0, rows: 0 };
  try {
    await client.query('begin transaction isolation level repeatable read, read only');
    await pipeline(Readable.from(encode(readFrames(client, counts))), createGzip(), out);
    return counts;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
    throw new TenonError('DISK_FULL', 'There is no space left for the backup.', {}, { cause: error });
  } finally {
    // Closed, not given back: after a failure a COPY is still under way on it.
    client.release(true);
  }
}

async function* readFrames(client: pg.ClientBase, counts: { tables: number; rows: number }): AsyncGenerator<Frame> {
  const migration = await readAge(client);
  const { rows: now } = await client.query<{ at: Date }>('select now() as at');
  const at = (now[0]?.at ?? new Date(0)).toISOString();
  yield { kind: 'H', value: { format: 'tenon-backup', formatVersion: FORMAT_VERSION, migration, tenon: programVersion(), at } };
  const { tables, sequences } = relationsAt(migration);
  const referred = await readReferences(client);
  for (const table of inOrder(tables, referred)) {
    const columns = await readColumns(client, table);
    yield { kind: 'T', value: { table, columns } };
    const copy = client.query(to(`copy ${qualified(table)} (${columns.map(quoteIdentifier).join(', ')}) to stdout`));
    for await (const chunk of copy) yield { kind: 'D', value: chunk as Buffer };
    yield { kind: 'E', value: { rows: copy.rowCount } };
    counts.tables++;
    counts.rows += copy.rowCount;
  }
  yield { kind: 'S', value: await readSequences(client, tables, sequences) };
}

async function readColumns(client: pg.ClientBase, table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `select attname as name from pg_attribute
     where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = '' order by attnum`,
    [qualified(table)],
  );
  return rows.map(({ name }) => name);
}

/** For each table the tables that its rows refer to. */
async function readReferences(client: pg.ClientBase): Promise<Map<string, string[]>> {
  const { rows } = await client.query<{ table: string; refers: string[] }>(
    `select c.relname as table, array_agg(distinct f.relname::text) as refers
     from pg_constraint r join pg_class c on c.oid = r.conrelid join pg_class f on f.oid = r.confrelid
     where r.contype = 'f' and r.connamespace = 'public'::regnamespace and c.oid <> f.oid group by c.relname`,
  );
  return new Map(rows.map(({ table, refers }) => [table, refers]));
}

/** What is referred to first, so that every row finds what it refers to when they are put back in this order. */
function inOrder(tables: readonly string[], referred: ReadonlyMap<string, readonly string[]>): string[] {
  const ordered = new Set<string>();
  const visit = (table: string, path: readonly string[]) => {
    if (path.includes(table))
      throw new TenonError('INTERNAL', `Tables refer to each other in a circle: ${[...path, table].join(', ')}.`);
    for (const other of referred.get(table) ?? []) visit(other, [...path, table]);
    ordered.add(table);
  };
  for (const table of tables) visit(table, []);
  return [...ordered];
}

/** Where each sequence continues. Sequences of serial columns are named by Postgres. */
async function readSequences(
  client: pg.ClientBase,
  tables: readonly string[],
  sequences: readonly string[],
): Promise<Record<string, string>> {
  const { rows } = await client.query<{ name: string; last: string }>(
    `select sequencename as name, last_value::text as last from pg_sequences
     where schemaname = 'public' and last_value is not null and (sequencename = any($1) or exists (
       select from pg_depend d join pg_class t on t.oid = d.refobjid
       where d.objid = format('%I.%I', schemaname, sequencename)::regclass and d.deptype in ('a', 'i') and t.relname = any($2)))`,
    [sequences, tables],
  );
  return Object.fromEntries(rows.map(({ name, last }) => [name, last]));
}
