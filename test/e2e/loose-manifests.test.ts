import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ask, tenon } from './command.ts';

const PARTITIONS = 1_050;

it('removes what a crawl has kept that was killed, and that nothing names', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-loose-'));
  const [lake, data] = [join(folder, 'lake'), join(folder, 'data')];
  const lay = async (rows: number): Promise<void> => {
    for (let n = 0; n < PARTITIONS; n += 1) {
      await mkdir(join(lake, 'sales', `n=${n}`), { recursive: true });
      await writeFile(join(lake, 'sales', `n=${n}`, 'a.csv'), `id,amount\n${'1,1.5\n'.repeat(rows)}`);
    }
  };
  try {
    await lay(1);
    const crawl = ['crawl', lake, '--database', 'lake', '--data', data];
    expect((await tenon(crawl, { killAt: 'crawl.before-save' })).signal).toBe('SIGKILL');
    await lay(2);
    const { run } = await ask<{ run: { state: string; partitions: number } }>(crawl);
    expect(run).toMatchObject({ state: 'SUCCEEDED', partitions: PARTITIONS });
    // The run that was killed is taken over first, and tidies up behind itself: then nothing is left for the clean-up.
    const { runs } = await ask<{ runs: { id: string }[] }>(['runs', '--kind', 'crawl', '--data', data]);
    const logs = await Promise.all(runs.map(({ id }) => tenon(['run', 'logs', id, '--data', data])));
    const told = logs.map(({ stdout }) => Number(/(\d+) lists of files that an attempt before/.exec(stdout)?.[1] ?? 0));
    const { manifests } = await ask<{ manifests: number }>(['clean-up', '--data', data]);
    expect(told.reduce((sum, one) => sum + one, manifests)).toBe(1_000);
    expect((await ask<{ manifests: number }>(['clean-up', '--data', data])).manifests).toBe(0);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
