import { bigint, index, jsonb, pgSequence, pgTable, text } from 'drizzle-orm/pg-core';
import { instant } from './columns.ts';

/** Taken only under the write lock, so that the order of positions is the order of commits. */
export const changesPosition = pgSequence('changes_position');

/** The log: one row per subject (a table, a database, a crawler …) per transaction. */
export const changes = pgTable(
  'changes',
  {
    position: bigint('position', { mode: 'bigint' }).primaryKey(),
    at: instant('at').notNull(),
    kind: text('kind').notNull(),
    /** The id of the row the change is about, so that a rename does not cut its history. */
    subject: text('subject').notNull(),
    database: text('database'),
    table: text('table'),
    principal: text('principal').notNull(),
    owner: text('owner').notNull(),
    runId: text('run_id'),
    before: jsonb('before'),
    after: jsonb('after'),
    /** What is particular to the kind: a version's diff, or a summary of partitions {added, changed, ended, first, last}. */
    details: jsonb('details'),
  },
  (t) => [index('changes_subject').on(t.subject, t.position), index('changes_table').on(t.database, t.table, t.position)],
);

/** How far each follower has come. */
export const followers = pgTable('followers', {
  name: text('name').primaryKey(),
  cursor: bigint('cursor', { mode: 'bigint' }).notNull(),
  movedAt: instant('moved_at').notNull(),
  error: text('error'),
});
