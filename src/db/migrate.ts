import type pg from 'pg';
import { TenonError } from '../model/errors.ts';
import { reached } from '../model/reached.ts';
import { applyMigrations, newestAge, readAge } from './migrations.ts';
import { connect } from './open-db.ts';
import { migrateQueue } from './queue-schema.ts';

/** The oldest server that the suite has been run against. */
const OLDEST_POSTGRES = 15;

/** One lock for all who migrate one database. Any number does, as long as it is the same everywhere. */
const MIGRATE_LOCK = 7_310_002;

/**
 * Brings the database to this program's schema: every migration that it lacks, in one transaction, so a crash leaves
 * the old schema or the new one. Any number of processes may call it at once; the advisory lock lets one after the other
 * pass, and the later ones find nothing to do. The ledger is drizzle's own table, so drizzle-kit works on it too.
 *
 * The schema of the queue follows, under the same lock; it holds wake-ups only, so it need not come in the same commit.
 * Throws DATABASE_TOO_NEW where a newer program has migrated already, UNSUPPORTED for a server older than Postgres 15.
 */
export async function migrate(target: string | pg.Pool): Promise<{ applied: number }> {
  return withMigrationLock(target, async (client) => {
    await checkAge(client);
    const applied = await inTransaction(client, async () => {
      const count = await applyMigrations(client, newestAge());
      reached('migrate.before-commit');
      return count;
    });
    await bringQueue(typeof target === 'string' ? target : (target.options.connectionString ?? target));
    return { applied };
  });
}

/** On a connection of its own where it can be, as a pool's only one may be in use for the lock. */
async function bringQueue(target: string | pg.Pool): Promise<void> {
  try {
    await migrateQueue(target);
  } catch (error) {
    if (!(error instanceof Error && error.message.includes('breaking migration'))) throw error;
    const message = 'A newer version of Tenon has migrated the queue of this database.';
    throw new TenonError('DATABASE_TOO_NEW', message, {}, { cause: error });
  }
}

/** Gives a connection on which nobody else migrates or restores meanwhile. Throws UNSUPPORTED for too old a server. */
export async function withMigrationLock<T>(target: string | pg.Pool, fn: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const { client, done } = await session(target);
  try {
    await checkServer(client);
    await client.query('select pg_advisory_lock($1)', [MIGRATE_LOCK]);
    try {
      return await fn(client);
    } finally {
      // Fails only when the connection is gone, and the lock with it.
      await client.query('select pg_advisory_unlock($1)', [MIGRATE_LOCK]).catch(() => {});
    }
  } finally {
    await done();
  }
}

export async function inTransaction<T>(client: pg.ClientBase, fn: () => Promise<T>, begin = 'begin'): Promise<T> {
  await client.query(begin);
  try {
    const result = await fn();
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
}

async function checkServer(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ version: string }>("select current_setting('server_version_num') as version");
  const major = Math.floor(Number(rows[0]?.version ?? 0) / 10_000);
  if (major < OLDEST_POSTGRES) {
    throw new TenonError('UNSUPPORTED', `This server is Postgres ${major}; Tenon needs Postgres ${OLDEST_POSTGRES} or newer.`);
  }
}

async function checkAge(client: pg.ClientBase): Promise<void> {
  const age = await readAge(client);
  if (age > newestAge()) {
    throw new TenonError('DATABASE_TOO_NEW', 'A newer version of Tenon has migrated this database.', {
      migration: age,
      newest: newestAge(),
    });
  }
}

async function session(target: string | pg.Pool): Promise<{ client: pg.ClientBase; done: () => Promise<void> | void }> {
  if (typeof target === 'string') {
    const client = await connect(target);
    return { client, done: () => client.end() };
  }
  const client = await target.connect();
  return { client, done: () => client.release() };
}
