import { compareBytes } from '../connections/byte-order.ts';
import type { CollectContext } from './collect.ts';
import { lakeFormatOf } from './lake-parts.ts';
import { LAYOUT } from './known.ts';
import type { Recorded, RecordedPartition } from './recorded.ts';
import { pathBelow } from './scope-paths.ts';

/** A folder with files that this crawl does not look at; undefined: its files are several tables. */
export interface KnownFolder {
  readonly path: string;
  readonly recorded: RecordedPartition | undefined;
}

/**
 * The folders that a crawl does not look at, as the catalog knows them, in the order in which a listing closes them. With them
 * a crawl of a few folders groups all of them as one of everything does: nothing has to be listed for it.
 */
export async function knownFolders(context: CollectContext, catalog: Recorded): Promise<KnownFolder[]> {
  const found = new Map<string, KnownFolder>();
  const add = (location: string, recorded: RecordedPartition | undefined): void => {
    const path = pathBelow(context.base(), location);
    if (path === undefined || context.isLookedAt(location)) return;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    found.set(folder, { path: folder, recorded: found.has(folder) ? undefined : recorded });
  };
  for (const table of context.known.tables.values()) {
    // What a Delta or Iceberg table is made of, it says itself.
    if (lakeFormatOf(table) !== undefined) continue;
    if (table.parameters[LAYOUT] !== undefined) add(table.location ?? '', undefined);
    else for (const partition of (await catalog.partitionsOf(table)).values()) add(partition.location, { table, partition });
  }
  return [...found.values()].sort((a, b) => compareClosing(a.path, b.path));
}

/** What lies in a folder is closed before the folder. */
export function compareClosing(a: string, b: string): number {
  if (a === b) return 0;
  if (a.startsWith(b)) return -1;
  return b.startsWith(a) ? 1 : compareBytes(a, b);
}
