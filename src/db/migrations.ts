import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator';
import type pg from 'pg';
import { TenonError } from '../model/errors.ts';
import { quoteIdentifier } from '../model/names.ts';

/**
 * A schema's age is when its last migration was generated, in milliseconds since 1970: drizzle orders migrations by it,
 * and keeps it in its ledger, the table `drizzle.__drizzle_migrations`. 0 is the age of an empty database.
 */
export type SchemaAge = number;

export function newestAge(): SchemaAge {
  return knownMigrations().at(-1)?.folderMillis ?? 0;
}

/** How old the schema of this database is. */
export async function readAge(client: pg.ClientBase): Promise<SchemaAge> {
  const { rows: found } = await client.query<{ ledger: string | null }>(
    "select to_regclass('drizzle.__drizzle_migrations') as ledger",
  );
  if (typeof found[0]?.ledger !== 'string') return 0;
  const { rows } = await client.query<{ last: string | null }>(
    'select max(created_at) as last from drizzle.__drizzle_migrations',
  );
  return Number(rows[0]?.last ?? 0);
}

/** Applies what the database lacks up to an age, and returns how many those were. The caller has opened the transaction. */
export async function applyMigrations(client: pg.ClientBase, upTo: SchemaAge): Promise<number> {
  await client.query('create schema if not exists drizzle');
  await client.query(
    'create table if not exists drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)',
  );
  const last = await readAge(client);
  const missing = knownMigrations().filter(({ folderMillis }) => folderMillis > last && folderMillis <= upTo);
  for (const { sql, hash, folderMillis } of missing) {
    for (const statement of sql) await client.query(statement);
    await client.query('insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)', [hash, folderMillis]);
  }
  return missing.length;
}

/** Takes every table and sequence of ours away, and the ledger with them. */
export async function dropSchema(client: pg.ClientBase): Promise<void> {
  const age = await readAge(client);
  if (age === 0) return;
  const { tables, sequences } = relationsAt(age);
  await client.query(`drop table ${tables.map(qualified).join(', ')}`);
  for (const sequence of sequences) await client.query(`drop sequence ${qualified(sequence)}`);
  await client.query('drop table drizzle.__drizzle_migrations');
}

export interface Relations {
  /** Plain names; all of them are in the schema `public`. */
  readonly tables: readonly string[];
  /** Those that stand for themselves; the ones that belong to a serial column go with their table. */
  readonly sequences: readonly string[];
}

/** What there is at an age, from the snapshot that drizzle-kit writes beside each migration. */
export function relationsAt(age: SchemaAge): Relations {
  const entry = readJson<Journal>('_journal.json').entries.find(({ when }) => when === age);
  if (entry === undefined)
    throw new TenonError('DATABASE_TOO_NEW', 'This program does not know the migration of this database.', { migration: age });
  const snapshot = readJson<Snapshot>(`${String(entry.idx).padStart(4, '0')}_snapshot.json`);
  return {
    tables: Object.values(snapshot.tables).map(({ name }) => name),
    sequences: Object.values(snapshot.sequences).map(({ name }) => name),
  };
}

export function qualified(relation: string): string {
  return `public.${quoteIdentifier(relation)}`;
}

/** Of package.json: `0.1.0`. */
export function programVersion(): string {
  return readPackage(packageRoot())?.version ?? '';
}

interface Journal {
  readonly entries: readonly { readonly idx: number; readonly when: number }[];
}

interface Snapshot {
  readonly tables: Readonly<Record<string, { readonly name: string }>>;
  readonly sequences: Readonly<Record<string, { readonly name: string }>>;
}

function knownMigrations(): MigrationMeta[] {
  return readMigrationFiles({ migrationsFolder: join(packageRoot(), 'migrations') });
}

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(packageRoot(), 'migrations', 'meta', name), 'utf8')) as T;
}

/** The folder of our package.json: above `src/db` when run from the sources, above `dist/src/db` when built. */
function packageRoot(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    if (readPackage(folder)?.name === 'tenon') return folder;
  }
  throw new TenonError('INTERNAL', 'The folder of the migrations was not found.');
}

function readPackage(folder: string): { name: string; version: string } | undefined {
  const file = join(folder, 'package.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string }) : undefined;
}
