import type { Db } from '../db/db.ts';
import type { RUN_STATES, runs } from '../db/tables/work.ts';
import type { ErrorCode } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';

export type RunState = (typeof RUN_STATES)[number];

/**
 * A run as its row says. `attempt` counts its tries, `epoch` moves with each of them: who holds an older epoch is a zombie
 * and may neither publish nor end the run.
 */
export type Run = Readonly<typeof runs.$inferSelect>;

/** States in which a run is under way. */
export const LIVE_STATES = ['RUNNING', 'STOPPING'] as const satisfies readonly RunState[];
/** States in which no second run of the same kind and name is taken on. */
export const OPEN_STATES = ['QUEUED', ...LIVE_STATES] as const satisfies readonly RunState[];

export function isEnded(run: Pick<Run, 'state'>): boolean {
  return OPEN_STATES.every((state) => state !== run.state);
}

/** How a run came out. INCOMPLETE: done, but something is unknown or parked. BLOCKED: refused before it read any data. */
export interface RunEnd {
  readonly state: 'SUCCEEDED' | 'INCOMPLETE' | 'BLOCKED' | 'FAILED' | 'STOPPED';
  readonly result?: Record<string, unknown>;
  readonly error?: RunError;
}

export interface RunError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Record<string, unknown>;
}

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** What one attempt of a run has in hand. */
export interface RunContext {
  readonly run: Run;
  /** In whose name it acts, with the role of now. */
  readonly principal: Principal;
  /** Counted from 1. */
  readonly attempt: number;
  /** Aborts when somebody stops the run, when another attempt took it over, and when the process closes. */
  readonly signal: AbortSignal;
  /** What the attempt before saved last; null for none. */
  readonly checkpoint: unknown;
  /** Into the run's log; written soon, and at the latest when the run ends. Beyond `limits.runLogLines` lines are dropped. */
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
  /** Shown to who watches; the last one counts. */
  progress(progress: Record<string, unknown>): void;
  /** Commits with `tx`. Throws OUT_OF_DATE as `hold` does. */
  saveCheckpoint(tx: Db, checkpoint: unknown): Promise<void>;
  /**
   * Locks the run's row until `tx` ends, so that no other attempt can begin and nobody can end it in between. Call it first
   * in the transaction that publishes. Throws OUT_OF_DATE when the run is no longer this attempt's.
   */
  hold(tx: Db): Promise<void>;
  /** Ends the run with `tx`: then what it published and its end are one commit. `execute` returns the same end afterwards. */
  end(tx: Db, end: RunEnd): Promise<void>;
}

/** What is registered for a kind. What it throws ends the run as FAILED with that error, which is shown: so without secrets. */
export type Execute = (context: RunContext) => Promise<RunEnd>;
