import { readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SKIPS } from '../servers/allowed-skips.ts';
import { ask, tenon, withFolder } from './command.ts';
import { JOB, layOrders, ordersOf } from './orders.ts';
import { mountSmallDisk, type SmallDisk } from './small-disk.ts';

interface Changes {
  readonly changes: readonly { readonly kind: string; readonly table: string | null }[];
}

describe('a disk that is full', () => {
  it('publishes nothing, says so, and the same command does it when there is room', async ({ skip }) => {
    const disk = await mountSmallDisk(4);
    if (disk === undefined) return skip(SKIPS.noTmpfs);
    try {
      await withFolder(async (folder) => {
        const on = (...args: string[]): string[] => [...args, '--data', join(folder, 'data')];
        const job = on('job', 'run', JOB, '--param', `OUT=${join(disk.folder, 'out')}`);
        await layOrders(join(folder, 'lake'), '2026-11-18', 'a.csv', ordersOf(1, 40_000));
        await layOrders(join(folder, 'lake'), '2026-11-19', 'a.csv', ordersOf(40_001, 40_000));
        await ask(on('crawl', join(folder, 'lake'), '--database', 'lake'));
        await fill(disk, 64 * 1024);
        const before = await publishedIn(on);

        const { code, stdout, stderr } = await tenon([...job, '--json']);
        expect(code, stdout + stderr).toBe(1);
        expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'DISK_FULL' } });
        expect(stdout + stderr).not.toMatch(/\n +at |\\n +at /);
        expect(await publishedIn(on)).toEqual(before);
        expect(await filesBelow(join(disk.folder, 'out'))).toEqual([]);

        await rm(join(disk.folder, 'filler'));
        expect(await ask(job)).toMatchObject({
          run: { state: 'SUCCEEDED', outputs: [{ table: 'lake.orders_parquet', rows: 80_000, partitions: 2 }] },
        });
        const { rows } = await ask<{ rows: unknown[] }>(
          on('sql', 'select count(*), count(distinct id) from lake.orders_parquet'),
        );
        expect(rows).toEqual([[80_000, 80_000]]);
      });
    } finally {
      await disk.unmount();
    }
  }, 120_000);
});

/** Leaves so many bytes free. */
async function fill({ folder }: SmallDisk, freeBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  await writeFile(join(folder, 'filler'), Buffer.alloc(bavail * bsize - freeBytes));
}

/** What the log has of tables. */
async function publishedIn(on: (...args: string[]) => string[]): Promise<unknown> {
  const { changes } = await ask<Changes>(on('changes'));
  return changes.filter(({ table }) => table !== null).map(({ kind, table }) => [kind, table]);
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isFile()).map(({ name }) => name);
}
