import { afterEach, beforeEach, expect, it } from 'vitest';
import { s3Crawler } from '../../crawlers/s3.ts';
import { createS3Store, type S3Store } from '../../src/connections/s3.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { openLab, storeConnections, type Lab } from './lab.ts';

let lab: Lab;
let fake: FakeS3;
let store: S3Store;
beforeEach(async () => {
  lab = await openLab();
  fake = await startFakeS3();
  store = createS3Store({ endpoint: fake.url, accessKeyId: 'key' }, 'secret');
  for (let i = 0; i < 120; i += 1) fake.bucket.put(`sales/n=${i}/a.csv`, Buffer.from(`id,name\n${i},a\n`));
});
afterEach(async () => {
  store.close();
  await fake.close();
  await lab.close();
});

const crawl = async (config = {}): Promise<void> => {
  const { result } = await lab.crawl({
    crawler: s3Crawler,
    options: { url: 's3://lake/' },
    settings: { samplePartitions: 'all' },
    connections: storeConnections(store),
    config,
  });
  expect(result).toMatchObject({ partitions: 120, unknown: 0, bill: { gets: 120 } });
};

it('reads many files at the same time where each takes long to come', async () => {
  // So long that the processor of any machine has time to spare.
  fake.latencyMs = 150;
  await crawl();
  expect(fake.mostAtOnce).toBeGreaterThan(16);
});

it('reads no more at the same time than it may', async () => {
  fake.latencyMs = 20;
  await crawl({ parallelReads: 5 });
  expect(fake.mostAtOnce).toBe(5);
});
