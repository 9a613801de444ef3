import { SYSTEM } from '../access/principals.ts';
import { findDatabase } from '../catalog/databases.ts';
import { findTable } from '../catalog/tables.ts';
import { follow } from '../changes/follow.ts';
import type { Db, Ground } from '../db/db.ts';
import type { Change } from '../model/change.ts';
import type { Table } from '../model/table.ts';
import { databaseDocument, tableDocuments } from './documents.ts';
import type { Document, SearchIndex } from './search-index.ts';

/** The name of its cursor. */
export const INDEXER = 'search';
/** Documents that are held in memory before they are put. */
const DOCUMENTS_AT_ONCE = 2_000;
/** Fewer than usual: a change of a table may mean ten thousand documents. */
const CHANGES_AT_ONCE = 200;

export interface IndexOptions {
  /** Columns of one table that get a document; `limits.columns`. */
  readonly maxColumns: number;
  /** Told of tables that are searchable only in part, and of failures. */
  readonly log?: (level: 'info' | 'warn', message: string, fields?: Record<string, unknown>) => void;
}

/** Keeps the index like the catalog, a moment behind it, until `signal` aborts. */
export function followCatalog(
  ground: Ground,
  index: SearchIndex,
  options: IndexOptions & { readonly signal: AbortSignal },
): Promise<void> {
  return follow(ground, {
    name: INDEXER,
    batch: CHANGES_AT_ONCE,
    signal: options.signal,
    apply: (tx, changes) => indexChanges(tx, index, changes, options),
    onError: (error, failures) =>
      options.log?.('warn', 'The search index cannot follow the catalog.', { failures, error: String(error) }),
  });
}

/**
 * Takes from the changes only what they are about, and indexes that as it is now: a change that is applied twice, or late,
 * does no harm.
 */
async function indexChanges(tx: Db, index: SearchIndex, changes: readonly Change[], options: IndexOptions): Promise<void> {
  const of = (what: string): readonly Change[] => changes.filter(({ kind }) => kind.startsWith(`${what}.`));
  // Dropping comes first: under the name of a dropped database there may be a new one, whose tables come later in the log.
  for (const { kind, database } of of('database')) {
    if (kind === 'database.dropped' && database !== undefined) await index.remove(tx, { database });
  }
  for (const name of new Set(of('database').map(({ database }) => database))) {
    if (name !== undefined) await indexDatabase(tx, index, name);
  }
  const gone: string[] = [];
  const tables: Table[] = [];
  for (const id of new Set(of('table').map(({ subject }) => subject))) {
    const table = await findTable(tx, SYSTEM, { id });
    if (table === undefined) gone.push(id);
    else tables.push(table);
  }
  if (gone.length > 0) await index.remove(tx, { tableIds: gone });
  await indexTables(tx, index, tables, options);
}

export async function indexDatabase(tx: Db, index: SearchIndex, name: string): Promise<void> {
  const database = await findDatabase(tx, SYSTEM, name);
  if (database !== undefined) await index.put(tx, [databaseDocument(database)]);
}

/** Puts the documents of tables as they are, and removes what these tables had before and no longer have. */
export async function indexTables(tx: Db, index: SearchIndex, tables: readonly Table[], options: IndexOptions): Promise<void> {
  let held: Document[] = [];
  let ids: string[] = [];
  const flush = async (): Promise<void> => {
    await index.put(tx, held);
    await index.remove(tx, { tableIds: ids, except: held.map(({ id }) => id) });
    [held, ids] = [[], []];
  };
  for (const table of tables) {
    held.push(...documentsOf(table, options));
    ids.push(table.id);
    if (held.length >= DOCUMENTS_AT_ONCE) await flush();
  }
  if (ids.length > 0) await flush();
}

function documentsOf(table: Table, { maxColumns, log }: IndexOptions): readonly Document[] {
  const { documents, leftOut } = tableDocuments(table, maxColumns);
  if (leftOut > 0) {
    log?.('warn', `Of ${table.database}.${table.name} only ${maxColumns} columns are searchable; limits.columns says how many.`, {
      leftOut,
    });
  }
  return documents;
}
