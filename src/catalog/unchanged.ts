import { and, eq, gt } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { partitions } from '../db/tables/catalog.ts';
import type { Position } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import { readTable } from './table-rows.ts';

/** The table if it is there, and neither it nor what it has of partitions has come or changed after a position. */
export async function unchangedSince(tx: Db, id: string, position: Position): Promise<Table | undefined> {
  const row = await readTable(tx, id);
  if (row === undefined || row.stateAdded > position) return undefined;
  const [newer] = await tx
    .select({ id: partitions.id })
    .from(partitions)
    .where(and(eq(partitions.tableId, id), gt(partitions.added, position)))
    .limit(1);
  return newer === undefined ? row.table : undefined;
}
