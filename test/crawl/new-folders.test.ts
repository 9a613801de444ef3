import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeS3 } from '../servers/fake-s3.ts';
import type { CrawlEnd } from './lab.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

const csv = (rows: string) => Buffer.from(`id,amount\n${rows}\n`);
const day = (n: number) => `2026-01-${String(n).padStart(2, '0')}`;

describe('a crawl of new folders only', () => {
  let lab: S3Lab;
  let fake: FakeS3;

  beforeEach(async () => {
    lab = await openS3Lab();
    ({ fake } = lab);
    for (let n = 1; n <= 20; n += 1) fake.bucket.put(`sales/dt=${day(n)}/a.csv`, csv(`${n},1.5`));
    fake.bucket.put('stores/a.csv', csv('1,2.5'));
  });
  afterEach(async () => {
    await lab.close();
  });

  const crawl = (options: Record<string, unknown> = { url: 's3://lake/' }, recrawl = 'new-folders'): Promise<CrawlEnd> =>
    lab.crawl({ options, settings: { recrawl } });

  const table = async (name: string) => (await lab.catalog()).find((each) => each.name === name);

  /** What was listed, by prefix. */
  async function listed(fn: () => Promise<unknown>): Promise<string[]> {
    const before = fake.requests.length;
    await fn();
    const urls = fake.requests.slice(before).map(({ path }) => new URL(path, fake.url));
    return urls.flatMap(({ searchParams }) => (searchParams.has('list-type') ? [searchParams.get('prefix') ?? ''] : []));
  }

  it('lists the levels on the way to what is known, and only what is new below them', async () => {
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { mode: 'everything', tables: 2 } });
    expect(await listed(crawl)).toEqual(['', 'sales/']);
    fake.bucket.put(`sales/dt=${day(21)}/a.csv`, csv('21,1.5'));
    fake.bucket.put('new/deep/dt=2026-01-01/a.csv', csv('1,1.5'));
    fake.bucket.put('new/deep/dt=2026-01-02/a.csv', csv('2,1.5'));
    const prefixes = await listed(async () => {
      const { state, result } = await crawl();
      expect(state).toBe('SUCCEEDED');
      expect(result).toMatchObject({ mode: 'new-folders', added: 1, partitionsAdded: 3, bill: { lists: 4, gets: 3 } });
    });
    expect(prefixes).toEqual(['', 'sales/', 'new/', `sales/dt=${day(21)}/`]);
    expect((await table('sales'))?.partitions).toHaveLength(21);
    expect((await table('deep'))?.partitions).toHaveLength(2);
    const changes = await lab.changes();
    expect((await crawl()).result.bill).toMatchObject({ lists: 4, gets: 0 });
    expect(await lab.changes()).toBe(changes);
  });

  it('changes and removes nothing: what has changed in known folders is not even looked at', async () => {
    await crawl();
    const before = await lab.catalog();
    fake.bucket.remove(`sales/dt=${day(1)}/a.csv`);
    fake.bucket.remove('stores/a.csv');
    fake.bucket.put(`sales/dt=${day(2)}/a.csv`, Buffer.from('id,amount,more\nx,y,z\n'));
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { removed: 0, changed: 0, partitionsRemoved: 0 } });
    expect(await lab.catalog()).toEqual(before);
    // A new partition with another schema is added; what it would do to its table is only told.
    fake.bucket.put(`sales/dt=${day(22)}/a.csv`, Buffer.from('id,amount,more\nx,1.5,z\n'));
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { partitionsAdded: 1 } });
    expect((await table('sales'))?.columns).toEqual(['id bigint', 'amount double']);
    expect((await table('sales'))?.partitions).toHaveLength(21);
  });

  it('refuses another target, until it looks at everything again', async () => {
    await crawl();
    const refused = { code: 'BAD_INPUT', message: expect.stringContaining('new folders only') };
    await expect(crawl({ url: 's3://lake/sales' })).rejects.toMatchObject(refused);
    await expect(crawl({ url: 's3://lake/', exclude: ['tmp/**'] })).rejects.toMatchObject(refused);
    expect(await crawl({ url: 's3://lake/sales' }, 'everything')).toMatchObject({ state: 'SUCCEEDED' });
  });

  it('asks for as many pages as the new and the open folders have', async () => {
    await crawl();
    for (let n = 0; n < 1_005; n += 1) fake.bucket.put(`wide/dt=${n}/a.csv`, csv('1,1.5'));
    // Two pages of the new folder, after one level of each folder that is open.
    expect((await crawl()).result.bill).toMatchObject({ lists: 4 });
    // And two pages of folders, now that they are known.
    expect((await crawl()).result.bill).toMatchObject({ lists: 4, gets: 0 });
  }, 60_000);
});
