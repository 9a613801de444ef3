import { and, eq, isNull, sql, type SQL } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Entry, Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { databases, lineage, tables, tableStates, versions } from '../db/tables/catalog.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import { foldName } from '../model/names.ts';
import type { Principal } from '../model/principal.ts';
import { schemaHash } from '../model/schema.ts';
import { diffSchemas } from '../model/schema-diff.ts';
import type { Database, Table, TableDraft, TableType } from '../model/table.ts';
import { checkPage, cursorsOf, pageOf, type CursorPart } from './cursor.ts';
import { needDatabase } from './database-rows.ts';
import { checkOwner } from './owner.ts';
import { endAllPartitions, refitPartitions } from './partition-refit.ts';
import { saveSchemas } from './schemas.ts';
import { readTable, readTableByName, selectTables, type TableRow } from './table-rows.ts';
import { checkDraft, nextTable, sameTable, tableToJson } from './table-plan.ts';
import { checkTexts } from './text.ts';
import type { AsOf } from './visible.ts';

export interface TableName {
  readonly database: string;
  readonly name: string;
}

export interface Recorded {
  readonly table: Table;
  readonly created: boolean;
  /** Anything at all; a table that was created has changed too. */
  readonly changed: boolean;
  readonly versionAdded: boolean;
  /** The table's entry in the log; where nothing changed it leaves no trace, unless something else is noted on it. */
  readonly entry: Entry;
}

/**
 * Makes a table, or makes it what the draft says. Only what differs is written, and a draft that says nothing new writes
 * nothing at all. Throws NOT_FOUND without the database, ALREADY_EXISTS (with `details.owner`) when the table is another
 * owner's and the writer is not the API, and CONFLICT when `expectedVersion` is given and is not the table's version;
 * 0 stands for a table that does not exist.
 *
 * When the number of partition keys changes, the current partitions end: their values fit no longer. When only their
 * names or types change, the partitions stay, with their values in the same order.
 */
export async function recordTable(w: Write, draft: TableDraft, options: { expectedVersion?: number } = {}): Promise<Recorded> {
  const wanted = checkDraft(draft);
  authorize(w.by.principal, 'write', `the table ${wanted.database}.${wanted.name}`);
  const database = await needDatabase(w.tx, wanted.database);
  const current = await readTableByName(w.tx, wanted.database, wanted.name);
  checkVersion(current?.table, wanted, options.expectedVersion);
  return current === undefined ? createTable(w, database, wanted) : changeTable(w, current, wanted);
}

function checkVersion(current: Table | undefined, draft: TableDraft, expected: number | undefined): void {
  const found = current?.version ?? 0;
  if (expected === undefined || expected === found) return;
  const message = `The table ${draft.database}.${draft.name} is at version ${found}, not at ${expected}.`;
  throw new TenonError('CONFLICT', message, { expected, found });
}

async function createTable(w: Write, database: Database, draft: TableDraft): Promise<Recorded> {
  const empty = { id: w.newId(), database: database.name, name: draft.name, owner: w.by.owner, version: 0 };
  const blank: Table = { ...empty, type: draft.type, parameters: {}, schema: { columns: [], partitionKeys: [] } };
  const table: Table = { ...nextTable(blank, draft, { owner: 'api' }), version: 1 };
  const entry = await w.entry(subjectOf(table));
  await w.tx.insert(tables).values({ id: table.id, databaseId: database.id, name: table.name, added: entry.position });
  await addVersion(w, entry, table);
  await addState(w, entry, table);
  entry.note({ kind: 'table.created', after: tableToJson(table) });
  return { table, created: true, changed: true, versionAdded: true, entry };
}

async function changeTable(w: Write, current: TableRow, draft: TableDraft): Promise<Recorded> {
  const before = current.table;
  checkOwner(w, before.owner, `table ${before.database}.${before.name}`);
  const table = nextTable(before, draft, w.by);
  const entry = await w.entry(subjectOf(table));
  if (sameTable(before, table)) return { table: before, created: false, changed: false, versionAdded: false, entry };
  const versionAdded = table.version !== before.version;
  if (versionAdded) await addVersion(w, entry, table);
  await endState(w, entry, current);
  await addState(w, entry, table);
  if (versionAdded) await refitPartitions(w, entry, before, table);
  entry.note({
    kind: 'table.changed',
    before: tableToJson(before),
    after: tableToJson(table),
    ...(versionAdded && { details: { diff: diffSchemas(before.schema, table.schema) } }),
  });
  return { table, created: false, changed: true, versionAdded, entry };
}

async function addVersion(w: Write, entry: Entry, table: Table): Promise<void> {
  await saveSchemas(w.tx, [table.schema]);
  await w.tx
    .update(versions)
    .set({ ended: entry.position })
    .where(and(eq(versions.tableId, table.id), isNull(versions.ended)));
  await w.tx.insert(versions).values({
    tableId: table.id,
    number: table.version,
    schemaHash: schemaHash(table.schema),
    at: w.at,
    added: entry.position,
    runId: w.by.runId ?? null,
  });
}

/** A state of this same transaction was never seen by anybody: it is replaced, not ended. */
async function endState(w: Write, entry: Entry, { table, stateAdded }: TableRow): Promise<void> {
  const state = and(eq(tableStates.tableId, table.id), isNull(tableStates.ended));
  if (stateAdded === entry.position) await w.tx.delete(tableStates).where(state);
  else await w.tx.update(tableStates).set({ ended: entry.position }).where(state);
}

