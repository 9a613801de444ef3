import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool, PoolConnection, PoolOptions, RowDataPacket } from 'mysql2/promise';
import { TenonError } from '../model/errors.ts';
import { CONNECTION_LIMITS } from '../config.ts';
import { hostRules } from './allowed-hosts.ts';
import type { MysqlOptions, MysqlSource, MysqlSnapshot } from './connections.ts';
import { errnoOf } from './file-errors.ts';
import { checkHost, guardedConnect } from './guarded-socket.ts';
import type { ConnectionLimits } from './limits.ts';
import { mysqlAddress } from './mysql-address.ts';
import { mysqlError } from './mysql-errors.ts';
import { sourceTls } from './source-tls.ts';

export interface OpenMysqlSource extends MysqlSource {
  close(): Promise<void>;
}

interface Session {
  readonly address: string;
  /** For one statement: the server's own timeout, and then some, for a server that is not there any more. */
  readonly patienceMs: number;
  /** To say goodbye. */
  readonly endMs: number;
  connect(): Promise<PoolConnection>;
}

/** Opens nothing until the first question. A MySQL or MariaDB; the driver is loaded with the first question too. */
export function createMysqlSource(
  options: MysqlOptions,
  secret?: string,
  limits: ConnectionLimits = CONNECTION_LIMITS,
): OpenMysqlSource {
  const address = mysqlAddress(options);
  const statementMs = options.statementTimeoutMs ?? limits.statementTimeoutMs;
  const ready = new WeakSet<object>();
  let pool: Promise<Pool> | undefined;
  const session: Session = {
    address,
    patienceMs: statementMs + limits.requestTimeoutMs,
    endMs: limits.requestTimeoutMs,
    async connect() {
      try {
        const client = await (await (pool ??= openPool(options, secret, limits))).getConnection();
        if (!ready.has(client.connection)) await prepare(client, statementMs, limits);
        ready.add(client.connection);
        return client;
      } catch (error) {
        throw mysqlError(error, address);
      }
    },
  };
  return {
    address,
    query: (text, values = []) => using(session, (client) => ask(session, client, text, values)),
    stream: (text, values = [], signal) => stream(session, text, values, signal),
    snapshot: () => openSnapshot(session),
    async close() {
      const opened = await pool?.catch(() => undefined);
      pool = undefined;
      // The goodbye may never be heard.
      if (opened !== undefined) await Promise.race([opened.end(), sleep(limits.requestTimeoutMs, undefined, { ref: false })]);
    },
  };
}

async function openPool(options: MysqlOptions, secret: string | undefined, limits: ConnectionLimits): Promise<Pool> {
  const { createPool, createConnection } = await import('mysql2/promise');
  const { host = 'localhost', port = 3306, sslmode = 'prefer' } = options;
  const rules = hostRules(limits.allowedHosts);
  checkHost(host, rules);
  const config: PoolOptions = {
    ...(options.user !== undefined && { user: options.user }),
    ...(options.database !== undefined && { database: options.database }),
    ...(secret !== undefined && { password: secret }),
    // `host` goes beside the socket, for the name that a certificate has to have.
    ...(host.startsWith('/') ? { socketPath: host } : { host, port, stream: () => guardedConnect({ host, port }, rules) }),
    charset: 'utf8mb4',
    dateStrings: true,
    supportBigNumbers: true,
    connectTimeout: limits.connectTimeoutMs,
    connectionLimit: limits.sessions,
    // A server may ask for any local file, or for the password as it is; neither is given.
    flags: ['-LOCAL_FILES'],
    ...(sslmode !== 'verify-full' && { authPlugins: { mysql_clear_password: refuseClearPassword } }),
  };
  if (sslmode === 'disable' || host.startsWith('/')) return createPool(config);
  const tls = { ...sourceTls(options), verifyIdentity: sslmode === 'verify-full' };
  if (sslmode !== 'prefer') return createPool({ ...config, ssl: tls });
  try {
    // Once, as libpq does it: a server that does not speak TLS is spoken to without.
    await (await createConnection({ ...config, ssl: tls })).end();
    return createPool({ ...config, ssl: tls });
  } catch (error) {
    if (errnoOf(error) !== 'HANDSHAKE_NO_SSL_SUPPORT') throw error;
    return createPool(config);
  }
}

