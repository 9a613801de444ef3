import { loadConfig } from '../../src/config.ts';
import { SYSTEM } from '../../src/access/principals.ts';
import { openDb, type OpenDb } from '../../src/db/open-db.ts';
import { migrateQueue } from '../../src/db/queue-schema.ts';
import type { Run, RunContext, RunEnd } from '../../src/work/run.ts';
import { createWork, type Work } from '../../src/work/work.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { until } from '../until.ts';

/** A process of its own, as far as runs are concerned: its own pool and its own Work on a database that it shares. */
export interface Bench {
  readonly t: TestDb;
  /** Another process. Closed with the bench. */
  open(options?: { leaseMs?: number; attempts?: number; concurrency?: number; runLogLines?: number }): Promise<Process>;
  /** Makes the leases of all runs pass, as if their processes had not been heard of for long. */
  expireLeases(): Promise<void>;
  row(id: string): Promise<Run>;
  /** Closes the processes and forgets their runs, for the next test of the file. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

interface Process {
  readonly work: Work;
  /** What it noted in its own log. */
  readonly noted: string[];
  /** Nothing comes through to the database any more, like a paused process or a cut network; what was under way is over. */
  pause(): Promise<void>;
  resume(): void;
  close(): Promise<void>;
}

export const DONE: RunEnd = { state: 'SUCCEEDED' };

export async function openBench(): Promise<Bench> {
  const t = await openTestDb();
  await migrateQueue(t.url);
  const opened: Process[] = [];
  const own = await openDb({ url: t.url, max: 2 });
  const row = async (id: string): Promise<Run> => {
    const process = createWork({
      ground: t.ground,
      pool: own.pool,
      config: loadConfig({ dataDir: '.', env: {} }),
      log: silent([]),
    });
    return process.find(SYSTEM, id);
  };
  return {
    t,
    row,
    async open(options = {}) {
      const process = await openProcess(t, options);
      opened.push(process);
      return process;
    },
    async expireLeases() {
      await own.pool.query("update runs set lease_until = now() - interval '1 second' where lease_until is not null");
    },
    async reset() {
      for (const process of opened.splice(0)) await process.close();
      await own.pool.query('truncate runs, run_logs');
    },
    async close() {
      await own.close();
      await t.close();
    },
  };
}

async function openProcess(
  t: TestDb,
  {
    leaseMs = 30_000,
    attempts = 3,
    concurrency = 2,
    runLogLines = 10_000,
  }: { leaseMs?: number; attempts?: number; concurrency?: number; runLogLines?: number },
): Promise<Process> {
  const opened = await openDb({ url: t.url, max: 6 });
  const preset = loadConfig({ dataDir: '.', env: {} });
  const noted: string[] = [];
  const work = createWork({
    ground: { ...t.ground, db: opened.db },
    pool: opened.pool,
    config: { limits: { ...preset.limits, runLogLines }, work: { leaseMs, attempts, concurrency } },
    log: silent(noted),
  });
  const gate = pausable(opened);
  let closed = false;
  return {
    work,
    noted,
    ...gate,
    async close() {
      if (closed) return;
      closed = true;
      gate.resume();
      await work.close();
      await opened.close();
    },
  };
}

/** Holds up every query until it is resumed. */
function pausable({ pool }: OpenDb): { pause(): Promise<void>; resume(): void } {
  const connect = pool.connect.bind(pool);
  let resume: (() => void) | undefined;
  let paused: Promise<void> | undefined;
  const query = pool.query.bind(pool);
  const underWay = new Set<Promise<unknown>>();
  Object.assign(pool, {
    query: async (...args: Parameters<typeof query>) => {
      await paused;
      const answer = Promise.resolve(query(...args)).finally(() => underWay.delete(answer));
      underWay.add(answer);
      return answer;
    },
    connect: (callback?: unknown) =>
      typeof callback === 'function'
        ? connect(callback as Parameters<typeof connect>[0])
        : (paused ?? Promise.resolve()).then(() => connect()),
  });
  return {
    // Waits, as a query that is late sees what the test does next: one that looks for runs would take the expired one itself.
    async pause() {
      paused = new Promise((go) => {
        resume = go;
      });
      await Promise.allSettled(underWay);
    },
    resume() {
      resume?.();
      paused = undefined;
    },
  };
}

function silent(noted: string[]) {
  const note = (_: object, message: string): void => {
    noted.push(message);
  };
  return { info: note, warn: note, error: note };
}

/** An execution that the test holds in its hand: it begins, waits, and goes on when told. */
export interface Puppet {
  execute(context: RunContext): Promise<RunEnd>;
  /** The context of the nth execution, from 1, once it has begun. */
  begun(nth?: number): Promise<RunContext>;
  /** Lets the nth execution go on to this end. */
  finish(nth: number, end: RunEnd | Error): void;
}

export function puppet(options: { heedsSignal?: boolean } = {}): Puppet {
  const contexts: RunContext[] = [];
  const finishes: ((end: RunEnd | Error) => void)[] = [];
  return {
    execute(context) {
      contexts.push(context);
      return new Promise((resolve, reject) => {
        finishes.push((end) => (end instanceof Error ? reject(end) : resolve(end)));
        if (options.heedsSignal !== false) context.signal.addEventListener('abort', () => reject(context.signal.reason as Error));
      });
    },
    begun: (nth = 1) => until(`execution ${nth} begins`, () => contexts[nth - 1]),
    finish: (nth, end) => finishes[nth - 1]?.(end),
  };
}
