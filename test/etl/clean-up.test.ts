import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eq } from 'drizzle-orm';
import { runs } from '../../src/db/tables/work.ts';
import { cleanUp } from '../../src/etl/clean-up.ts';
import { createJobRun } from '../../src/etl/run.ts';
import { onReached, type Label } from '../../src/model/reached.ts';
import { SYSTEM } from '../../src/access/principals.ts';
import type { RunContext } from '../../src/work/run.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { filesBelow, openLab, type Lab } from './lab.ts';

const LABELS = [
  'publish.after-write',
  'publish.after-upload',
  'bookmark.before-advance',
  'publish.before-commit',
  'publish.after-commit',
] as const satisfies readonly Label[];
const EXPECTED = [
  ['1', 'a', '1.00', '2026-01-01'],
  ['2', 'b', '2.00', '2026-01-02'],
];

describe('publishing', () => {
  let lab: Lab;
  let unhook: () => void = () => undefined;
  beforeEach(async () => {
    lab = await openLab();
    lab.put('orders/dt=2026-01-01/a.csv', 'id,email,amount\n1,a,1\n');
    lab.put('orders/dt=2026-01-02/a.csv', 'id,email,amount\n2,b,2\n');
    await lab.crawl();
    await lab.define();
  });
  afterEach(async () => {
    unhook();
    await lab.close();
  });

  for (const label of LABELS) {
    it(`is whole or not at all when it fails at ${label}`, async () => {
      unhook = onReached((at) => {
        if (at === label) throw new Error(`failed at ${label}`);
      });
      const run = await lab.run();
      unhook();
      const committed = label === 'publish.after-commit';
      expect(run.state).toBe(committed ? 'SUCCEEDED' : 'FAILED');
      expect(await lab.rows('lake.orders_parquet')).toEqual(committed ? EXPECTED : []);
      expect(await lab.run()).toMatchObject({ state: 'SUCCEEDED', result: { bookmark: { newFiles: committed ? 0 : 2 } } });
      expect(await lab.rows('lake.orders_parquet')).toEqual(EXPECTED);
    });
  }

  it('is fenced: an attempt that was taken over publishes nothing', async () => {
    const row = await lab.work.enqueue(SYSTEM, { kind: 'job', name: 'copy', params: { parameters: { OUT: lab.out } } });
    const run = await lab.work.waitFor(row.id);
    const zombie = {
      run,
      principal: SYSTEM,
      attempt: 2,
      signal: new AbortController().signal,
      checkpoint: null,
      log: () => undefined,
      progress: () => undefined,
    };
    const refuse = (): never => {
      throw Object.assign(new Error('taken over'), { code: 'OUT_OF_DATE' });
    };
    const context: RunContext = {
      ...zombie,
      saveCheckpoint: async () => undefined,
      hold: async () => refuse(),
      end: async () => refuse(),
    };
    await lab.t.db.execute('delete from bookmarks');
    const log = await lab.log();
    await expect(createJobRun(lab.deps)(context)).rejects.toMatchObject({ code: 'OUT_OF_DATE' });
    expect(await lab.rows('lake.orders_parquet')).toEqual(EXPECTED);
    expect(await lab.log()).toEqual(log);
  });

  it('leaves files behind only until they are cleaned up, and those that are published stay', async () => {
    await lab.run();
    const published = lab.outputs();
    unhook = onReached((at) => {
      if (at === 'publish.before-commit') throw new Error('crash');
    });
    lab.put('orders/dt=2026-01-01/b.csv', 'id,email,amount\n3,c,3\n');
    await lab.crawl();
    const crashed = await lab.run();
    unhook();
    expect(lab.outputs().length).toBe(published.length + 1);
    lab.t.clock.set(new Date());
    expect(await cleanUp(lab.deps, { guardAgeMs: 3_600_000 })).toEqual({ removed: 0, unknown: 0, manifests: 0 });
    lab.t.clock.advance(7_200_000);
    // While the run may still be under way, its last attempt stays.
    await lab.t.db.update(runs).set({ state: 'RUNNING' }).where(eq(runs.id, crashed.id));
    expect(await cleanUp(lab.deps, { guardAgeMs: 3_600_000 })).toEqual({ removed: 0, unknown: 0, manifests: 0 });
    await lab.t.db.update(runs).set({ state: 'FAILED' }).where(eq(runs.id, crashed.id));
    expect(await cleanUp(lab.deps, { guardAgeMs: 3_600_000 })).toEqual({ removed: 1, unknown: 0, manifests: 0 });
    expect(lab.outputs()).toEqual(published);
    expect(existsSync(join(lab.out, 'orders_parquet', '_t', 'lake.orders_parquet', crashed.id))).toBe(false);
    expect(await cleanUp(lab.deps, { guardAgeMs: 3_600_000 })).toEqual({ removed: 0, unknown: 0, manifests: 0 });
    expect(await lab.rows('lake.orders_parquet')).toEqual(EXPECTED);
  });
});

/** A file system of a few megabytes, for which one must be root; else undefined. */
function smallDisk(megabytes: number): { folder: string; unmount(): void } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-disk-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', folder], { stdio: 'ignore' });
  } catch {
    rmSync(folder, { recursive: true, force: true });
    return undefined;
  }
  return {
    folder,
    unmount() {
      execFileSync('umount', [folder], { stdio: 'ignore' });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const disk = smallDisk(2);

describe('a full disk', () => {
  afterEach(() => {
    disk?.unmount();
  });

  it('ends the run as DISK_FULL with nothing published and nothing left', async (context) => {
    if (disk === undefined) return context.skip(SKIPS.noTmpfs);
    const lab = await openLab();
    try {
      lab.put('orders/dt=2026-01-01/a.csv', 'id,email,amount\n1,a,1\n');
      await lab.crawl();
      const out = join(disk.folder, 'out');
      mkdirSync(out);
      const sql = 'select id * 1000000 + range as id, md5(random()::text) as email, amount, dt from orders, range(500000)';
      await lab.define({ steps: [{ name: 'r', sql }] });
      const run = await lab.run('copy', { OUT: out });
      expect(run).toMatchObject({ state: 'FAILED', error: { code: 'DISK_FULL' } });
      expect(filesBelow(out)).toEqual([]);
      expect(await lab.rows('lake.orders_parquet')).toEqual([]);
      await lab.define({ steps: [{ name: 'r', sql: 'from orders' }] });
      expect(await lab.run('copy', { OUT: out })).toMatchObject({ state: 'SUCCEEDED', result: { outputs: [{ rows: 1 }] } });
    } finally {
      await lab.close();
    }
  });
});
