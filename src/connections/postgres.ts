import type { Readable } from 'node:stream';
import {
  Client,
  DatabaseError,
  Pool,
  type ClientBase,
  type CustomTypesConfig,
  type PoolClient,
  type PoolConfig,
  type QueryConfig,
  type QueryResultRow,
} from 'pg';
import QueryStream from 'pg-query-stream';
import { hostRules } from './allowed-hosts.ts';
import { checkHost, guardedSocket } from './guarded-socket.ts';
import type { PostgresOptions, PostgresSnapshot, PostgresSource } from './connections.ts';
import { CONNECTION_LIMITS } from '../config.ts';
import { outliveLosses } from '../db/open-db.ts';
import type { ConnectionLimits } from './limits.ts';
import { copyTo } from './postgres-copy.ts';
import { postgresError } from './postgres-errors.ts';
import { sourceTls } from './source-tls.ts';
import { postgresAddress } from './postgres-address.ts';

export interface OpenPostgresSource extends PostgresSource {
  close(): Promise<void>;
}

interface Session {
  readonly address: string;
  /** For one statement: the server's own timeout, and then some, for a server that is not there any more. */
  readonly patienceMs: number;
  /** To say goodbye. */
  readonly endMs: number;
  connect(): Promise<PoolClient>;
}

const ROWS_A_BATCH = 1_000;

/** Opens nothing until the first question. PG* variables and ~/.pgpass fill in what the options leave out. */
export function createPostgresSource(
  options: PostgresOptions,
  secret?: string,
  limits: ConnectionLimits = CONNECTION_LIMITS,
): OpenPostgresSource {
  const address = postgresAddress(options);
  let pool: Promise<Pool> | undefined;
  const session: Session = {
    address,
    patienceMs: (options.statementTimeoutMs ?? limits.statementTimeoutMs) + limits.requestTimeoutMs,
    endMs: limits.requestTimeoutMs,
    async connect() {
      try {
        return await (await (pool ??= openPool(options, secret, limits))).connect();
      } catch (error) {
        throw postgresError(error, address);
      }
    },
  };
  return {
    address,
    query: (text, values = []) => using(session, (client) => ask(session, client, text, values)),
    stream: (text, values = [], signal) => stream(session, text, values, signal),
    copyOut: (sql, signal) => copyOut(session, sql, signal),
    snapshot: () => openSnapshot(session),
    async close() {
      const opened = await pool?.catch(() => undefined);
      pool = undefined;
      await opened?.end();
    },
  };
}

async function openPool(options: PostgresOptions, secret: string | undefined, limits: ConnectionLimits): Promise<Pool> {
  const rules = hostRules(limits.allowedHosts);
  const host = options.host ?? process.env.PGHOST ?? 'localhost';
  if (host.startsWith('/')) checkHost(host, rules);
  const config: PoolConfig = {
    ...(options.host !== undefined && { host: options.host }),
    ...(options.port !== undefined && { port: options.port }),
    ...(options.database !== undefined && { database: options.database }),
    ...(options.user !== undefined && { user: options.user }),
    ...password(options, secret),
    application_name: 'tenon',
    connectionTimeoutMillis: limits.connectTimeoutMs,
    keepAlive: true,
    stream: () => guardedSocket(rules),
    max: limits.sessions,
    idleTimeoutMillis: 10_000,
    allowExitOnIdle: true,
    onConnect: (client) => prepare(client, options, limits),
  };
  const pool = new Pool({ ...config, ssl: await tls(options, config) });
  outliveLosses(pool);
  return pool;
}

/**
 * PGPASSWORD is for PGHOST. The driver would send it to any host that a definition names, so elsewhere it is shadowed by
 * an empty one, which only a server that wants none accepts.
 */
function password({ host }: PostgresOptions, secret: string | undefined): PoolConfig {
  if (secret !== undefined) return { password: secret };
  const { PGPASSWORD, PGHOST } = process.env;
  if (PGPASSWORD === undefined || host === undefined || host === (PGHOST ?? 'localhost')) return {};
  return { password: () => '' };
}

/** Sessions that are on a Redshift, which speaks as an old Postgres does and knows less. */
const onRedshift = new WeakSet<object>();

async function prepare(client: ClientBase, options: PostgresOptions, limits: ConnectionLimits): Promise<void> {
  const ask = (text: string) => client.query<{ version: string }>(patient(text, limits.requestTimeoutMs));
  const { rows } = await ask('select version() as version');
  const isRedshift = rows[0]?.version.includes('Redshift') === true;
  if (isRedshift) onRedshift.add(client);
  await ask(isRedshift ? redshiftSettings(options, limits) : sessionSettings(options, limits));
}

/** It has no default for transactions that only read, and no timeout for locks; reading waits for none but those of DDL. */
function redshiftSettings(options: PostgresOptions, limits: ConnectionLimits): string {
  const timeout = `set statement_timeout = ${Math.trunc(options.statementTimeoutMs ?? limits.statementTimeoutMs)}`;
  return [timeout, "set datestyle = 'ISO, YMD'", "set timezone = 'UTC'"].join('; ');
}

