import { open, type FileHandle } from 'node:fs/promises';
import type { Config } from '../config.ts';
import { claimDirectory, ownDirectory } from '../db/own.ts';
import { restore } from '../db/restore.ts';
import { TenonError } from '../model/errors.ts';
import { fileError } from './backup.ts';

/** What restoring gives back. */
export interface Restored {
  readonly tables: number;
  readonly rows: number;
}

/** Into an empty catalog, as its owner: nobody may look on while it is half there. */
export async function restoreInto(config: Config, file: string): Promise<Restored> {
  // Before anything else: a file that is not there would be told by the stream while nobody listens to it yet.
  const backup = await open(file).catch((error: unknown) => Promise.reject(fileError(file, error)));
  try {
    return await restoreFrom(backup, config);
  } catch (error) {
    throw fileError(file, error);
  } finally {
    await backup.close();
  }
}

async function restoreFrom(backup: FileHandle, config: Config): Promise<Restored> {
  const claim = await (config.databaseUrl === undefined ? claimDirectory(config.dataDir) : ownDirectory(config.databaseUrl));
  if (!claim.owned)
    throw new TenonError('DATA_DIRECTORY', `Another process owns ${config.dataDir}. Stop it, then restore.`, {
      dataDir: config.dataDir,
    });
  try {
    return await restore('url' in claim ? claim.url : (config.databaseUrl ?? ''), backup.createReadStream());
  } finally {
    await ('close' in claim ? claim.close() : claim.release());
  }
}
