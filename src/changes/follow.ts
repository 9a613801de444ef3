import { asc, DrizzleQueryError, eq, gt } from 'drizzle-orm';
import { setTimeout as delay } from 'node:timers/promises';
import type { Db, Ground } from '../db/db.ts';
import { changes, followers } from '../db/tables/changes.ts';
import type { Change, Position } from '../model/change.ts';
import { reached } from '../model/reached.ts';
import { latestPosition, toChange } from './list.ts';
import { openWake } from './wake.ts';

export interface Follower {
  /** Names the cursor. Two processes that follow under one name share the work: each change is applied by one of them. */
  readonly name: string;
  /**
   * Takes the next changes, in order. What it writes with `tx` commits together with the cursor, or not at all. The message
   * of what it throws is kept and shown, so it holds no secrets.
   */
  apply(tx: Db, changes: readonly Change[]): Promise<void>;
  /** Where a new name begins: with all that ever happened (the default), or with what comes from now on. */
  readonly from?: 'start' | 'now';
  /** How many changes `apply` gets at most; 500 unless told. */
  readonly batch?: number;
  /** Resolves `follow`, after the batch under way. */
  readonly signal: AbortSignal;
  /** Told about each failure. The follower itself tries again, for ever. */
  onError?(error: unknown, failures: number): void;
}

const BATCH = 500;
const FIRST_BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 30_000;
const ERROR_LENGTH = 1_000;

/**
 * Follows the log with a cursor of its own until `signal` aborts. A change that cannot be applied is tried again, with
 * growing pauses; the cursor stays before it, its row tells the error, and other followers do not notice.
 */
export async function follow(ground: Ground, follower: Follower): Promise<void> {
  const wake = openWake(ground);
  let failures = 0;
  let started = false;
  try {
    while (!follower.signal.aborted) {
      try {
        if (!started) await startFollower(ground, follower.name, follower.from ?? 'start');
        started = true;
        const full = await step(ground, follower);
        failures = 0;
        if (!full) await wake.wait(follower.signal);
      } catch (error) {
        failures += 1;
        await noteError(ground, follower.name, error);
        follower.onError?.(error, failures);
        await pause(Math.min(FIRST_BACKOFF_MS * 2 ** (failures - 1), LONGEST_BACKOFF_MS), follower.signal);
      }
    }
  } finally {
    await wake.close();
  }
}

/** One batch, applied and passed in one transaction. False when there is nothing left to do for now. */
async function step(ground: Ground, follower: Follower): Promise<boolean> {
  const batch = follower.batch ?? BATCH;
  return ground.db.transaction(async (tx) => {
    const cursor = await holdFollower(tx, follower.name);
    if (cursor === undefined) return false;
    const rows = await tx.select().from(changes).where(gt(changes.position, cursor)).orderBy(asc(changes.position)).limit(batch);
    const last = rows.at(-1);
    if (last === undefined) return false;
    reached('follow.before-apply');
    await follower.apply(tx, rows.map(toChange));
    reached('follow.before-cursor');
    await tx
      .update(followers)
      .set({ cursor: last.position, movedAt: ground.clock(), error: null })
      .where(eq(followers.name, follower.name));
    return rows.length === batch;
  });
}

/**
 * Locks a follower for the rest of the transaction and tells its cursor. Undefined when another process holds it: that one
 * is at work, and to queue behind it would only keep a connection busy. `wait` queues all the same, for whoever must do
 * something while the follower stands still.
 */
export async function holdFollower(
  tx: Db,
  name: string,
  options: { readonly wait?: boolean } = {},
): Promise<Position | undefined> {
  const query = tx.select().from(followers).where(eq(followers.name, name));
  const [row] = await (options.wait === true ? query.for('update') : query.for('update', { skipLocked: true }));
  return row?.cursor;
}

/** Makes the cursor of a follower, unless it has one. */
export async function startFollower(ground: Ground, name: string, from: 'start' | 'now'): Promise<void> {
  const cursor = from === 'now' ? await latestPosition(ground.db) : 0n;
  await ground.db.insert(followers).values({ name, cursor, movedAt: ground.clock() }).onConflictDoNothing();
}

export interface FollowerState {
  readonly name: string;
  readonly cursor: Position;
  readonly movedAt: Date;
  /** Why it does not get on, while it does not. */
  readonly error: string | undefined;
  /** No changes wait for it. */
  readonly upToDate: boolean;
}

/** For health and metrics. */
export async function listFollowers(db: Db): Promise<readonly FollowerState[]> {
  const latest = await latestPosition(db);
  const rows = await db.select().from(followers).orderBy(asc(followers.name));
  return rows.map((row) => ({ ...row, error: row.error ?? undefined, upToDate: row.cursor >= latest }));
}

/** The database may be what failed, so this may fail too: then there is nothing to note it in. */
async function noteError(ground: Ground, name: string, error: unknown): Promise<void> {
  // A failed query's own message repeats all its parameters; its cause is what Postgres said.
  const shown = error instanceof DrizzleQueryError && error.cause !== undefined ? error.cause : error;
  const text = (shown instanceof Error ? shown.message : String(shown)).slice(0, ERROR_LENGTH);
  await ground.db
    .update(followers)
    .set({ error: text })
    .where(eq(followers.name, name))
    .catch(() => undefined);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await delay(ms, undefined, { signal }).catch(() => undefined);
}
