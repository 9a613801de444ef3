import type { Column, Format } from '../model/schema.ts';
import type { Table } from '../model/table.ts';
import { areOne, flatTables, layoutTable, type CollectContext } from './collect.ts';
import type { FoundTable } from './found-table.ts';
import type { ClosedFolder } from './grouping.ts';
import type { Recorded, RecordedPartition } from './recorded.ts';
import { lookAtUnit, unitOf, type Unit } from './unit.ts';

/** A folder whose files are one. */
export interface SeenFolder {
  readonly path: string;
  readonly first: number;
  readonly unit: Unit;
  readonly table: Table | undefined;
  readonly columns: readonly Column[];
  readonly format: Format | undefined;
}

/** A folder that was looked at: its files are one, or several tables, or nothing that is known. */
export type Looked =
  | { readonly leaf: SeenFolder }
  | { readonly apart: readonly FoundTable[] }
  | { readonly failed: unknown }
  | undefined;

/** A promise that may wait for long without being looked at must not reject meanwhile. */
export async function lookAtFolder(context: CollectContext, catalog: Recorded, folder: ClosedFolder): Promise<Looked> {
  try {
    if (catalog.isApart(folder.path)) return apart(await flatTables(context, folder));
    const before = await catalog.partitionAt(folder.path);
    return before === undefined ? await lookAtNew(context, folder) : await lookAtKnown(context, folder, before);
  } catch (failed) {
    return { failed };
  }
}

function apart(tables: readonly FoundTable[]): Looked {
  return tables.length === 0 ? undefined : { apart: tables };
}

async function lookAtKnown(
  context: CollectContext,
  folder: ClosedFolder,
  { table, partition }: RecordedPartition,
): Promise<Looked> {
  const unit = await lookAtUnit({ path: folder.path, layouts: folder.layouts, before: partition }, context);
  if (unit === undefined) return undefined;
  if (unit.kind === 'read')
    return leafOf(folder, { unit, table, columns: unit.columns ?? table.schema.columns, format: unit.format });
  return recordedLeaf(context, folder, { table, partition }, unit);
}

/** A folder as the catalog has it. */
export async function lookAtRecorded(
  context: CollectContext,
  folder: Pick<ClosedFolder, 'path' | 'first'>,
  recorded: RecordedPartition | undefined,
): Promise<Looked> {
  if (recorded === undefined) return { apart: [] };
  return recordedLeaf(context, folder, recorded, { kind: 'unchanged', partition: recorded.partition });
}

async function recordedLeaf(
  context: CollectContext,
  folder: Pick<ClosedFolder, 'path' | 'first'>,
  { table, partition }: RecordedPartition,
  unit: Unit,
): Promise<Looked> {
  const columns = await context.known.columnsOf(table, partition);
  return leafOf(folder, { unit, table, columns, format: partition.format ?? table.format });
}

async function lookAtNew(context: CollectContext, folder: ClosedFolder): Promise<Looked> {
  const { path, layouts } = folder;
  const place = { path, layouts, before: undefined };
  const files = layouts.reduce((sum, layout) => sum + layout.files.count, 0);
  const read = files > context.partitionFiles ? [] : await Promise.all(layouts.map(context.read));
  const known = read.filter((one) => one.files.length > 0);
  if (known.length > 0 && !areOne(known)) {
    const found: FoundTable[] = [];
    for (const one of read) found.push(...(await layoutTable(context, folder, one.layout, one)));
    return apart(found);
  }
  // Too many files are told of as for any other folder.
  const unit = read.length === 0 ? await lookAtUnit(place, context) : unitOf(place, read, context);
  if (unit?.kind !== 'read') return undefined;
  return leafOf(folder, { unit, table: undefined, columns: unit.columns ?? [], format: unit.format });
}

function leafOf({ path, first }: Pick<ClosedFolder, 'path' | 'first'>, content: Omit<SeenFolder, 'path' | 'first'>): Looked {
  return { leaf: { path, first, ...content } };
}
