import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeS3 } from '../servers/fake-s3.ts';
import type { CrawlEnd } from './lab.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

const csv = (rows: string) => Buffer.from(`id,amount\n${rows}\n`);

describe('a crawl with a budget', () => {
  let lab: S3Lab;
  let fake: FakeS3;

  beforeEach(async () => {
    lab = await openS3Lab();
    ({ fake } = lab);
  });
  afterEach(async () => {
    await lab.close();
  });

  const crawl = (budget?: number, settings: Record<string, unknown> = {}): Promise<CrawlEnd> =>
    lab.crawl({
      settings,
      params: budget === undefined ? {} : { budget },
    });

  const names = async () => (await lab.catalog()).map(({ name, partitions }) => `${name} ${partitions.length}`);

  it('makes no more requests, says what it did not reach, and takes away only what a whole listing did not show', async () => {
    for (let table = 1; table <= 6; table += 1) fake.bucket.put(`t${table}/dt=2026-01-01/a.csv`, csv(`${table},1.5`));
    await crawl();
    expect(await names()).toHaveLength(6);
    fake.bucket.remove('t1/dt=2026-01-01/a.csv');
    for (let table = 2; table <= 6; table += 1) fake.bucket.put(`t${table}/dt=2026-01-02/a.csv`, csv(`${table},1.5`));
    const before = fake.requests.length;
    // One request lists, and two read.
    const { state, result } = await crawl(3);
    expect(fake.requests.length - before).toBe(3);
    expect(state).toBe('INCOMPLETE');
    expect(result).toMatchObject({ removed: 1, partitionsAdded: 2, unknown: 3, bill: { lists: 1, gets: 2 } });
    expect(result.unknowns.every(({ code }) => code === 'BUDGET')).toBe(true);
    expect(await names()).not.toContain('t1 1');
    // The same again: what is saved is not read again.
    expect((await crawl(3)).result).toMatchObject({ partitionsAdded: 2, unknown: 1, removed: 0 });
    expect(await crawl(3)).toMatchObject({ state: 'SUCCEEDED', result: { partitionsAdded: 1, unknown: 0 } });
    const changes = await lab.changes();
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { bill: { gets: 0 } } });
    expect(await lab.changes()).toBe(changes);
  });

  it('goes on with the listing where the budget before was used up', async () => {
    for (let table = 1; table <= 3; table += 1) {
      for (let file = 0; file < 1_000; file += 1) fake.bucket.put(`t${table}/${String(file).padStart(4, '0')}.csv`, csv('1,1.5'));
    }
    const ends: CrawlEnd[] = [];
    do ends.push(await crawl(8));
    while (ends.at(-1)?.state === 'INCOMPLETE' && ends.length < 9);
    expect(ends.map(({ state }) => state)).toEqual([...ends.slice(1).map(() => 'INCOMPLETE'), 'SUCCEEDED']);
    expect(ends.length).toBeGreaterThan(1);
    for (const { result } of ends) expect(result.bill.lists + result.bill.gets).toBeLessThanOrEqual(8);
    expect(await names()).toEqual(['t1 1', 't2 1', 't3 1']);
    const changes = await lab.changes();
    await crawl();
    expect(await lab.changes()).toBe(changes);
  }, 60_000);

  it('takes nothing away, and has not failed, when the budget does not last for the listing', async () => {
    fake.bucket.put('a/a.csv', csv('1,1.5'));
    await crawl();
    fake.bucket.remove('a/a.csv');
    for (let file = 0; file < 1_500; file += 1) fake.bucket.put(`t/${file}.csv`, csv('1,1.5'));
    const { state, error, result } = await crawl(undefined, { budget: 1 });
    expect([state, error?.code]).toEqual(['INCOMPLETE', 'BUDGET']);
    expect(result).toMatchObject({
      removed: 0,
      unknown: 1,
      unknowns: [{ path: '', code: 'BUDGET' }],
      bill: { lists: 1, gets: 0 },
    });
  });

  it('refuses a budget that is none', async () => {
    await expect(crawl(1.5)).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});
