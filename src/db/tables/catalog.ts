import { sql } from 'drizzle-orm';
import { bigserial, index, integer, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import type { PartitionStats } from '../../model/partition-stats.ts';
import type { Format } from '../../model/schema.ts';
import { added, bytea, count, ended, instant, keyArray } from './columns.ts';

export const databases = pgTable(
  'databases',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    description: text('description'),
    owner: text('owner').notNull(),
    parameters: jsonb('parameters').$type<Record<string, string>>().notNull().default({}),
    added: added(),
    ended: ended(),
  },
  (t) => [
    uniqueIndex('databases_name')
      .on(t.name)
      .where(sql`ended is null`),
    index('databases_history').on(t.name, t.added),
  ],
);

/** The identity of a table. What may change about it stands in `table_states`, what its rows look like in `versions`. */
export const tables = pgTable(
  'tables',
  {
    id: text('id').primaryKey(),
    databaseId: text('database_id')
      .notNull()
      .references(() => databases.id),
    name: text('name').notNull(),
    added: added(),
    ended: ended(),
  },
  (t) => [
    uniqueIndex('tables_name')
      .on(t.databaseId, t.name)
      .where(sql`ended is null`),
    index('tables_history').on(t.databaseId, t.name, t.added),
  ],
);

/** What a table was like from `added` until `ended`. Exactly one row of a living table has no `ended`. */
export const tableStates = pgTable(
  'table_states',
  {
    tableId: text('table_id')
      .notNull()
      .references(() => tables.id),
    added: added(),
    ended: ended(),
    type: text('type').notNull(),
    location: text('location'),
    format: jsonb('format').$type<Format>(),
    description: text('description'),
    /** Who may remove it by absence: `crawler:<name>`, `job:<name>` or `api`. */
    owner: text('owner').notNull(),
    /** Through which connection its location is read; null for what needs none. */
    connection: text('connection'),
    parameters: jsonb('parameters').$type<Record<string, string>>().notNull().default({}),
    /** What a source declares besides columns: keys, indexes, entity types … `src/model/table-details.ts`. */
    details: jsonb('details').$type<Record<string, unknown>>(),
    version: integer('version').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.tableId, t.added] }),
    uniqueIndex('table_states_current')
      .on(t.tableId)
      .where(sql`ended is null`),
    index('table_states_owner')
      .on(t.owner)
      .where(sql`ended is null`),
  ],
);

/** Content-addressed and immutable, shared by versions and by partitions that deviate from their table. */
export const schemas = pgTable('schemas', {
  hash: text('hash').primaryKey(),
  /** `{columns, partitionKeys}` with types in Hive's spelling. */
  content: jsonb('content').notNull(),
});

export const versions = pgTable(
  'versions',
  {
    tableId: text('table_id')
      .notNull()
      .references(() => tables.id),
    /** 1, 2, 3 … for each table. */
    number: integer('number').notNull(),
    schemaHash: text('schema_hash')
      .notNull()
      .references(() => schemas.hash),
    at: instant('at').notNull(),
    added: added(),
    /** When the next version took its place. */
    ended: ended(),
    runId: text('run_id'),
  },
  (t) => [primaryKey({ columns: [t.tableId, t.number] })],
);

/** Files of a partition, packed; see src/catalog/manifests.ts. Kept as long as a partition, a bookmark or a crawl's checkpoint names it. */
export const manifests = pgTable('manifests', {
  hash: text('hash').primaryKey(),
  packed: bytea('packed').notNull(),
});

/**
 * One row for each state of a partition. A table without partition keys has one partition, with no values, so that its
 * files, rows and bytes have a place. The indexes cover ended rows too: as-of reads need them.
 */
export const partitions = pgTable(
  'partitions',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    tableId: text('table_id')
      .notNull()
      .references(() => tables.id),
    /** As written; null is Hive's default partition. */
    values: text('values').array().$type<(string | null)[]>().notNull(),
    key: keyArray('key').notNull(),
    location: text('location').notNull(),
    /** Null where it is the table's. */
    format: jsonb('format').$type<Format>(),
    schemaHash: text('schema_hash').references(() => schemas.hash),
    owner: text('owner').notNull(),
    rows: count('rows'),
    bytes: count('bytes'),
    files: integer('files').notNull(),
    manifestHash: text('manifest_hash').references(() => manifests.hash),
    /** By column, where every file's footer was read: least and greatest value, nulls. `src/model/partition-stats.ts`. */
    stats: jsonb('stats').$type<PartitionStats>(),
    added: added(),
    ended: ended(),
  },
  (t) => [
    index('partitions_key1').on(t.tableId, sql`(key[1])`, t.id),
    index('partitions_key2').on(t.tableId, sql`(key[2])`, t.id),
    index('partitions_key3').on(t.tableId, sql`(key[3])`, t.id),
    index('partitions_key4').on(t.tableId, sql`(key[4])`, t.id),
    uniqueIndex('partitions_current')
      .on(t.tableId, t.key)
      .where(sql`ended is null`),
    index('partitions_added').on(t.tableId, t.added),
    index('partitions_ended').on(t.tableId, t.ended),
  ],
);

/** Edges from what was read to what was written. A null column is the whole table. */
export const lineage = pgTable(
  'lineage',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    fromTableId: text('from_table_id')
      .notNull()
      .references(() => tables.id),
    fromColumn: text('from_column'),
    toTableId: text('to_table_id')
      .notNull()
      .references(() => tables.id),
    toColumn: text('to_column'),
    /** Who made it: `job:<name>`. */
    producer: text('producer').notNull(),
    runId: text('run_id'),
    added: added(),
    ended: ended(),
  },
  (t) => [index('lineage_from').on(t.fromTableId, t.added), index('lineage_to').on(t.toTableId, t.added)],
);
