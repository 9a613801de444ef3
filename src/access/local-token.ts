import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { write } from '../changes/write.ts';
import type { Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { ensureAdmin } from './ensure-admin.ts';
import { oldestAdmin, SYSTEM } from './principals.ts';
import { createToken, findPrincipalByToken } from './tokens.ts';

/**
 * Sees to it that `file` (0600) holds a token that lets the local command line in. At the first start that is the first
 * admin's, which is returned this once. Later starts leave a good token alone, of whatever role. A missing or refused one
 * is replaced by a new one of an admin: the catalog came from a backup, or its database has met this directory only now.
 * That gives nobody more than they have: who may call this has the whole database.
 *
 * Throws DATA_DIRECTORY when the file can be neither read nor written.
 */
export async function ensureLocalToken(ground: Ground, file: string): Promise<{ readonly first?: string }> {
  const { created } = await ensureAdmin(ground, (token) => keep(file, token));
  if (created !== undefined) return { first: created };
  const kept = await read(file);
  if (kept !== undefined && (await findPrincipalByToken(ground.db, kept, ground.clock())) !== undefined) return {};
  await write(ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
    const { name } = await oldestAdmin(w.tx);
    const { token } = await createToken(w, { principal: name, name: 'local command line' });
    // Before the commit, as at the first start: a file without its row is mended by the next start.
    await keep(file, token);
  });
  return {};
}

async function read(file: string): Promise<string | undefined> {
  try {
    return (await readFile(file, 'utf8')).trim();
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw fileError(file, 'read', cause);
  }
}

/** To a temporary name first, so that nobody reads half of it. */
async function keep(file: string, token: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await rm(`${file}.new`, { force: true });
    await writeFile(`${file}.new`, `${token}\n`, { mode: 0o600, flag: 'wx' });
    await rename(`${file}.new`, file);
  } catch (cause) {
    throw fileError(file, 'written', cause);
  }
}

function fileError(file: string, done: 'read' | 'written', cause: unknown): TenonError {
  const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
  if (code === 'ENOSPC' || code === 'EDQUOT')
    return new TenonError('DISK_FULL', `There is no space left for ${file}.`, { file }, { cause });
  return new TenonError('DATA_DIRECTORY', `The token in ${file} cannot be ${done}: ${code}.`, { file }, { cause });
}
