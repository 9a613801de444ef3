import { afterEach, beforeEach, expect, it } from 'vitest';
import type { FakeS3 } from '../servers/fake-s3.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

let lab: S3Lab;
let fake: FakeS3;
beforeEach(async () => {
  lab = await openS3Lab();
  ({ fake } = lab);
  for (let i = 0; i < 120; i += 1) fake.bucket.put(`sales/n=${i}/a.csv`, Buffer.from(`id,name\n${i},a\n`));
});
afterEach(async () => {
  await lab.close();
});

const crawl = async (config = {}): Promise<void> => {
  const { result } = await lab.crawl({
    settings: { samplePartitions: 'all' },
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
