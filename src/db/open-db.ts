import { drizzle, type NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Client, Pool } from 'pg';
import { TenonError } from '../model/errors.ts';

export interface OpenDb {
  readonly db: NodePgDatabase;
  readonly pool: Pool;
  close(): Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 10;

/**
 * Opens a pool of at most `max` connections and proves with one of them that the database answers.
 * Throws DATABASE_UNAVAILABLE with the driver's reason; the password is never in it.
 */
export async function openDb({ url, max = MAX_CONNECTIONS }: { url: string; max?: number }): Promise<OpenDb> {
  const pool = new Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'tenon',
  });
  outliveLosses(pool);
  try {
    await pool.query('select 1');
  } catch (error) {
    await pool.end();
    throw databaseUnavailable(error);
  }
  return { db: withTransactions(pool, max), pool, close: () => pool.end() };
}

/**
 * A session that the server ends is an event besides whatever was asked in it, and without a listener the end of the process.
 * Idle, it is replaced by the pool at the next query; in somebody's hands, that one's next query fails. Not at the pool's
 * `connect`, which a connection never comes by that was made for somebody who had given up waiting.
 */
export function outliveLosses(pool: Pool): void {
  const heard = new WeakSet<object>();
  pool.on('error', () => {});
  pool.on('acquire', (client) => {
    if (!heard.has(client)) client.on('error', () => {});
    heard.add(client);
  });
}

/**
 * Transactions on connections that we take and give back ourselves: drizzle keeps one for good when its `begin` fails. That
 * happens when the server has ended a connection (a restart, a failover, an administrator) and the pool hands it out before it
 * hears of it. Nothing has been done then, so the transaction begins again, once more at most than there are connections.
 */
function withTransactions(pool: Pool, max: number): NodePgDatabase {
  const db = drizzle({ client: pool });
  db.transaction = async (body, config) => {
    for (let tries = 0; ; tries += 1) {
      const client = await pool.connect();
      let begun = false;
      try {
        const result = await drizzle({ client }).transaction((tx) => {
          begun = true;
          return body(tx);
        }, config);
        client.release();
        return result;
      } catch (error) {
        const lost = isConnectionLost(error);
        client.release(lost);
        if (begun || !lost || tries >= max) throw error;
      }
    }
  };
  return db;
}

/** Class 57P: the server ended the session. Without a code: the socket was closed. */
function isConnectionLost(error: unknown): boolean {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return false;
  const code = 'code' in cause ? String(cause.code) : '';
  return /^(57P0[123]|ECONNRESET|EPIPE)$/.test(code) || cause.message.startsWith('Connection terminated');
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
