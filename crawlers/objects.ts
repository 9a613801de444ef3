import { z } from 'zod';
import { joinAddress, parseAddress } from '../src/connections/address.ts';
import { folderLength } from '../src/connections/folder-length.ts';
import type { ListOptions, ObjectStore, StoredObject } from '../src/connections/object-store.ts';
import type { CrawlContext, Finding, ObjectFinding, UnknownFinding } from '../src/crawl/crawler.ts';
import { asTenonError, TenonError } from '../src/model/errors.ts';
import { compileGlob, type Glob } from './glob.ts';
import { listParts } from './object-parts.ts';

/** What the crawlers of files and of S3 have in common: a place with objects below it. */
export interface ObjectOptions {
  readonly url: string;
  /** Patterns of paths below the URL that are left out, as `glob.ts` reads them. */
  readonly exclude: readonly string[];
}

/** So many objects, or so long, lie at most between two checkpoints: what a crash costs. */
const OBJECTS_A_CHECKPOINT = 5_000;
const MS_A_CHECKPOINT = 15_000;

const SHAPE = z.strictObject({
  url: z.string().min(1).max(4_096),
  exclude: z.array(z.string().min(1).max(1_024).superRefine(checkPattern)).max(100).default([]),
});

function checkPattern(pattern: string, context: z.core.$RefinementCtx<string>): void {
  try {
    compileGlob(pattern);
  } catch (error) {
    context.addIssue({ code: 'custom', message: asTenonError(error).message });
  }
}

/** Throws BAD_INPUT that names every mistake. */
export function parseObjectOptions(raw: unknown, checkUrl: (url: string) => string): ObjectOptions {
  const options = parseShape(SHAPE, raw);
  return { ...options, url: checkUrl(options.url) };
}

