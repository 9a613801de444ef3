import { and, asc, eq, inArray, sql, type SQL } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Db } from '../db/db.ts';
import { partitions } from '../db/tables/catalog.ts';
import type { Position } from '../model/change.ts';
import { parsePredicate } from '../model/predicate-parser.ts';
import type { Predicate } from '../model/predicate.ts';
import type { Principal } from '../model/principal.ts';
import type { Table } from '../model/table.ts';
import { accessesOf, type Access } from './partition-access.ts';
import { PARTITION_COLUMNS, type PartitionRow } from './partition-rows.ts';
import { keyAt, normalise } from './partition-sql.ts';
import { arrayLiteral } from './text.ts';
import { visible } from './visible.ts';

/** A reading of a table's partitions: the ways in, one after the other. */
export interface Reading {
  readonly tableId: string;
  readonly asOf: Position | undefined;
  readonly accesses: readonly Access[];
  /** Only rows with one of these. */
  readonly schemaHashes?: readonly string[] | undefined;
}

/** Where a reading has come to: on which way, and the last row there. */
export interface Place {
  readonly way: number;
  readonly key: readonly string[];
  readonly id: bigint;
}

export type PlacedRow = PartitionRow & { readonly way: number };

/** Throws BAD_PREDICATE. The table must be the one of that time, because its keys' types decide how values compare. */
export function readingOf(table: Table, predicate: string | Predicate | undefined, asOf: Position | undefined): Reading {
  const keys = table.schema.partitionKeys;
  const parsed = typeof predicate === 'string' ? parsePredicate(predicate, keys) : predicate;
  const normal = parsed === undefined ? undefined : normalise(parsed);
  return { tableId: table.id, asOf, accesses: accessesOf(normal, keys, asOf === undefined) };
}

/** The next rows of a reading, at most `limit`; fewer mean that there are no more. */
export async function readOn(db: Db, reading: Reading, after: Place | undefined, limit: number): Promise<PlacedRow[]> {
  const found: PlacedRow[] = [];
  for (let way = after?.way ?? 0; way < reading.accesses.length && found.length < limit; way++) {
    const access = reading.accesses[way];
    if (access === undefined) break;
    const rows = await selectRows(db, reading, access, way === after?.way ? after : undefined, limit - found.length);
    for (const row of rows) found.push({ ...row, way });
  }
  return found;
}

/** The statement of one way. Its order is that of the index, so that the limit ends the scan. */
export function selectRows(
  db: Db,
  { tableId, asOf, schemaHashes }: Reading,
  access: Access,
  after: Place | undefined,
  limit: number,
) {
  const order = access.order === 'key' ? [asc(partitions.key)] : [sql`${keyAt(access.order)} asc`, asc(partitions.id)];
  return db
    .select(PARTITION_COLUMNS)
    .from(partitions)
    .where(
      and(
        eq(partitions.tableId, tableId),
        visible(partitions, asOf),
        access.where,
        after && beyond(access, after),
        schemaHashes && inArray(partitions.schemaHash, [...schemaHashes]),
      ),
    )
    .orderBy(...order)
    .limit(limit);
}

function beyond(access: Access, { key, id }: Place): SQL {
  if (access.order === 'key') return sql`${partitions.key} > ${arrayLiteral(key)}::text[]`;
  return sql`(${keyAt(access.order)}, ${partitions.id}) > (${key[access.order] ?? ''}, ${id}::bigint)`;
}

const LOCATIONS_AT_ONCE = 10_000;

/** Where the current partitions of a table are: for who needs nothing else of very many. In the order of their keys. */
export async function* partitionLocations(db: Db, as: Principal, table: Table): AsyncIterable<string> {
  authorize(as, 'read', `the partitions of ${table.database}.${table.name}`);
  for (let after: readonly string[] | undefined; ;) {
    const beyondLast = after && sql`${partitions.key} > ${arrayLiteral(after)}::text[]`;
    const rows = await db
      .select({ location: partitions.location, key: partitions.key })
      .from(partitions)
      .where(and(eq(partitions.tableId, table.id), visible(partitions, undefined), beyondLast))
      .orderBy(asc(partitions.key))
      .limit(LOCATIONS_AT_ONCE);
    for (const { location } of rows) yield location;
    if (rows.length < LOCATIONS_AT_ONCE) return;
    after = rows.at(-1)?.key;
  }
}
