import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { openDb, type OpenDb } from '../../src/db/open-db.ts';
import { migrateQueue } from '../../src/db/queue-schema.ts';
import { askToWake, createWake, type Wake } from '../../src/work/wake.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { until } from '../until.ts';
import { DONE, openBench } from './workbench.ts';

let t: TestDb;
let opened: OpenDb;
let wakes: Wake[] = [];
beforeAll(async () => {
  t = await openTestDb();
  await migrateQueue(t.url);
  opened = await openDb({ url: t.url });
});
afterEach(async () => {
  for (const wake of wakes.splice(0)) await wake.close();
});
afterAll(async () => {
  await opened.close();
  await t.close();
});

describe('a wake-up', () => {
  it('comes when the transaction that asked for it commits, and not when it is rolled back', async () => {
    let count = 0;
    const wake = createWake(opened.pool, () => {
      count += 1;
    });
    wakes = [wake];
    await wake.start();
    await wake.start();
    const rolledBack = t.db.transaction(async (tx) => {
      await askToWake(tx, 'never');
      throw new Error('rolled back');
    });
    await expect(rolledBack).rejects.toThrow('rolled back');
    await t.db.transaction((tx) => askToWake(tx, 'run'));
    await until('it comes', () => count > 0);
    expect(count).toBe(1);
  });

  it('that was asked for while nobody listened comes at the start', async () => {
    await askToWake(t.db, 'run');
    let woken = false;
    const wake = createWake(opened.pool, () => {
      woken = true;
    });
    wakes = [wake];
    await wake.start();
    await until('it comes', () => woken);
  });

  it('leaves nothing behind in the queue', async () => {
    const { rows } = await opened.pool.query('select count(*)::int as jobs from graphile_worker.jobs');
    expect(rows).toEqual([{ jobs: 0 }]);
  });
});

describe('migrateQueue', () => {
  it('may be called again, and by several at once', async () => {
    await Promise.all([migrateQueue(t.url), migrateQueue(opened.pool), migrateQueue(t.url)]);
  });
});

describe('a closed process', () => {
  it('leaves no timer behind', async () => {
    const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const bench = await openBench();
    const before = timers();
    const { work, close } = await bench.open();
    work.register('crawl', async ({ log }) => {
      log('info', 'hello');
      return DONE;
    });
    await work.start();
    const { id } = await work.enqueue(SYSTEM, { kind: 'crawl', name: 'a', params: {} });
    await work.waitFor(id);
    await close();
    await until('all timers are gone', () => timers() <= before);
    await bench.close();
  });
});
