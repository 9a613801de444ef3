import { and, eq, inArray, isNull } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { partitions, tableStates } from '../db/tables/catalog.ts';
import type { PackedManifest } from '../model/table.ts';
import { packManifest } from './manifests.ts';

/** How large a table of a database is said to be. It stands in the table's only partition, as with files. */
export interface Estimate {
  readonly rows: bigint | undefined;
  readonly bytes: bigint;
}

/** No files, only the bytes; with a hash of its own, so that another size is another partition. */
export function estimateManifest(bytes: bigint): PackedManifest {
  return { ...packManifest([]), hash: `estimate-${bytes}`, bytes };
}

/** What is recorded for the tables of an owner, by their ids: all at once, since there may be tens of thousands. */
export async function estimatesOf(db: Db, owner: string): Promise<Map<string, Estimate>> {
  const own = db
    .select({ id: tableStates.tableId })
    .from(tableStates)
    .where(and(eq(tableStates.owner, owner), isNull(tableStates.ended)));
  const found = await db
    .select({ id: partitions.tableId, rows: partitions.rows, bytes: partitions.bytes })
    .from(partitions)
    .where(and(inArray(partitions.tableId, own), isNull(partitions.ended)));
  return new Map(found.map(({ id, rows, bytes }) => [id, { rows: rows ?? undefined, bytes: bytes ?? 0n }]));
}
