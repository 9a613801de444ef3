import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TenonError } from '../model/errors.ts';
import { inTurn } from './directory-turn.ts';
import { CLEAN_ENV, cannotRun, initPostgres, postgresFailed, ROLE } from './init-postgres.ts';
import { connect } from './open-db.ts';
import { findBinaries, type PostgresBinaries } from './postgres-binaries.ts';
import { postgresUser, type PostgresUser } from './postgres-user.ts';
import { findServer, type RunningServer } from './running-server.ts';
import { socketFolder } from './socket-folder.ts';

export interface EmbeddedPostgres {
  readonly url: string;
  /** Of the postmaster. */
  readonly pid: number;
  /** True when it was running already: another process has started it, and may have died since. */
  readonly adopted: boolean;
  /** Stops it, cleanly and at once: open transactions are rolled back. For the owner of the directory (see own.ts). */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Postgres settings that differ from ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the binaries are, when not in this platform's npm package. */
  readonly native?: string;
}

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 5;

/**
 * Small and durable. What is idle costs memory on every laptop, so what we do not use is off (replication, parallel
 * workers, JIT); fsync stays on. The only way in is the socket.
 */
const SETTINGS = {
  listen_addresses: '',
  unix_socket_permissions: '0700',
  max_connections: '40',
  shared_buffers: '32MB',
  work_mem: '8MB',
  maintenance_work_mem: '32MB',
  huge_pages: 'off',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  min_wal_size: '32MB',
  max_wal_size: '512MB',
  log_min_messages: 'warning',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  timezone: 'UTC',
} as const;

/**
 * Opens the Postgres of a data directory: makes it at the first time, starts it, or adopts the one that still runs there
 * since its starter died. Any number of processes may do so at once; one makes or starts it, the others adopt it.
 *
 * In the data directory: `postgres/` is the database, `postgres.log` what it says, `postgres.turn/` the lock of this
 * function, `postgres.lib/` links to libraries where the npm package lacks them.
 * Throws DATA_DIRECTORY, DISK_FULL or UNSUPPORTED (no build for this platform).
 */
export async function openEmbeddedPostgres(dataDir: string, options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  const folder = resolve(dataDir);
  try {
    // Closed to others but passable: when root starts it, Postgres is somebody else.
    await mkdir(folder, { recursive: true, mode: process.geteuid?.() === 0 ? 0o711 : 0o700 });
    const { server, adopted } = await inTurn(join(folder, 'postgres.turn'), () => startOrAdopt(folder, options));
    const stop = () => inTurn(join(folder, 'postgres.turn'), () => server.stop());
    return { url: urlOf(server.socketFolder, ROLE), pid: server.pid, adopted, close: stop };
  } catch (error) {
    throw directoryError(folder, error);
  }
}

/** A host name is there for those who parse URLs strictly; the driver takes `host` and uses the socket. */
function urlOf(socket: string, database: string): string {
  return `postgresql://${ROLE}@localhost/${database}?host=${encodeURIComponent(socket)}`;
}

async function startOrAdopt(folder: string, options: EmbeddedOptions): Promise<{ server: RunningServer; adopted: boolean }> {
  const pgdata = join(folder, 'postgres');
  const running = await findServer(pgdata);
  if (running !== undefined) return { server: running, adopted: true };
  const binaries = await findBinaries(join(folder, 'postgres.lib'), options.native);
  const user = await postgresUser(pgdata, [pgdata, binaries.postgres]);
  await initPostgres(pgdata, binaries, user);
  const server = await start(folder, pgdata, binaries, user, { ...SETTINGS, ...options.settings });
  await createDatabase(server.socketFolder);
  return { server, adopted: false };
}

async function start(
  folder: string,
  pgdata: string,
  binaries: PostgresBinaries,
  user: PostgresUser,
  settings: Readonly<Record<string, string>>,
): Promise<RunningServer> {
  const socket = await socketFolder(folder, user);
  const all = Object.entries({ ...settings, unix_socket_directories: socket }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { program, args, ...as } = user.command(binaries.postgres, ['-D', pgdata, ...all]);
  const logFile = join(folder, 'postgres.log');
  const log = await open(logFile, existsSync(logFile) && (await stat(logFile)).size < MAX_LOG_BYTES ? 'a' : 'w', 0o600);
  const from = (await log.stat()).size;
  // Detached: a Ctrl-C in the terminal is for us alone; we stop it when our own work is saved.
  const child = spawn(program, args, { ...as, cwd: '/', env: { ...CLEAN_ENV, ...binaries.env }, detached: true, stdio: ['ignore', log.fd, log.fd] });
  let failure: TenonError | undefined;
  let exited = false;
  child.on('error', (error) => (failure = cannotRun(error)));
  child.on('exit', () => (exited = true));
  child.unref();
  await log.close();
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    if (failure !== undefined) throw failure;
    if (exited) throw postgresFailed('The database did not start', (await readFile(logFile, 'utf8')).slice(from));
    const server = await findServer(pgdata);
    if (server !== undefined) return server;
    if (Date.now() > deadline) throw new TenonError('DATA_DIRECTORY', `The database did not start in ${START_TIMEOUT_MS / 1000} s; see ${logFile}.`);
  }
}

const MAX_LOG_BYTES = 1024 * 1024;

async function createDatabase(socket: string): Promise<void> {
  const client = await connect(urlOf(socket, 'postgres'));
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [ROLE]);
    if (rowCount === 0) await client.query(`create database ${ROLE}`);
  } finally {
    await client.end();
  }
}

function directoryError(folder: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof TenonError || typeof code !== 'string') return error;
  const reason = error instanceof Error ? error.message : String(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return new TenonError('DISK_FULL', `There is no space left in ${folder}.`, { folder }, { cause: error });
  return new TenonError('DATA_DIRECTORY', `The data directory ${folder} cannot be used: ${reason}.`, { folder }, { cause: error });
}
