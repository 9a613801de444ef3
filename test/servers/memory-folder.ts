import { readFileSync, statfsSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const GIB = 1024 ** 3;
const FOLDER = '/dev/shm';

/**
 * A temporary folder in memory, where there is one with room enough. Tests make and remove hundreds of databases; on a
 * disk, half of what they take is the file system's. Undefined where there is none (no Linux, a container with a small one),
 * where programs may not be run from it (Postgres's libraries are), or where TMPDIR already says where to go.
 */
export function memoryFolder(): string | undefined {
  if (process.env['TMPDIR'] !== undefined) return undefined;
  try {
    const options = mountOptions(FOLDER);
    if (options === undefined || options.includes('noexec') || options.includes('ro')) return undefined;
    const { bavail, bsize } = statfsSync(FOLDER);
    // What a run holds at its highest is below half a GiB for each file under way.
    const needed = (1 + availableParallelism()) * GIB;
    return Math.min(bavail * bsize, availableMemory()) > 2 * needed ? FOLDER : undefined;
  } catch {
    return undefined;
  }
}

/** Of a mount that is a file system in memory. */
function mountOptions(folder: string): readonly string[] | undefined {
  const line = readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .find((mount) => mount.split(' ')[1] === folder);
  const [, , type, options] = line?.split(' ') ?? [];
  return type === 'tmpfs' ? options?.split(',') : undefined;
}

function availableMemory(): number {
  return Number(/MemAvailable:\s+(\d+)/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
}
