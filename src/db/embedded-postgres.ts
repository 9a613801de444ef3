import { mkdir, realpath } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TenonError } from '../model/errors.ts';
import { inTurn } from './directory-turn.ts';
import { initPostgres, ROLE } from './init-postgres.ts';
import { connect } from './open-db.ts';
import { findBinaries } from './postgres-binaries.ts';
import { postgresUser } from './postgres-user.ts';
import { findServer, type RunningServer } from './running-server.ts';
import { startPostgres } from './start-postgres.ts';

/** A server that is there and does not answer for so long is not waited for. */
const ANSWER_TIMEOUT_MS = 10_000;
const POLL_MS = 10;

export interface EmbeddedPostgres {
  /** Names the socket in `host`; good for every client that is built on `pg`. */
  readonly url: string;
  /** Of the postmaster. */
  readonly pid: number;
  /** True when it was running already: another process has started it, and may have died since. */
  readonly adopted: boolean;
  /** Stops it, cleanly and at once: open transactions are rolled back. Only for the owner of the directory (see own.ts). */
  close(): Promise<void>;
}

export interface EmbeddedOptions {
  /** Postgres settings that differ from ours. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where the binaries are, when not in this platform's npm package. */
  readonly native?: string;
}

/**
 * Opens the Postgres of a data directory: makes it at the first time, starts it, or adopts the one that still runs there
 * since its starter died. Any number of processes may do so at once; one makes or starts it, the others adopt it.
 *
 * In the data directory: `postgres/` is the database, `postgres.log` what it says, `postgres.run/` its socket,
 * `postgres.turn/` the lock of this function, `postgres.lib/` links to libraries where the npm package lacks them.
 * Throws DATA_DIRECTORY, DISK_FULL, or UNSUPPORTED where there is no build for this platform.
 */
export async function openEmbeddedPostgres(dataDir: string, options: EmbeddedOptions = {}): Promise<EmbeddedPostgres> {
  if (dataDir.includes('\n')) throw new TenonError('DATA_DIRECTORY', 'The path of a data directory cannot have a line break.');
  try {
    // When root starts it, Postgres is somebody else, who must pass.
    await mkdir(dataDir, { recursive: true, mode: process.geteuid?.() === 0 ? 0o711 : 0o700 });
    const folder = await realpath(dataDir);
    const turn = join(folder, 'postgres.turn');
    const { server, adopted } = await inTurn(turn, () => startOrAdopt(folder, options));
    return {
      url: urlOf(server.socketFolder, ROLE),
      pid: server.pid,
      adopted,
      close: () => inTurn(turn, () => server.stop()),
    };
  } catch (error) {
    throw directoryError(resolve(dataDir), error);
  }
}

/** The host name is there for those who parse URLs strictly. */
function urlOf(socket: string, database: string): string {
  return `postgresql://${ROLE}@localhost/${database}?host=${encodeURIComponent(socket)}`;
}

async function startOrAdopt(folder: string, options: EmbeddedOptions): Promise<{ server: RunningServer; adopted: boolean }> {
  const pgdata = join(folder, 'postgres');
  const running = await findAnswering(pgdata);
  if (running !== undefined) return { server: running, adopted: true };
  const binaries = await findBinaries(join(folder, 'postgres.lib'), options.native);
  const user = await postgresUser(pgdata, [binaries.postgres]);
  await initPostgres(pgdata, binaries, user, options.settings?.['fsync'] !== 'off');
  const server = await startPostgres({ dataDir: folder, pgdata, binaries, user, settings: options.settings });
  await createDatabase(server.socketFolder);
  return { server, adopted: false };
}

/** A process that was killed is there for a moment longer; whoever adopted that would have no database. */
async function findAnswering(pgdata: string): Promise<RunningServer | undefined> {
  for (const deadline = Date.now() + ANSWER_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const running = await findServer(pgdata);
    if (running === undefined) return undefined;
    try {
      await (await connect(urlOf(running.socketFolder, 'postgres'))).end();
      return running;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
  }
}

/** At each start, so that one who was killed between making the server and making this is no special case. */
async function createDatabase(socket: string): Promise<void> {
  const client = await connect(urlOf(socket, 'postgres'));
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [ROLE]);
    if (rowCount === 0) await client.query(`create database ${ROLE}`);
  } finally {
    await client.end();
  }
}

/** What the file system says (a code such as EACCES) becomes an error that names the directory. */
function directoryError(folder: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (error instanceof TenonError || typeof code !== 'string') return error;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return new TenonError('DISK_FULL', `There is no space left for the data directory ${folder}.`, { folder }, { cause: error });
  }
  const reason = error instanceof Error ? error.message : code;
  return new TenonError(
    'DATA_DIRECTORY',
    `The data directory ${folder} cannot be used: ${reason}.`,
    { folder },
    { cause: error },
  );
}
