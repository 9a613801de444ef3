import { and, eq, type SQL } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { databases, schemas, tables, tableStates, versions } from '../db/tables/catalog.ts';
import type { Position } from '../model/change.ts';
import { schemaFromJson } from '../model/schema-text.ts';
import type { Table, TableType } from '../model/table.ts';
import { checkText, checkTexts } from './text.ts';
import { visible } from './visible.ts';

/** A table as it is read, with what the writing verbs need besides. */
export interface TableRow {
  readonly table: Table;
  readonly schemaHash: string;
  /** The position of the state that was read. */
  readonly stateAdded: Position;
}

export interface TableSelection {
  readonly where: SQL | undefined;
  readonly asOf?: Position | undefined;
  readonly limit?: number;
}

/** Tables with their state, version and schema, in the order of their databases' and their own names. No check of access. */
export async function selectTables(db: Db, { where, asOf, limit }: TableSelection): Promise<TableRow[]> {
  const query = db
    .select({
      id: tables.id,
      database: databases.name,
      name: tables.name,
      state: tableStates,
      schemaHash: versions.schemaHash,
      schema: schemas.content,
    })
    .from(tables)
    .innerJoin(databases, eq(databases.id, tables.databaseId))
    .innerJoin(tableStates, and(eq(tableStates.tableId, tables.id), visible(tableStates, asOf)))
    .innerJoin(versions, and(eq(versions.tableId, tables.id), eq(versions.number, tableStates.version)))
    .innerJoin(schemas, eq(schemas.hash, versions.schemaHash))
    .where(and(visible(tables, asOf), visible(databases, asOf), where))
    .orderBy(databases.name, tables.name);
  const rows = await (limit === undefined ? query : query.limit(limit));
  return rows.map((row) => ({ table: tableOf(row), schemaHash: row.schemaHash, stateAdded: row.state.added }));
}

interface JoinedRow {
  readonly id: string;
  readonly database: string;
  readonly name: string;
  readonly state: typeof tableStates.$inferSelect;
  readonly schema: unknown;
}

function tableOf({ id, database, name, state, schema }: JoinedRow): Table {
  return {
    id,
    database,
    name,
    type: state.type as TableType,
    location: state.location ?? undefined,
    format: state.format ?? undefined,
    description: state.description ?? undefined,
    owner: state.owner,
    connection: state.connection ?? undefined,
    parameters: state.parameters,
    details: state.details ?? undefined,
    version: state.version,
    schema: schemaFromJson(schema),
  };
}

/** The living table of this id. */
export async function readTable(db: Db, id: string, asOf?: Position): Promise<TableRow | undefined> {
  const [row] = await selectTables(db, { where: eq(tables.id, checkText(id, 'id of a table')), asOf });
  return row;
}

/** The living table of this name; names are folded already. */
export async function readTableByName(db: Db, database: string, name: string, asOf?: Position): Promise<TableRow | undefined> {
  checkTexts([database, name], 'name of a table');
  const [row] = await selectTables(db, { where: and(eq(databases.name, database), eq(tables.name, name)), asOf });
  return row;
}
