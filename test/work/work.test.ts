import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { TenonError } from '../../src/model/errors.ts';
import { DONE, openBench, puppet, type Bench } from './workbench.ts';

const CRAWL = { kind: 'crawl', name: 'lake', params: { path: 'x' } };
const ALL = { first: 100 };

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('a run', () => {
  it('is queued, begins, and ends with its result', async () => {
    const { work } = await bench.open();
    work.register('crawl', async ({ run, attempt, principal, checkpoint }) => ({
      state: 'SUCCEEDED',
      result: { params: run.params, attempt, principal: principal.name, checkpoint },
    }));
    await work.start();
    const queued = await work.enqueue(SYSTEM, CRAWL);
    expect(queued).toMatchObject({ state: 'QUEUED', attempt: 0, kind: 'crawl', name: 'lake', startedAt: null });
    const run = await work.waitFor(queued.id);
    expect(run).toMatchObject({ state: 'SUCCEEDED', attempt: 1, epoch: 1, error: null, leaseUntil: null });
    expect(run.result).toEqual({ params: { path: 'x' }, attempt: 1, principal: 'system', checkpoint: null });
    expect(run.endedAt).toEqual(bench.t.clock());
  });

  it('that was queued before anybody worked begins at the start', async () => {
    const { work } = await bench.open();
    work.register('crawl', async () => DONE);
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    await work.start();
    expect((await work.waitFor(id)).state).toBe('SUCCEEDED');
  });

  it('fails with the error that was thrown, without its secrets', async () => {
    const { work } = await bench.open();
    const failures: Record<string, Error> = {
      a: new TenonError('SOURCE_DENIED', 'postgres://u:canary@host/db refused', { count: 5n, path: 'a\0b\ud800' }),
      b: new Error('something odd'),
    };
    work.register('crawl', async ({ run }) => {
      throw failures[run.name] ?? new Error('?');
    });
    await work.start();
    const denied = await work.waitFor((await work.enqueue(SYSTEM, { ...CRAWL, name: 'a' })).id);
    expect(denied).toMatchObject({
      state: 'FAILED',
      error: { code: 'SOURCE_DENIED', details: { count: '5', path: 'a\ufffdb\ufffd' } },
    });
    expect(
      JSON.stringify([denied, (await work.logs(SYSTEM, denied.id, ALL)).items.map(({ item }) => item.message)]),
    ).not.toContain('canary');
    const odd = await work.waitFor((await work.enqueue(SYSTEM, { ...CRAWL, name: 'b' })).id);
    expect(odd).toMatchObject({ state: 'FAILED', error: { code: 'INTERNAL', message: `something odd (run ${odd.id})` } });
  });

  it('is not taken on twice: while one is queued or runs, the next is refused', async () => {
    const { work } = await bench.open();
    const doll = puppet();
    work.register('crawl', doll.execute);
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    const refused = expect.objectContaining({ code: 'ALREADY_RUNNING', details: expect.objectContaining({ runId: id }) });
    await expect(work.enqueue(SYSTEM, CRAWL)).rejects.toEqual(refused);
    await work.start();
    await doll.begun();
    await expect(work.enqueue(SYSTEM, CRAWL)).rejects.toEqual(refused);
    doll.finish(1, DONE);
    await work.waitFor(id);
    const next = await work.enqueue(SYSTEM, CRAWL);
    await doll.begun(2);
    doll.finish(2, DONE);
    expect((await work.waitFor(next.id)).attempt).toBe(1);
  });

  it('of the same name is taken on once when many ask at the same time', async () => {
    const processes = await Promise.all([bench.open(), bench.open()]);
    for (const { work } of processes) work.register('crawl', async () => DONE);
    const asked = await Promise.allSettled(Array.from({ length: 10 }, (_, n) => processes[n % 2]?.work.enqueue(SYSTEM, CRAWL)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('waits while as many run as may', async () => {
    const { work } = await bench.open({ concurrency: 2 });
    const doll = puppet();
    work.register('crawl', doll.execute);
    await work.start();
    const ids: string[] = [];
    for (const name of ['a', 'b', 'c']) ids.push((await work.enqueue(SYSTEM, { ...CRAWL, name })).id);
    await doll.begun(2);
    expect((await bench.row(ids[2] ?? '')).state).toBe('QUEUED');
    doll.finish(1, DONE);
    expect((await doll.begun(3)).run.name).toBe('c');
    doll.finish(2, DONE);
    doll.finish(3, DONE);
    for (const id of ids) expect((await work.waitFor(id)).state).toBe('SUCCEEDED');
  });

  it('goes to one process when several work', async () => {
    const counts = new Map<string, number>();
    const processes = [await bench.open(), await bench.open()];
    for (const { work } of processes) {
      work.register('crawl', async ({ run }) => {
        counts.set(run.name, (counts.get(run.name) ?? 0) + 1);
        return DONE;
      });
      await work.start();
    }
    const [first, second] = processes;
    const names = Array.from({ length: 30 }, (_, n) => `crawler-${n}`);
    const queued = await Promise.all(
      names.map((name, n) => (n % 2 === 0 ? first : second)?.work.enqueue(SYSTEM, { ...CRAWL, name })),
    );
    for (const run of queued) expect((await first?.work.waitFor(run?.id ?? ''))?.state).toBe('SUCCEEDED');
    expect(names.map((name) => counts.get(name))).toEqual(names.map(() => 1));
  });

  it('of a principal who is gone does nothing', async () => {
    const { work } = await bench.open();
    work.register('crawl', async () => DONE);
    await work.start();
    const { id } = await work.enqueue({ id: 'gone', name: 'gone', role: 'editor' }, CRAWL);
    expect(await work.waitFor(id)).toMatchObject({ state: 'FAILED', error: { code: 'FORBIDDEN' } });
  });
});

describe('stop', () => {
  it('ends a run that waits at once', async () => {
    const { work } = await bench.open();
    work.register('crawl', async () => DONE);
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    expect(await work.stop(SYSTEM, id)).toMatchObject({ state: 'STOPPED', endedAt: bench.t.clock() });
    await work.start();
    expect((await work.waitFor(id)).attempt).toBe(0);
  });

  it('aborts a run that is under way', async () => {
    const { work } = await bench.open();
    const doll = puppet();
    work.register('crawl', doll.execute);
    await work.start();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    await doll.begun();
    expect((await work.stop(SYSTEM, id)).state).toMatch(/STOPP/);
    expect(await work.waitFor(id)).toMatchObject({ state: 'STOPPED', error: { code: 'STOPPED' } });
    expect((await work.stop(SYSTEM, id)).state).toBe('STOPPED');
  });

  it('reaches a run of another process by its heartbeat', async () => {
    const [one, two] = [await bench.open({ leaseMs: 1_000 }), await bench.open()];
    const doll = puppet();
    one.work.register('crawl', doll.execute);
    two.work.register('crawl', async () => DONE);
    await one.work.start();
    const { id } = await two.work.enqueue(SYSTEM, CRAWL);
    await doll.begun();
    await two.work.stop(SYSTEM, id);
    expect((await two.work.waitFor(id)).state).toBe('STOPPED');
  });

  it('lets a run that has published meanwhile keep its end', async () => {
    const { work } = await bench.open();
    const doll = puppet({ heedsSignal: false });
    work.register('crawl', doll.execute);
    await work.start();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    const context = await doll.begun();
    await work.stop(SYSTEM, id);
    expect(context.signal.aborted).toBe(true);
    await bench.t.db.transaction((tx) => context.end(tx, { state: 'SUCCEEDED', result: { rows: 1 } }));
    doll.finish(1, new Error('too late'));
    expect(await work.waitFor(id)).toMatchObject({ state: 'SUCCEEDED', result: { rows: 1 } });
  });
});

describe('close', () => {
  it('gives runs under way back to the queue, and the next process goes on from their checkpoint', async () => {
    const one = await bench.open();
    const doll = puppet();
    one.work.register('crawl', doll.execute);
    await one.work.start();
    const { id } = await one.work.enqueue(SYSTEM, CRAWL);
    const context = await doll.begun();
    await bench.t.db.transaction((tx) => context.saveCheckpoint(tx, { cursor: 'm' }));
    await one.close();
    expect(await bench.row(id)).toMatchObject({ state: 'QUEUED', checkpoint: { cursor: 'm' }, leaseUntil: null });
    const two = await bench.open();
    two.work.register('crawl', async ({ checkpoint, attempt }) => ({ state: 'SUCCEEDED', result: { checkpoint, attempt } }));
    await two.work.start();
    expect((await two.work.waitFor(id)).result).toEqual({ checkpoint: { cursor: 'm' }, attempt: 2 });
  });

  it('waits for runs under way when told to', async () => {
    const { work } = await bench.open();
    const doll = puppet();
    work.register('crawl', doll.execute);
    await work.start();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    await doll.begun();
    const closed = work.close({ wait: true });
    doll.finish(1, DONE);
    await closed;
    expect((await bench.row(id)).state).toBe('SUCCEEDED');
  });

  it('of a process that never started does nothing', async () => {
    const { work } = await bench.open();
    await work.close();
  });
});
