import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FakeS3 } from '../servers/fake-s3.ts';
import type { CrawlEnd } from './lab.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

const FIXTURES = join(import.meta.dirname, '../fixtures/lake');

describe('Delta and Iceberg tables in a bucket', () => {
  let lab: S3Lab;
  let fake: FakeS3;
  beforeEach(async () => {
    lab = await openS3Lab();
    ({ fake } = lab);
  });
  afterEach(async () => {
    await lab.close();
  });

  function put(from: string, to: string): void {
    for (const entry of readdirSync(join(FIXTURES, from), { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile()) fake.bucket.put(join(to, file.slice(join(FIXTURES, from).length + 1)), readFileSync(file));
    }
  }

  const crawl = (): Promise<CrawlEnd> => lab.crawl();

  it('are known with one more LIST where data come first, and cost none when they are crawled again', async () => {
    put('delta/orders', 'a/orders');
    put('delta/upper', 'a/upper');
    put('iceberg/events', 'b/events');
    fake.bucket.put('c/data/x.csv', Buffer.from('id,v\n1,2\n'));
    const first = await crawl();
    expect(first).toMatchObject({ state: 'SUCCEEDED', result: { tables: 4, unknown: 0 } });
    // One for all, and one each for upper/_delta_log, events/metadata and c/metadata.
    expect(first.result.bill.lists).toBe(4);
    const before = await lab.catalog();
    expect(before.map(({ name, format }) => [name, (format as { name: string }).name])).toEqual([
      ['data', 'csv'],
      ['events', 'iceberg'],
      ['orders', 'delta'],
      ['upper', 'delta'],
    ]);
    const again = await crawl();
    // Only c may have become an Iceberg table.
    expect(again.result).toMatchObject({ added: 0, changed: 0, removed: 0, bill: { lists: 2, gets: 0 } });
    expect(await lab.catalog()).toEqual(before);
  });
});
