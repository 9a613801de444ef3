import type { BigIntStats, Dirent } from 'node:fs';
import { lstat, readdir, realpath, stat } from 'node:fs/promises';
import { relative } from 'node:path';
import { TenonError } from '../model/errors.ts';
import { compareBytes } from './byte-order.ts';
import { errnoOf, shown, unknownError } from './file-errors.ts';
import type { ListOptions } from './object-store.ts';

export interface WalkedFile {
  /** Below the root, with `/` between folders. */
  readonly path: string;
  readonly file: string;
  readonly stats: BigIntStats;
}

/** So many files are asked for their size at once. */
const STATS_AT_ONCE = 64;

interface Name {
  /** With a `/` at its end where it is a folder, so that names sort as the paths below them do. */
  readonly name: string;
  readonly kind: 'file' | 'folder' | 'link';
}

interface Folder {
  readonly path: string;
  readonly names: readonly Name[];
  at: number;
}

interface Walk {
  readonly root: string;
  readonly realRoot: string;
  readonly options: ListOptions;
}

/**
 * All regular files below a folder, in byte order of their paths. One folder's names are held at a time for each level,
 * so memory follows the largest folder (about 100 bytes a name), not the tree.
 *
 * Links are not followed. One to a place below the root needs no following, its target is listed where it stands; one
 * that leads out of the root, or nowhere, hides something that was not seen and is unknown. Sockets, pipes and devices
 * hold no data and are left out. What vanishes between being named and being asked for is absent, which is the truth;
 * but when the root itself has changed by the end, nothing was, and the listing fails.
 */
export async function* walk(root: string, options: ListOptions): AsyncGenerator<readonly WalkedFile[]> {
  const before = await rootStats(root);
  const walked: Walk = { root, realRoot: await realpath(root), options };
  const first = await openFolder(walked, options.folder ?? '');
  const stack: Folder[] = first === undefined ? [] : [first];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    options.signal?.throwIfAborted();
    const files = takeFiles(top);
    if (files.length > 0) {
      const found = await statAll(walked, top.path, files);
      if (found.length > 0) yield found;
    } else {
      const entry = top.names[top.at];
      top.at += 1;
      if (entry === undefined) stack.pop();
      else if (entry.kind === 'link') await checkLink(walked, top.path + entry.name);
      else if (options.onFolder !== undefined) options.onFolder(top.path + entry.name);
      else {
        const below = await openFolder(walked, top.path + entry.name);
        if (below !== undefined) stack.push(below);
      }
    }
  }
  const after = await rootStats(root);
  if (after.ino !== before.ino || after.dev !== before.dev) throw vanished(root);
}

async function rootStats(root: string): Promise<BigIntStats> {
  try {
    return await stat(root, { bigint: true });
  } catch (error) {
    throw errnoOf(error) === 'ENOENT' ? vanished(root) : unknownError(error, root);
  }
}

function vanished(root: string): TenonError {
  return new TenonError(
    'SOURCE_UNAVAILABLE',
    `The folder ${shown(root)} is not there, or was replaced while it was being listed.`,
    { path: root },
  );
}

/** The next files that stand side by side in their folder. */
function takeFiles(folder: Folder): Name[] {
  let end = folder.at;
  while (end < folder.names.length && end - folder.at < STATS_AT_ONCE && folder.names[end]?.kind === 'file') end += 1;
  const taken = folder.names.slice(folder.at, end);
  folder.at = end;
  return taken;
}

function placeOf({ root }: Walk, path: string): string {
  return root === '/' ? `/${path}` : `${root}/${path}`;
}

async function statAll(w: Walk, parent: string, files: readonly Name[]): Promise<WalkedFile[]> {
  const asked = await Promise.all(
    files.map(async ({ name }): Promise<WalkedFile | TenonError | undefined> => {
      const path = parent + name;
      const file = placeOf(w, path);
      try {
        return { path, file, stats: await lstat(file, { bigint: true }) };
      } catch (error) {
        return errnoOf(error) === 'ENOENT' ? undefined : unknownError(error, file);
      }
    }),
  );
  const present: WalkedFile[] = [];
  for (const [i, found] of asked.entries()) {
    if (found instanceof TenonError) report(w.options, parent + (files[i]?.name ?? ''), found);
    else if (found?.stats.isFile() === true) present.push(found);
  }
  return present;
}

