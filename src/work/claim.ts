import { and, asc, eq, exists, gte, inArray, lt, lte, not, or, sql } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import type { Db, Ground } from '../db/db.ts';
import { runs } from '../db/tables/work.ts';
import type { ErrorCode } from '../model/errors.ts';
import { leaseFromNow } from './hold.ts';
import { LIVE_STATES, OPEN_STATES, type Run, type RunError } from './run.ts';

export interface ClaimOptions {
  /** Kinds that this process can run. */
  readonly kinds: readonly string[];
  readonly leaseMs: number;
  /** Tries of one run. */
  readonly attempts: number;
}

const expired = lte(runs.leaseUntil, sql`now()`);

/**
 * Takes the oldest run that waits, or whose process has not been heard of for a lease, and begins its next attempt.
 * Undefined when there is none. Several processes may ask at once: each run goes to one of them.
 */
export async function claimRun(ground: Ground, options: ClaimOptions): Promise<Run | undefined> {
  try {
    const [run] = await ground.db
      .update(runs)
      .set({
        state: 'RUNNING',
        attempt: sql`${runs.attempt} + 1`,
        epoch: sql`${runs.epoch} + 1`,
        leaseUntil: leaseFromNow(options.leaseMs),
        startedAt: sql`coalesce(${runs.startedAt}, ${ground.clock().toISOString()}::timestamptz)`,
      })
      // «=», not «in»: a scalar subquery is run once, so that one row is locked and not one for each row compared.
      .where(eq(runs.id, sql`(${claimable(ground.db, options)})`))
      .returning();
    return run;
  } catch (error) {
    // Another process began a run of this crawler or job between our look and our update: the index stops the second.
    if (isUniqueViolation(error)) return undefined;
    throw error;
  }
}

function claimable(db: Db, { kinds, attempts }: ClaimOptions) {
  const others = alias(runs, 'others');
  const sameName = and(eq(others.kind, runs.kind), eq(others.name, runs.name), inArray(others.state, [...LIVE_STATES]));
  const waits = and(eq(runs.state, 'QUEUED'), not(exists(db.select({ id: others.id }).from(others).where(sameName))));
  const abandoned = and(eq(runs.state, 'RUNNING'), expired, lt(runs.attempt, attempts));
  return (
    db
      .select({ id: runs.id })
      .from(runs)
      // Says again what the two say, so that the index of open runs answers.
      .where(and(inArray(runs.state, [...OPEN_STATES]), inArray(runs.kind, [...kinds]), or(waits, abandoned)))
      .orderBy(asc(runs.createdAt), asc(runs.id))
      .limit(1)
      .for('update', { skipLocked: true })
  );
}

/** Ends the runs whose process went away while they were being stopped, or in their last attempt. Returns their ids. */
export async function endAbandoned(ground: Ground, { attempts }: Pick<ClaimOptions, 'attempts'>): Promise<string[]> {
  const stopped = await abandon(ground, and(eq(runs.state, 'STOPPING'), expired), 'STOPPED', {
    ...failure('STOPPED', 'The run was stopped; its process ended before it could say so.'),
  });
  const failed = await abandon(ground, and(eq(runs.state, 'RUNNING'), expired, gte(runs.attempt, attempts)), 'FAILED', {
    ...failure('INTERNAL', `The process of the run ended without a word, in the last of ${attempts} attempts.`),
  });
  return [...stopped, ...failed];
}

async function abandon(
  ground: Ground,
  which: ReturnType<typeof and>,
  state: 'STOPPED' | 'FAILED',
  error: RunError,
): Promise<string[]> {
  const rows = await ground.db
    .update(runs)
    .set({ state, epoch: sql`${runs.epoch} + 1`, leaseUntil: null, endedAt: ground.clock(), error })
    .where(which)
    .returning({ id: runs.id });
  return rows.map(({ id }) => id);
}

/**
 * Makes every lease void. Only for a process that has the database to itself: whoever held them is dead, and waiting for
 * their leases to pass would only keep people waiting.
 */
export async function voidLeases(db: Db): Promise<void> {
  await db
    .update(runs)
    .set({ leaseUntil: sql`now()` })
    .where(inArray(runs.state, [...LIVE_STATES]));
}

function failure(code: ErrorCode, message: string): RunError {
  return { code, message, details: {} };
}

function isUniqueViolation(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause) if ('code' in each && each.code === '23505') return true;
  return false;
}
