import { createHash } from 'node:crypto';
import { chmod, chown, lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TenonError } from '../model/errors.ts';
import type { PostgresUser } from './postgres-user.ts';

/** sun_path holds 108 bytes with its closing zero on Linux, 104 on the others. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;
const SOCKET_NAME = '/.s.PGSQL.5432.lock';

/**
 * Makes the folder of Postgres's socket, for its user alone: in the data directory, or, where that path would be too
 * long for a socket, in a short temporary folder whose name follows from the data directory's.
 */
export async function socketFolder(dataDir: string, user: PostgresUser): Promise<string> {
  const near = join(dataDir, 'postgres.run');
  const fits = Buffer.byteLength(near + SOCKET_NAME) <= MAX_PATH_BYTES;
  const short = createHash('sha256').update(dataDir).digest('hex').slice(0, 12);
  const folder = fits ? near : join(tmpdir(), `tenon-${short}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await checkOwner(folder, user);
  if (user.uid !== undefined && user.gid !== undefined) await chown(folder, user.uid, user.gid);
  await chmod(folder, 0o700);
  return folder;
}

/** In a folder for everybody, somebody else may have made it first, or put a link there. */
async function checkOwner(folder: string, user: PostgresUser): Promise<void> {
  const there = await lstat(folder);
  const mine = [process.geteuid?.(), user.uid];
  if (!there.isDirectory() || !mine.includes(there.uid)) {
    throw new TenonError(
      'DATA_DIRECTORY',
      `${folder} belongs to somebody else. Remove it, or use a data directory with a shorter path.`,
    );
  }
}
