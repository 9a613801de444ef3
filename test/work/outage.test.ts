import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { connect } from '../../src/db/open-db.ts';
import { until } from '../until.ts';
import { DONE, openBench, puppet, type Bench } from './workbench.ts';

const CRAWL = { kind: 'crawl', name: 'lake', params: {} };

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('when the database ends every connection', () => {
  it('a run under way keeps its lease and ends', async () => {
    const { work, noted } = await bench.open({ leaseMs: 3_000 });
    const doll = puppet();
    work.register('crawl', doll.execute);
    await work.start();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    const context = await doll.begun();
    const lease = (await bench.row(id)).leaseUntil;
    await endConnections();
    // The connections by which we look on have been ended too: one look may fail.
    const leaseNow = async () => (await bench.row(id).catch(() => undefined))?.leaseUntil ?? 0;
    await until('the lease is extended', async () => (await leaseNow()) > (lease ?? 0));
    expect(context.signal.aborted).toBe(false);
    doll.finish(1, DONE);
    expect(await work.waitFor(id)).toMatchObject({ state: 'SUCCEEDED', attempt: 1 });
    expect(noted).not.toContain('Another attempt took over a run');
  });

  it('runs that are queued afterwards begin', async () => {
    const { work } = await bench.open();
    work.register('crawl', async () => DONE);
    await work.start();
    await endConnections();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    expect((await work.waitFor(id)).state).toBe('SUCCEEDED');
  });
});

/** As a restart of the server does, or a failover. */
async function endConnections(): Promise<void> {
  const admin = await connect(bench.t.url);
  await admin.query(
    'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
  );
  await admin.end();
}
