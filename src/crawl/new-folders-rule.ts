import type { Column, Format } from '../model/schema.ts';
import type { Table } from '../model/table.ts';
import type { PlacedUnit } from './found-table.ts';
import type { UnitContext } from './unit.ts';

/** A folder that would be a new partition of a table that is known, as it was read. */
export interface NewFolder {
  readonly path: string;
  readonly format: Format | undefined;
  /** Undefined: it is taken to have the table's. */
  readonly columns: readonly Column[] | undefined;
}

/** The least share of a table's columns that a folder has to have. */
const ENOUGH = 0.7;
const LISTED = 5;

/**
 * Which of the new folders of a table are added to it, by those who look at new folders only: as Glue has it, none unless
 * most of them have the table's schema. What is left out is told.
 */
export function admit<Folder extends NewFolder>(
  table: Table,
  folders: readonly Folder[],
  wanted: { readonly fits: (folder: Folder) => boolean; readonly others: 'added' | 'left out' },
  { report, log }: Pick<UnitContext, 'report' | 'log'>,
): readonly Folder[] {
  const fitting = folders.filter(wanted.fits);
  const areMost = fitting.length > folders.length / 2;
  const added = areMost ? (wanted.others === 'added' ? folders : fitting) : [];
  const taken = new Set(added);
  const left = folders.filter((folder) => !taken.has(folder));
  if (left.length === 0) return added;
  for (const { path } of left) report.skip(path, `new, and not added to ${table.name}`);
  report.counts.logged += 1;
  const why = areMost ? 'they have not its schema' : 'most of them would have to have its schema';
  log(
    'warn',
    `${left.length} of ${folders.length} new folders are not added to ${table.database}.${table.name}, since ${why}: ${listOf(left)}.`,
  );
  return added;
}

function listOf(folders: readonly NewFolder[]): string {
  const rest = folders.length > LISTED ? ` and ${folders.length - LISTED} more` : '';
  return (
    folders
      .slice(0, LISTED)
      .map(({ path }) => path)
      .join(', ') + rest
  );
}

/** Where names decide what is a partition, the others are added with those that fit: they are listed as deviating. */
export function admitUnits(table: Table, units: PlacedUnit[], context: Pick<UnitContext, 'report' | 'log'>): PlacedUnit[] {
  const folders = units.flatMap(({ path, unit }) =>
    unit.kind === 'read' && unit.partition === undefined ? [{ path, format: unit.format, columns: unit.columns }] : [],
  );
  const added = admit(table, folders, { fits: (folder) => fitsTable(table, folder), others: 'added' }, context);
  if (added.length === folders.length) return units;
  const left = new Set(folders.map(({ path }) => path));
  return units.filter(({ path }) => !left.has(path));
}

/** Of the table's format, and with most of its columns; it may have more. */
function fitsTable(table: Table, { format, columns }: NewFolder): boolean {
  if (!isOfFormat(table, format)) return false;
  if (columns === undefined) return true;
  const names = new Set(columns.map(({ name }) => name.toLowerCase()));
  const wanted = table.schema.columns;
  return wanted.filter(({ name }) => names.has(name.toLowerCase())).length >= ENOUGH * wanted.length;
}

export function isOfFormat(table: Table, format: Format | undefined): boolean {
  return format?.name === table.format?.name && format?.compression === table.format?.compression;
}
