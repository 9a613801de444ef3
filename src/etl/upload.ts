import { open } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import { joinAddress } from '../connections/address.ts';
import { fileError } from '../connections/file-errors.ts';
import type { ObjectStore } from '../connections/object-store.ts';
import { TenonError } from '../model/errors.ts';
import type { ManifestFile } from '../model/table.ts';
import type { WrittenFile } from './engine.ts';
import { inParallel } from './inputs.ts';

/** A file that a run has written, at the place from which it is to be read. */
export interface OutputFile {
  readonly values: readonly (string | null)[];
  readonly rows: bigint;
  readonly file: ManifestFile;
  /** The folder that it lies in. */
  readonly location: string;
}

/**
 * Brings what the engine wrote below `folder` to `address`, and looks there that it arrived whole. Where the store's files
 * are local the engine wrote them at their place: then they are only forced to the disk.
 */
export function bringFiles(
  store: ObjectStore,
  folder: string,
  address: string,
  written: readonly WrittenFile[],
  signal?: AbortSignal,
): Promise<OutputFile[]> {
  return inParallel(written, async (one) => {
    signal?.throwIfAborted();
    const path = relative(folder, one.path).split(sep).join('/');
    const to = joinAddress(address, path);
    if (store.localPath === undefined) await store.upload(one.path, to, signal);
    else await force(one.path);
    const found = await store.head(to);
    if (found === undefined || BigInt(found.size) !== one.bytes) {
      throw new TenonError('SOURCE_UNAVAILABLE', `${to} did not arrive whole: ${found?.size ?? 0} of ${one.bytes} bytes.`, {
        address: to,
      });
    }
    const file = { address: to, size: found.size, etag: found.etag, modified: found.modified };
    return { values: one.values, rows: one.rows, file, location: to.slice(0, to.lastIndexOf('/')) };
  });
}

async function force(path: string): Promise<void> {
  try {
    const handle = await open(path, 'r');
    await handle.sync().finally(() => handle.close());
  } catch (error) {
    throw fileError(error, path);
  }
}
