import { setTimeout as delay } from 'node:timers/promises';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import { SYSTEM } from '../access/principals.ts';
import type { Ground } from '../db/db.ts';
import { runs } from '../db/tables/work.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import { enqueueRun, type RunDraft } from './enqueue.ts';
import { findRun, listLogs, listRuns, type RunFilter, type RunLogLine } from './list.ts';
import { isEnded, LIVE_STATES, type Execute, type Run } from './run.ts';
import { Runner, type WorkDeps } from './runner.ts';

export interface Work {
  /** What is called for the runs of a kind. Register all kinds before `start`. */
  register(kind: string, execute: Execute): void;
  /**
   * Begins to take on runs. `exclusive` says that no other process works on this database: then the runs of a process that
   * died are taken over at once, and not when their leases have passed.
   */
  start(options?: { exclusive?: boolean }): Promise<void>;
  /** Takes on no more runs; waits for those under way, or aborts them so that they go back to the queue, the preset. */
  close(options?: { wait?: boolean }): Promise<void>;
  /** Queues a run. Throws ALREADY_RUNNING, with `details.runId`, while one of its kind and name is queued or under way. */
  enqueue(as: Principal, draft: RunDraft): Promise<Run>;
  /** Stops a run: one that waits at once, one under way as soon as it notices. An ended one stays as it is. */
  stop(as: Principal, runId: string): Promise<Run>;
  find(as: Principal, runId: string): Promise<Run>;
  list(as: Principal, filter: RunFilter, page: PageRequest): Promise<Page<Run>>;
  logs(as: Principal, runId: string, page: PageRequest): Promise<Page<RunLogLine>>;
  /** The run once it has ended. For those who started it: it checks no access. Rejects when `signal` aborts. */
  waitFor(runId: string, signal?: AbortSignal): Promise<Run>;
}

/** How often who waits for a run of another process looks; runs of this process are noticed at once. */
const LOOK_MS = 500;

export function createWork(deps: WorkDeps): Work {
  const { ground, config } = deps;
  const kinds = new Map<string, Execute>();
  const runner = new Runner(deps, kinds);
  return {
    register(kind, execute) {
      if (kinds.has(kind)) throw new TenonError('ALREADY_EXISTS', `The kind of run «${kind}» is registered already.`);
      kinds.set(kind, execute);
    },
    start: ({ exclusive = false } = {}) => runner.start(exclusive),
    close: ({ wait = false } = {}) => runner.close(wait),
    async enqueue(as, draft) {
      if (!kinds.has(draft.kind)) throw new TenonError('BAD_INPUT', `There are no runs of the kind «${draft.kind}».`);
      return enqueueRun(ground, as, draft, config.limits);
    },
    async stop(as, runId) {
      const run = await findRun(ground.db, as, runId);
      authorize(as, 'write', `the ${run.kind} «${run.name}»`);
      await markStopped(ground, runId);
      runner.abort(runId);
      return findRun(ground.db, as, runId);
    },
    find: (as, runId) => findRun(ground.db, as, runId),
    list: (as, filter, page) => listRuns(ground.db, as, filter, page),
    logs: (as, runId, page) => listLogs(ground.db, as, runId, page),
    async waitFor(runId, signal) {
      for (;;) {
        const run = await findRun(ground.db, SYSTEM, runId);
        if (isEnded(run)) return run;
        await pauseUntil((over) => runner.doneHere(runId, over), signal);
      }
    },
  };
}

async function markStopped(ground: Ground, runId: string): Promise<void> {
  await ground.db
    .update(runs)
    .set({
      state: sql`case when ${runs.state} = 'QUEUED' then 'STOPPED' else 'STOPPING' end`,
      endedAt: sql`case when ${runs.state} = 'QUEUED' then ${ground.clock().toISOString()}::timestamptz end`,
    })
    .where(and(eq(runs.id, runId), inArray(runs.state, ['QUEUED', ...LIVE_STATES])));
}

/** Until the run here is over, or it is time to look again. Leaves no timer and no listener behind. */
async function pauseUntil(done: (over: AbortSignal) => Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  const over = new AbortController();
  const abort = (): void => over.abort();
  signal?.addEventListener('abort', abort, { once: true });
  const aborted = (): void => {};
  await Promise.race([done(over.signal).catch(aborted), delay(LOOK_MS, undefined, { signal: over.signal }).catch(aborted)]);
  over.abort();
  signal?.removeEventListener('abort', abort);
  signal?.throwIfAborted();
}
