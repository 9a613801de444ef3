import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { copyFile, link, mkdir, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf, fileError } from '../connections/file-errors.ts';
import type { ObjectStore } from '../connections/object-store.ts';
import { TenonError } from '../model/errors.ts';
import type { ManifestFile } from '../model/table.ts';

/** A download that nothing has been added to for so long is nobody's. */
const STALE_MS = 24 * 3_600_000;

/** Makes files of the catalog readable on this machine, without copying what is here already. */
export interface Stage {
  /**
   * A local path for a file, of which it is sure that it is the one that the catalog knows. What is not local comes through
   * the cache and gets a link in `folder`, so that it stays while the run does. Throws DATA_UNREADABLE when it has changed.
   */
  place(store: ObjectStore, file: ManifestFile, folder: string, signal?: AbortSignal): Promise<string>;
  /** Removes what was not used for longest until the cache is within its size. */
  trim(): Promise<void>;
}

/** Files in the cache are named after address, etag and size: what is there never has to be asked whether it is still true. */
export function createStage({ folder: cache, maxBytes }: { folder: string; maxBytes: number }): Stage {
  return {
    async place(store, file, folder, signal) {
      if (store.localPath !== undefined) {
        await checkUnchanged(store, file);
        return store.localPath(file.address);
      }
      const name = createHash('sha256').update(`${file.etag}\n${file.size}\n${file.address}`).digest('hex');
      const kept = join(cache, name.slice(0, 2), name);
      const placed = join(folder, `${name}-${randomUUID()}`);
      if (await linked(kept, placed)) return placed;
      const coming = join(cache, 'coming', randomUUID());
      await mkdir(join(cache, 'coming'), { recursive: true });
      await mkdir(join(cache, name.slice(0, 2)), { recursive: true });
      try {
        await store.download(file.address, coming, { etag: file.etag }, signal);
        await checkSize(coming, file);
        await linkOrCopy(coming, placed);
        await rename(coming, kept).catch(() => undefined);
      } finally {
        await rm(coming, { force: true });
      }
      return placed;
    },
    trim: () => trim(cache, maxBytes),
  };
}

async function checkUnchanged(store: ObjectStore, file: ManifestFile): Promise<void> {
  const now = await store.head(file.address);
  if (now?.etag === file.etag && now.size === file.size) return;
  throw changed(file, now === undefined ? 'is not there any more' : 'has changed since the crawl');
}

async function checkSize(path: string, file: ManifestFile): Promise<void> {
  const { size } = await stat(path);
  if (size !== file.size) throw changed(file, 'has changed since the crawl');
}

function changed(file: ManifestFile, how: string): TenonError {
  return new TenonError('DATA_UNREADABLE', `${file.address} ${how}; crawl again.`, { file: file.address });
}

/** A link to a cached file: it stays readable even when another run trims the cache. False when it is not cached. */
async function linked(kept: string, placed: string): Promise<boolean> {
  try {
    await linkOrCopy(kept, placed);
    const now = new Date();
    await utimes(kept, now, now);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw fileError(error, placed);
  }
}

/** A copy only where the two are on different file systems. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    if (!['EXDEV', 'EPERM', 'EMLINK'].includes(errnoOf(error))) throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}

async function trim(cache: string, maxBytes: number): Promise<void> {
  await removeStale(cache);
  const files = await cachedFiles(cache);
  let bytes = files.reduce((sum, file) => sum + file.size, 0);
  for (const file of files.sort((a, b) => a.usedAt - b.usedAt)) {
    if (bytes <= maxBytes) return;
    await unlink(file.path).catch(() => undefined);
    bytes -= file.size;
  }
}

/** Downloads whose process died. */
async function removeStale(cache: string): Promise<void> {
  const coming = join(cache, 'coming');
  for (const name of await readdir(coming).catch(() => [])) {
    const stats = await stat(join(coming, name)).catch(() => undefined);
    if (stats !== undefined && Date.now() - stats.mtimeMs > STALE_MS) await rm(join(coming, name), { force: true });
  }
}

async function cachedFiles(cache: string): Promise<{ path: string; size: number; usedAt: number }[]> {
  const folders = (await readdir(cache).catch(() => [])).filter((name) => /^[0-9a-f]{2}$/.test(name));
  const files: { path: string; size: number; usedAt: number }[] = [];
  for (const folder of folders) {
    for (const name of await readdir(join(cache, folder)).catch(() => [])) {
      const path = join(cache, folder, name);
      // Another run may have removed it meanwhile.
      const stats = await stat(path).catch(() => undefined);
      if (stats !== undefined) files.push({ path, size: stats.size, usedAt: stats.mtimeMs });
    }
  }
  return files;
}
