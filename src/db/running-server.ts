import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { TenonError } from '../model/errors.ts';
import { processStart } from './process-start.ts';

export interface RunningServer {
  readonly pid: number;
  readonly socketFolder: string;
  stop(): Promise<void>;
}

const POLL_MS = 5;
const WAIT_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 30_000;

/**
 * The server that runs on a folder and takes connections, by Postgres's own `postmaster.pid`. Waits while one is
 * starting or stopping. Undefined when there is none.
 */
export async function findServer(pgdata: string): Promise<RunningServer | undefined> {
  for (const deadline = Date.now() + WAIT_TIMEOUT_MS; ; await sleep(POLL_MS)) {
    const file = await readPidFile(pgdata);
    if (file === undefined) return undefined;
    const start = await processStart(file.pid);
    if (start === undefined || !(await serves(file.pid, pgdata))) return undefined;
    if (file.status === 'ready') {
      return { pid: file.pid, socketFolder: file.socketFolder, stop: () => stop(file.pid, start) };
    }
    if (Date.now() > deadline)
      throw new TenonError('DATA_DIRECTORY', `The database server ${file.pid} does not become ready.`, { pid: file.pid });
  }
}

/**
 * Clears the way for a start after `findServer` found none. Postgres refuses to start when the process id in a file that
 * was left behind is alive, though it be somebody else's by now, as happens at each restart of a container. Only that
 * number is changed: by the rest of the file Postgres sees whether orphans of its own still use its memory.
 *
 * Throws DATA_DIRECTORY when a server answers that we cannot see: one in another container, on a shared volume.
 */
export async function clearPidFile(pgdata: string): Promise<void> {
  const file = await readPidFile(pgdata);
  if (file === undefined) return;
  if (await answers(join(file.socketFolder, '.s.PGSQL.5432'))) {
    throw new TenonError('DATA_DIRECTORY', `The database in ${pgdata} is in use, by a process in another container.`, {
      folder: pgdata,
    });
  }
  if ((await processStart(file.pid)) === undefined) return;
  const path = join(pgdata, 'postmaster.pid');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/^\d+/, String(NO_PROCESS)));
}

/** Greater than any process id can be. */
const NO_PROCESS = 99_999_999;

/** Whether the process is a Postgres on this folder, and not one that got the number later. */
async function serves(pid: number, pgdata: string): Promise<boolean> {
  return (await commandLine(pid)).includes(pgdata);
}

async function commandLine(pid: number): Promise<string> {
  if (process.platform === 'linux') return readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  const ps = await promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return ps.stdout;
}

async function answers(path: string): Promise<boolean> {
  const socket = createConnection(path);
  return new Promise<boolean>((resolve) => {
    socket.on('connect', () => resolve(true));
    socket.on('error', () => resolve(false));
  }).finally(() => socket.destroy());
}

/** Lines: pid, folder, start in seconds since 1970, port, socket folder, listen address, shared memory key, status. */
async function readPidFile(pgdata: string): Promise<{ pid: number; socketFolder: string; status: string } | undefined> {
  const text = await readFile(join(pgdata, 'postmaster.pid'), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const lines = text.split('\n').map((line) => line.trim());
  return { pid: Number(lines[0]), socketFolder: lines[4] ?? '', status: lines[7] ?? '' };
}

/** Fast shutdown: sessions are ended, everything is written, the next start has nothing to repair. */
async function stop(pid: number, start: string): Promise<void> {
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  signal('SIGINT');
  for (const deadline = Date.now() + STOP_TIMEOUT_MS; (await processStart(pid)) === start; await sleep(POLL_MS)) {
    // Durable all the same: what was committed is in the log, and the next start replays it.
    if (Date.now() > deadline) signal('SIGQUIT');
  }
}
