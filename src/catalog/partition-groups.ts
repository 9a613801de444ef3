import { and, asc, eq, isNull, sql, type SQL } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Db } from '../db/db.ts';
import { partitions } from '../db/tables/catalog.ts';
import { orderedKeys } from '../model/partition-key.ts';
import type { Principal } from '../model/principal.ts';
import type { Column, Format } from '../model/schema.ts';
import type { Partition, Table } from '../model/table.ts';
import { currentByKey, partitionOf } from './partition-rows.ts';
import { keyAt } from './partition-sql.ts';

type Values = readonly (string | null)[];

/** Current partitions of a table that have the same columns and the same format. */
export interface PartitionGroup {
  /** Undefined: they have none of their own. */
  readonly schemaHash: string | undefined;
  readonly format: Format | undefined;
  readonly count: number;
  /** By partition key: the values that come first and last in its order. */
  readonly ends: readonly Values[];
}

const KEYS_A_STATEMENT = 1_000;

/**
 * Those current partitions that have these values, each looked up in the index. Values that the table's keys cannot have are
 * those of none.
 */
export async function findPartitions(db: Db, as: Principal, table: Table, wanted: readonly Values[]): Promise<Partition[]> {
  authorize(as, 'read', `the partitions of ${table.database}.${table.name}`);
  const keys = wanted.flatMap((values) => keyOf(values, table.schema.partitionKeys) ?? []);
  const found: Partition[] = [];
  for (let at = 0; at < keys.length; at += KEYS_A_STATEMENT) {
    const rows = await currentByKey(db, table.id, keys.slice(at, at + KEYS_A_STATEMENT));
    for (const row of rows.values()) found.push(partitionOf(row));
  }
  return found;
}

function keyOf(values: Values, keys: readonly Column[]): [string[]] | undefined {
  try {
    return [orderedKeys(values, keys)];
  } catch {
    return undefined;
  }
}

/**
 * What all current partitions of a table but some are like, in one statement, so that nobody has to read them: as many groups
 * as there are different columns and formats, in the order of their first partitions.
 */
export async function partitionGroups(db: Db, as: Principal, table: Table, except: readonly bigint[]): Promise<PartitionGroup[]> {
  authorize(as, 'read', `the partitions of ${table.database}.${table.name}`);
  const levels = table.schema.partitionKeys.map((_, level) => level);
  const ends = levels.flatMap((level) => [sql`min(${keyed(level)})`, sql`max(${keyed(level)})`]);
  const rows = await db
    .select({
      schemaHash: partitions.schemaHash,
      format: partitions.format,
      count: sql`count(*)`.mapWith(Number),
      // An array of arrays keeps their order.
      ends: sql<(string | null)[][]>`array[${ends.length === 0 ? sql`array[]::text[]` : sql.join(ends, sql`, `)}]`,
    })
    .from(partitions)
    .where(others(table, except))
    .groupBy(partitions.schemaHash, partitions.format)
    .orderBy(asc(sql`min(${partitions.key})`));
  return rows.map(({ schemaHash, format, count, ends: pairs }) => ({
    schemaHash: schemaHash ?? undefined,
    format: format ?? undefined,
    count,
    ends: levels.map((level) => [pairs[2 * level]?.[1] ?? null, pairs[2 * level + 1]?.[1] ?? null]),
  }));
}

/** The different values of one partition key, of all current partitions but some. */
export async function keyValues(
  db: Db,
  as: Principal,
  table: Table,
  level: number,
  except: readonly bigint[],
): Promise<(string | null)[]> {
  authorize(as, 'read', `the partitions of ${table.database}.${table.name}`);
  const rows = await db
    .selectDistinct({ value: sql<string | null>`${valueAt(level)}` })
    .from(partitions)
    .where(others(table, except));
  return rows.map(({ value }) => value);
}

function others(table: Table, except: readonly bigint[]): SQL | undefined {
  const ids = sql.param(except.map(String));
  return and(
    eq(partitions.tableId, table.id),
    isNull(partitions.ended),
    except.length === 0 ? undefined : sql`${partitions.id} not in (select unnest(${ids}::bigint[]))`,
  );
}

/** A value after what it is ordered by. */
function keyed(level: number): SQL {
  return sql`array[${keyAt(level)}, ${valueAt(level)}]`;
}

function valueAt(level: number): SQL {
  return sql`${partitions.values}[${sql.raw(String(level + 1))}]`;
}
