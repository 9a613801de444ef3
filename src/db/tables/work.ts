import { sql } from 'drizzle-orm';
import { bigint, bigserial, index, integer, jsonb, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

export const RUN_STATES = ['QUEUED', 'RUNNING', 'STOPPING', 'SUCCEEDED', 'INCOMPLETE', 'BLOCKED', 'FAILED', 'STOPPED'] as const;

export const runs = pgTable(
  'runs',
  {
    id: text('id').primaryKey(),
    /** `crawl` or `job`; what to call for it is registered in the wiring. */
    kind: text('kind').notNull(),
    /** Of the crawler or job. */
    name: text('name').notNull(),
    state: text('state', { enum: RUN_STATES }).notNull(),
    params: jsonb('params').$type<Record<string, unknown>>().notNull(),
    principalId: text('principal_id').notNull(),
    attempt: integer('attempt').notNull().default(0),
    /** Moves with every attempt. Who holds an older one may neither publish nor end the run. */
    epoch: bigint('epoch', { mode: 'number' }).notNull().default(0),
    leaseUntil: instant('lease_until'),
    /** Where the next attempt continues; the kind's own shape. */
    checkpoint: jsonb('checkpoint'),
    progress: jsonb('progress').$type<Record<string, unknown>>(),
    result: jsonb('result').$type<Record<string, unknown>>(),
    error: jsonb('error').$type<{ code: string; message: string; details: Record<string, unknown> }>(),
    createdAt: instant('created_at').notNull(),
    startedAt: instant('started_at'),
    endedAt: instant('ended_at'),
  },
  (t) => [
    index('runs_name').on(t.kind, t.name, t.createdAt),
    index('runs_created').on(t.createdAt, t.id),
    /** What waits or runs is looked for every few seconds, among all that ever ran. */
    index('runs_open')
      .on(t.createdAt, t.id)
      .where(sql`state in ('QUEUED', 'RUNNING', 'STOPPING')`),
    /** A crawler or a job never runs twice at once. */
    uniqueIndex('runs_one_at_a_time')
      .on(t.kind, t.name)
      .where(sql`state in ('RUNNING', 'STOPPING')`),
  ],
);

export const runLogs = pgTable(
  'run_logs',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    runId: text('run_id')
      .notNull()
      .references(() => runs.id, { onDelete: 'cascade' }),
    at: instant('at').notNull(),
    level: text('level', { enum: ['debug', 'info', 'warn', 'error'] }).notNull(),
    message: text('message').notNull(),
    fields: jsonb('fields').$type<Record<string, unknown>>(),
  },
  (t) => [index('run_logs_run').on(t.runId, t.id)],
);
