import { createHash, randomUUID } from 'node:crypto';
import { link, mkdir, readdir, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../connections/file-errors.ts';
import type { ObjectStore } from '../connections/object-store.ts';
import { TenonError } from '../model/errors.ts';
import type { ManifestFile } from '../model/table.ts';

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
        await link(coming, placed).catch(() => rename(coming, placed));
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

/** A link to a cached file: the file stays readable even when another run trims the cache. */
async function linked(kept: string, placed: string): Promise<boolean> {
  try {
    await link(kept, placed);
    const now = new Date();
    await utimes(placed, now, now);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EXDEV') return false;
    throw error;
  }
}

async function trim(cache: string, maxBytes: number): Promise<void> {
  const files = await cachedFiles(cache);
  let bytes = files.reduce((sum, file) => sum + file.size, 0);
  for (const file of files.sort((a, b) => a.usedAt - b.usedAt)) {
    if (bytes <= maxBytes) return;
    await unlink(file.path).catch(() => undefined);
    bytes -= file.size;
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
