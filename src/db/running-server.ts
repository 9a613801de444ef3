import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
    if (start === undefined) return undefined;
    if (file.status === 'ready') {
      return { pid: file.pid, socketFolder: file.socketFolder, stop: () => stop(file.pid, start) };
    }
    if (Date.now() > deadline) throw new TenonError('DATA_DIRECTORY', `The database server ${file.pid} does not become ready.`, { pid: file.pid });
  }
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
