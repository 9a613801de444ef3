import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCrawler } from '../../src/crawl/crawlers.ts';
import { keepEvents } from '../../src/crawl/events.ts';
import type { FakeS3 } from '../servers/fake-s3.ts';
import { asked } from './asked.ts';
import { ADMIN, type CrawlEnd } from './lab.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

const json = (...names: string[]): Buffer =>
  Buffer.from(`${JSON.stringify(Object.fromEntries(names.map((name, i) => [name, i])))}\n`);

let lab: S3Lab;
let fake: FakeS3;
beforeEach(async () => {
  lab = await openS3Lab();
  ({ fake } = lab);
});
afterEach(async () => {
  await lab.close();
});

const crawl = (
  settings: Record<string, unknown>,
  more: { params?: Record<string, unknown>; url?: string } = {},
): Promise<CrawlEnd> =>
  lab.crawl({
    options: { url: more.url ?? 's3://lake/' },
    settings,
    params: more.params ?? {},
  });

const put = (path: string, ...names: string[]): string => {
  fake.bucket.put(path, json(...names));
  return path;
};

/** By table: what is not a partition key, and the partitions. */
const shown = async (): Promise<Record<string, string[]>> =>
  Object.fromEntries(
    (await lab.catalog()).map(({ name, columns, partitions }) => [
      name,
      [columns.map((column) => column.replace(' bigint', '')).join(), ...partitions.map(({ values }) => values)],
    ]),
  );

/** What was listed, by prefix. */
async function listed(fn: () => Promise<unknown>): Promise<string[]> {
  const before = fake.requests.length;
  await fn();
  const urls = fake.requests.slice(before).map(({ path }) => new URL(path, fake.url));
  return urls.flatMap(({ searchParams }) => (searchParams.has('list-type') ? [searchParams.get('prefix') ?? ''] : []));
}

async function tell(...keys: readonly string[]): Promise<void> {
  const crawler = await findCrawler(lab.t.db, ADMIN, 'lake');
  const events = keys.map((key) => ({ kind: 'created', location: `s3://lake/${key}` }) as const);
  await keepEvents(lab.t.ground, crawler?.id ?? '', events, 1_000);
}