/** By statements, not by startup options: PgBouncer and RDS Proxy refuse those. Formats are fixed, so that copies are too. */
function sessionSettings(options: PostgresOptions, limits: ConnectionLimits): string {
  return [
    'set default_transaction_read_only = on',
    `set statement_timeout = ${Math.trunc(options.statementTimeoutMs ?? limits.statementTimeoutMs)}`,
    `set lock_timeout = ${Math.trunc(limits.lockTimeoutMs)}`,
    "set datestyle = 'ISO, YMD'",
    "set intervalstyle = 'iso_8601'",
    "set timezone = 'UTC'",
    "set bytea_output = 'hex'",
    'set extra_float_digits = 1',
  ].join('; ');
}

/** `prefer`, the default as in libpq, asks once whether the server speaks TLS and goes on without where it does not. */
async function tls(options: PostgresOptions, config: PoolConfig): Promise<PoolConfig['ssl']> {
  const { host, sslmode = 'prefer' } = options;
  if (sslmode === 'disable' || (host ?? process.env.PGHOST ?? '').startsWith('/')) return false;
  if (sslmode !== 'prefer') return sourceTls(options);
  const { onConnect: _, ...once } = config;
  const probe = new Client({ ...once, ssl: { rejectUnauthorized: false } });
  probe.on('error', () => undefined);
  try {
    await probe.connect();
    return { rejectUnauthorized: false };
  } catch (error) {
    if (error instanceof Error && error.message.includes('does not support SSL')) return false;
    throw error;
  } finally {
    await probe.end().catch(() => undefined);
  }
}

async function using<T>(session: Session, ask: (client: PoolClient) => Promise<T>): Promise<T> {
  const client = await session.connect();
  let failed: unknown;
  try {
    return await ask(client);
  } catch (error) {
    failed = error;
    throw postgresError(error, session.address);
  } finally {
    client.release(isBroken(failed));
  }
}

/** A server that is not there any more answers nothing, not even that its own timeout is over. */
function patient(text: string, timeoutMs: number, values: readonly unknown[] = []): QueryConfig & { query_timeout: number } {
  return { text, values: [...values], query_timeout: timeoutMs };
}

async function ask<Row extends object>(
  { patienceMs }: Session,
  client: PoolClient,
  text: string,
  values: readonly unknown[],
): Promise<Row[]> {
  const { rows } = await client.query<Row & QueryResultRow>(patient(text, patienceMs, values));
  return rows;
}

/** An error of the server leaves the session usable; anything else (a lost connection) does not. */
function isBroken(error: unknown): boolean {
  return error !== undefined && !(error instanceof DatabaseError && !error.code?.startsWith('57P'));
}

/** Values come as the server writes them: exact, where the driver's dates lose microseconds and its floats digits. */
const AS_TEXT = { getTypeParser: () => (value: unknown) => value } as unknown as CustomTypesConfig;

async function* stream(
  session: Session,
  text: string,
  values: readonly unknown[],
  signal?: AbortSignal,
): AsyncGenerator<unknown[]> {
  const client = await session.connect();
  let whole = false;
  try {
    const rows = client.query(new QueryStream(text, [...values], { batchSize: ROWS_A_BATCH, rowMode: 'array', types: AS_TEXT }));
    for await (const row of rows) {
      signal?.throwIfAborted();
      yield row as unknown[];
    }
    whole = true;
  } catch (error) {
    throw signal?.aborted === true ? signal.reason : postgresError(error, session.address);
  } finally {
    // A reader that stops early leaves a portal open: the session goes with it.
    client.release(!whole);
  }
}

async function copyOut(session: Session, sql: string, signal?: AbortSignal): Promise<Readable> {
  const client = await session.connect();
  try {
    return await copyTo(client, sql, (error) => postgresError(error, session.address), signal);
  } catch (error) {
    client.release(true);
    throw postgresError(error, session.address);
  }
}

async function openSnapshot(session: Session): Promise<PostgresSnapshot> {
  const client = await session.connect();
  let broken = false;
  const run = async <Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> => {
    try {
      return await ask<Row>(session, client, text, values);
    } catch (error) {
      broken ||= isBroken(error);
      throw postgresError(error, session.address);
    }
  };
  // Without savepoints, one failed question would end the transaction and all that is asked in it.
  if (onRedshift.has(client)) return { query: run, attempt: run, peek: run, close: async () => client.release(broken) };
  try {
    await run('begin isolation level repeatable read, read only');
  } catch (error) {
    client.release(true);
    throw error;
  }
  return {
    query: run,
    async attempt(text, values) {
      await run('savepoint attempt');
      try {
        return await run(text, values);
      } catch (error) {
        if (!broken) await run('rollback to savepoint attempt');
        throw error;
      }
    },
    async peek(text, values, lockTimeoutMs) {
      await run(`savepoint peek; set local lock_timeout = ${Math.trunc(lockTimeoutMs)}`);
      try {
        return await run(text, values);
      } finally {
        // Also after success: locks that were taken since go with it.
        if (!broken) await run('rollback to savepoint peek');
      }
    },
    async close() {
      if (!broken) await client.query(patient('rollback', session.endMs)).catch(() => (broken = true));
      client.release(broken);
    },
  };
}
