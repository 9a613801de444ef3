import { and, eq, isNull, sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Entry, Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { partitions } from '../db/tables/catalog.ts';
import type { Position } from '../model/change.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import { partitionText } from '../model/partition-key.ts';
import type { Predicate } from '../model/predicate.ts';
import type { Principal } from '../model/principal.ts';
import type { Column } from '../model/schema.ts';
import type { Partition, PartitionDraft, Table } from '../model/table.ts';
import { formatType } from '../model/types.ts';
import { checkPage, cursorsOf, numberOf, pageOf, type CursorPart } from './cursor.ts';
import { deviatingHashes } from './deviations.ts';
import { saveManifests } from './manifests.ts';
import { checkOwner, mayChange } from './owner.ts';
import { isSame, preparation, type Prepared } from './partition-plan.ts';
import { readingOf, readOn, type Place, type PlacedRow } from './partition-reads.ts';
import {
  currentByKey,
  endRows,
  insertRows,
  statsOf,
  PARTITION_COLUMNS,
  partitionOf,
  type KeptStats,
  type NewPartitionRow,
  type PartitionRow,
} from './partition-rows.ts';
import { noteTally, tallyOf } from './partition-tally.ts';
import { saveSchemas } from './schemas.ts';
import { readTable } from './table-rows.ts';
import { pinned, type AsOf } from './visible.ts';

export interface PartitionCounts {
  readonly added: number;
  readonly changed: number;
  readonly unchanged: number;
}

/**
 * Makes these partitions current: new ones are added, changed ones switched (the old row ends at the position at which
 * the new one begins), and those that are the same are not written. A table without partition keys has one partition,
 * with no values. Columns, rows, statistics and format that a draft leaves out are: as they were while the files are the same, else
 * unknown; for the format, the table's.
 *
 * At most 10,000 at a time: the write lock is held meanwhile. Throws NOT_FOUND when the table is gone, BAD_INPUT when the
 * values do not fit the partition keys or the same partition comes twice, LIMIT when keys are too long for an index,
 * ALREADY_EXISTS (with `details.owner`) when a partition to change is another owner's and the writer is not the API.
 */
export async function recordPartitions(w: Write, table: Table, drafts: readonly PartitionDraft[]): Promise<PartitionCounts> {
  const now = await writableTable(w, table);
  const prepare = preparation(now);
  const counts = { added: 0, changed: 0, unchanged: 0 };
  for (let at = 0; at < drafts.length; at += ROWS_A_STATEMENT) {
    await recordSome(w, now, drafts.slice(at, at + ROWS_A_STATEMENT).map(prepare), counts);
  }
  return counts;
}

/** More rows in one statement are no faster, and all of it stands in memory a few times. */
const ROWS_A_STATEMENT = 1_000;

async function recordSome(
  w: Write,
  table: Table,
  wanted: readonly Prepared[],
  counts: { -readonly [Count in keyof PartitionCounts]: number },
): Promise<void> {
  const current = await currentByKey(
    w.tx,
    table.id,
    wanted.map(({ key }) => key),
  );
  const moves = wanted.flatMap((next, place) => {
    const before = current.get(place);
    return before !== undefined && isSame(next, before) ? [] : [{ next, before }];
  });
  if (moves.length > 0) await move(w, table, moves);
  const changed = moves.filter(({ before }) => before !== undefined).length;
  counts.added += moves.length - changed;
  counts.changed += changed;
  counts.unchanged += wanted.length - moves.length;
}

/** The table as it is in this transaction: the caller's may be older. */
async function writableTable(w: Write, table: Table): Promise<Table> {
  authorize(w.by.principal, 'write', `the partitions of ${table.database}.${table.name}`);
  const row = await readTable(w.tx, table.id);
  if (row !== undefined) return row.table;
  throw new TenonError('NOT_FOUND', `The table ${table.database}.${table.name} is gone.`, {
    table: `${table.database}.${table.name}`,
  });
}

interface Move {
  readonly next: Prepared;
  readonly before: PartitionRow | undefined;
}

async function move(w: Write, table: Table, moves: readonly Move[]): Promise<void> {
  for (const { next, before } of moves) {
    if (before !== undefined) checkOwner(w, before.owner, `partition ${next.text} of ${table.database}.${table.name}`);
  }
  const entry = await w.entry({ id: table.id, database: table.database, table: table.name });
  await saveManifests(
    w.tx,
    moves.map(({ next }) => next.draft.manifest),
  );
  await saveSchemas(w.tx, [...new Set(moves.flatMap(({ next }) => next.schema?.content ?? []))]);
  await endRows(
    w.tx,
    entry,
    moves.flatMap(({ before }) => before ?? []),
  );
  const ids = moves.flatMap(({ next: { draft } }) => (draft.stats === undefined ? (draft.movedFrom ?? []) : []));
  const told = await statsOf(w.tx, ids);
  await insertRows(
    w.tx,
    entry,
    table.id,
    moves.map((one) => newRow(w, one, told.get(one.next.draft.movedFrom))),
  );
  const tally = tallyOf(entry);
  for (const { next, before } of moves) tally.count(before === undefined ? 'added' : 'changed', next.key, next.text);
  noteTally(entry);
}

function newRow(w: Write, { next: { draft, key, schema }, before }: Move, elsewhere: KeptStats | undefined): NewPartitionRow {
  const { hash, files, bytes } = draft.manifest;
  const kept = before?.manifestHash === hash ? before : undefined;
  const moved = elsewhere?.manifestHash === hash ? elsewhere : undefined;
  return {
    values: [...draft.values],
    key,
    location: draft.location,
    format: draft.format ?? null,
    schemaHash: schema?.hash ?? (draft.inherits === true ? null : (kept?.schemaHash ?? null)),
    owner: before?.owner ?? w.by.owner,
    rows: draft.rows ?? kept?.rows ?? null,
    bytes,
    files,
    manifestHash: hash,
    stats: draft.stats ?? kept?.stats ?? moved?.stats ?? null,
  };
}

/**
 * Ends partitions: current ones of this table, and unless the writer is the API only its own; other ids are passed over.
 * Tells how many it ended.
 */
export async function endPartitions(w: Write, table: Table, ids: readonly bigint[]): Promise<{ removed: number }> {
  authorize(w.by.principal, 'write', `the partitions of ${table.database}.${table.name}`);
  if (ids.length === 0) return { removed: 0 };
  const wanted = sql`${partitions.id} = any(${sql.param(ids.map(String))}::bigint[])`;
  const found = await w.tx
    .select(PARTITION_COLUMNS)
    .from(partitions)
    .where(and(wanted, eq(partitions.tableId, table.id), isNull(partitions.ended)));
  const own = found.filter((row) => mayChange(w, row.owner));
  if (own.length === 0) return { removed: 0 };
  const entry = await w.entry({ id: table.id, database: table.database, table: table.name });
  await endRows(w.tx, entry, own);
  countRemoved(entry, own, table.schema.partitionKeys);
  return { removed: own.length };
}

function countRemoved(entry: Entry, rows: readonly PartitionRow[], keys: readonly Column[]): void {
  const tally = tallyOf(entry);
  for (const { key, values } of rows)
    tally.count('removed', key, values.length === keys.length ? partitionText(keys, values) : '');
  noteTally(entry);
}

export interface PartitionFilter extends AsOf {
  /** As `parsePredicate` reads it, or read already for the keys of this table. */
  readonly predicate?: string | Predicate | undefined;
  /** Only those whose own columns are not what the table says. */
  readonly deviating?: boolean | undefined;
}

/** In the order of whatever index answers the predicate; the same from page to page. Throws BAD_PREDICATE. */
export async function listPartitions(
  db: Db,
  as: Principal,
  table: Table,
  filter: PartitionFilter,
  page: PageRequest,
): Promise<Page<Partition>> {
  authorize(as, 'read', `the partitions of ${table.database}.${table.name}`);
  checkPage(page);
  const then = await tableAt(db, table, filter.asOf);
  if (then === undefined) return { items: [], hasNextPage: false };
  const keys = then.schema.partitionKeys.map(({ name, type }) => [name, formatType(type)]);
  const cursors = cursorsOf([
    'partitions',
    table.id,
    filter.predicate ?? null,
    filter.asOf ?? null,
    keys,
    filter.deviating ?? false,
  ]);
  const after = placeOf(cursors.decode(page, 2 + keys.length));
  const schemaHashes = filter.deviating === true ? await deviatingHashes(db, then, filter) : undefined;
  const reading = { ...readingOf(then, filter.predicate, filter.asOf), schemaHashes };
  const rows = await readOn(db, reading, after, page.first + 1);
  const cursorOf = (row: PlacedRow) => cursors.encode([row.way, String(row.id), ...row.key]);
  return pageOf(rows, page.first, cursorOf, partitionOf);
}

function placeOf(parts: readonly CursorPart[] | undefined): Place | undefined {
  if (parts === undefined) return undefined;
  const [way, id, ...key] = parts;
  return { way: Number(numberOf(way)), key: key.map(String), id: numberOf(id) };
}

/** Values compare by the types that the keys had at the time. */
async function tableAt(db: Db, table: Table, asOf: Position | undefined): Promise<Table | undefined> {
  return asOf === undefined ? table : (await readTable(db, table.id, asOf))?.table;
}

/**
 * All of them, `batch` at a time (1,000 unless told), as they were at one position: the one given, else the latest when
 * it starts. Inside a transaction it reads the present instead; see `pinned`. Throws BAD_PREDICATE with the first one.
 */
export function streamPartitions(
  db: Db,
  as: Principal,
  table: Table,
  filter: PartitionFilter & { readonly batch?: number } = {},
): AsyncIterable<Partition> {
  authorize(as, 'read', `the partitions of ${table.database}.${table.name}`);
  return readAll(db, table, filter);
}

async function* readAll(db: Db, table: Table, filter: PartitionFilter & { readonly batch?: number }): AsyncGenerator<Partition> {
  const limit = filter.batch ?? 1_000;
  const asOf = await pinned(db, filter.asOf);
  const then = await tableAt(db, table, asOf);
  if (then === undefined) return;
  const reading = readingOf(then, filter.predicate, asOf);
  let after: Place | undefined;
  for (;;) {
    const rows = await readOn(db, reading, after, limit);
    for (const row of rows) yield partitionOf(row);
    after = rows.at(-1);
    if (rows.length < limit) return;
  }
}

export interface PartitionTotals {
  readonly partitions: number;
  /** Undefined as soon as one partition does not tell its own. */
  readonly rows: bigint | undefined;
  readonly bytes: bigint;
  readonly files: number;
}

/** Of the current partitions. */
export async function partitionTotals(db: Db, table: Pick<Table, 'id'>): Promise<PartitionTotals> {
  const [totals] = await db
    .select({
      partitions: sql`count(*)`.mapWith(Number),
      known: sql`count(${partitions.rows})`.mapWith(Number),
      rows: sql`coalesce(sum(${partitions.rows}), 0)`.mapWith(BigInt),
      bytes: sql`coalesce(sum(${partitions.bytes}), 0)`.mapWith(BigInt),
      files: sql`coalesce(sum(${partitions.files}), 0)`.mapWith(Number),
    })
    .from(partitions)
    .where(and(eq(partitions.tableId, table.id), isNull(partitions.ended)));
  if (totals === undefined) return { partitions: 0, rows: 0n, bytes: 0n, files: 0 };
  const { known, rows, ...rest } = totals;
  return { ...rest, rows: known === rest.partitions ? rows : undefined };
}
