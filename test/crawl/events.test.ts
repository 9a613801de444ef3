import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findCrawler } from '../../src/crawl/crawlers.ts';
import { hasEvents, keepEvents, type SourceEvent } from '../../src/crawl/events.ts';
import type { FakeS3 } from '../servers/fake-s3.ts';
import { ADMIN, type CrawlEnd } from './lab.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

const csv = (rows: string) => Buffer.from(`id,amount\n${rows}\n`);

describe('a crawl of what events name', () => {
  let lab: S3Lab;
  let fake: FakeS3;

  beforeEach(async () => {
    lab = await openS3Lab();
    ({ fake } = lab);
    for (let day = 1; day <= 9; day += 1) fake.bucket.put(`sales/dt=2026-01-0${day}/a.csv`, csv(`${day},1.5`));
    fake.bucket.put('stores/a.csv', csv('1,2.5'));
  });
  afterEach(async () => {
    await lab.close();
  });

  const crawl = (params: Record<string, unknown> = {}, settings: Record<string, unknown> = {}): Promise<CrawlEnd> =>
    lab.crawl({
      settings: { recrawl: 'events', ...settings },
      params,
    });

  async function tell(...events: readonly (string | SourceEvent)[]): Promise<boolean> {
    const crawler = await findCrawler(lab.t.db, ADMIN, 'lake');
    const all = events.map((event) =>
      typeof event === 'string' ? ({ kind: 'created', location: `s3://lake/${event}` } as const) : event,
    );
    return keepEvents(lab.t.ground, crawler?.id ?? '', all, 1_000);
  }

  async function waiting(): Promise<boolean> {
    const crawler = await findCrawler(lab.t.db, ADMIN, 'lake');
    return hasEvents(lab.t.db, crawler?.id ?? '');
  }

  async function requests(fn: () => Promise<unknown>): Promise<{ lists: number; gets: number }> {
    const before = fake.requests.length;
    await fn();
    const made = fake.requests.slice(before).map(({ path }) => path.includes('list-type=2'));
    return { lists: made.filter(Boolean).length, gets: made.filter((list) => !list).length };
  }

  const partitions = async (name: string): Promise<string[]> =>
    (await lab.catalog()).find((table) => table.name === name)?.partitions.map(({ values }) => values) ?? [];

  it('looks at everything the first time, and then at nothing until something is told', async () => {
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'everything', tables: 2 } });
    fake.bucket.put('sales/dt=2026-01-10/a.csv', csv('10,1.5'));
    const made = await requests(async () => {
      expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'events', objects: 0 } });
    });
    expect(made).toEqual({ lists: 0, gets: 0 });
    expect(await partitions('sales')).toHaveLength(9);
  });

  it('makes one listing and one read for one new file, and has its partition', async () => {
    await crawl();
    fake.bucket.put('sales/dt=2026-01-10/a.csv', csv('10,1.5'));
    await tell('sales/dt=2026-01-10/a.csv');
    const made = await requests(async () => {
      expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'events', partitionsAdded: 1, removed: 0 } });
    });
    expect(made).toEqual({ lists: 1, gets: 1 });
    expect(await partitions('sales')).toHaveLength(10);
    expect(await partitions('sales')).toContain('dt=2026-01-10');
    expect(await waiting()).toBe(false);
  });

  it('takes nothing away but what is gone from the folders that it has looked at', async () => {
    await crawl();
    for (const day of [1, 2]) fake.bucket.remove(`sales/dt=2026-01-0${day}/a.csv`);
    fake.bucket.remove('stores/a.csv');
    await tell({ kind: 'removed', location: 's3://lake/sales/dt=2026-01-01/a.csv' });
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { partitionsRemoved: 1, removed: 0 } });
    expect(await partitions('sales')).toHaveLength(8);
    await tell({ kind: 'removed', location: 's3://lake/stores/a.csv' });
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { removed: 1 } });
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['sales']);
    // One event was lost: the next crawl of everything makes it good.
    expect(await crawl({ everything: true })).toMatchObject({ state: 'SUCCEEDED', result: { partitionsRemoved: 1 } });
    expect(await partitions('sales')).toHaveLength(7);
  });

  it('ends a table when the last of its partitions is gone', async () => {
    await crawl();
    for (let day = 1; day <= 9; day += 1) fake.bucket.remove(`sales/dt=2026-01-0${day}/a.csv`);
    await tell(...Array.from({ length: 9 }, (_, i) => `sales/dt=2026-01-0${i + 1}/a.csv`));
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { removed: 1 } });
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['stores']);
  });

  it('widens a column by one partition, and narrows it when that one goes', async () => {
    await crawl();
    const columns = async () => (await lab.catalog()).find(({ name }) => name === 'sales')?.columns;
    expect(await columns()).toEqual(['id bigint', 'amount double']);
    fake.bucket.put('sales/dt=2026-01-10/a.csv', Buffer.from('id,amount,note\nx,1.5,late\n'));
    await tell('sales/dt=2026-01-10/a.csv');
    await crawl();
    expect(await columns()).toEqual(['id string', 'amount double', 'note string']);
    fake.bucket.remove('sales/dt=2026-01-10/a.csv');
    await tell('sales/dt=2026-01-10/a.csv');
    await crawl();
    expect(await columns()).toEqual(['id bigint', 'amount double']);
  });

  it('finds new tables, nested folders and files beside folders as a crawl of everything does', async () => {
    await crawl();
    const keys = [
      'stores/b.csv',
      'new/deep/a.csv',
      'new/deep/er/a.csv',
      'logs/2026/01/02/a.csv',
      'logs/2026/01/03/a.csv',
      'top.csv',
    ];
    for (const key of keys) fake.bucket.put(key, csv(`${key.length},7.5`));
    await tell(...keys.toReversed(), ...keys);
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'events' } });
    const known = await lab.catalog();
    const changes = await lab.changes();
    expect(await crawl({ everything: true })).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'everything' } });
    expect(await lab.catalog()).toEqual(known);
    expect(await lab.changes()).toBe(changes);
    expect(known.map(({ name }) => name)).toEqual(['a', 'er', 'logs', 'sales', 'stores', 'top']);
  });

  it('keeps the events of what could not be read', async () => {
    await crawl();
    fake.bucket.put('sales/dt=2026-01-10/a.csv', csv('10,1.5'));
    fake.bucket.put('stores/b.csv', csv('2,2.5'));
    await tell('sales/dt=2026-01-10/a.csv', 'stores/b.csv');
    // Listings come first: the third request is a read.
    fake.fail('403', 2);
    expect(await crawl()).toMatchObject({ state: 'INCOMPLETE', result: { unknown: 1 } });
    expect(await waiting()).toBe(true);
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'events' } });
    expect(await waiting()).toBe(false);
    const changes = await lab.changes();
    expect(await crawl({ everything: true })).toMatchObject({ state: 'SUCCEEDED' });
    expect(await lab.changes()).toBe(changes);
  });

  it('keeps all events when the source fails, and takes nothing away', async () => {
    await crawl();
    await tell('sales/dt=2026-01-01/a.csv');
    fake.fail('500', 0, 100);
    expect(await crawl()).toMatchObject({ state: 'FAILED', error: { code: 'SOURCE_UNAVAILABLE' } });
    fake.fail('500', 0, 0);
    expect(await waiting()).toBe(true);
    expect(await partitions('sales')).toHaveLength(9);
  }, 30_000);

  it('looks at everything again after its definition has changed, and when too many events came', async () => {
    await crawl();
    await tell('sales/dt=2026-01-01/a.csv');
    expect(await crawl({}, { sampleFiles: 3 })).toMatchObject({ result: { mode: 'everything' } });
    expect(await waiting()).toBe(false);
    expect(await crawl({}, { sampleFiles: 3 })).toMatchObject({ result: { mode: 'events' } });
    expect(await tell(...Array.from({ length: 1_001 }, (_, i) => `sales/dt=2026-01-01/${i}.csv`))).toBe(true);
    expect(await waiting()).toBe(false);
    expect(await crawl({}, { sampleFiles: 3 })).toMatchObject({ result: { mode: 'everything' } });
  });

  it('passes over what lies outside of its scope', async () => {
    await crawl();
    await tell({ kind: 'created', location: 's3://other/x.csv' }, 'sales/_temporary/0/x.csv');
    const made = await requests(async () => expect(await crawl()).toMatchObject({ state: 'SUCCEEDED' }));
    expect(made).toEqual({ lists: 0, gets: 0 });
    expect(await waiting()).toBe(false);
  });
});
