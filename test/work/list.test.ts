import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import type { Principal } from '../../src/model/principal.ts';
import type { RunEnd } from '../../src/work/run.ts';
import { DONE, openBench, type Bench } from './workbench.ts';

const CRAWL = { kind: 'crawl', name: 'lake', params: { path: 'x' } };
const ALL = { first: 100 };
const reader: Principal = { id: 'r', name: 'rita', role: 'reader' };

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterEach(() => bench.reset());
afterAll(() => bench.close());

describe('the log of a run', () => {
  it('keeps lines in order, with their fields, and hides credentials', async () => {
    const { work } = await bench.open();
    work.register('crawl', async ({ log, progress }) => {
      for (let n = 0; n < 1_200; n += 1) log('debug', `line ${n}`, { n: BigInt(n) });
      log('warn', 'cannot read s3://u:canary@host', { url: 'postgres://u:canary@host/db', odd: '\0' });
      progress({ done: 1 });
      progress({ done: 2 });
      return DONE;
    });
    await work.start();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    expect((await work.waitFor(id)).progress).toEqual({ done: 2 });
    const lines = (await work.logs(SYSTEM, id, { first: 2_000 })).items.map(({ item }) => item);
    expect(lines.map(({ message }) => message).slice(0, 3)).toEqual(['The run begins', 'line 0', 'line 1']);
    expect(lines).toHaveLength(1_202);
    expect(lines[1_200]?.fields).toEqual({ n: '1199' });
    expect(JSON.stringify(lines.map(({ message, fields }) => [message, fields]))).not.toContain('canary');
  });

  it('is paged by cursors', async () => {
    const { work } = await bench.open();
    work.register('crawl', async ({ log }) => {
      for (let n = 1; n < 10; n += 1) log('info', `line ${n}`);
      return DONE;
    });
    await work.start();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    await work.waitFor(id);
    const first = await work.logs(SYSTEM, id, { first: 4 });
    expect(first.hasNextPage).toBe(true);
    const rest = await work.logs(SYSTEM, id, { first: 10, after: first.items.at(-1)?.cursor });
    expect(rest.items.map(({ item }) => item.message)).toEqual(['line 4', 'line 5', 'line 6', 'line 7', 'line 8', 'line 9']);
    expect(rest.hasNextPage).toBe(false);
    await expect(work.logs(SYSTEM, id, { first: 4, after: "1' or 1=1" })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('ends at its limit with a line that says so, over all attempts', async () => {
    const { work } = await bench.open({ runLogLines: 20 });
    work.register('crawl', async ({ log }) => {
      for (let n = 0; n < 50; n += 1) log('info', 'x'.repeat(10_000));
      return DONE;
    });
    await work.start();
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    await work.waitFor(id);
    const lines = (await work.logs(SYSTEM, id, ALL)).items.map(({ item }) => item);
    expect(lines).toHaveLength(20);
    expect(lines.at(-1)).toMatchObject({ level: 'warn', message: expect.stringContaining('limits.runLogLines') });
    expect(lines[5]?.message.length).toBeLessThan(5_000);
  });
});

describe('access', () => {
  it('lets readers look, and editors act', async () => {
    const { work } = await bench.open();
    work.register('crawl', async () => DONE);
    await expect(work.enqueue(reader, CRAWL)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    await expect(work.stop(reader, id)).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect((await work.find(reader, id)).id).toBe(id);
    expect((await work.logs(reader, id, ALL)).items).toEqual([]);
    for (const odd of ["x'; drop table runs; --", 'a\0b', '\ud800', 'x'.repeat(10_000)]) {
      await expect(work.find(reader, odd)).rejects.toMatchObject({ code: 'NOT_FOUND' });
      expect((await work.list(reader, { name: odd }, ALL)).items).toEqual([]);
    }
  });

  it('refuses kinds that nobody registered and parameters beyond the limit', async () => {
    const { work } = await bench.open();
    work.register('crawl', async () => DONE);
    await expect(work.enqueue(SYSTEM, { ...CRAWL, kind: 'x' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    for (const name of ['a\0b', 'x'.repeat(2_000)]) {
      await expect(work.enqueue(SYSTEM, { ...CRAWL, name })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
    await expect(work.enqueue(SYSTEM, { ...CRAWL, params: { x: 'x'.repeat(2_000_000) } })).rejects.toMatchObject({
      code: 'LIMIT',
    });
    expect(() => work.register('crawl', async () => DONE)).toThrow('already');
  });

  it('lists runs newest first, filtered and in pages', async () => {
    const { work } = await bench.open();
    const end = (name: string): RunEnd => ({ state: name === 'b' ? 'INCOMPLETE' : 'SUCCEEDED' });
    work.register('crawl', async ({ run }) => end(run.name));
    await work.start();
    for (const name of ['a', 'b', 'c', 'd']) {
      await work.waitFor((await work.enqueue(SYSTEM, { ...CRAWL, name })).id);
      if (name !== 'b') bench.t.clock.advance(1_000);
    }
    const names = async (filter: Parameters<typeof work.list>[1], page: Parameters<typeof work.list>[2]): Promise<string[]> =>
      (await work.list(reader, filter, page)).items.map(({ item }) => item.name);
    expect(await names({}, ALL)).toEqual(['d', 'c', 'b', 'a']);
    expect(await names({ states: ['INCOMPLETE'] }, ALL)).toEqual(['b']);
    expect(await names({ kind: 'job' }, ALL)).toEqual([]);
    const first = await work.list(reader, { kind: 'crawl' }, { first: 2 });
    expect(first.hasNextPage).toBe(true);
    expect(await names({ kind: 'crawl' }, { first: 2, after: first.items.at(-1)?.cursor })).toEqual(['b', 'a']);
    await expect(work.list(reader, {}, { first: 2, after: 'x/y' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('gives up waiting when the signal says so', async () => {
    const { work } = await bench.open();
    work.register('crawl', async () => DONE);
    const { id } = await work.enqueue(SYSTEM, CRAWL);
    const controller = new AbortController();
    const waiting = work.waitFor(id, controller.signal);
    controller.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });
});
