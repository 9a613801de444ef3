import type { Table } from '../model/table.ts';
import type { Part } from './crawler.ts';
import type { LakeFormat } from './lake-root.ts';
import { pathBelow } from './scope-paths.ts';

const LAKE_FORMATS: readonly LakeFormat[] = ['delta', 'iceberg'];

export function lakeFormatOf({ format }: Pick<Table, 'format'>): LakeFormat | undefined {
  return LAKE_FORMATS.find((name) => name === format?.name);
}

/** A Delta or Iceberg table is looked at as a whole or not at all: which of its files are in force, no single folder tells. */
export function wholeLakeTables(parts: readonly Part[], tables: Iterable<Table>, root: string): readonly Part[] {
  const known = new Set<string>();
  for (const table of tables) {
    const path = lakeFormatOf(table) === undefined ? undefined : pathBelow(root, table.location ?? '');
    if (path !== undefined) known.add(path);
  }
  const wide = parts.map(({ folder, below }): Part => {
    const lake = rootOf(folder, known);
    return lake === undefined ? { folder, below } : { folder: lake, below: true };
  });
  const whole = new Set(wide.filter(({ below }) => below).map(({ folder }) => folder));
  const inWhole = ({ folder, below }: Part): boolean => {
    if (!below && whole.has(folder)) return true;
    return foldersOn(folder).some((above) => above !== folder && whole.has(above));
  };
  return [...new Map(wide.filter((part) => !inWhole(part)).map((part) => [part.folder, part])).values()];
}

function rootOf(folder: string, known: ReadonlySet<string>): string | undefined {
  const log = /(?:^|\/)_delta_log\//.exec(folder);
  if (log !== null) return folder.slice(0, log.index === 0 && folder.startsWith('_') ? 0 : log.index + 1);
  return foldersOn(folder).find((above) => known.has(above));
}

/** The scope, then each folder on the way, and the folder itself. */
function foldersOn(folder: string): string[] {
  const names = folder.split('/').slice(0, -1);
  return ['', ...names.map((_, i) => `${names.slice(0, i + 1).join('/')}/`)];
}
