import { DrizzleQueryError } from 'drizzle-orm';
import { findPrincipal } from '../access/principals.ts';
import { redact } from '../access/redact.ts';
import type { Ground } from '../db/db.ts';
import { asTenonError, TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import { startHeartbeat } from './heartbeat.ts';
import { endRun, holdRun, outOfDate, requeueRun, saveCheckpoint } from './hold.ts';
import { openJournal, type Journal, type JournalLimits } from './journal.ts';
import type { Log } from './log.ts';
import { plainRecord, plainText } from './plain-json.ts';
import type { Execute, Run, RunContext, RunEnd, RunError } from './run.ts';

/** One try of a run in this process. */
export interface Attempt {
  readonly run: Run;
  /** Aborts it: because somebody stopped the run, or because the process closes and the run goes back to the queue. */
  abort(why: 'stopped' | 'closing'): void;
  /** Lets the lease pass: for an attempt that does not heed its signal while the process ends. */
  leave(): void;
  /** Settles when all is written. Never rejects. */
  readonly done: Promise<void>;
}

export interface AttemptOptions {
  readonly ground: Ground;
  readonly log: Log;
  readonly limits: JournalLimits;
  readonly leaseMs: number;
}

type Why = 'stopped' | 'closing' | 'lost';

const MESSAGE_CHARS = 4_096;

/** Begins with a claimed run. The heartbeat keeps the lease until `execute` has returned, however long it takes to abort. */
export function startAttempt(run: Run, execute: Execute, options: AttemptOptions): Attempt {
  const controller = new AbortController();
  let why: Why | undefined;
  const abort = (reason: Why): void => {
    if (why === 'lost' || (why !== undefined && reason === 'closing')) return;
    why = reason;
    controller.abort(reason === 'lost' ? outOfDate(run) : stopped(run, reason));
  };
  const stopHeartbeat = startHeartbeat(run, options, abort);
  const work = async (): Promise<void> => {
    const outcome = await tryToExecute(run, execute, options, controller.signal);
    stopHeartbeat();
    await settle(run, outcome, why, options);
  };
  const done = work()
    .catch((error: unknown) => {
      // The database is away: the lease passes, and a later attempt goes on.
      options.log.error({ err: error, runId: run.id }, 'The end of a run could not be written');
    })
    .finally(stopHeartbeat);
  return { run, abort, leave: stopHeartbeat, done };
}

type Outcome = { readonly end: RunEnd } | { readonly error: unknown };

async function tryToExecute(run: Run, execute: Execute, options: AttemptOptions, signal: AbortSignal): Promise<Outcome> {
  const { ground, log, limits } = options;
  const journal = await openJournal(ground, run, limits, (error) => {
    log.warn({ err: error, runId: run.id }, 'Some lines of the log of a run could not be written');
  });
  try {
    const principal = await principalOf(ground, run);
    journal.log('info', run.attempt === 1 ? 'The run begins' : `Attempt ${run.attempt} begins`);
    return { end: await execute(contextOf(run, principal, journal, ground, signal)) };
  } catch (error) {
    if (!signal.aborted) journal.log('error', messageOf(error));
    return { error };
  } finally {
    await journal.flush();
  }
}

function contextOf(run: Run, principal: Principal, journal: Journal, ground: Ground, signal: AbortSignal): RunContext {
  return {
    run,
    principal,
    attempt: run.attempt,
    signal,
    checkpoint: run.checkpoint,
    log: (level, message, fields) => journal.log(level, message, fields),
    progress: (progress) => journal.progress(progress),
    saveCheckpoint: (tx, checkpoint) => saveCheckpoint(tx, run, checkpoint),
    hold: (tx) => holdRun(tx, run),
    end: async (tx, end) => {
      if (!(await endRun(tx, run, end, ground.clock()))) throw outOfDate(run);
    },
  };
}

/** A principal that was removed since may do nothing any more; one whose role changed acts with the new one. */
async function principalOf(ground: Ground, run: Run): Promise<Principal> {
  const principal = await findPrincipal(ground.db, { id: run.principalId });
  if (principal !== undefined) return principal;
  throw new TenonError('FORBIDDEN', 'The principal who started this run no longer exists.', { principalId: run.principalId });
}

/** Writes the end, where it is still ours to write; what `end(tx)` has written stays. */
async function settle(run: Run, outcome: Outcome, why: Why | undefined, { ground, log }: AttemptOptions): Promise<void> {
  if (why === 'lost') {
    log.warn({ runId: run.id, attempt: run.attempt }, 'Another attempt took over a run');
    return;
  }
  const stoppedEarly = 'error' in outcome || outcome.end.state === 'STOPPED';
  if (why === 'closing' && stoppedEarly) return requeueRun(ground.db, run);
  const end = 'end' in outcome ? outcome.end : endOf(outcome.error, run, why);
  if (end.error?.code === 'INTERNAL' && 'error' in outcome) log.error({ err: outcome.error, runId: run.id }, 'A run failed');
  await endRun(ground.db, run, end, ground.clock());
}

function endOf(error: unknown, run: Run, why: Why | undefined): RunEnd {
  if (why === 'stopped') return { state: 'STOPPED', error: errorOf(stopped(run, why)) };
  const failed = errorOf(error);
  // Nobody foresaw it: the id leads to the process's own log, which has the rest.
  return {
    state: 'FAILED',
    error: failed.code === 'INTERNAL' ? { ...failed, message: `${failed.message} (run ${run.id})` } : failed,
  };
}

function errorOf(error: unknown): RunError {
  const { code, details } = asTenonError(error);
  return { code, message: messageOf(error), details: plainRecord(details) };
}

/** A failed query's own message repeats its parameters, which may be anything; its cause is what Postgres said. */
function messageOf(error: unknown): string {
  const shown = error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error;
  return plainText(redact(asTenonError(shown).message), MESSAGE_CHARS);
}

function stopped(run: Run, why: 'stopped' | 'closing'): TenonError {
  const message = why === 'stopped' ? 'The run was stopped.' : 'The process closes; the run goes on when it is back.';
  return new TenonError('STOPPED', message, { runId: run.id });
}
