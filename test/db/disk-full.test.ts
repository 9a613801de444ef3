import { execFileSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { ask, QUICK, removeFolders, temporaryFolder } from './embedded.ts';

afterAll(removeFolders);

const mounts: string[] = [];

/** A disk of its own, or undefined where we may not mount one. */
async function smallDisk(megabytes: number): Promise<string | undefined> {
  const folder = await temporaryFolder();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=755`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  mounts.push(folder);
  return folder;
}

afterEach(() => {
  for (const folder of mounts.splice(0)) execFileSync('umount', ['--lazy', folder]);
});

describe('a full disk', () => {
  it('is named when there is no room for a new database, and leaves nothing half-made', async ({ skip }) => {
    const folder = await smallDisk(20);
    if (folder === undefined) return skip(SKIPS.noTmpfs);
    await expect(openEmbeddedPostgres(folder, QUICK)).rejects.toMatchObject({ code: 'DISK_FULL' });
    // The lock, and where npm's install scripts are blocked the links to libraries: both are whole, and serve the next try.
    const whole = ['postgres.turn', 'postgres.lib'];
    expect((await readdir(folder)).filter((name) => name.startsWith('postgres') && !whole.includes(name))).toEqual([]);
  });

  it('is named when the database cannot start, and over when there is room again', async ({ skip }) => {
    const folder = await smallDisk(90);
    if (folder === undefined) return skip(SKIPS.noTmpfs);
    const first = await openEmbeddedPostgres(folder, QUICK);
    await ask(first.url, 'create table kept as select 42 as answer');
    await first.close();
    const filler = join(folder, 'filler');
    await writeFile(filler, Buffer.alloc(90 * 1024 * 1024)).catch(() => {});
    await expect(openEmbeddedPostgres(folder, QUICK)).rejects.toMatchObject({ code: 'DISK_FULL' });
    await rm(filler);
    const second = await openEmbeddedPostgres(folder, QUICK);
    expect(await ask(second.url, 'select answer from kept')).toEqual([{ answer: 42 }]);
    await second.close();
  });
});
