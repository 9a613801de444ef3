import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { readMigrationFiles, type MigrationMeta } from 'drizzle-orm/migrator';
import type pg from 'pg';
import { TenonError } from '../model/errors.ts';
import { reached } from '../model/reached.ts';
import { connect } from './open-db.ts';

/** The oldest server whose SQL we use (unique indexes, MERGE and the rest are older; 14 is near its end of life). */
export const OLDEST_POSTGRES = 15;

/** One lock for all who migrate one database. Any number does, as long as it is the same everywhere. */
const MIGRATE_LOCK = 7_310_002;

/**
 * Brings the database to this program's schema: every migration that it lacks, in one transaction, so a crash leaves
 * the old schema or the new one. Any number of processes may call it at once; the advisory lock lets one after the other
 * pass, and the later ones find nothing to do. The ledger is drizzle's own table, so drizzle-kit works on it too.
 *
 * Throws DATABASE_TOO_NEW where a newer program has migrated already, UNSUPPORTED for a server older than Postgres 15.
 */
export async function migrate(target: string | pg.Pool): Promise<{ applied: number }> {
  const { client, done } = await session(target);
  try {
    await checkServer(client);
    await client.query('select pg_advisory_lock($1)', [MIGRATE_LOCK]);
    try {
      return { applied: await applyMissing(client) };
    } finally {
      await client.query('select pg_advisory_unlock($1)', [MIGRATE_LOCK]).catch(() => {});
    }
  } finally {
    await done();
  }
}

async function session(target: string | pg.Pool): Promise<{ client: Session; done: () => Promise<void> | void }> {
  if (typeof target === 'string') {
    const client = await connect(target);
    return { client, done: () => client.end() };
  }
  const client = await target.connect();
  return { client, done: () => client.release() };
}

/** The number of the last migration that this program knows; the first one is 1. */
export function latestMigration(): number {
  return knownMigrations().length;
}

type Session = pg.ClientBase;

async function checkServer(client: Session): Promise<void> {
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version");
  const major = Math.floor(Number(rows[0]?.version ?? 0) / 10_000);
  if (major < OLDEST_POSTGRES) {
    throw new TenonError('UNSUPPORTED', `This server is Postgres ${major}; Tenon needs Postgres ${OLDEST_POSTGRES} or newer.`);
  }
}

async function applyMissing(client: Session): Promise<number> {
  await client.query('begin');
  try {
    const known = knownMigrations();
    const last = await lastApplied(client);
    const newest = known.at(-1)?.folderMillis ?? 0;
    if (last > newest) {
      throw new TenonError('DATABASE_TOO_NEW', 'A newer version of Tenon has migrated this database.', { migration: last, newest });
    }
    const missing = known.filter((migration) => migration.folderMillis > last);
    for (const migration of missing) await apply(client, migration);
    reached('migrate.before-commit');
    await client.query('commit');
    return missing.length;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function apply(client: Session, migration: MigrationMeta): Promise<void> {
  for (const statement of migration.sql) await client.query(statement);
  await client.query('insert into drizzle.__drizzle_migrations (hash, created_at) values ($1, $2)', [migration.hash, migration.folderMillis]);
}

/** When the last applied migration was generated, in milliseconds; it is what orders migrations. 0 when there is none. */
async function lastApplied(client: Session): Promise<number> {
  const { rows: found } = await client.query("select to_regclass('drizzle.__drizzle_migrations') as ledger");
  if (found[0]?.ledger == null) {
    await client.query('create schema if not exists drizzle');
    await client.query('create table drizzle.__drizzle_migrations (id serial primary key, hash text not null, created_at bigint)');
    return 0;
  }
  const { rows } = await client.query<{ last: string | null }>('select max(created_at) as last from drizzle.__drizzle_migrations');
  return Number(rows[0]?.last ?? 0);
}

function knownMigrations(): MigrationMeta[] {
  return readMigrationFiles({ migrationsFolder: join(packageRoot(), 'migrations') });
}

/** The folder of package.json: above `src/db` when run from the sources, above `dist/src/db` when built. */
function packageRoot(): string {
  for (let folder = import.meta.dirname; folder !== dirname(folder); folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file) && JSON.parse(readFileSync(file, 'utf8')).name === 'tenon') return folder;
  }
  throw new TenonError('INTERNAL', 'The folder of the migrations was not found.');
}
