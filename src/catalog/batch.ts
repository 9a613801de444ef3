import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Db } from '../db/db.ts';
import { databases, partitions, schemas, tables, versions } from '../db/tables/catalog.ts';
import type { Position } from '../model/change.ts';
import type { Principal } from '../model/principal.ts';
import type { Database, Table, Version } from '../model/table.ts';
import { DATABASE_COLUMNS, databaseOf } from './database-rows.ts';
import type { PartitionTotals } from './partitions.ts';
import { selectTables } from './table-rows.ts';
import { VERSION_COLUMNS, versionOf } from './versions.ts';
import { visible, type AsOf } from './visible.ts';

/**
 * Many things by what identifies them, each kind in one statement: for lists whose items lead to something else. What is
 * not there is left out.
 */

export async function findDatabases(db: Db, as: Principal, which: ByName | ById, { asOf }: AsOf = {}): Promise<Database[]> {
  authorize(as, 'read', 'the databases');
  const key = 'names' in which ? inArray(databases.name, [...which.names]) : inArray(databases.id, [...which.ids]);
  const rows = await db
    .select(DATABASE_COLUMNS)
    .from(databases)
    .where(and(key, visible(databases, asOf)));
  return rows.map(databaseOf);
}

interface ByName {
  readonly names: readonly string[];
}

interface ById {
  readonly ids: readonly string[];
}

export async function findTables(db: Db, as: Principal, ids: readonly string[], { asOf }: AsOf = {}): Promise<Table[]> {
  authorize(as, 'read', 'the tables');
  const rows = await selectTables(db, { where: inArray(tables.id, [...ids]), asOf });
  return rows.map(({ table }) => table);
}

export async function findVersions(
  db: Db,
  as: Principal,
  which: readonly Pick<Version, 'tableId' | 'number'>[],
): Promise<Version[]> {
  authorize(as, 'read', 'the versions of a table');
  const wanted = sql`select * from unnest(${sql.param(which.map(({ tableId }) => tableId))}::text[], ${sql.param(which.map(({ number }) => number))}::int[])`;
  const rows = await db
    .select(VERSION_COLUMNS)
    .from(versions)
    .innerJoin(schemas, eq(schemas.hash, versions.schemaHash))
    .where(sql`(${versions.tableId}, ${versions.number}) in (${wanted})`);
  return rows.map(versionOf);
}

/** By the table's id; a table without partitions is left out. */
export async function totalsOfTables(
  db: Db,
  as: Principal,
  tableIds: readonly string[],
  asOf?: Position,
): Promise<Map<string, PartitionTotals>> {
  authorize(as, 'read', 'the partitions of tables');
  const rows = await db
    .select({
      tableId: partitions.tableId,
      partitions: sql`count(*)`.mapWith(Number),
      known: sql`count(${partitions.rows})`.mapWith(Number),
      rows: sql`coalesce(sum(${partitions.rows}), 0)`.mapWith(BigInt),
      bytes: sql`coalesce(sum(${partitions.bytes}), 0)`.mapWith(BigInt),
      files: sql`coalesce(sum(${partitions.files}), 0)`.mapWith(Number),
    })
    .from(partitions)
    .where(
      and(inArray(partitions.tableId, [...tableIds]), asOf === undefined ? isNull(partitions.ended) : visible(partitions, asOf)),
    )
    .groupBy(partitions.tableId);
  return new Map(
    rows.map(({ tableId, known, rows: count, ...rest }) => [
      tableId,
      { ...rest, rows: known === rest.partitions ? count : undefined },
    ]),
  );
}