export function parseShape<T>(shape: z.ZodType<T>, raw: unknown): T {
  const parsed = shape.safeParse(raw);
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'options'}: ${message}`);
  throw new TenonError('BAD_INPUT', `The crawler’s options are not right. ${mistakes.join('; ')}.`, { mistakes });
}

export function objectScope({ url, exclude }: ObjectOptions): string {
  return [url, ...exclude.toSorted().map((pattern) => `-${pattern}`)].join(' ');
}

/** A file, or with `/` at its end a folder: at or below the URL, and neither it nor a folder on the way is left out. */
export function coversObject(options: ObjectOptions, location: string): boolean {
  const root = plainAddress(options.url).replace(/\/+$/, '');
  const plain = plainAddress(location);
  if (plain === root) return true;
  if (!plain.startsWith(`${root}/`)) return false;
  const names = plain.slice(root.length + 1).split(/(?<=\/)/);
  return names.every((_, i) => !isLeftOut(options, names.slice(0, i + 1).join('')));
}

function plainAddress(address: string): string {
  const parsed = parseAddress(address);
  return parsed.scheme === 'file' ? `file:${parsed.file}` : `s3:${parsed.bucket}/${parsed.key}`;
}

/**
 * Objects in byte order of their paths, with checkpoints in between and a complete one at the end. What the store cannot
 * read in one place becomes `unknown` there; what it cannot go on after is thrown, and then no complete checkpoint comes.
 */
export async function* crawlObjects(store: ObjectStore, options: ObjectOptions, context: CrawlContext): AsyncGenerator<Finding> {
  const unknown: UnknownFinding[] = [];
  const source: Source = { store, context };
  const { parts, cursor: after } = context;
  const how = {
    ...listing(options, context),
    onUnknown: (path: string, error: TenonError) => unknown.push({ kind: 'unknown', path, error }),
  };
  const pages = parts === undefined ? store.pages(options.url, { ...how, after }) : listParts(store, options.url, parts, how);
  let cursor = context.cursor ?? '';
  let objects = 0;
  let since = performance.now();
  try {
    for await (const page of pages) {
      context.signal.throwIfAborted();
      yield* unknown.splice(0);
      yield { kind: 'objects', objects: page.map((object) => new FoundObject(source, object)) };
      cursor = page.at(-1)?.path ?? cursor;
      objects += page.length;
      if (parts !== undefined) continue;
      if (objects >= OBJECTS_A_CHECKPOINT || performance.now() - since > MS_A_CHECKPOINT) {
        yield { kind: 'checkpoint', cursor, complete: false };
        [objects, since] = [0, performance.now()];
      }
    }
  } catch (error) {
    // Who comes with another budget goes on here.
    if (error instanceof TenonError && error.code === 'BUDGET') yield { kind: 'checkpoint', cursor, complete: false };
    throw error;
  }
  yield* unknown.splice(0);
  context.signal.throwIfAborted();
  yield { kind: 'checkpoint', cursor, complete: true };
}

/** How this definition lists. */
export function listing(options: ObjectOptions, context: CrawlContext): ListOptions {
  return {
    signal: context.signal,
    onRequest: () => context.spend({ lists: 1 }),
    skip: (path) => isLeftOut(options, path),
  };
}

/** More objects than this below one folder are not looked through for one that fits. */
const PEEKED_OBJECTS = 10_000;

/** The objects from a folder's first one on: the parent is listed, so that a folder that is not there is no error. */
export async function peekObjects(
  store: ObjectStore,
  options: ObjectOptions,
  context: CrawlContext,
  { folder, fits }: { readonly folder: string; readonly fits: (path: string) => boolean },
): Promise<boolean> {
  const end = folder.lastIndexOf('/', folder.length - 2) + 1;
  const parent = folder.slice(0, end);
  const listing = store.pages(parent === '' ? options.url : joinAddress(options.url, parent), {
    after: folder.slice(end),
    signal: context.signal,
    onRequest: () => context.spend({ lists: 1 }),
  });
  let seen = 0;
  for await (const page of listing) {
    for (const { path } of page) {
      if (!path.startsWith(folder.slice(end)) || seen > PEEKED_OBJECTS) return false;
      if (fits(parent + path) && !isLeftOut(options, parent + path)) return true;
      seen += 1;
    }
  }
  return false;
}

/** Asked for each folder on the way and for the object itself, so only the last name has to be looked at. */
function isLeftOut(options: ObjectOptions, path: string): boolean {
  if (isHidden(path)) return true;
  if (options.exclude.length === 0) return false;
  const isFolder = path.endsWith('/');
  return globsOf(options).some((glob) => (isFolder ? glob.matchesAllBelow(path) : glob.matches(path)));
}

const compiled = new WeakMap<readonly string[], readonly Glob[]>();

/** Patterns are read once for each definition, not once for each object. */
function globsOf({ exclude }: ObjectOptions): readonly Glob[] {
  const known = compiled.get(exclude);
  if (known !== undefined) return known;
  const globs = exclude.map(compileGlob);
  compiled.set(exclude, globs);
  return globs;
}

/** As Hive and Spark have it: `_year=2026` is a partition, `_temporary` is not. */
function isHidden(path: string): boolean {
  const start = folderLength(path, path.length - 1);
  const first = path.charCodeAt(start);
  if (first !== DOT && first !== UNDERSCORE) return false;
  const name = path.slice(start);
  // The log of a Delta table says what the table is.
  if (name === '_delta_log/') return false;
  return first === DOT || !name.includes('=');
}

const DOT = 46;
const UNDERSCORE = 95;

/** A class, so that each of a million objects is its fields and nothing more. */
class FoundObject implements ObjectFinding {
  readonly kind = 'object';
  readonly path: string;
  readonly location: string;
  readonly size: number;
  readonly etag: string;
  readonly modified: number;
  /** Hidden from who writes a finding down. */
  readonly #source: Source;

  constructor(source: Source, { address, path, size, etag, modified }: StoredObject) {
    this.path = path;
    this.location = address;
    this.size = size;
    this.etag = etag;
    this.modified = modified;
    this.#source = source;
  }

  async read(start: number, end: number): Promise<Uint8Array> {
    const { store, context } = this.#source;
    context.spend({ gets: 1 });
    const options = { expected: { etag: this.etag }, signal: context.signal };
    const bytes = await store.read(this.location, start, end, options);
    context.spend({ bytes: bytes.length });
    return bytes;
  }
}

interface Source {
  readonly store: ObjectStore;
  readonly context: CrawlContext;
}
