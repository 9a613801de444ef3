import type { TenonError } from '../model/errors.ts';
import { asTenonError } from '../model/errors.ts';
import { compareBytes } from '../connections/byte-order.ts';
import { folderLength } from '../connections/folder-length.ts';
import type { ObjectFinding } from './crawler.ts';
import { isDeltaMetadata } from './delta-log.ts';
import { isIcebergMetadata } from './iceberg.ts';
import type { LakeRoot } from './lake-root.ts';
import { FileList } from './file-list.ts';
import type { Layout } from './layout.ts';
import { levelOf } from './levels.ts';

/** Whether below a folder an object lies whose path fits. Undefined: the source cannot be asked. */
export type Peek = (folder: string, fits: (path: string) => boolean) => Promise<boolean | undefined>;

interface OpenRoot extends LakeRoot {
  readonly metadata: Map<string, ObjectFinding>;
}

/** A folder that a path makes look like a root, and what would show that it is one; undefined: it is. */
interface Candidate {
  readonly root: string;
  readonly folder?: string;
  readonly fits?: (path: string) => boolean;
}

/** Of manifests and old metadata files; a table with more is known, but its files are not. */
const MOST_METADATA = 50_000;
const DELTA = '_delta_log/';

/**
 * Finds out, as a listing goes by, which folders are Delta and Iceberg tables: everything below such a root belongs to it.
 * Data may come before the metadata (`data/` before `metadata/`, `Year=2026/` before `_delta_log/`), so where a name makes
 * it likely the source is asked what lies there, and files that lie in the root itself are adopted; a root that the catalog knows needs no question.
 */
export class LakeRoots {
  private readonly peek: Peek;
  private readonly known: ReadonlySet<string>;
  private readonly onUnknown: (path: string, error: TenonError) => void;
  private open: OpenRoot | undefined;
  /** Roots that were met, so that what grouping saw of them before is known to be theirs. */
  private readonly met = new Set<string>();
  /** Folders that were asked about, on the way to where the listing is. */
  private asked = new Set<string>();
  private lastFolder: string | undefined;

  /** `known`: paths of roots that the catalog has. `onUnknown`: a folder could not be asked about. */
  constructor(known: ReadonlySet<string>, peek: Peek, onUnknown: (path: string, error: TenonError) => void) {
    this.known = known;
    this.peek = peek;
    this.onUnknown = onUnknown;
  }

  /** Whether `meet` has to be called for this path. Cheap: it is asked for each of a million objects. */
  mayChange(path: string): boolean {
    if (this.open !== undefined) return !path.startsWith(this.open.path);
    const last = this.lastFolder;
    if (last !== undefined && path.length > last.length && path.startsWith(last) && !path.includes('/', last.length))
      return false;
    return true;
  }

  /** Notes that the listing has come to a path; gives the root that it has left, if it has. A promise only where it asks. */
  meet(path: string, number: number): Promise<LakeRoot | undefined> | LakeRoot | undefined {
    const left = this.leave(path);
    if (this.open !== undefined) return left;
    const candidates = candidatesOn(path, this.lastFolder ?? '', this.known);
    this.lastFolder = path.slice(0, folderLength(path));
    return candidates.length === 0 ? left : this.openOneOf(candidates, number).then(() => left);
  }

  private async openOneOf(candidates: readonly Candidate[], number: number): Promise<void> {
    for (const candidate of candidates) {
      if (!(await this.isRoot(candidate))) continue;
      this.open = { path: candidate.root, first: number, metadata: new Map(), data: new FileList() };
      this.met.add(candidate.root);
      return;
    }
  }

  private leave(path: string): LakeRoot | undefined {
    if (this.open === undefined || path.startsWith(this.open.path)) return undefined;
    return this.finish();
  }

  /** There is nothing more: the root that is open is whole. */
  finish(): LakeRoot | undefined {
    const left = this.open;
    this.open = undefined;
    this.lastFolder = left === undefined ? this.lastFolder : left.path;
    return left;
  }

  firstOpen(): number | undefined {
    return this.open?.first;
  }

  /** Takes an object that lies in the open root; false: it lies in none. */
  take(object: ObjectFinding): boolean {
    const { open } = this;
    if (open === undefined || !object.path.startsWith(open.path)) return false;
    const below = object.path.slice(open.path.length);
    if (isMetadata(below) && open.metadata.size < MOST_METADATA) open.metadata.set(below, object);
    else open.data.add(object.location, object);
    return true;
  }

  /** Takes files in the open root that were met before it was known to be one. */
  adopt(layouts: readonly Layout[]): void {
    for (const { files } of layouts) for (const file of files.all()) this.open?.data.add(file.address, file);
  }

  get openPath(): string | undefined {
    return this.open?.path;
  }

  /** Whether a folder is a root, or lies in one. */
  has(folder: string): boolean {
    if (this.met.size === 0) return false;
    if (this.met.has('') || this.met.has(folder)) return true;
    for (let end = folder.indexOf('/'); end >= 0; end = folder.indexOf('/', end + 1)) {
      if (this.met.has(folder.slice(0, end + 1))) return true;
    }
    return false;
  }

  private async isRoot({ root, folder, fits }: Candidate): Promise<boolean> {
    if (folder === undefined || fits === undefined) return true;
    if (this.asked.has(folder)) return false;
    if (this.asked.size > 1_000) this.asked = new Set([...this.asked].filter((one) => this.lastFolder?.startsWith(one)));
    this.asked.add(folder);
    try {
      return (await this.peek(folder, (path) => fits(path.slice(root.length)))) === true;
    } catch (error) {
      // What lies there may well be the root's; to take its data for tables of their own would be a guess.
      this.onUnknown(folder, asTenonError(error));
      return true;
    }
  }
}

function isMetadata(path: string): boolean {
  return isDeltaMetadata(path) || isIcebergMetadata(path) || /^metadata\/[^/]*\.avro$/.test(path);
}

/** The outermost first. Only folders that the path before did not have are looked at. */
function candidatesOn(path: string, lastFolder: string, known: ReadonlySet<string>): Candidate[] {
  const found: Candidate[] = [];
  const isParquet = /\.(parquet|parq|pq)$/i.test(path);
  if (known.has('') && lastFolder === '') found.push({ root: '' });
  let start = 0;
  let isLevel = false;
  for (let end = path.indexOf('/'); end >= 0; end = path.indexOf('/', start)) {
    const root = path.slice(0, start);
    const folder = path.slice(0, end + 1);
    const name = path.slice(start, end);
    start = end + 1;
    const isNew = !lastFolder.startsWith(folder);
    // Partitions are no roots.
    const wasLevel = isLevel;
    isLevel ||= levelOf(name, []) !== undefined;
    if (!isNew) continue;
    if (known.has(folder)) found.push({ root: folder });
    if (wasLevel) continue;
    if (`${name}/` === DELTA) found.push({ root });
    else if (name === 'data' || name === 'metadata') found.push({ root, folder: `${root}metadata/`, fits: isIcebergMetadata });
    else if (isParquet && compareBytes(name, DELTA) < 0) found.push({ root, folder: `${root}${DELTA}`, fits: isDeltaMetadata });
  }
  return found;
}