async function addState(w: Write, entry: Entry, table: Table): Promise<void> {
  await w.tx.insert(tableStates).values({
    tableId: table.id,
    added: entry.position,
    type: table.type,
    location: table.location ?? null,
    format: table.format ?? null,
    description: table.description ?? null,
    owner: table.owner,
    connection: table.connection ?? null,
    parameters: { ...table.parameters },
    details: table.details === undefined ? null : { ...table.details },
    version: table.version,
  });
}

/**
 * Ends a table with its partitions and the lineage to and from it. A table of the same name that is made later is another
 * one, and begins at version 1. Throws NOT_FOUND, and ALREADY_EXISTS when it is another owner's.
 */
export async function dropTable(w: Write, name: TableName): Promise<void> {
  const database = foldName(name.database);
  const folded = foldName(name.name);
  authorize(w.by.principal, 'write', `the table ${database}.${folded}`);
  const current = await readTableByName(w.tx, database, folded);
  if (current === undefined)
    throw new TenonError('NOT_FOUND', `There is no table ${database}.${folded}.`, { table: `${database}.${folded}` });
  const { table } = current;
  checkOwner(w, table.owner, `table ${database}.${folded}`);
  const entry = await w.entry(subjectOf(table));
  await endAllPartitions(w, entry, table);
  await endState(w, entry, current);
  await w.tx.update(tables).set({ ended: entry.position }).where(eq(tables.id, table.id));
  await w.tx
    .update(lineage)
    .set({ ended: entry.position })
    .where(and(sql`(${lineage.fromTableId} = ${table.id} or ${lineage.toTableId} = ${table.id})`, isNull(lineage.ended)));
  entry.note({ kind: 'table.dropped', before: tableToJson(table) });
}

export function subjectOf(table: Table): { id: string; database: string; table: string } {
  return { id: table.id, database: table.database, table: table.name };
}

/** A table by its name or by its id, as it is or as it was; undefined when there is none. */
export async function findTable(
  db: Db,
  as: Principal,
  which: TableName | { readonly id: string },
  options: AsOf = {},
): Promise<Table | undefined> {
  if ('id' in which) {
    authorize(as, 'read', `the table ${which.id}`);
    return (await readTable(db, which.id, options.asOf))?.table;
  }
  const [database, name] = [foldName(which.database), foldName(which.name)];
  authorize(as, 'read', `the table ${database}.${name}`);
  return (await readTableByName(db, database, name, options.asOf))?.table;
}

/** All that is given must hold. Names are folded. */
export interface TableFilter {
  readonly database?: string | undefined;
  readonly name?: string | undefined;
  readonly nameContains?: string | undefined;
  readonly owner?: string | undefined;
  readonly type?: TableType | undefined;
  /** With `/` at its end for a folder: `s3://bucket/lake/`. */
  readonly locationPrefix?: string | undefined;
}

/** In the order of their databases' names and their own. */
export async function listTables(
  db: Db,
  as: Principal,
  filter: TableFilter,
  page: PageRequest,
  options: AsOf = {},
): Promise<Page<Table>> {
  authorize(as, 'read', 'the tables');
  checkPage(page);
  const cursors = cursorsOf(['tables', filter, options.asOf ?? null]);
  const after = cursors.decode(page, 2);
  const where = and(...tableConditions(filter), ...afterName(after));
  const rows = await selectTables(db, { where, asOf: options.asOf, limit: page.first + 1 });
  const cursorOf = ({ table }: TableRow) => cursors.encode([table.database, table.name]);
  return pageOf(rows, page.first, cursorOf, (row) => row.table);
}

function tableConditions(filter: TableFilter): SQL[] {
  checkTexts(filter, 'filter of tables');
  return [
    filter.database === undefined ? undefined : eq(databases.name, foldName(filter.database)),
    filter.name === undefined ? undefined : eq(tables.name, foldName(filter.name)),
    filter.nameContains === undefined ? undefined : sql`strpos(${tables.name}, ${foldName(filter.nameContains)}) > 0`,
    filter.owner === undefined ? undefined : eq(tableStates.owner, filter.owner),
    filter.type === undefined ? undefined : eq(tableStates.type, filter.type),
    filter.locationPrefix === undefined ? undefined : sql`starts_with(${tableStates.location}, ${filter.locationPrefix})`,
  ].filter((condition) => condition !== undefined);
}

function afterName(after: readonly CursorPart[] | undefined): SQL[] {
  return after === undefined ? [] : [sql`(${databases.name}, ${tables.name}) > (${after[0]}, ${after[1]})`];
}

const TABLES_AT_ONCE = 200;

/** All living tables of one owner, a few at a time. For the owner itself, so without a principal. */
export async function* tablesOf(db: Db, owner: string, database?: string): AsyncIterable<Table> {
  let after: CursorPart[] | undefined;
  for (;;) {
    const where = and(...tableConditions({ owner, database }), ...afterName(after));
    const rows = await selectTables(db, { where, limit: TABLES_AT_ONCE });
    for (const { table } of rows) {
      yield table;
      after = [table.database, table.name];
    }
    if (rows.length < TABLES_AT_ONCE) return;
  }
}
