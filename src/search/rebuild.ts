import { SYSTEM } from '../access/principals.ts';
import { findDatabase, listDatabases } from '../catalog/databases.ts';
import { findTable, listTables } from '../catalog/tables.ts';
import { holdFollower, startFollower } from '../changes/follow.ts';
import type { Db, Ground } from '../db/db.ts';
import { indexDatabase, INDEXER, indexTables, type IndexOptions } from './indexer.ts';
import type { Root, SearchIndex } from './search-index.ts';

/** Tables in one transaction. */
const TABLES_AT_ONCE = 50;

export interface RebuildOptions extends IndexOptions {
  readonly signal: AbortSignal;
}

/**
 * Brings the whole index in line with the catalog while both are in use: what is right is left alone, so nothing is missing
 * meanwhile, and what is gone from the catalog goes at the end. Resolves early when `signal` aborts.
 */
export async function rebuild(ground: Ground, index: SearchIndex, options: RebuildOptions): Promise<{ readonly tables: number }> {
  await startFollower(ground, INDEXER, 'start');
  let tables = 0;
  for await (const database of databaseNames(ground, options.signal)) {
    await standingStill(ground, (tx) => indexDatabase(tx, index, database));
    let after: string | undefined;
    do {
      const page = await standingStill(ground, async (tx) => {
        const found = await listTables(tx, SYSTEM, { database }, { first: TABLES_AT_ONCE, after });
        await indexTables(
          tx,
          index,
          found.items.map(({ item }) => item),
          options,
        );
        return found;
      });
      tables += page.items.length;
      after = page.hasNextPage ? page.items.at(-1)?.cursor : undefined;
    } while (after !== undefined && !options.signal.aborted);
  }
  await removeOrphans(ground, index, options.signal);
  return { tables };
}

/**
 * The indexer waits while a batch is read and put. Else it could index a table's newest state right between the two, and the
 * batch would put the state before it on top.
 */
function standingStill<T>(ground: Ground, fn: (tx: Db) => Promise<T>): Promise<T> {
  return ground.db.transaction(async (tx) => {
    await holdFollower(tx, INDEXER, { wait: true });
    return fn(tx);
  });
}

async function* databaseNames(ground: Ground, signal: AbortSignal): AsyncIterable<string> {
  let after: string | undefined;
  do {
    const page = await listDatabases(ground.db, SYSTEM, { first: 100, after });
    for (const { item } of page.items) {
      if (signal.aborted) return;
      yield item.name;
    }
    after = page.hasNextPage ? page.items.at(-1)?.cursor : undefined;
  } while (after !== undefined);
}

async function removeOrphans(ground: Ground, index: SearchIndex, signal: AbortSignal): Promise<void> {
  let after: string | undefined;
  while (!signal.aborted) {
    const roots = await index.roots(ground.db, { first: TABLES_AT_ONCE, after });
    if (roots.length === 0) return;
    await standingStill(ground, (tx) => removeGone(tx, index, roots));
    after = roots.at(-1)?.id;
  }
}

async function removeGone(tx: Db, index: SearchIndex, roots: readonly Root[]): Promise<void> {
  const gone: string[] = [];
  for (const { name, tableId } of roots) {
    if (tableId === undefined) {
      if ((await findDatabase(tx, SYSTEM, name)) === undefined) await index.remove(tx, { database: name });
    } else if ((await findTable(tx, SYSTEM, { id: tableId })) === undefined) gone.push(tableId);
  }
  if (gone.length > 0) await index.remove(tx, { tableIds: gone });
}