function refuseClearPassword(): never {
  throw new TenonError('SOURCE_DENIED', 'The server asks for the password in clear; that needs sslmode=verify-full.');
}

/**
 * `sql_mode` is emptied so that a backslash escapes, as the driver's quoting of values has it. MySQL and MariaDB call the
 * timeout of a statement by different names and units, and each refuses the other's.
 */
async function prepare(client: PoolConnection, statementMs: number, limits: ConnectionLimits): Promise<void> {
  try {
    const set = (sql: string) => client.query<RowDataPacket[]>({ sql, timeout: limits.requestTimeoutMs });
    const [rows] = await set('select version() as version');
    const isMaria = /mariadb/i.test(String(rows[0]?.['version']));
    const timeout = isMaria ? `max_statement_time = ${statementMs / 1000}` : `max_execution_time = ${Math.trunc(statementMs)}`;
    const lockSeconds = Math.max(1, Math.ceil(limits.lockTimeoutMs / 1000));
    await set(
      `set session sql_mode = '', ${timeout}, lock_wait_timeout = ${lockSeconds}, innodb_lock_wait_timeout = ${lockSeconds}, time_zone = '+00:00'`,
    );
    await set('set session transaction isolation level repeatable read');
    await set('set session transaction read only');
  } catch (error) {
    client.destroy();
    throw error;
  }
}

async function using<T>(session: Session, ask: (client: PoolConnection) => Promise<T>): Promise<T> {
  const client = await session.connect();
  try {
    const answer = await ask(client);
    client.release();
    return answer;
  } catch (error) {
    end(client, error);
    throw mysqlError(error, session.address);
  }
}

function end(client: PoolConnection, error: unknown): void {
  if (isBroken(error)) client.destroy();
  else client.release();
}

/** An error of the server leaves the session usable; anything else (a lost connection, an answer that never came) does not. */
function isBroken(error: unknown): boolean {
  const { sqlState, fatal } = error as { sqlState?: string; fatal?: boolean };
  return fatal === true || sqlState === undefined || sqlState.startsWith('08');
}

async function ask<Row extends object>(
  { patienceMs }: Session,
  client: PoolConnection,
  sql: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const [rows] = await client.query<(Row & RowDataPacket)[]>({ sql, timeout: patienceMs }, [...values]);
  return rows;
}

/** Values come as the bytes that the server writes: text in UTF-8, or what a binary column holds. */
async function* stream(
  session: Session,
  sql: string,
  values: readonly unknown[],
  signal?: AbortSignal,
): AsyncGenerator<unknown[]> {
  const client = await session.connect();
  let whole = false;
  try {
    const below = client.connection as unknown as Streaming;
    const typeCast = (field: { buffer(): Buffer | null }) => field.buffer();
    const rows = below.query({ sql, values: [...values], rowsAsArray: true, typeCast }).stream({ highWaterMark: 256 });
    for await (const row of rows) {
      signal?.throwIfAborted();
      yield row;
    }
    whole = true;
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : mysqlError(error, session.address);
  } finally {
    // There is no way to stop a query but to hang up.
    if (whole) client.release();
    else client.destroy();
  }
}

/** The connection below the promises, which is the one that has streams. */
interface Streaming {
  query(options: object): { stream(options: object): AsyncIterable<unknown[]> };
}

async function openSnapshot(session: Session): Promise<MysqlSnapshot> {
  const client = await session.connect();
  let broken = false;
  const run = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
    try {
      return await ask<Row>(session, client, text, values);
    } catch (error) {
      broken ||= isBroken(error);
      // Else what is asked next would stand in line behind what is never answered.
      if (broken) client.destroy();
      throw mysqlError(error, session.address);
    }
  };
  try {
    await run('start transaction with consistent snapshot, read only');
  } catch (error) {
    client.destroy();
    throw error;
  }
  return {
    query: run,
    // A failed statement takes nothing with it here.
    attempt: run,
    async close() {
      if (broken) return;
      await client.query({ sql: 'rollback', timeout: session.endMs }).catch(() => (broken = true));
      if (broken) client.destroy();
      else client.release();
    },
  };
}
