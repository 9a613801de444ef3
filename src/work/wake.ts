import { Logger, run, type Runner } from 'graphile-worker';
import { sql } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import type { OpenDb } from '../db/open-db.ts';

/**
 * Tells some process that there is something to do, with graphile-worker. A wake-up carries no truth: one that comes twice
 * does nothing, one that gets lost is made good by the sweep of `createWork`. Why this library: docs/decisions.
 */
export interface Wake {
  /** Begins to listen; does nothing while it listens already. */
  start(): Promise<void>;
  close(): Promise<void>;
}

const TASK = 'wake';
/** The library listens; it polls besides, in case its connection broke. The sweep does that too, so rarely will do. */
const POLL_MS = 30_000;

const SILENT = new Logger(() => () => {});

/** Asks for a wake-up. It is sent when `tx` commits. */
export async function askToWake(tx: Db, runId: string): Promise<void> {
  await tx.execute(sql`select graphile_worker.add_job(${TASK}, json_build_object('runId', ${runId}::text), max_attempts => 1)`);
}

export function createWake(pool: OpenDb['pool'], onWake: () => void): Wake {
  let runner: Promise<Runner> | undefined;
  const listen = async (): Promise<Runner> => {
    const started = await run({
      pgPool: pool,
      concurrency: 1,
      pollInterval: POLL_MS,
      noHandleSignals: true,
      logger: SILENT,
      // Else it looks for a crontab file in the current folder.
      parsedCronItems: [],
      taskList: { [TASK]: () => onWake() },
    });
    const over = (): void => {
      runner = undefined;
    };
    // It gives up after some failures in a row; then the next `start` begins anew.
    started.promise.then(over, over);
    return started;
  };
  return {
    async start() {
      runner ??= listen();
      await runner.catch((error: unknown) => {
        runner = undefined;
        throw error;
      });
    },
    async close() {
      const started = await runner?.catch(() => undefined);
      await started?.stop().catch(() => {});
      runner = undefined;
    },
  };
}
