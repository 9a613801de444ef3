import type { ObjectFinding } from './crawler.ts';
import { FileList } from './file-list.ts';
import { Sampler } from './sampler.ts';

/** Files of one folder whose names differ in their numbers only: by all that a listing tells, they look alike. */
export interface Layout {
  /** The name with its digits folded: `part-#.csv`. */
  readonly name: string;
  readonly files: FileList;
  readonly samples: readonly ObjectFinding[];
  /** The names of the first and the last file in it. */
  readonly ends: readonly [string, string];
  /** When the newest of its files was written, in milliseconds since 1970. */
  readonly newest: number;
}

interface OpenLayout {
  readonly files: FileList;
  readonly sampler: Sampler;
  readonly first: string;
  last: string;
  newest: number;
}

/** A folder with more layouts than this has no order that names would show; the rest counts by extension. */
const MAX_LAYOUTS = 1_000;
const EXTENSION = /(\.[a-z][a-z0-9_]{0,9}){1,2}$/i;

/** The layouts of one folder while it is being listed. */
export class Layouts {
  private readonly byName = new Map<string, OpenLayout>();
  /** Where the last file went: mostly the next one goes there, too. */
  private recent: OpenLayout | undefined;
  private readonly sampleFiles: (fileName: string) => number;
  private readonly fold: (fileName: string) => string;

  /** So many files are read of those that are named so. `fold` tells which names are alike: `foldedName` or `extensionOf`. */
  constructor(sampleFiles: (fileName: string) => number, fold: (fileName: string) => string) {
    this.sampleFiles = sampleFiles;
    this.fold = fold;
  }

  add(fileName: string, object: ObjectFinding): void {
    const { recent } = this;
    const layout = recent !== undefined && isAlike(fileName, recent.last) ? recent : this.layoutOf(fileName);
    this.recent = layout;
    layout.last = fileName;
    if (object.modified > layout.newest) layout.newest = object.modified;
    layout.files.add(object.location, object);
    layout.sampler.add(object);
  }

  private layoutOf(fileName: string): OpenLayout {
    const wanted = this.fold(fileName);
    const name = this.byName.has(wanted) || this.byName.size < MAX_LAYOUTS ? wanted : extensionOf(fileName);
    const known = this.byName.get(name);
    if (known !== undefined) return known;
    const sampler = new Sampler(this.sampleFiles(fileName));
    const made = { files: new FileList(), sampler, first: fileName, last: fileName, newest: 0 };
    this.byName.set(name, made);
    return made;
  }

  /** In byte order of their names. */
  take(): Layout[] {
    const layouts = [...this.byName].map(([name, { files, sampler, first, last, newest }]): Layout => {
      files.close();
      return { name, ends: [first, last], newest, files, samples: sampler.take() };
    });
    return layouts.length < 2 ? layouts : layouts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** Names of the same length that differ in digits alone, and not behind a dot: whatever is made of names folds them alike. */
function isAlike(one: string, other: string): boolean {
  if (one.length !== other.length) return false;
  for (let i = 0, hasDot = false; i < one.length; i += 1) {
    const [a, b] = [one.charCodeAt(i), other.charCodeAt(i)];
    if (a !== b && (hasDot || !isDigit(a) || !isDigit(b))) return false;
    hasDot ||= a === DOT;
  }
  return true;
}

const DOT = 46;

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

/** What a table made of a layout alone would be named after: one file as it is; of several, what their names have in common. */
export function tableStem({ name, files, ends: [first] }: Layout): string {
  return files.count === 1 ? stemOf(first) : stemOf(name).replaceAll('#', ' ').trim();
}

/** What the files of a layout are named like, numbers apart. */
export function looksOf({ ends: [first, last] }: Layout): string {
  const one = foldedName(first);
  const other = isAlike(first, last) ? one : foldedName(last);
  return one === other ? one : `${one}/${other}`;
}

/** Surely these look like those; what is not sure has to be compared by `looksOf`. */
export function lookAlike(these: readonly Layout[], those: readonly Layout[]): boolean {
  return (
    these.length === those.length &&
    these.every(({ ends }, i) => isAlike(ends[0], those[i]?.ends[0] ?? '') && isAlike(ends[1], those[i]?.ends[1] ?? ''))
  );
}

/** Of files that tell their rows in a footer all are read where footers are the inventory; their names are what a listing has. */
export function filesToRead(sampleFiles: number, inventory: 'listing' | 'footers'): (fileName: string) => number {
  return (fileName) => (inventory === 'footers' && FOOTER.test(fileName) ? Number.POSITIVE_INFINITY : sampleFiles);
}

const FOOTER = /\.(parquet|parq|pq|orc)$/i;

/** Numbers, UUIDs and long hexadecimal texts as `#`. */
export function foldedName(fileName: string): string {
  const extension = EXTENSION.exec(fileName)?.[0] ?? '';
  const stem = fileName.slice(0, fileName.length - extension.length);
  const folded = stem
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '#')
    .replace(/(?=[a-f]*\d)[0-9a-f]{16,}/gi, '#')
    .replace(/\d+/g, '#');
  return folded + extension.toLowerCase();
}

export function extensionOf(fileName: string): string {
  return `*${(EXTENSION.exec(fileName)?.[0] ?? '').toLowerCase()}`;
}

function stemOf(fileName: string): string {
  const stem = fileName.replace(EXTENSION, '');
  return stem === '' ? fileName : stem;
}
