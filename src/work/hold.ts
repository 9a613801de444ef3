import { and, eq, inArray, sql } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { runs } from '../db/tables/work.ts';
import { TenonError } from '../model/errors.ts';
import { plainJson, plainRecord } from './plain-json.ts';
import { LIVE_STATES, type Run, type RunEnd } from './run.ts';

/** One attempt of a run. Every write on its behalf is a condition on the epoch: the fence that keeps zombies out. */
export type Hold = Pick<Run, 'id' | 'epoch'>;

/** Locks the row; see `RunContext.hold`. */
export async function holdRun(tx: Db, hold: Hold): Promise<void> {
  const [row] = await tx.select({ id: runs.id }).from(runs).where(isHeld(hold)).for('update');
  if (row === undefined) throw outOfDate(hold);
}

export async function saveCheckpoint(tx: Db, hold: Hold, checkpoint: unknown): Promise<void> {
  const saved = await tx
    .update(runs)
    .set({ checkpoint: plainJson(checkpoint) })
    .where(isHeld(hold))
    .returning({ id: runs.id });
  if (saved.length === 0) throw outOfDate(hold);
}

/** Ends the run, unless it is no longer this attempt's: then it is false and nothing has changed. */
export async function endRun(tx: Db, hold: Hold, end: RunEnd, at: Date): Promise<boolean> {
  const ended = await tx
    .update(runs)
    .set({
      state: end.state,
      result: end.result === undefined ? null : plainRecord(end.result),
      error: end.error === undefined ? null : { ...end.error, details: plainRecord(end.error.details) },
      leaseUntil: null,
      endedAt: at,
    })
    .where(isHeld(hold))
    .returning({ id: runs.id });
  return ended.length > 0;
}

/** Gives the run back to the queue, where its checkpoint stands. */
export async function requeueRun(db: Db, hold: Hold): Promise<void> {
  await db.update(runs).set({ state: 'QUEUED', leaseUntil: null }).where(isHeld(hold));
}

/**
 * Extends the lease, and says what the run's state is now: `lost` when it is another attempt's, `ended` when this one has
 * ended it. The time is the database's: leases are compared by several machines, whose own clocks may differ.
 */
export async function extendLease(db: Db, hold: Hold, leaseMs: number): Promise<'held' | 'stopping' | 'ended' | 'lost'> {
  const [row] = await db
    .update(runs)
    .set({ leaseUntil: leaseFromNow(leaseMs) })
    .where(isHeld(hold))
    .returning({ state: runs.state });
  if (row !== undefined) return row.state === 'STOPPING' ? 'stopping' : 'held';
  const [own] = await db
    .select({ id: runs.id })
    .from(runs)
    .where(and(eq(runs.id, hold.id), eq(runs.epoch, hold.epoch)));
  return own === undefined ? 'lost' : 'ended';
}

export function leaseFromNow(leaseMs: number) {
  return sql`now() + ${leaseMs} * interval '1 millisecond'`;
}

export function isHeld(hold: Hold) {
  return and(eq(runs.id, hold.id), eq(runs.epoch, hold.epoch), inArray(runs.state, [...LIVE_STATES]));
}

export function outOfDate(hold: Hold): TenonError {
  return new TenonError('OUT_OF_DATE', `Another attempt took over the run ${hold.id}, or it has ended.`, { runId: hold.id });
}
