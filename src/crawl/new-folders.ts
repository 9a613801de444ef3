import { compareBytes } from '../connections/byte-order.ts';
import type { CrawlContext, Part, SourceTree } from './crawler.ts';
import type { Known } from './known.ts';
import { lakeFormatOf } from './lake-parts.ts';
import { pathBelow } from './scope-paths.ts';

/**
 * The folders that the catalog does not know, each with all that is below it. Only folders on the way to what is known are
 * opened, one level at a time: a folder whose files are known, and that has no known folder below it, costs nothing.
 */
export async function findNewFolders<Options>(
  tree: SourceTree<Options>,
  options: Options,
  context: CrawlContext,
  known: Known,
): Promise<Part[]> {
  const { folders, onTheWay } = await knownFolders(known, tree.root(options));
  const found: string[] = [];
  const open = [''];
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    for (const below of await tree.folders(options, context, folder)) {
      if (onTheWay.has(below)) open.push(below);
      else if (!folders.has(below)) found.push(below);
    }
  }
  return found.sort(compareBytes).map((folder) => ({ folder, below: true }));
}

async function knownFolders(known: Known, root: string): Promise<{ folders: Set<string>; onTheWay: Set<string> }> {
  const folders = new Set<string>();
  const onTheWay = new Set<string>();
  const add = (location: string): void => {
    const path = pathBelow(root, location);
    if (path === undefined) return;
    const folder = path.slice(0, path.lastIndexOf('/') + 1);
    folders.add(folder);
    for (let slash = folder.lastIndexOf('/', folder.length - 2); slash >= 0; slash = folder.lastIndexOf('/', slash - 1)) {
      const above = folder.slice(0, slash + 1);
      if (onTheWay.has(above)) break;
      onTheWay.add(above);
      if (slash === 0) break;
    }
  };
  for (const table of known.tables.values()) {
    if (table.schema.partitionKeys.length === 0 || lakeFormatOf(table) !== undefined) add(table.location ?? '');
    else for await (const location of known.locationsOf(table)) add(location);
  }
  return { folders, onTheWay };
}
