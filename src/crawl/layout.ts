import { hashManifest, packManifest, unpackManifest } from '../catalog/manifests.ts';
import type { ManifestFile, PackedManifest } from '../model/table.ts';
import type { ObjectFinding } from './crawler.ts';
import { Sampler } from './sampler.ts';

/** Files of one folder whose names differ in their numbers only: by all that a listing tells, they look alike. */
export interface Layout {
  /** The name with its digits folded: `part-#.csv`. */
  readonly name: string;
  /** What a table made of these alone would be named after. */
  readonly stem: string;
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
  private readonly sampleFiles: (fileName: string) => number;
  private readonly fold: (fileName: string) => string;

  /** So many files are read of those that are named so. `fold` tells which names are alike: `foldedName` or `extensionOf`. */
  constructor(sampleFiles: (fileName: string) => number, fold: (fileName: string) => string) {
    this.sampleFiles = sampleFiles;
    this.fold = fold;
  }

  add(fileName: string, object: ObjectFinding): void {
    const wanted = this.fold(fileName);
    const name = this.byName.has(wanted) || this.byName.size < MAX_LAYOUTS ? wanted : extensionOf(fileName);
    const known = this.byName.get(name);
    const layout = known ?? {
      files: new FileList(),
      sampler: new Sampler(this.sampleFiles(fileName)),
      first: fileName,
      last: '',
      newest: 0,
    };
    if (known === undefined) this.byName.set(name, layout);
    layout.last = fileName;
    if (object.modified > layout.newest) layout.newest = object.modified;
    layout.files.add({ address: object.location, size: object.size, etag: object.etag, modified: object.modified });
    layout.sampler.add(object);
  }

  /** In byte order of their names. */
  take(): Layout[] {
    const layouts = [...this.byName].map(([name, { files, sampler, first, last, newest }]): Layout => ({
      name,
      ends: [first, last],
      newest,
      // One file is named as it is; of several, what their names have in common.
      stem: files.count === 1 ? stemOf(first) : stemOf(name).replaceAll('#', ' ').trim(),
      files,
      samples: sampler.take(),
    }));
    return layouts.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** What the files of a layout are named like, numbers apart. */
export function looksOf({ ends: [first, last] }: Layout): string {
  const [one, other] = [foldedName(first), foldedName(last)];
  return one === other ? one : `${one}/${other}`;
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

const CHUNK_FILES = 20_000;

/** The files of a layout, packed as they come, so that a folder of a million files is not a million objects for long. */
export class FileList {
  private readonly chunks: PackedManifest[] = [];
  private recent: ManifestFile[] = [];
  count = 0;

  add(file: ManifestFile): void {
    this.recent.push(file);
    this.count += 1;
    if (this.recent.length < CHUNK_FILES) return;
    this.chunks.push(packManifest(this.recent));
    this.recent = [];
  }

  all(): ManifestFile[] {
    return [...this.chunks.flatMap(({ packed }) => unpackManifest(packed)), ...this.recent];
  }
}

/** The hash that one manifest for all would have. */
export function hashFiles(lists: readonly FileList[]): string {
  return hashManifest(lists.flatMap((list) => list.all()));
}

/** One manifest for all, without the files at some addresses. */
export function packFiles(lists: readonly FileList[], without?: ReadonlySet<string>): PackedManifest {
  const files = lists.flatMap((list) => list.all());
  return packManifest(without === undefined ? files : files.filter((file) => !without.has(file.address)));
}