describe('R19: new folders only, grouped as in Glue', () => {
  const settings = { grouping: 'glue', recrawl: 'new-folders' };

  beforeEach(async () => {
    for (const n of [1, 2, 3]) put(`t/k=${n}/x.json`, 'a', 'b', 'c');
    for (const n of [1, 2]) put(`u/${n}/${n}/x.json`, 'p', 'q');
    put('v/x.json', 'z');
    await crawl(settings);
  });

  it('adds those that are like the table where most of them are, and lists nothing else', async () => {
    put('t/k=4/x.json', 'a', 'b', 'c');
    put('t/k=5/x.json', 'a', 'b', 'c', 'd');
    put('t/k=6/x.json', 'm', 'n');
    put('u/3/3/x.json', 'p', 'q');
    const prefixes = await listed(async () => {
      const { state, result, log } = await crawl(settings);
      expect([state, result.partitionsAdded, result.added, result.logged]).toEqual(['SUCCEEDED', 3, 0, 2]);
      expect(log.join('\n')).toContain('1 of 3 new folders are not added to lake.t, since they have not its schema: t/k=6/.');
      expect(result.skipped).toEqual([{ path: 't/k=6/', reason: 'new, and not added to t' }]);
    });
    // One level of each folder on the way to what is known, and what is new.
    expect(prefixes).toEqual(['', 'u/', 'u/2/', 'u/1/', 't/', 't/k=4/', 't/k=5/', 't/k=6/', 'u/3/']);
    expect(await shown()).toEqual({
      t: ['a,b,c', 'k=1', 'k=2', 'k=3', 'k=4', 'k=5'],
      u: ['p,q', ...[1, 2, 3].map((n) => `partition_0=${n}/partition_1=${n}`)],
      v: ['z', ''],
    });
  });

  it('adds none where not more than half of them are', async () => {
    const before = await lab.catalog();
    put('t/k=4/x.json', 'a', 'b', 'c');
    put('t/k=5/x.json', 'm', 'n');
    const { state, result, log } = await crawl(settings);
    expect([state, result.partitionsAdded, result.logged]).toEqual(['SUCCEEDED', 0, 1]);
    expect(log.join('\n')).toContain(
      '2 of 2 new folders are not added to lake.t, since most of them would have to have its schema',
    );
    expect(await lab.catalog()).toEqual(before);
    // They are still new.
    put('t/k=6/x.json', 'a', 'b', 'c');
    expect((await crawl(settings)).result.partitionsAdded).toBe(2);
    expect((await shown())['t']).toEqual(['a,b,c', 'k=1', 'k=2', 'k=3', 'k=4', 'k=6']);
  });

  it('asks for format and path alone by CombineCompatibleSchemas', async () => {
    const combined = { ...settings, combineCompatibleSchemas: true };
    expect(await crawl(combined)).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'everything' } });
    put('t/k=4/x.json', 'm', 'n');
    fake.bucket.put('t/k=5/x.csv', Buffer.from('a,b\n1,2\n3,4\n'));
    put('t/j=6/x.json', 'a', 'b', 'c');
    put('t/k=7/x.json', 'a', 'b', 'c');
    const { result, log } = await crawl(combined);
    expect(result.partitionsAdded).toBe(2);
    expect((await shown())['t']).toEqual(['a,b,c', 'k=1', 'k=2', 'k=3', 'k=4', 'k=7']);
    expect(log.join('\n')).toContain('since they have not its schema: t/k=5/.');
    expect(log.join('\n')).toContain('1 new folders belong to no table');
  });

  it('makes no table, changes none and removes nothing', async () => {
    const before = await lab.catalog();
    put('w/x.json', 'z');
    put('t/k=4/deeper/x.json', 'a', 'b', 'c');
    fake.bucket.put('t/k=5/x.json', json('a', 'b', 'c'));
    fake.bucket.put('t/k=5/x.csv', Buffer.from('a,b\n1,2\n3,4\n'));
    fake.bucket.remove('t/k=1/x.json');
    fake.bucket.remove('v/x.json');
    put('t/k=2/x.json', 'other');
    const { state, result, log } = await crawl(settings);
    expect(state).toBe('SUCCEEDED');
    expect(result).toMatchObject({ added: 0, changed: 0, removed: 0, partitionsAdded: 0, partitionsRemoved: 0 });
    expect(log.join('\n')).toContain('3 new folders belong to no table');
    expect(await lab.catalog()).toEqual(before);
    // Which is left to a crawl of everything.
    expect(await crawl(settings, { params: { everything: true } })).toMatchObject({ state: 'SUCCEEDED' });
    expect((await shown())['w']).toEqual(['z', '']);
  });

  it('refuses another target', async () => {
    await expect(crawl(settings, { url: 's3://lake/t' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });
});

describe('R19: new folders only, grouped by names', () => {
  const settings = { recrawl: 'new-folders' };

  it('adds a table’s new folders only if most of them have its format and most of its columns', async () => {
    for (const n of [1, 2, 3]) put(`t/k=${n}/x.json`, 'a', 'b', 'c');
    await crawl(settings);
    put('t/k=4/x.json', 'a', 'b', 'c');
    put('t/k=5/x.json', 'm', 'n');
    const { result, log } = await crawl(settings);
    expect([result.partitionsAdded, result.logged]).toEqual([0, 1]);
    expect(log.join('\n')).toContain('2 of 2 new folders are not added to lake.t');
    put('t/k=6/x.json', 'a', 'b', 'c', 'd', 'e');
    put('new/x.json', 'q');
    expect((await crawl(settings)).result).toMatchObject({ partitionsAdded: 4, added: 1 });
    // Names decide what is a partition, so the one that deviates is one too; the table stays as it was.
    expect(await shown()).toEqual({ new: ['q', ''], t: ['a,b,c', ...[1, 2, 3, 4, 5, 6].map((n) => `k=${n}`)] });
  });
});

describe('events, grouped as in Glue', () => {
  const settings = { grouping: 'glue', recrawl: 'events' };

  beforeEach(async () => {
    for (let n = 0; n < 9; n += 1) put(`t/${n}/x.json`, 'a', 'b');
    put('u/x.json', 'q');
    await crawl(settings);
  });

  /** Nothing is left for a crawl of everything to change. */
  async function expectAsByEverything(): Promise<void> {
    const before = [await lab.catalog(), await lab.changes()];
    expect(await crawl(settings, { params: { everything: true } })).toMatchObject({ state: 'SUCCEEDED' });
    expect([await lab.catalog(), await lab.changes()]).toEqual(before);
  }

  it('adds a partition by one listing and one read, and takes one away', async () => {
    await tell(put('t/10/x.json', 'a', 'b', 'c'));
    const prefixes = await listed(async () => {
      const { result } = await crawl(settings);
      expect(result).toMatchObject({ mode: 'events', partitionsAdded: 1, bill: { lists: 1, gets: 1 } });
    });
    expect(prefixes).toEqual(['t/10/']);
    await expectAsByEverything();
    fake.bucket.remove('t/3/x.json');
    await tell('t/3/x.json');
    expect((await crawl(settings)).result).toMatchObject({ partitionsRemoved: 1, bill: { lists: 1, gets: 0 } });
    expect((await shown())['t']).toEqual(['a,b,c', ...[0, 1, 10, 2, 4, 5, 6, 7, 8].map((n) => `partition_0=${n}`)]);
    await expectAsByEverything();
  });

  it('asks the database for as much, however many partitions there are, where no table moves', async () => {
    const costs: Record<string, { statements: number; rows: number }>[] = [];
    for (const size of [10, 200]) {
      for (let n = 0; n < size; n += 1) put(`t/${n}/x.json`, 'a', 'b');
      await crawl(settings, { params: { everything: true } });
      const measure = async (key: string, counts: Record<string, number>): ReturnType<typeof asked> => {
        await tell(key);
        return asked(async () => expect(await crawl(settings)).toMatchObject({ state: 'SUCCEEDED', result: counts }));
      };
      const added = await measure(put('t/1000/x.json', 'a', 'b'), { partitionsAdded: 1, partitions: size + 1, removed: 0 });
      fake.bucket.put('t/1000/x.json', Buffer.from('{"a":7,"b":8}\n'));
      const changed = await measure('t/1000/x.json', { partitionsChanged: 1, partitions: size + 1, removed: 0 });
      fake.bucket.remove('t/1000/x.json');
      const removed = await measure('t/1000/x.json', { partitionsRemoved: 1, partitions: size, removed: 0 });
      costs.push({ added, changed, removed });
      await expectAsByEverything();
    }
    expect(costs[0]?.['added']?.rows).toBeGreaterThan(5);
    expect(costs[1]).toEqual(costs[0]);
    fake.bucket.put('t/7/x.json', Buffer.from('{"a":1.5,"b":"x"}\n'));
    await tell('t/7/x.json');
    await crawl(settings);
    expect((await lab.catalog()).find(({ name }) => name === 't')?.columns).toEqual(['a double', 'b string']);
    await expectAsByEverything();
  });

  it('lets a table fall apart and become one again, without a listing of what was not named', async () => {
    await tell(...[0, 1, 2].map((n) => put(`t/${n}/x.json`, 'other')));
    expect(await crawl(settings)).toMatchObject({ state: 'SUCCEEDED', result: { bill: { lists: 3, gets: 3 } } });
    expect(Object.keys(await shown())).toHaveLength(10);
    await expectAsByEverything();
    await tell(put('t/2/x.json', 'a', 'b'));
    expect((await crawl(settings)).result.bill).toMatchObject({ lists: 1, gets: 1 });
    expect((await shown())['t']).toHaveLength(10);
    await expectAsByEverything();
  });

  it('makes tables of new folders and ends those whose files are gone', async () => {
    fake.bucket.remove('u/x.json');
    fake.bucket.put('w/a.csv', Buffer.from('a,b\n1,2\n3,4\n'));
    await tell('u/x.json', put('v/x.json', 'r'), put('w/b.json', 'zz'), 'w/a.csv');
    expect(await crawl(settings)).toMatchObject({ state: 'SUCCEEDED', result: { added: 3, removed: 1 } });
    expect(Object.keys(await shown())).toEqual(['a', 'b', 't', 'v']);
    await expectAsByEverything();
    await tell(put('t/11/x.json', 'a', 'b'));
    await crawl(settings);
    expect(Object.keys(await shown())).toEqual(['a', 'b', 't', 'v']);
    await expectAsByEverything();
  });

  it('groups nothing anew and takes nothing away because of what could not be read', async () => {
    const before = await lab.catalog();
    put('t/0/x.json', 'other');
    // Three listings, and one read.
    for (const [at, count] of [...[0, 1, 2, 3].map((n) => [n, 1] as const), [0, 99] as const, [2, 99] as const]) {
      // What could be read is no longer waited for.
      await tell('t/0/x.json', 't/1/x.json', 'u/x.json');
      fake.fail('403', at, count);
      expect((await crawl(settings)).state).not.toBe('SUCCEEDED');
      expect(await lab.catalog()).toEqual(before);
      fake.fail('403', 0, 0);
    }
    expect(await crawl(settings)).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'events' } });
    await expectAsByEverything();
  });
});
