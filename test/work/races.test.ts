import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import type { RunContext, RunEnd } from '../../src/work/run.ts';
import { openBench, type Bench } from './workbench.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
  await bench.t.db.execute(sql`create table published (run_id text not null, epoch bigint not null)`);
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('many processes that take runs from one another', () => {
  it('publish each run exactly once, by the attempt that ended it', async () => {
    let late = 0;
    const publish = async (context: RunContext): Promise<RunEnd> => {
      const end: RunEnd = { state: 'SUCCEEDED', result: { epoch: context.run.epoch } };
      // Heeds no signal: as bad as a zombie can be.
      for (let step = 0; step < 40; step += 1) await bench.t.db.execute(sql`select ${step}::int`);
      await bench.t.db
        .transaction(async (tx) => {
          await context.hold(tx);
          await tx.execute(sql`insert into published values (${context.run.id}, ${context.run.epoch})`);
          await context.end(tx, end);
        })
        .catch((error: unknown) => {
          late += 1;
          throw error;
        });
      return end;
    };
    const processes = await Promise.all([1, 2, 3].map(() => bench.open({ attempts: 1_000, concurrency: 4 })));
    for (const { work } of processes) {
      work.register('job', publish);
      await work.start();
    }
    const over = new AbortController();
    const thief = (async () => {
      while (!over.signal.aborted) {
        await bench.expireLeases();
        // Each start of a fourth process looks at the queue at once, instead of at the next sweep.
        const { work, close } = await bench.open({ attempts: 1_000, concurrency: 4 });
        work.register('job', publish);
        await work.start();
        await close();
      }
    })();
    const [first] = processes;
    const queued = await Promise.all(
      Array.from({ length: 40 }, (_, n) => first?.work.enqueue(SYSTEM, { kind: 'job', name: `job-${n}`, params: {} })),
    );
    const ended = await Promise.all(queued.map((run) => first?.work.waitFor(run?.id ?? '')));
    over.abort();
    await thief;
    const { rows } = await bench.t.db.execute<{ run_id: string; epoch: string }>(sql`select * from published order by run_id`);
    expect(rows.map(({ run_id }) => run_id)).toEqual(queued.map((run) => run?.id).toSorted());
    for (const run of ended) {
      expect(run?.state).toBe('SUCCEEDED');
      expect(run?.result).toEqual({ epoch: Number(rows.find(({ run_id }) => run_id === run?.id)?.epoch) });
    }
    expect(
      ended.some((run) => (run?.attempt ?? 0) > 1),
      `${late} came too late`,
    ).toBe(true);
  });
});