async function openFolder(w: Walk, path: string): Promise<Folder | undefined> {
  const folder = placeOf(w, path);
  w.options.onRequest?.();
  try {
    if (path !== '' && path === w.options.folder) await checkFolder(w, path);
    const entries = await readdir(folder, { withFileTypes: true, encoding: 'buffer' });
    const names = entries.flatMap((entry) => nameOf(w, path, entry));
    return { path, names: names.sort((a, b) => compareBytes(a.name, b.name)), at: 0 };
  } catch (error) {
    if (path !== '' && path === w.options.folder && ['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    const failed = error instanceof TenonError ? error : unknownError(error, folder);
    if (path === '' || error instanceof TenonError) throw failed;
    report(w.options, path.slice(0, -1), failed);
    return undefined;
  }
}

/** A folder that is named, and was not come upon, may lie behind a link, which a listing of everything would not follow. */
async function checkFolder(w: Walk, path: string): Promise<void> {
  const file = placeOf(w, path);
  if (`${await realpath(file)}/` === `${w.realRoot === '/' ? '' : w.realRoot}/${path}`) return;
  throw new TenonError('UNSUPPORTED', `${shown(file)} lies behind a link; links are not followed.`, { path: file });
}

function nameOf({ options }: Walk, parent: string, entry: Dirent<Buffer>): Name[] {
  const text = entry.name.toString('utf8');
  const kind = entry.isDirectory() ? 'folder' : entry.isSymbolicLink() ? 'link' : isSpecial(entry) ? 'special' : 'file';
  const name = kind === 'folder' ? `${text}/` : text;
  const path = parent + name;
  if (kind === 'special' || isBefore(path, options.after) || options.skip?.(path) === true) return [];
  if (text.includes('\ufffd') && !Buffer.from(text).equals(entry.name)) {
    report(
      options,
      parent + text,
      new TenonError('DATA_UNREADABLE', `The name of ${shown(parent + text)} is not valid UTF-8.`, {
        bytes: entry.name.toString('hex'),
      }),
    );
    return [];
  }
  return [{ name, kind }];
}

/** What a file system does not tell the kind of counts as a file here: `lstat` decides. */
function isSpecial(entry: Dirent<Buffer>): boolean {
  return entry.isSocket() || entry.isFIFO() || entry.isCharacterDevice() || entry.isBlockDevice();
}

function isBefore(path: string, after: string | undefined): boolean {
  if (after === undefined || compareBytes(path, after) > 0) return false;
  return !(path.endsWith('/') && after.startsWith(path));
}

async function checkLink(w: Walk, path: string): Promise<void> {
  const file = placeOf(w, path);
  try {
    const target = relative(w.realRoot, await realpath(file));
    if (isListed(target, w.options)) return;
    report(
      w.options,
      path,
      new TenonError(
        'UNSUPPORTED',
        `${shown(file)} is a link to what is not listed here; links are not followed. Exclude it, or crawl its target.`,
        { path: file },
      ),
    );
  } catch (error) {
    if (error instanceof TenonError) throw error;
    report(w.options, path, unknownError(error, file));
  }
}

function isListed(target: string, options: ListOptions): boolean {
  if (target === '..' || target.startsWith('../')) return false;
  const names = target.split('/');
  const paths = names.map((_, i) => names.slice(0, i + 1).join('/'));
  return !paths.some((path, i) => options.skip?.(i < paths.length - 1 ? `${path}/` : path) === true);
}

function report(options: ListOptions, path: string, error: TenonError): void {
  if (options.onUnknown === undefined) throw error;
  options.onUnknown(path, error);
}
