import { randomUUID } from 'node:crypto';
import { constants, type BigIntStats } from 'node:fs';
import { copyFile, mkdir, open, rename, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { TenonError } from '../model/errors.ts';
import { fileAddress, lastName, parseAddress } from './address.ts';
import { compareBytes } from './byte-order.ts';
import { errnoOf, fileError, shown } from './file-errors.ts';
import { readPart } from './file-read.ts';
import { walk } from './file-walk.ts';
import { eachObject, type ListOptions, type ObjectStore, type ReadOptions, type StoredObject } from './object-store.ts';

/** Folders of this machine, or of whatever is mounted there. */
export function createFileStore(): ObjectStore {
  return {
    scheme: 'file',
    list: (address, options) => eachObject(pages(address, options)),
    pages,
    head,
    read,
    download,
    upload,
    remove,
    localPath,
  };
}

function localPath(address: string): string {
  const parsed = parseAddress(address);
  if (parsed.scheme !== 'file') throw new TenonError('BAD_INPUT', `«${address.slice(0, 200)}» is no file address.`);
  return parsed.file;
}

async function* pages(address: string, options: ListOptions = {}): AsyncGenerator<readonly StoredObject[]> {
  const root = localPath(address).replace(/(?<=.)\/+$/, '');
  const single = options.folder === undefined ? await head(address) : undefined;
  if (single !== undefined) {
    if (options.after === undefined || compareBytes(single.path, options.after) > 0) yield [single];
    return;
  }
  for await (const page of walk(root, options)) {
    yield page.map(({ path, file, stats }) => storedObject(fileAddress(file), path, stats));
  }
}

async function head(address: string): Promise<StoredObject | undefined> {
  const file = localPath(address);
  try {
    const stats = await stat(file, { bigint: true });
    return stats.isFile() ? storedObject(address, lastName(address), stats) : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) return undefined;
    throw fileError(error, file);
  }
}

async function read(address: string, start: number, end: number, options: ReadOptions = {}): Promise<Uint8Array> {
  const file = localPath(address);
  try {
    options.signal?.throwIfAborted();
    return await readPart(file, start, end, (stats) => checkUnchanged(file, stats, options.expected));
  } catch (error) {
    throw fileError(error, file, options.signal);
  }
}

async function download(address: string, file: string, expected: { etag: string }, signal?: AbortSignal): Promise<void> {
  const source = localPath(address);
  const temporary = `${file}.${randomUUID()}.part`;
  try {
    signal?.throwIfAborted();
    checkUnchanged(source, await stat(source, { bigint: true }), expected);
    await copyFile(source, temporary, constants.COPYFILE_FICLONE);
    checkUnchanged(source, await stat(source, { bigint: true }), expected);
    await rename(temporary, file);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw fileError(error, source, signal);
  }
}

/** Written beside its place under a hidden name and renamed, so a reader sees the old file or the whole new one. */
async function upload(file: string, address: string, signal?: AbortSignal): Promise<StoredObject> {
  const target = localPath(address);
  const folder = dirname(target);
  const temporary = `${folder}/.tenon-${randomUUID()}`;
  try {
    signal?.throwIfAborted();
    await mkdir(folder, { recursive: true });
    await copyFile(file, temporary, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    await sync(temporary);
    signal?.throwIfAborted();
    await rename(temporary, target);
    await sync(folder);
    return storedObject(address, lastName(address), await stat(target, { bigint: true }));
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw fileError(error, target, signal);
  }
}

async function remove(addresses: readonly string[]): Promise<void> {
  for (const address of addresses) {
    const file = localPath(address);
    try {
      await unlink(file);
    } catch (error) {
      if (!['ENOENT', 'ENOTDIR'].includes(errnoOf(error))) throw fileError(error, file);
    }
  }
}

async function sync(file: string): Promise<void> {
  const handle = await open(file, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function checkUnchanged(file: string, stats: BigIntStats, expected: { readonly etag: string } | undefined): void {
  if (!stats.isFile()) throw new TenonError('DATA_UNREADABLE', `${shown(file)} is not a regular file.`, { path: file });
  if (expected === undefined || etagOf(stats) === expected.etag) return;
  throw new TenonError('DATA_UNREADABLE', `${shown(file)} has changed since it was listed.`, { path: file });
}

/** The time in nanoseconds and the inode: a rewrite of the same length in the same second, and a rename over it, show. */
function etagOf(stats: BigIntStats): string {
  return `${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}-${stats.ino.toString(36)}`;
}

function storedObject(address: string, path: string, stats: BigIntStats): StoredObject {
  return { address, path, size: Number(stats.size), etag: etagOf(stats), modified: stats.mtime.getTime() };
}
