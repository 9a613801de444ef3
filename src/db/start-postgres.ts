import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TenonError } from '../model/errors.ts';
import { quoteIdentifier } from '../model/names.ts';
import { CLEAN_ENV, cannotRun, postgresFailed } from './init-postgres.ts';
import type { PostgresBinaries } from './postgres-binaries.ts';
import type { PostgresUser } from './postgres-user.ts';
import { clearPidFile, findServer, type RunningServer } from './running-server.ts';
import { socketFolder } from './socket-folder.ts';

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
  max_worker_processes: '2',
  max_parallel_workers_per_gather: '0',
  max_parallel_maintenance_workers: '0',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  min_wal_size: '32MB',
  max_wal_size: '512MB',
  log_line_prefix: '%m [%p] ',
  log_checkpoints: 'off',
  // What a statement did wrong is told to who sent it. The log grows unseen, and a row's values do not belong in it.
  log_min_messages: 'log',
  log_min_error_statement: 'panic',
  timezone: 'UTC',
} as const;

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 5;
/** A longer log is begun anew at the next start. */
const MAX_LOG_BYTES = 1024 * 1024;

export interface StartPlan {
  readonly dataDir: string;
  readonly pgdata: string;
  readonly binaries: PostgresBinaries;
  readonly user: PostgresUser;
  /** Instead of ours, or besides. */
  readonly settings?: Readonly<Record<string, string>> | undefined;
}

/** Starts the server of an existing database and waits until it takes connections. Call it in turn, when none runs. */
export async function startPostgres(plan: StartPlan): Promise<RunningServer> {
  await clearPidFile(plan.pgdata);
  const socket = await socketFolder(plan.dataDir, plan.user);
  // A list of quoted names for Postgres, though it has one: a comma would part it otherwise.
  const settings = { ...SETTINGS, ...plan.settings, unix_socket_directories: quoteIdentifier(socket) };
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const started = await startOnce(plan, settings, deadline);
    if (!('failed' in started)) return started;
    // The sessions of a server that was killed need a moment to see that it is gone; until then its memory is in use.
    const orphans = started.failed.message.includes('still in use');
    if (!orphans || Date.now() > deadline) throw started.failed;
  }
}

async function startOnce(
  plan: StartPlan,
  settings: Readonly<Record<string, string>>,
  deadline: number,
): Promise<RunningServer | { failed: TenonError }> {
  const logFile = join(plan.dataDir, 'postgres.log');
  const from = await logSize(logFile);
  const child = await launch(plan, settings, logFile, from === 0);
  for (; ; await sleep(POLL_MS)) {
    const over = child.over();
    if (over instanceof Error) throw cannotRun(over);
    if (over) {
      const said = (await readFile(logFile, 'utf8')).slice(from);
      return { failed: await postgresFailed('The database did not start', said, plan.pgdata) };
    }
    const server = await findServer(plan.pgdata);
    if (server !== undefined) return server;
    if (Date.now() > deadline) throw new TenonError('DATA_DIRECTORY', `The database does not start; see ${logFile}.`);
  }
}

async function logSize(logFile: string): Promise<number> {
  if (!existsSync(logFile)) return 0;
  const { size } = await stat(logFile);
  return size < MAX_LOG_BYTES ? size : 0;
}

async function launch(
  plan: StartPlan,
  settings: Readonly<Record<string, string>>,
  logFile: string,
  afresh: boolean,
): Promise<Watched> {
  const log = await open(logFile, afresh ? 'w' : 'a', 0o600);
  const options = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const { program, args, ...as } = plan.user.command(plan.binaries.postgres, ['-D', plan.pgdata, ...options]);
  const env = { ...CLEAN_ENV, ...plan.binaries.env };
  // Detached: a Ctrl-C in the terminal is for us alone; we stop it when our own work is saved.
  // Watched before anything is waited for: one that cannot start is over within milliseconds.
  const child = watch(spawn(program, args, { ...as, env, cwd: '/', detached: true, stdio: ['ignore', log.fd, log.fd] }));
  await log.close();
  return child;
}

interface Watched {
  /** Whether it has ended, or why it could not begin. */
  over(): NodeJS.ErrnoException | boolean;
}

function watch(child: ChildProcess): Watched {
  let over: NodeJS.ErrnoException | boolean = false;
  child.on('error', (error) => {
    over = error;
  });
  child.on('exit', () => {
    over = true;
  });
  child.unref();
  return { over: () => over };
}
