import { createHash } from 'node:crypto';
import { lstat, mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TenonError } from '../model/errors.ts';

/** sun_path holds 108 bytes with its closing zero on Linux, 104 on the others. */
const MAX_PATH_BYTES = process.platform === 'linux' ? 107 : 103;

/**
 * Where the owner of a data directory serves its API: in the directory, or, where that path would be too long for a socket,
 * in a short temporary folder of ours whose name follows from the directory's, so that clients find it without asking.
 */
export function apiSocket(dataDir: string): string {
  const near = join(resolve(dataDir), 'tenon.sock');
  if (Buffer.byteLength(near) <= MAX_PATH_BYTES) return near;
  const short = createHash('sha256').update(resolve(dataDir)).digest('hex').slice(0, 12);
  return join(tmpdir(), `tenon-api-${short}`, 'tenon.sock');
}

/** Makes the folder of the socket. In a folder for everybody, somebody else may have made it first, or put a link there. */
export async function makeSocketFolder(socket: string, dataDir: string): Promise<void> {
  const folder = join(socket, '..');
  if (folder === resolve(dataDir)) return;
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const there = await lstat(folder);
  if (there.isDirectory() && there.uid === process.geteuid?.()) return;
  throw new TenonError(
    'DATA_DIRECTORY',
    `${folder} belongs to somebody else. Remove it, or use a data directory with a shorter path.`,
  );
}
