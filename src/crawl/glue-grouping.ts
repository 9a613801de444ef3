import { foldName } from '../model/names.ts';
import { parsePartitionLevel } from '../model/partition-key.ts';
import type { Column } from '../model/schema.ts';
import { unionSeen } from './blank.ts';
import { Clusters } from './glue-likeness.ts';

/** A folder with files in it, as they were understood. */
export interface Leaf<Content> {
  /** With `/` at its end; empty for the scope itself. */
  readonly path: string;
  readonly columns: readonly Column[];
  /** Format and compression, as text: only folders of one kind go together. */
  readonly kind: string;
  /** The number of the first object in it. */
  readonly first: number;
  readonly content: Content;
}

/** Folders that are one table. */
export interface Grouped<Content> {
  readonly root: string;
  readonly keys: readonly string[];
  readonly members: readonly { readonly values: readonly (string | null)[]; readonly path: string; readonly content: Content }[];
  readonly first: number;
}

export interface GlueRules {
  /** Only format, compression and path have to fit, and the schemas need not be alike. */
  readonly combine: boolean;
  /** How deep below the scope tables begin, if that is fixed; 0 is the scope itself. */
  readonly tableDepth: number | undefined;
  /** Folders that were found to be no table by an earlier attempt of this crawl. */
  readonly split: readonly string[];
  /** A table of the catalog takes in this folder and what is below it. */
  readonly isInTable: (path: string) => boolean;
  /** Tables of the catalog begin below this folder. */
  readonly hasTablesBelow: (path: string) => boolean;
  /** Something in this folder could not be seen. Then what the catalog has decides: an error groups nothing anew. */
  readonly isUnsure: (path: string) => boolean;
}

/** Folders that go together so far, below one of them. */
interface Group<Content> {
  readonly path: string;
  readonly kind: string;
  /** For each level between: the key that its folders' names say, or null where they say none. */
  readonly shape: readonly (string | null)[];
  readonly columns: readonly Column[];
  readonly leaves: Leaf<Content>[];
  readonly first: number;
}

interface Folder<Content> {
  readonly path: string;
  readonly groups: Group<Content>[];
  readonly clusters: Clusters;
  /** Its groups are of one kind, and have one structure of paths. */
  fits: boolean;
  /** It is no table, nor part of one: each group in it is a table. */
  split: boolean;
  /** The number of the first object of a known format in it. */
  first: number | undefined;
}

export interface GlueGrouping<Content> {
  /** Takes the next folder, those within it before itself, and tells which tables are whole. */
  add(leaf: Leaf<Content>): Grouped<Content>[];
  /** The files in a folder are several tables already, so the folders above are none. */
  apart(path: string, first: number): Grouped<Content>[];
  finish(): Grouped<Content>[];
  /** The number of the first object in what is not told yet. */
  firstOpen(): number | undefined;
  /** The folders on the way to an object's path that were found to be no tables by what came before that object. */
  splitAt(path: string, number: number): string[];
}

/**
 * Groups folders into tables as Glue's crawlers do: the folders in one folder are partitions of one table if they are of one
 * format, compression and structure of paths, and if more than 70 % of them have schemas that are alike, in five clusters
 * at most. Else each of them is a table. From the bottom up, so a table begins as far up as that holds.
 *
 * Pure. What is kept of a folder that is still open is the list of what was found in it, and no object.
 */
