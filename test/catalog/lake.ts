import { sql } from 'drizzle-orm';
import type { Ground } from '../../src/db/db.ts';
import { ensureDatabase } from '../../src/catalog/databases.ts';
import { packManifest } from '../../src/catalog/manifests.ts';
import { recordPartitions, streamPartitions, type PartitionFilter } from '../../src/catalog/partitions.ts';
import { recordTable } from '../../src/catalog/tables.ts';
import { write, type Write } from '../../src/changes/write.ts';
import { listChanges } from '../../src/changes/list.ts';
import type { Change } from '../../src/model/change.ts';
import type { Page } from '../../src/model/ground.ts';
import type { Principal } from '../../src/model/principal.ts';
import type { Column } from '../../src/model/schema.ts';
import type { ManifestFile, PartitionDraft, Table, TableDraft } from '../../src/model/table.ts';
import { parseType } from '../../src/model/types.ts';

const editor: Principal = { id: 'p1', name: 'ada', role: 'editor' };
export const reader: Principal = { id: 'p2', name: 'bob', role: 'reader' };

/** `columns('id bigint', 'email string')`. The name ends at the last space before the type. */
export function columns(...texts: string[]): Column[] {
  return texts.map((text) => {
    const space = text.lastIndexOf(' ');
    return { name: text.slice(0, space), type: parseType(text.slice(space + 1)) };
  });
}

/** The draft of `lake.sales`, or of what `change` says. */
export function salesDraft(change: Partial<TableDraft> = {}): TableDraft {
  return {
    database: 'lake',
    name: 'sales',
    type: 'table',
    location: 's3://bucket/sales/',
    format: { name: 'csv', options: { delimiter: ',', header: true } },
    schema: { columns: columns('id bigint', 'email string'), partitionKeys: columns('dt date', 'region string') },
    ...change,
  };
}

export function files(location: string, ...etags: string[]): ManifestFile[] {
  return etags.map((etag, index) => ({
    address: `${location}part-${index}.csv`,
    size: 100,
    etag,
    modified: 1_700_000_000_000 + index,
  }));
}

export function partition(values: readonly (string | null)[], etag = 'a', change: Partial<PartitionDraft> = {}): PartitionDraft {
  const location = `s3://bucket/sales/${values.join('/')}/`;
  return { values, location, manifest: packManifest(files(location, etag)), ...change };
}

export function asOwner<T>(ground: Ground, owner: string, fn: (w: Write) => Promise<T>): Promise<T> {
  return write(ground, { principal: editor, owner, runId: 'run-1' }, fn);
}

export function asApi<T>(ground: Ground, fn: (w: Write) => Promise<T>): Promise<T> {
  return asOwner(ground, 'api', fn);
}

export function asCrawler<T>(ground: Ground, fn: (w: Write) => Promise<T>): Promise<T> {
  return asOwner(ground, 'crawler:lake', fn);
}

/** Takes everything out of the catalog: much faster than a database for each test. */
export async function emptyCatalog(ground: Ground): Promise<void> {
  for (const table of [
    'lineage',
    'partitions',
    'manifests',
    'versions',
    'table_states',
    'tables',
    'databases',
    'schemas',
    'changes',
  ]) {
    await ground.db.execute(sql.raw(`delete from ${table}`));
  }
}

/** `lake.sales`, recorded by the crawler, with these partitions. */
export function makeSales(
  ground: Ground,
  partitions: readonly PartitionDraft[] = [],
  change: Partial<TableDraft> = {},
): Promise<Table> {
  return asCrawler(ground, async (w) => {
    await ensureDatabase(w, 'lake');
    const { table } = await recordTable(w, salesDraft(change));
    await recordPartitions(w, table, partitions);
    return table;
  });
}

export async function log(ground: Ground): Promise<Change[]> {
  return itemsOf(await listChanges(ground.db, {}, { first: 1_000 }));
}

export function itemsOf<T>(page: Page<T>): T[] {
  return page.items.map(({ item }) => item);
}

/** The values of the partitions, as texts, sorted: order is not part of the promise. */
export async function valuesOf(
  ground: Ground,
  table: Table,
  filter: PartitionFilter & { batch?: number } = {},
): Promise<string[]> {
  const found: string[] = [];
  for await (const { values } of streamPartitions(ground.db, reader, table, filter))
    found.push(values.map((value) => value ?? 'null').join('/'));
  return found.sort();
}
