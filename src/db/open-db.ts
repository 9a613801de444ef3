import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Client, Pool } from 'pg';
import { TenonError } from '../model/errors.ts';

export interface OpenDb {
  readonly db: NodePgDatabase;
  readonly pool: Pool;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Opens a pool of at most `max` connections and proves with one of them that the database answers.
 * Throws DATABASE_UNAVAILABLE with the driver's reason; the password is never in it.
 */
export async function openDb(options: { url: string; max?: number }): Promise<OpenDb> {
  const pool = new Pool({
    connectionString: options.url,
    max: options.max ?? 10,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'tenon',
  });
  // An idle connection that breaks is replaced by the pool at the next query. Without a listener it would end the process.
  pool.on('error', () => {});
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw databaseUnavailable(error);
  }
  return { db: drizzle({ client: pool }), pool, close: () => pool.end() };
}

/** Opens one connection of its own, outside any pool: for locks that belong to a session. Close it with `end()`. */
export async function connect(url: string): Promise<Client> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'tenon',
    keepAlive: true,
  });
  // As above: a connection that breaks while nobody waits for it tells the next one who does.
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch (error) {
    await client.end().catch(() => {});
    throw databaseUnavailable(error);
  }
}

export function databaseUnavailable(error: unknown): TenonError {
  if (error instanceof TenonError) return error;
  return new TenonError('DATABASE_UNAVAILABLE', `The database cannot be reached: ${reason(error)}.`, {}, { cause: error });
}

/** Node wraps the failures of several addresses (IPv4 and IPv6) into an AggregateError whose own message is empty. */
function reason(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(reason).join('; ');
  return error instanceof Error ? error.message : String(error);
}
