import { EventEmitter, once } from 'node:events';
import type { Config } from '../config.ts';
import type { Ground } from '../db/db.ts';
import type { OpenDb } from '../db/open-db.ts';
import { startAttempt, type Attempt } from './attempt.ts';
import { claimRun, endAbandoned, voidLeases } from './claim.ts';
import type { Log } from './log.ts';
import type { Execute, Run } from './run.ts';
import { createWake } from './wake.ts';

export interface WorkDeps {
  readonly ground: Ground;
  readonly pool: OpenDb['pool'];
  readonly config: Pick<Config, 'limits' | 'work'>;
  readonly log: Log;
}

/** Takes on runs, so many at once as `work.concurrency` allows, and knows which are under way here. */
export interface Runner {
  start(exclusive: boolean): Promise<void>;
  close(wait: boolean): Promise<void>;
  /** Aborts the run if it is under way here. */
  abort(runId: string): void;
  /** Resolves when an attempt of the run is over in this process; rejects when `signal` aborts. */
  doneHere(runId: string, signal: AbortSignal): Promise<unknown>;
}

/** How often to look without being woken: for runs whose process died, and for wake-ups that got lost. */
const SWEEP_MS = 5_000;
/** A run that does not heed its signal for so long is left behind when the process closes. Its lease will pass. */
const GRACE_MS = 10_000;

export function createRunner({ ground, pool, config, log, kinds }: WorkDeps & { kinds: ReadonlyMap<string, Execute> }): Runner {
  const active = new Map<string, Attempt>();
  /** Emits the id of a run when an attempt of it is over. Any number may wait. */
  const over = new EventEmitter().setMaxListeners(0);
  let open = false;
  const isOpen = (): boolean => open;
  let sweepTimer: NodeJS.Timeout | undefined;
  /** At most one look at the queue is under way; who asks meanwhile gets another one after it. */
  let looking: Promise<void> | undefined;
  let askedAgain = false;

  const wake = createWake(pool, () => void look());

  const look = (): Promise<void> => {
    if (looking !== undefined) askedAgain = true;
    looking ??= lookUntilQuiet().finally(() => {
      looking = undefined;
    });
    return looking;
  };

  const lookUntilQuiet = async (): Promise<void> => {
    do {
      askedAgain = false;
      await takeOn().catch((error: unknown) => log.warn({ err: error }, 'The queue of runs could not be read'));
    } while (askedAgain && isOpen());
  };

  const takeOn = async (): Promise<void> => {
    const options = { kinds: [...kinds.keys()], leaseMs: config.work.leaseMs, attempts: config.work.attempts };
    await endAbandoned(ground, options);
    while (isOpen() && active.size < config.work.concurrency) {
      const run = await claimRun(ground, options);
      if (run === undefined) return;
      begin(run);
    }
  };

  const begin = (run: Run): void => {
    const execute = kinds.get(run.kind);
    if (execute === undefined) return;
    log.info({ runId: run.id, kind: run.kind, name: run.name, attempt: run.attempt }, 'A run begins');
    const attempt = startAttempt(run, execute, { ground, log, limits: config.limits, leaseMs: config.work.leaseMs });
    // An attempt that lost its lease may still be here when this process claims the run again.
    const key = active.has(run.id) ? `${run.id}/${run.epoch}` : run.id;
    active.set(key, attempt);
    void attempt.done.then(() => {
      active.delete(key);
      over.emit(run.id);
      log.info({ runId: run.id, attempt: run.attempt }, 'An attempt is over');
      if (open) void look();
    });
    if (!open) attempt.abort('closing');
  };

  const sweep = async (): Promise<void> => {
    await wake.start().catch((error: unknown) => log.warn({ err: error }, 'Wake-ups cannot be received'));
    await look();
    if (open) sweepTimer = setTimeout(() => void sweep(), SWEEP_MS);
  };

  return {
    async start(exclusive) {
      if (open) return;
      open = true;
      if (exclusive) await voidLeases(ground.db);
      await sweep();
    },
    async close(wait) {
      open = false;
      clearTimeout(sweepTimer);
      await wake.close();
      await looking;
      const attempts = [...active.values()];
      if (!wait) for (const attempt of attempts) attempt.abort('closing');
      const all = Promise.all(attempts.map(({ done }) => done));
      await (wait ? all : within(GRACE_MS, all));
      for (const attempt of active.values()) attempt.leave();
    },
    abort: (runId) => active.get(runId)?.abort('stopped'),
    doneHere: (runId, signal) => once(over, runId, { signal }),
  };
}

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
