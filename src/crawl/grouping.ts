import { compareBytes } from '../connections/byte-order.ts';
import { folderLength } from '../connections/folder-length.ts';
import { TenonError } from '../model/errors.ts';
import type { ObjectFinding } from './crawler.ts';
import { extensionOf, filesToRead, foldedName, Layouts, type Layout } from './layout.ts';
import { levelOf, type Level } from './levels.ts';

/**
 * What a listing shows to be one thing, told as soon as it is whole: when a path outside of its folder came. Partitions
 * come before the folder (the root) that they belong to.
 */
export type Closed = ClosedPartition | ClosedFolder;

/** The files that lie directly in a folder which is a partition. */
export interface ClosedPartition {
  readonly kind: 'partition';
  /** The nearest folder above that is no level of partitions: `sales/`, or empty for the scope itself. */
  readonly root: string;
  readonly levels: readonly Level[];
  /** The partition's folder: `sales/dt=2026-01-01/`. */
  readonly path: string;
  readonly layouts: readonly Layout[];
  /** The number of the first object in it. */
  readonly first: number;
}

/** An ordinary folder, with the files that lie directly in it. */
export interface ClosedFolder {
  readonly kind: 'folder';
  readonly path: string;
  readonly layouts: readonly Layout[];
  /** Partitions were told whose root this is. */
  readonly partitioned: boolean;
  /** Other ordinary folders with files lie below it. */
  readonly hasFolders: boolean;
  /** The number of the first object in it or in a partition of it. */
  readonly first: number;
}

const NOTHING: readonly Closed[] = [];

interface Folder {
  readonly path: string;
  /** Empty for an ordinary folder. */
  readonly levels: readonly Level[];
  readonly root: Folder | undefined;
  layouts: Layouts | undefined;
  partitioned: boolean;
  hasFolders: boolean;
  /** The number of the first object that belongs to it, or to a partition of it. */
  first: number | undefined;
}

export interface Grouping {
  /** Takes the next object, in byte order of paths, and tells what it closed. */
  add(object: ObjectFinding): readonly Closed[];
  /** Takes note of an object that belongs to something else: it counts, and closes what it lies outside of. */
  pass(path: string): readonly Closed[];
  /** There are no more objects. */
  finish(): Closed[];
  /** The number (from 0) of the first object that is not in anything closed; undefined when all are. */
  firstOpen(): number | undefined;
  /** How many objects were taken. */
  count(): number;
}

/**
 * Groups paths into tables and partitions. Pure: it knows names, sizes and times, and reads nothing. Only `key=value` and
 * date-like levels become partitions, so neighbours that look alike (`table1/`, `table2/`) stay apart whatever is in them.
 * `asLevel` may say otherwise: where it never says anything, each folder is told by itself.
 */
export function createGrouping(
  sampleFiles: number,
  { asLevel = levelOf, inventory = 'listing' }: { asLevel?: typeof levelOf; inventory?: 'listing' | 'footers' } = {},
): Grouping {
  const toRead = filesToRead(sampleFiles, inventory);
  const stack: Folder[] = [newFolder('', [], undefined)];
  let before: string | undefined;
  let count = 0;

  function add(object: ObjectFinding): readonly Closed[] {
    const { path, size } = object;
    const end = folderLength(path);
    const name = path.slice(end);
    // Mostly the next file lies beside the last one: then nothing closes, and its folders were looked at.
    const open = stack.at(-1)?.path ?? '';
    const isBeside = open.length === end && path.startsWith(open);
    // The one before lies in the open folder, too.
    if (before !== undefined && compareBytes(before, path, isBeside ? end : 0) >= 0) {
      throw new TenonError(
        'INTERNAL',
        `The listing is out of order: «${path.slice(0, 200)}» came after «${before.slice(0, 200)}».`,
      );
    }
    before = path;
    const number = count;
    count += 1;
    const closed = isBeside ? NOTHING : leave(path);
    if (isBeside ? isIgnoredName(name, size) : isIgnored(object)) return closed;
    if (!isBeside) enter(path, end);
    const folder = stack.at(-1);
    if (folder === undefined) return closed;
    folder.layouts ??= new Layouts(toRead, folder.levels.length > 0 ? extensionOf : foldedName);
    folder.layouts.add(name, object);
    folder.first ??= number;
    const owner = folder.root ?? folder;
    owner.first ??= number;
    return closed;
  }

  function pass(path: string): readonly Closed[] {
    before = path;
    count += 1;
    const closed = leave(path);
    for (const above of stack) above.hasFolders = true;
    return closed;
  }

  function leave(path: string): Closed[] {
    const closed: Closed[] = [];
    for (let top = stack.at(-1); top !== undefined && !path.startsWith(top.path); top = stack.at(-1)) {
      stack.pop();
      closed.push(...close(top));
    }
    return closed;
  }

  /** The folders on the way to a path, up to so many characters of it. */
  function enter(path: string, length: number): void {
    for (let parent = stack.at(-1); parent !== undefined && parent.path.length < length; parent = stack.at(-1)) {
      const end = path.indexOf('/', parent.path.length);
      stack.push(below(parent, path.slice(0, end + 1), asLevel));
    }
  }

  function close(folder: Folder): Closed[] {
    const layouts = folder.layouts?.take() ?? [];
    if (folder.root !== undefined) {
      if (layouts.length === 0) return [];
      folder.root.partitioned = true;
      return [
        {
          kind: 'partition',
          root: folder.root.path,
          levels: folder.levels,
          path: folder.path,
          layouts,
          first: folder.first ?? 0,
        },
      ];
    }
    const { path, partitioned, hasFolders } = folder;
    if (layouts.length === 0 && !partitioned) return [];
    for (const above of stack) above.hasFolders = true;
    return [{ kind: 'folder', path, layouts, partitioned, hasFolders, first: folder.first ?? 0 }];
  }

  return {
    add,
    pass,
    finish() {
      const closed: Closed[] = [];
      for (let top = stack.pop(); top !== undefined; top = stack.pop()) closed.push(...close(top));
      return closed;
    },
    count: () => count,
    firstOpen() {
      const numbers = stack.flatMap(({ first }) => first ?? []);
      return numbers.length === 0 ? undefined : Math.min(...numbers);
    },
  };
}

function newFolder(path: string, levels: readonly Level[], root: Folder | undefined): Folder {
  return { path, levels, root, layouts: undefined, partitioned: false, hasFolders: false, first: undefined };
}

/** `path` is a part of an object's: what was put together would be slow to compare. */
function below(parent: Folder, path: string, asLevel: typeof levelOf): Folder {
  const level = asLevel(path.slice(parent.path.length, -1), parent.levels);
  return level === undefined ? newFolder(path, [], undefined) : newFolder(path, [...parent.levels, level], parent.root ?? parent);
}

/** Markers of folders and of finished writes, checksums, and what Hive and Spark hide. */
export function isIgnored({ path, size }: Pick<ObjectFinding, 'path' | 'size'>): boolean {
  const folders = path.split('/');
  const name = folders.pop() ?? '';
  if (isIgnoredName(name, size)) return true;
  return folders.some((folder) => folder.startsWith('.') || (folder.startsWith('_') && !folder.includes('=')));
}

function isIgnoredName(name: string, size: number): boolean {
  const first = name.charCodeAt(0);
  if (name === '' || first === DOT || first === UNDERSCORE) return true;
  return name.endsWith('.crc') || (size === 0 && name.endsWith('_$folder$'));
}

const DOT = 46;
const UNDERSCORE = 95;
