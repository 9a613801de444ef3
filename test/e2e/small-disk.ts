import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly folder: string;
  unmount(): Promise<void>;
}

/** A disk of its own, in memory, or undefined where we may not mount one. */
export async function mountSmallDisk(megabytes: number, { readOnly = false } = {}): Promise<SmallDisk | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-disk-'));
  const options = `size=${megabytes}m,mode=755${readOnly ? ',ro' : ''}`;
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    await rm(folder, { recursive: true });
    return undefined;
  }
  await chmod(folder, 0o755).catch(() => {});
  return {
    folder,
    unmount: async () => {
      execFileSync('umount', ['--lazy', folder]);
      await rm(folder, { recursive: true });
    },
  };
}
