import { and, asc, eq, isNotNull, isNull, sql, type SQL } from 'drizzle-orm';
import type { Entry } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { partitions } from '../db/tables/catalog.ts';
import type { Position } from '../model/change.ts';
import type { PartitionStats } from '../model/partition-stats.ts';
import type { Format } from '../model/schema.ts';
import type { Partition } from '../model/table.ts';
import { arrayLiteral } from './text.ts';

export const PARTITION_COLUMNS = {
  id: partitions.id,
  tableId: partitions.tableId,
  values: partitions.values,
  key: partitions.key,
  location: partitions.location,
  format: partitions.format,
  schemaHash: partitions.schemaHash,
  owner: partitions.owner,
  rows: partitions.rows,
  bytes: partitions.bytes,
  files: partitions.files,
  manifestHash: partitions.manifestHash,
  stats: partitions.stats,
  added: partitions.added,
};

export interface PartitionRow {
  readonly id: bigint;
  readonly tableId: string;
  readonly values: (string | null)[];
  readonly key: string[];
  readonly location: string;
  readonly format: Format | null;
  readonly schemaHash: string | null;
  readonly owner: string;
  readonly rows: bigint | null;
  readonly bytes: bigint | null;
  readonly files: number;
  readonly manifestHash: string | null;
  readonly stats: PartitionStats | null;
  readonly added: Position;
}

/** A row that is to be: all but what the database and the transaction give it. */
export type NewPartitionRow = Omit<PartitionRow, 'id' | 'tableId' | 'added'>;

export function partitionOf({ key: _key, added: _added, ...row }: PartitionRow): Partition {
  return {
    ...row,
    format: row.format ?? undefined,
    schemaHash: row.schemaHash ?? undefined,
    rows: row.rows ?? undefined,
    bytes: row.bytes ?? undefined,
    manifestHash: row.manifestHash ?? undefined,
    stats: row.stats ?? undefined,
  };
}

/** The current rows with these keys, by the place of the key in the list. Found by the unique index on (table, key). */
export async function currentByKey(
  tx: Db,
  tableId: string,
  keys: readonly (readonly string[])[],
): Promise<Map<number, PartitionRow>> {
  const literals = sql.param(keys.map(arrayLiteral));
  const wanted = sql`unnest(${literals}::text[]) with ordinality as wanted(key, place)`;
  const rows = await tx
    .select({ ...PARTITION_COLUMNS, place: sql<string>`wanted.place` })
    .from(wanted)
    .innerJoin(
      partitions,
      and(eq(partitions.tableId, tableId), sql`${partitions.key} = wanted.key::text[]`, isNull(partitions.ended)),
    );
  return new Map(rows.map(({ place, ...row }) => [Number(place) - 1, row]));
}

export type KeptStats = Pick<PartitionRow, 'manifestHash' | 'stats'>;

/** What is known of the columns of some partitions, be they current or ended, by their ids. */
export async function statsOf(tx: Db, ids: readonly bigint[]): Promise<Map<bigint | undefined, KeptStats>> {
  if (ids.length === 0) return new Map();
  const { id, manifestHash, stats } = partitions;
  const rows = await tx
    .select({ id, manifestHash, stats })
    .from(partitions)
    .where(and(sql`${id} = any(${sql.param(ids.map(String))}::bigint[])`, isNotNull(stats)));
  return new Map(rows.map((row) => [row.id, row]));
}

/** Rows of this same transaction were never seen by anybody: they are taken away, not ended. */
export async function endRows(tx: Db, entry: Entry, rows: readonly Pick<PartitionRow, 'id' | 'added'>[]): Promise<void> {
  const isNew = (row: { added: Position }) => row.added === entry.position;
  const unseen = rows.filter(isNew).map(({ id }) => String(id));
  const seen = rows.filter((row) => !isNew(row)).map(({ id }) => String(id));
  if (unseen.length > 0) await tx.execute(sql`delete from ${partitions} where id = any(${sql.param(unseen)}::bigint[])`);
  if (seen.length === 0) return;
  await tx.execute(sql`update ${partitions} set ended = ${entry.position} where id = any(${sql.param(seen)}::bigint[])`);
}

/** All in one statement, a parameter for each column: 10,000 rows take well under a second. */
export async function insertRows(tx: Db, entry: Entry, tableId: string, rows: readonly NewPartitionRow[]): Promise<void> {
  if (rows.length === 0) return;
  const column = (of: (row: NewPartitionRow) => string | null, type: string): SQL =>
    sql`${sql.param(rows.map(of))}::${sql.raw(type)}[]`;
  await tx.execute(sql`
    insert into ${partitions}
      (table_id, "values", key, location, format, schema_hash, owner, rows, bytes, files, manifest_hash, stats, added)
    select ${tableId}, v."values"::text[], v.key::text[], v.location, v.format, v.schema_hash, v.owner, v.rows, v.bytes, v.files,
      v.manifest_hash, v.stats, ${entry.position}::bigint
    from unnest(
      ${column((row) => arrayLiteral(row.values), 'text')},
      ${column((row) => arrayLiteral(row.key), 'text')},
      ${column((row) => row.location, 'text')},
      ${column((row) => row.format && JSON.stringify(row.format), 'jsonb')},
      ${column((row) => row.schemaHash, 'text')},
      ${column((row) => row.owner, 'text')},
      ${column((row) => (row.rows === null ? null : String(row.rows)), 'bigint')},
      ${column((row) => (row.bytes === null ? null : String(row.bytes)), 'bigint')},
      ${column((row) => String(row.files), 'int')},
      ${column((row) => row.manifestHash, 'text')},
      ${column((row) => row.stats && JSON.stringify(row.stats), 'jsonb')}
    ) as v("values", key, location, format, schema_hash, owner, rows, bytes, files, manifest_hash, stats)`);
}

/** A stretch of a table's current partitions in the order of their keys, after a key. */
export function currentAfter(
  tx: Db,
  tableId: string,
  after: readonly string[] | undefined,
  limit: number,
): Promise<PartitionRow[]> {
  const beyond = after === undefined ? undefined : sql`${partitions.key} > ${arrayLiteral(after)}::text[]`;
  return tx
    .select(PARTITION_COLUMNS)
    .from(partitions)
    .where(and(eq(partitions.tableId, tableId), isNull(partitions.ended), beyond))
    .orderBy(asc(partitions.key))
    .limit(limit);
}
