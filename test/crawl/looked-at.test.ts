import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { findCrawler } from '../../src/crawl/crawlers.ts';
import { keepEvents } from '../../src/crawl/events.ts';
import type { FakeS3 } from '../servers/fake-s3.ts';
import { asked } from './asked.ts';
import { ADMIN, type CatalogTable, type CrawlEnd } from './lab.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

/** A crawl of what events name reads no partition that it does not look at, and comes to what a crawl of everything does. */
describe('a crawl that looks at a few partitions', () => {
  let lab: S3Lab;
  let fake: FakeS3;

  beforeEach(async () => {
    lab = await openS3Lab();
    ({ fake } = lab);
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await lab.close();
  });

  const crawl = (settings: Record<string, unknown> = {}, params: Record<string, unknown> = {}): Promise<CrawlEnd> =>
    lab.crawl({
      settings: { recrawl: 'events', ...settings },
      params,
    });

  const put = (part: string, content = 'id,amount\n1,1.5\n'): string => {
    const key = `sales/${part}/a.csv`;
    fake.bucket.put(key, Buffer.from(content));
    return key;
  };
  const remove = (part: string): string => {
    fake.bucket.remove(`sales/${part}/a.csv`);
    return `sales/${part}/a.csv`;
  };

  async function tell(...keys: readonly string[]): Promise<void> {
    const crawler = await findCrawler(lab.t.db, ADMIN, 'lake');
    const events = keys.map((key) => ({ kind: 'created', location: `s3://lake/${key}` }) as const);
    await keepEvents(lab.t.ground, crawler?.id ?? '', events, 1_000);
  }

  const table = async (): Promise<CatalogTable | undefined> => (await lab.catalog()).find(({ name }) => name === 'sales');

  /** Nothing is left for a crawl of everything to change. */
  async function expectAsByEverything(settings: Record<string, unknown> = {}): Promise<void> {
    const byEvents = await lab.catalog();
    expect(await crawl(settings, { everything: true })).toMatchObject({ state: 'SUCCEEDED', result: { changed: 0, removed: 0 } });
    expect(await lab.catalog()).toEqual(byEvents);
  }

  it('asks the database for as much, however many partitions there are', async () => {
    const costs: Record<string, { statements: number; rows: number }>[] = [];
    for (const size of [10, 200]) {
      for (let n = 0; n < size; n += 1) put(`n=${n}`);
      await crawl({}, { everything: true });
      const measure = async (key: string, counts: Record<string, number>): ReturnType<typeof asked> => {
        await tell(key);
        return asked(async () => expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: counts }));
      };
      const added = await measure(put('n=1000'), { partitionsAdded: 1, partitions: size + 1 });
      const changed = await measure(put('n=1000', 'id,amount\n1,1.5\n2,2.5\n'), { partitionsChanged: 1, partitions: size + 1 });
      const removed = await measure(remove('n=1000'), { partitionsRemoved: 1, partitions: size });
      costs.push({ added, changed, removed });
    }
    expect(costs[0]?.['added']?.statements).toBeGreaterThan(10);
    expect(costs[0]?.['added']?.rows).toBeGreaterThan(10);
    expect(costs[1]).toEqual(costs[0]);
    await expectAsByEverything();
  }, 60_000);

  it('types keys by all of their values', async () => {
    const keys = async (): Promise<unknown> => (await table())?.keys;
    const look = async (key: string): Promise<unknown> => {
      await tell(key);
      await crawl();
      return keys();
    };
    for (const n of [1, 5, 9]) put(`n=${n}`);
    await crawl();
    expect(await keys()).toEqual(['n int']);
    expect(await look(put('n=99999999999'))).toEqual(['n bigint']);
    expect(await look(put('n=7'))).toEqual(['n bigint']);
    expect(await look(remove('n=99999999999'))).toEqual(['n int']);
    // It lies between two that are numbers.
    expect(await look(put('n=5x'))).toEqual(['n string']);
    expect(await look(put('n=6'))).toEqual(['n string']);
    expect(await look(remove('n=5x'))).toEqual(['n int']);
    expect(await look(put('n=__HIVE_DEFAULT_PARTITION__'))).toEqual(['n int']);
    await expectAsByEverything();
  });

  it('types parts of a date by whether all of them are such parts', async () => {
    for (const month of ['10', '11']) put(`year=2026/month=${month}`);
    await crawl();
    expect((await table())?.keys).toEqual(['year int', 'month string']);
    await tell(put('year=2026/month=1'));
    await crawl();
    expect((await table())?.keys).toEqual(['year int', 'month int']);
    await expectAsByEverything();
  });

  it('leaves columns to those that it does not look at', async () => {
    put('n=1', 'id,amount,note\n1,1.5,a\n');
    for (const n of [2, 3]) put(`n=${n}`);
    await crawl();
    await tell(put('n=3', 'id,amount\n1,1\n'), remove('n=2'));
    await crawl();
    expect((await table())?.columns).toEqual(['id bigint', 'amount double', 'note string']);
    await tell(remove('n=1'));
    await crawl();
    expect((await table())?.columns).toEqual(['id bigint', 'amount bigint']);
    await expectAsByEverything();
  });

  it('says of a folder with the values of another, which it does not look at, that it is unknown', async () => {
    for (const n of ['a b', 'c']) put(`n=${n}`);
    await crawl();
    const before = await lab.catalog();
    await tell(put('n=a%20b'));
    expect(await crawl()).toMatchObject({ state: 'INCOMPLETE', result: { unknowns: [{ path: 'sales/n=a%20b/' }] } });
    expect(await lab.catalog()).toEqual(before);
  });

  it('leaves every partition the format that it has when the majority changes', async () => {
    for (const n of [1, 2]) put(`n=${n}`);
    await crawl();
    const json = (n: number): string => {
      fake.bucket.put(`sales/n=${n}/a.json`, Buffer.from('{"id":1,"amount":1.5}\n'));
      return `sales/n=${n}/a.json`;
    };
    await tell(json(3), json(4), json(5));
    await crawl();
    const after = await table();
    expect(after?.format).toMatchObject({ name: 'json' });
    const formats = after?.partitions.map(({ format }) => (format as { name?: string } | undefined)?.name);
    expect(formats).toEqual(['csv', 'csv', undefined, undefined, undefined]);
    await expectAsByEverything();
  });

  it('takes from all partitions what is their own where they inherit', async () => {
    put('n=1', 'id,amount,note\n1,1.5,a\n');
    for (const n of [2, 3]) put(`n=${n}`);
    await crawl();
    await tell(put('n=4'));
    await crawl({ partitionBehavior: 'inherit' });
    expect((await table())?.partitions.map(({ columns }) => columns)).toEqual([[], [], [], []]);
    await expectAsByEverything({ partitionBehavior: 'inherit' });
  });
});
