import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { until } from '../until.ts';
import { DONE, openBench, puppet, type Bench } from './workbench.ts';

const JOB = { kind: 'job', name: 'nightly', params: {} };
const outOfDate = expect.objectContaining({ code: 'OUT_OF_DATE' });

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('a run whose process was not heard of', () => {
  it('is taken over by another process, from its checkpoint', async () => {
    const { zombie, heir, id } = await takeOver();
    expect(heir.context).toMatchObject({ attempt: 2, checkpoint: { part: 1 } });
    heir.doll.finish(1, { state: 'SUCCEEDED', result: { by: 'heir' } });
    expect(await heir.process.work.waitFor(id)).toMatchObject({
      state: 'SUCCEEDED',
      attempt: 2,
      epoch: 2,
      result: { by: 'heir' },
    });
    zombie.doll.finish(1, DONE);
  });

  it('can neither publish, nor save a checkpoint, nor end when it comes back', async () => {
    const { zombie, heir, id } = await takeOver();
    const { context } = zombie;
    await expect(bench.t.db.transaction((tx) => context.hold(tx))).rejects.toEqual(outOfDate);
    await expect(bench.t.db.transaction((tx) => context.saveCheckpoint(tx, { part: 9 }))).rejects.toEqual(outOfDate);
    await expect(bench.t.db.transaction((tx) => context.end(tx, DONE))).rejects.toEqual(outOfDate);
    zombie.process.resume();
    zombie.doll.finish(1, { state: 'SUCCEEDED', result: { by: 'zombie' } });
    await until('the zombie is over', () => zombie.process.noted.includes('An attempt is over'));
    expect(await bench.row(id)).toMatchObject({ state: 'RUNNING', epoch: 2, checkpoint: { part: 1 }, result: null });
    heir.doll.finish(1, { state: 'SUCCEEDED', result: { by: 'heir' } });
    expect((await heir.process.work.waitFor(id)).result).toEqual({ by: 'heir' });
  });

  it('cannot publish after its heir has ended the run', async () => {
    const { zombie, heir, id } = await takeOver();
    heir.doll.finish(1, DONE);
    await heir.process.work.waitFor(id);
    await expect(bench.t.db.transaction((tx) => zombie.context.hold(tx))).rejects.toEqual(outOfDate);
    zombie.process.resume();
    zombie.doll.finish(1, new Error('late'));
    await until('the zombie is over', () => zombie.process.noted.includes('An attempt is over'));
    expect((await bench.row(id)).state).toBe('SUCCEEDED');
  });

  it('learns at its next heartbeat that it was taken over', async () => {
    const { zombie, heir } = await takeOver(1_500);
    zombie.process.resume();
    await until('the zombie is aborted', () => zombie.context.signal.aborted);
    expect(zombie.context.signal.reason).toEqual(outOfDate);
    heir.doll.finish(1, DONE);
    zombie.doll.finish(1, DONE);
  });

  it('is not taken over while it publishes, even late', async () => {
    const late = await begin();
    await late.process.pause();
    await bench.expireLeases();
    const heir = await bench.open();
    const doll = puppet();
    heir.work.register('job', doll.execute);
    await bench.t.db.transaction(async (tx) => {
      await late.context.hold(tx);
      // Looks at the queue once before it resolves.
      await heir.work.start();
      await late.context.end(tx, { state: 'SUCCEEDED', result: { by: 'late' } });
    });
    expect(await heir.work.waitFor(late.id)).toMatchObject({ state: 'SUCCEEDED', attempt: 1, result: { by: 'late' } });
    late.process.resume();
    late.doll.finish(1, DONE);
  });
});

describe('a run whose process died again and again', () => {
  it('fails after its last attempt', async () => {
    const first = await begin({ attempts: 2 });
    await first.process.pause();
    await bench.expireLeases();
    const second = await bench.open({ attempts: 2 });
    const doll = puppet({ heedsSignal: false });
    second.work.register('job', doll.execute);
    await second.work.start();
    await doll.begun();
    await second.pause();
    await bench.expireLeases();
    const third = await bench.open({ attempts: 2 });
    third.work.register('job', async () => DONE);
    await third.work.start();
    expect(await third.work.waitFor(first.id)).toMatchObject({ state: 'FAILED', attempt: 2, error: { code: 'INTERNAL' } });
    for (const process of [first.process, second]) process.resume();
    first.doll.finish(1, DONE);
    doll.finish(1, DONE);
    await until('both zombies are over', () =>
      [first.process, second].every(({ noted }) => noted.includes('An attempt is over')),
    );
    expect((await bench.row(first.id)).state).toBe('FAILED');
  });

  it('is STOPPED when it was to be stopped', async () => {
    const one = await begin();
    await one.process.pause();
    const two = await bench.open();
    two.work.register('job', async () => DONE);
    await two.work.stop(SYSTEM, one.id);
    await bench.expireLeases();
    await two.work.start();
    expect(await two.work.waitFor(one.id)).toMatchObject({ state: 'STOPPED', attempt: 1 });
    one.process.resume();
    one.doll.finish(1, DONE);
  });
});

describe('a process that has the database to itself', () => {
  it('takes over the runs of dead predecessors at once', async () => {
    const dead = await begin();
    await dead.process.pause();
    const next = await bench.open();
    next.work.register('job', async ({ attempt }) => ({ state: 'SUCCEEDED', result: { attempt } }));
    await next.work.start({ exclusive: true });
    expect((await next.work.waitFor(dead.id)).result).toEqual({ attempt: 2 });
    dead.process.resume();
    dead.doll.finish(1, DONE);
  });

  it('leaves leases alone when it is not told that it is alone', async () => {
    const other = await begin();
    const next = await bench.open();
    next.work.register('job', async () => DONE);
    await next.work.start();
    expect(await bench.row(other.id)).toMatchObject({ state: 'RUNNING', epoch: 1 });
    other.doll.finish(1, { state: 'SUCCEEDED', result: { by: 'other' } });
    expect((await next.work.waitFor(other.id)).result).toEqual({ by: 'other' });
  });
});

/** A run under way in a process of its own, with a checkpoint saved. */
async function begin(options: { leaseMs?: number; attempts?: number } = {}) {
  const process = await bench.open(options);
  const doll = puppet({ heedsSignal: false });
  process.work.register('job', doll.execute);
  await process.work.start();
  const { id } = await process.work.enqueue(SYSTEM, JOB);
  const context = await doll.begun();
  await bench.t.db.transaction((tx) => context.saveCheckpoint(tx, { part: 1 }));
  return { process, doll, context, id };
}

/** … and another process that took it over. */
async function takeOver(leaseMs = 30_000) {
  const zombie = await begin({ leaseMs });
  await zombie.process.pause();
  await bench.expireLeases();
  const process = await bench.open();
  const doll = puppet({ heedsSignal: false });
  process.work.register('job', doll.execute);
  await process.work.start();
  const context = await doll.begun();
  return { zombie, heir: { process, doll, context }, id: zombie.id };
}
