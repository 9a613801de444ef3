import type { Part } from './crawler.ts';
import { levelOf, type Level } from './levels.ts';

/** What of a scope a crawl looks at, where that is not everything. What it does not look at is neither seen nor absent. */
export class Parts {
  readonly all: readonly Part[];
  private readonly whole = new Set<string>();
  private readonly flat = new Set<string>();
  /** Both, by every folder above them. */
  private readonly below = new Map<string, string[]>();

  constructor(parts: readonly Part[]) {
    this.all = parts;
    for (const { folder, below } of parts) {
      (below ? this.whole : this.flat).add(folder);
      for (const above of foldersAbove(folder)) this.noteBelow(above, folder);
    }
  }

  private noteBelow(above: string, folder: string): void {
    const known = this.below.get(above);
    if (known === undefined) this.below.set(above, [folder]);
    else known.push(folder);
  }

  /** Whether the files that lie directly in a folder are looked at. */
  has(folder: string): boolean {
    if (this.flat.has(folder) || this.whole.has('')) return true;
    for (let slash = folder.indexOf('/'); slash >= 0; slash = folder.indexOf('/', slash + 1)) {
      if (this.whole.has(folder.slice(0, slash + 1))) return true;
    }
    return false;
  }

  /** The folders so many levels below a root that are looked at; undefined: it may be any of them. */
  foldersBelow(root: string, levels: number): string[] | undefined {
    if ([...foldersAbove(root), root].some((folder) => this.whole.has(folder))) return undefined;
    const found: string[] = [];
    for (const folder of this.below.get(root) ?? []) {
      const depth = folder.slice(root.length).split('/').length - 1;
      if (depth < levels && this.whole.has(folder)) return undefined;
      if (depth === levels) found.push(folder);
    }
    return found;
  }

  /** The sets of partitions of which a folder was looked at by itself: their root, and the names of their keys. */
  partitioned(): { readonly root: string; readonly keys: readonly string[] }[] {
    const found = new Map<string, { root: string; keys: string[] }>();
    for (const folder of this.flat) {
      const { root, levels } = placeOf(folder);
      const keys = levels.map(({ key }) => key);
      if (keys.length > 0) found.set(JSON.stringify([root, keys]), { root, keys });
    }
    return [...found.values()];
  }
}

function foldersAbove(folder: string): string[] {
  const above = folder === '' ? [] : [''];
  for (let slash = folder.indexOf('/'); slash >= 0 && slash < folder.length - 1; slash = folder.indexOf('/', slash + 1))
    above.push(folder.slice(0, slash + 1));
  return above;
}

/** Where the grouping has a folder: below which root, and with which levels of partitions. */
function placeOf(folder: string): { root: string; levels: Level[] } {
  let root = '';
  let path = '';
  let levels: Level[] = [];
  for (const name of folder.split('/').slice(0, -1)) {
    path += `${name}/`;
    const level = levelOf(name, levels);
    if (level !== undefined) levels.push(level);
    else [root, levels] = [path, []];
  }
  return { root, levels };
}