export function createGlueGrouping<Content>(rules: GlueRules): GlueGrouping<Content> {
  const before = new Set(rules.split);
  const stack: Folder<Content>[] = [open('')];
  /** Folders that were split, with the number of the first object in them. */
  const splits = new Map<string, number>(rules.split.map((path) => [path, -1]));
  let told: Grouped<Content>[] = [];

  function open(path: string): Folder<Content> {
    const isAbove = rules.tableDepth !== undefined && depthOf(path) < rules.tableDepth;
    return { path, groups: [], clusters: new Clusters(), fits: true, split: isAbove || before.has(path), first: undefined };
  }

  function goTo(path: string): Folder<Content> {
    for (let top = stack.at(-1); top !== undefined && !path.startsWith(top.path); top = stack.at(-1)) closeTop();
    const top = stack.at(-1)?.path ?? '';
    const names = path.slice(top.length).split('/').slice(0, -1);
    let at = top;
    for (const name of names) {
      at = `${at}${name}/`;
      stack.push(open(at));
    }
    return stack.at(-1) ?? open(path);
  }

  function met(first: number): void {
    for (const folder of stack) folder.first ??= first;
  }

  /** None of the open folders is a table: what is in them is told. */
  function split(): void {
    for (const folder of stack) {
      folder.split = true;
      splits.set(folder.path, Math.min(folder.first ?? Infinity, splits.get(folder.path) ?? Infinity));
      for (const group of folder.groups.splice(0)) tell(group);
    }
  }

  function tell({ path, shape, leaves, first }: Group<Content>): void {
    const members = leaves.map((leaf) => ({
      values: valuesOf(leaf.path.slice(path.length), shape),
      path: leaf.path,
      content: leaf.content,
    }));
    told.push({ root: path, keys: keysOf(shape), members, first });
  }

  /** Puts what is one into the folder above; what is above the scope is no folder of ours. */
  function lift(group: Group<Content>): void {
    const above = stack.at(-1);
    if (above === undefined || above.split) {
      tell(group);
      split();
      return;
    }
    above.fits &&= above.groups[0] === undefined || fit(above.groups[0], group);
    above.groups.push(group);
    above.clusters.add(group.columns);
    const isHopeless = !rules.combine && rules.tableDepth === undefined && above.clusters.areTooMany();
    // While the catalog has it as one table, it is decided when all of it was seen.
    if ((isHopeless || !above.fits) && !rules.isInTable(above.path)) split();
  }

  function closeTop(): void {
    const folder = stack.at(-1);
    if (folder === undefined) return;
    const whole = isOne(folder) ? merge(folder) : undefined;
    if (whole === undefined && folder.groups.length > 0) split();
    stack.pop();
    if (whole !== undefined) lift(whole);
  }

  function isOne(folder: Folder<Content>): boolean {
    const { path, groups, clusters, fits } = folder;
    if (folder.split || groups.length === 0 || !fits) return false;
    const unsure = rules.isUnsure(path);
    if (unsure && rules.isInTable(path)) return true;
    if (unsure && rules.hasTablesBelow(path)) return false;
    return rules.combine || rules.tableDepth !== undefined || clusters.areAlike();
  }

  function take(): Grouped<Content>[] {
    const taken = told;
    told = [];
    return taken;
  }

  return {
    add(leaf) {
      const folder = goTo(leaf.path);
      met(leaf.first);
      const { path, kind, columns, first } = leaf;
      const own: Group<Content> = { path, kind, shape: [], columns, leaves: [leaf], first };
      if (folder.groups.length === 0 && !folder.split) {
        stack.pop();
        lift(own);
      } else {
        // Files beside folders: what the folders come to is told, and the files are a table of their own.
        const whole = isOne(folder) ? merge(folder) : undefined;
        if (whole !== undefined) {
          folder.groups.splice(0);
          tell(whole);
        }
        split();
        tell(own);
        stack.pop();
      }
      return take();
    },
    apart(path, first) {
      goTo(path);
      met(first);
      split();
      return take();
    },
    finish() {
      while (stack.length > 0) closeTop();
      return take();
    },
    firstOpen() {
      const numbers = stack.flatMap(({ groups }) => groups[0]?.first ?? []);
      return numbers.length === 0 ? undefined : Math.min(...numbers);
    },
    splitAt(path, number) {
      for (const [folder, first] of splits) if (first < number && !path.startsWith(folder)) splits.delete(folder);
      return [...splits].flatMap(([folder, first]) => (first < number ? [folder] : []));
    },
  };
}

function depthOf(path: string): number {
  return path.split('/').length - 1;
}

function lastName(path: string): string {
  return path.slice(path.lastIndexOf('/', path.length - 2) + 1, -1);
}

function keyOf(name: string): string | null {
  const parsed = parsePartitionLevel(name);
  return parsed === undefined ? null : foldName(parsed.name);
}

/** One kind of files, and one structure of paths below. */
function fit<Content>(a: Group<Content>, b: Group<Content>): boolean {
  const structure = ({ path, shape }: Group<Content>): string => JSON.stringify([keyOf(lastName(path)), ...shape]);
  return a.kind === b.kind && structure(a) === structure(b);
}

/** The folders in a folder as one. */
function merge<Content>({ path, groups }: Folder<Content>): Group<Content> | undefined {
  const [one] = groups;
  if (one === undefined) return undefined;
  const alone = groups.length === 1;
  return {
    path,
    kind: one.kind,
    shape: [keyOf(lastName(one.path)), ...one.shape],
    columns: alone ? one.columns : unionSeen([...new Set(groups.map(({ columns }) => columns))]),
    leaves: alone ? one.leaves : groups.flatMap(({ leaves }) => leaves),
    first: one.first,
  };
}

/** The keys and values of a folder as a partition of a table that begins at a folder above it. */
export function placeBelow(root: string, path: string): { readonly keys: string[]; readonly values: (string | null)[] } {
  const names = path.slice(root.length);
  const shape = names.split('/').slice(0, -1).map(keyOf);
  return { keys: keysOf(shape), values: valuesOf(names, shape) };
}

/** `partition_0` where the folders' names say no key, or one that stands further up already. */
function keysOf(shape: readonly (string | null)[]): string[] {
  return shape.map((key, level) => (key === null || shape.indexOf(key) < level ? `partition_${level}` : key));
}

function valuesOf(path: string, shape: readonly (string | null)[]): (string | null)[] {
  const names = path.split('/');
  return shape.map((key, level) => {
    const name = names[level] ?? '';
    const parsed = key === null ? undefined : parsePartitionLevel(name);
    return parsed === undefined ? name : parsed.value;
  });
}
