import { sql } from 'drizzle-orm';
import { index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { manifests, tables } from './catalog.ts';
import { added, ended, instant } from './columns.ts';

export const jobs = pgTable(
  'jobs',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    /** The job file, checked by src/etl/job.ts. */
    definition: jsonb('definition').notNull(),
    added: added(),
    ended: ended(),
  },
  (t) => [
    uniqueIndex('jobs_name')
      .on(t.name)
      .where(sql`ended is null`),
    index('jobs_history').on(t.name, t.added),
  ],
);

/** Which version of an input a job was last good with, and which columns of it the job reads: what the gate compares. */
export const pins = pgTable(
  'pins',
  {
    jobId: text('job_id')
      .notNull()
      .references(() => jobs.id),
    input: text('input').notNull(),
    tableId: text('table_id')
      .notNull()
      .references(() => tables.id),
    version: integer('version').notNull(),
    columns: text('columns').array().notNull(),
    at: instant('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.jobId, t.input] })],
);

/**
 * What a job has read, exactly: for each input and partition the manifest of all files that published runs have consumed.
 * A file is new when its path, etag and size are not in it. No times are compared.
 */
export const bookmarks = pgTable(
  'bookmarks',
  {
    jobName: text('job_name').notNull(),
    input: text('input').notNull(),
    tableId: text('table_id')
      .notNull()
      .references(() => tables.id),
    /** The partition's order-preserving key, joined; see src/model/partition-key.ts. */
    partition: text('partition').notNull(),
    manifestHash: text('manifest_hash')
      .notNull()
      .references(() => manifests.hash),
    runId: text('run_id').notNull(),
    at: instant('at').notNull(),
  },
  (t) => [primaryKey({ columns: [t.jobName, t.input, t.tableId, t.partition] })],
);
