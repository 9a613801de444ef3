import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { loadConfig } from '../../src/config.ts';
import { openTenon } from '../../src/tenon.ts';
import { ask, tenon } from './command.ts';

const PARTITIONS = 1_050;
const QUIET = { info: () => {}, warn: () => {}, error: () => {} };

/** How many lists of files the catalog keeps, and how many of them its partitions name. */
async function kept(dataDir: string): Promise<{ all: number; named: number }> {
  const opened = await openTenon(loadConfig({ dataDir, env: {} }), { crawlers: [], log: QUIET });
  if (opened === undefined) throw new Error(`${dataDir} is owned by another process`);
  try {
    const count = async (of: string): Promise<number> =>
      Number((await opened.ground.db.execute<{ n: string }>(sql.raw(`select count(*) as n from ${of}`))).rows[0]?.n);
    return { all: await count('manifests'), named: await count('(select distinct manifest_hash from partitions) as named') };
  } finally {
    await opened.close();
  }
}

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
    // Goes on with the run that was killed, which tidies up behind itself at its end.
    const { run } = await ask<{ run: { state: string; partitions: number } }>(crawl);
    expect(run).toMatchObject({ state: 'SUCCEEDED', partitions: PARTITIONS });
    expect(await ask<{ manifests: number }>(['clean-up', '--data', data])).toMatchObject({ removed: 0, unknown: 0 });
    expect(await kept(data)).toEqual({ all: PARTITIONS, named: PARTITIONS });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 120_000);
