import { and, eq, inArray, isNull, sql } from 'drizzle-orm';
import type { Entry, Write } from '../changes/write.ts';
import { partitions } from '../db/tables/catalog.ts';
import { TenonError } from '../model/errors.ts';
import { orderedKeys, partitionText } from '../model/partition-key.ts';
import type { Column } from '../model/schema.ts';
import { sameType } from '../model/types.ts';
import type { Table } from '../model/table.ts';
import { currentAfter, endRows, insertRows, PARTITION_COLUMNS, type PartitionRow } from './partition-rows.ts';
import { noteTally, tallyOf } from './partition-tally.ts';

const ROWS_AT_ONCE = 5_000;

/** Ends all current partitions of a table, whoever owns them. */
export async function endAllPartitions(w: Write, entry: Entry, table: Table): Promise<void> {
  const current = and(eq(partitions.tableId, table.id), isNull(partitions.ended));
  const unseen = await w.tx.delete(partitions).where(and(current, eq(partitions.added, entry.position)));
  const { rowCount } = await w.tx.update(partitions).set({ ended: entry.position }).where(current);
  if ((rowCount ?? 0) + (unseen.rowCount ?? 0) === 0) return;
  tallyOf(entry).countAll('removed', rowCount ?? 0);
  noteTally(entry);
}

/**
 * Brings the current partitions in line with new partition keys. Another number of keys ends them: their values fit no
 * longer. Another type may give a value another ordered key: those rows are switched to it. Rows that have ended keep the
 * keys they had, because as-of reads look for them by the types of their time. Throws BAD_INPUT when a value is not one of
 * its new type, or when two partitions would become one.
 */
export async function refitPartitions(w: Write, entry: Entry, before: Table, after: Table): Promise<void> {
  const [was, is] = [before.schema.partitionKeys, after.schema.partitionKeys];
  if (was.length !== is.length) return endAllPartitions(w, entry, before);
  if (is.every((key, index) => sameType(key.type, was[index]?.type ?? key.type))) return;
  const ids = await endMoved(w, entry, before.id, is);
  for (let at = 0; at < ids.length; at += ROWS_AT_ONCE) {
    const chunk = ids.slice(at, at + ROWS_AT_ONCE);
    const rows = await w.tx.select(PARTITION_COLUMNS).from(partitions).where(inArray(partitions.id, chunk));
    await addMoved(w, entry, after, rows);
  }
  if (ids.length > 0) noteTally(entry);
}

/** First all of them end, and only then the new rows come: a new key may be another row's old one. */
async function endMoved(w: Write, entry: Entry, tableId: string, keys: readonly Column[]): Promise<bigint[]> {
  const ids: bigint[] = [];
  let rows: PartitionRow[];
  let last: string[] | undefined;
  do {
    rows = await currentAfter(w.tx, tableId, last, ROWS_AT_ONCE);
    const moved = rows.filter((row) => orderedKeys(row.values, keys).some((key, index) => key !== row.key[index]));
    // Also rows of this very transaction are ended and not deleted: the second step reads them.
    const all = sql.param(moved.map(({ id }) => String(id)));
    await w.tx.execute(sql`update ${partitions} set ended = ${entry.position} where id = any(${all}::bigint[])`);
    for (const { id } of moved) ids.push(id);
    last = rows.at(-1)?.key;
  } while (rows.length === ROWS_AT_ONCE);
  return ids;
}

async function addMoved(w: Write, entry: Entry, table: Table, rows: readonly PartitionRow[]): Promise<void> {
  const keys = table.schema.partitionKeys;
  const fresh = rows.map((row) => ({ ...row, key: orderedKeys(row.values, keys) }));
  try {
    await insertRows(w.tx, entry, table.id, fresh);
  } catch (error) {
    if (!isDuplicate(error)) throw error;
    const message = `With these partition keys two partitions of ${table.database}.${table.name} would become one.`;
    throw new TenonError('BAD_INPUT', message, { table: `${table.database}.${table.name}` }, { cause: error });
  }
  await endRows(
    w.tx,
    entry,
    rows.filter((row) => row.added === entry.position),
  );
  const tally = tallyOf(entry);
  for (const row of rows) tally.count('changed', row.key, partitionText(keys, row.values));
}

function isDuplicate(error: unknown): boolean {
  const cause = error instanceof Error ? error.cause : undefined;
  return typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === '23505';
}
