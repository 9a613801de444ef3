import { EventEmitter, once } from 'node:events';
import type { Config } from '../config.ts';
import type { Ground } from '../db/db.ts';
import type { OpenDb } from '../db/open-db.ts';
import { startAttempt, type Attempt } from './attempt.ts';
import { claimRun, endAbandoned, voidLeases, type ClaimOptions } from './claim.ts';
import type { Log } from './log.ts';
import type { Execute, Run } from './run.ts';
import { createWake, type Wake } from './wake.ts';

export interface WorkDeps {
  readonly ground: Ground;
  readonly pool: OpenDb['pool'];
  readonly config: Pick<Config, 'limits' | 'work'>;
  readonly log: Log;
}

/** How often to look without being woken: for runs whose process died, and for wake-ups that got lost. */
const SWEEP_MS = 5_000;
/** A run that does not heed its signal for so long is left behind when the process closes. Its lease will pass. */
const GRACE_MS = 10_000;

/** Takes on runs, so many at once as `work.concurrency` allows, and knows which are under way here. */
export class Runner {
  private readonly deps: WorkDeps;
  private readonly kinds: ReadonlyMap<string, Execute>;
  private readonly wake: Wake;
  private readonly active = new Map<string, Attempt>();
  /** Emits the id of a run when an attempt of it is over. Any number may wait. */
  private readonly over = new EventEmitter().setMaxListeners(0);
  private open = false;
  private sweepTimer: NodeJS.Timeout | undefined;
  /** At most one look at the queue is under way; who asks meanwhile gets another one after it. */
  private looking: Promise<void> | undefined;
  private askedAgain = false;

  constructor(deps: WorkDeps, kinds: ReadonlyMap<string, Execute>) {
    this.deps = deps;
    this.kinds = kinds;
    this.wake = createWake(deps.pool, () => void this.look());
  }

  /** Looks at the queue once before it resolves. */
  async start(exclusive: boolean): Promise<void> {
    if (this.open) return;
    this.open = true;
    if (exclusive) await voidLeases(this.deps.ground.db);
    await this.sweep();
  }

  async close(wait: boolean): Promise<void> {
    this.open = false;
    clearTimeout(this.sweepTimer);
    await this.wake.close();
    await this.looking;
    const attempts = [...this.active.values()];
    if (!wait) for (const attempt of attempts) attempt.abort('closing');
    const all = Promise.all(attempts.map(({ done }) => done));
    await (wait ? all : within(GRACE_MS, all));
    for (const attempt of this.active.values()) attempt.leave();
  }

  /** Aborts the run if it is under way here. */
  abort(runId: string): void {
    this.active.get(runId)?.abort('stopped');
  }

  /** Resolves when an attempt of the run is over in this process; rejects when `signal` aborts. */
  doneHere(runId: string, signal: AbortSignal): Promise<unknown> {
    return once(this.over, runId, { signal });
  }

  private async sweep(): Promise<void> {
    const { log } = this.deps;
    await this.wake.start().catch((error: unknown) => log.warn({ err: error }, 'Wake-ups cannot be received'));
    await this.look();
    if (this.open) this.sweepTimer = setTimeout(() => void this.sweep(), SWEEP_MS);
  }

  private look(): Promise<void> {
    if (this.looking !== undefined) this.askedAgain = true;
    this.looking ??= this.lookUntilQuiet().finally(() => {
      this.looking = undefined;
    });
    return this.looking;
  }

  private async lookUntilQuiet(): Promise<void> {
    do {
      this.askedAgain = false;
      await this.takeOn().catch((error: unknown) => {
        this.deps.log.warn({ err: error }, 'The queue of runs could not be read');
      });
    } while (this.askedAgain && this.open);
  }

  private async takeOn(): Promise<void> {
    const { ground, config } = this.deps;
    const options: ClaimOptions = { kinds: [...this.kinds.keys()], leaseMs: config.work.leaseMs, attempts: config.work.attempts };
    await endAbandoned(ground, options);
    while (this.open && this.active.size < config.work.concurrency) {
      const run = await claimRun(ground, options);
      if (run === undefined) return;
      this.begin(run);
    }
  }

  private begin(run: Run): void {
    const { ground, log, config } = this.deps;
    const execute = this.kinds.get(run.kind);
    if (execute === undefined) return;
    log.info({ runId: run.id, kind: run.kind, name: run.name, attempt: run.attempt }, 'A run begins');
    const attempt = startAttempt(run, execute, { ground, log, limits: config.limits, leaseMs: config.work.leaseMs });
    // An attempt that lost its lease may still be here when this process claims the run again.
    const key = this.active.has(run.id) ? `${run.id}/${run.epoch}` : run.id;
    this.active.set(key, attempt);
    void attempt.done.then(() => {
      this.active.delete(key);
      this.over.emit(run.id);
      log.info({ runId: run.id, attempt: run.attempt }, 'An attempt is over');
      if (this.open) void this.look();
    });
    // Claimed while the process was closing.
    if (!this.open) attempt.abort('closing');
  }
}

async function within(ms: number, done: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
