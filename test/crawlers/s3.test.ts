import { randomBytes } from 'node:crypto';
import { DeleteBucketCommand, DeleteObjectsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Crawler } from '../../crawlers/s3.ts';
import { compareBytes } from '../../src/connections/byte-order.ts';
import { openTestConnections, SHORT, type TestConnections } from '../connections/test-connections.ts';
import { crawlAll, describeCrawler, isComplete, seen } from '../contract/crawler.ts';
import { HOSTILE_NAMES } from '../contract/object-store.ts';
import { FakeBucket, lakeKeys } from '../servers/fake-s3-bucket.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { openTestS3 } from '../servers/s3.ts';

const VISIBLE = HOSTILE_NAMES.filter((name) => !name.startsWith('.'));

describeCrawler(
  's3, a fake server with 12,000 keys',
  async () => {
    const keys = lakeKeys(3, 100, 40);
    const fake = await startFakeS3(new FakeBucket('lake', keys));
    const test = await openTestConnections();
    const secret = randomBytes(16).toString('hex');
    await test.define({ name: 'fake', kind: 's3', options: { endpoint: fake.url, accessKeyId: 'AKIATEST' }, secret });
    const crawled = Array.from({ length: keys.count }, (_, i) => keys.at(i).key);
    return {
      crawler: s3Crawler,
      options: { url: 's3://lake' },
      connections: test.connections,
      connection: 'fake',
      expected: crawled,
      secrets: [secret],
      url: 's3://lake/',
      vanish: () => fake.close(),
      close: () => test.close(),
    };
  },
  { whole: true },
);

describeCrawler(
  's3, a real server',
  async () => {
    const server = await openTestS3();
    if ('skip' in server) return server;
    const Bucket = await server.newBucket();
    const names = [...VISIBLE.map((name) => `dt=2026-01-01/${name}`), 'sales/a.csv', 'sales-b.csv', 'folder/_year=1/x'];
    // Three pages, so that one is still to come when the source vanishes, although the next is always fetched ahead.
    const manyNames = Array.from({ length: 2_100 }, (_, i) => `many/${i}`);
    const hidden = ['_SUCCESS', '_temporary/x', 'sales/.crc'];
    const all = [...names, ...manyNames, ...hidden];
    for (let at = 0; at < all.length; at += 50) {
      const put = all.slice(at, at + 50).map((name) => new PutObjectCommand({ Bucket, Key: `root/${name}`, Body: 'x' }));
      await Promise.all(put.map((command) => server.client.send(command)));
    }
    const test = await openTestConnections();
    const { url: endpoint, accessKeyId, secretAccessKey } = server;
    await test.define({ name: 'real', kind: 's3', options: { endpoint, accessKeyId }, secret: secretAccessKey });
    return {
      crawler: s3Crawler,
      options: { url: `s3://${Bucket}/root/` },
      connections: test.connections,
      connection: 'real',
      expected: [...names, ...manyNames].toSorted(compareBytes),
      secrets: [secretAccessKey],
      url: `s3://${Bucket}/root`,
      vanish: async () => {
        if (server.own) return server.close();
        const keys = all.map((name) => ({ Key: `root/${name}` }));
        for (let at = 0; at < keys.length; at += 1_000) {
          await server.client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.slice(at, at + 1_000) } }));
        }
        await server.client.send(new DeleteBucketCommand({ Bucket }));
      },
      async close() {
        await test.close();
        await server.close();
      },
    };
  },
  { whole: true },
);

describe('crawling S3', () => {
  let fake: FakeS3;
  let test: TestConnections;

  beforeAll(async () => {
    fake = await startFakeS3();
    test = await openTestConnections(SHORT);
    await test.define({ name: 'fake', kind: 's3', options: { endpoint: fake.url, accessKeyId: 'k' }, secret: 's' });
  });
  afterAll(async () => {
    await test.close();
    await fake.close();
  });

  const crawl = (url: string, connection = 'fake') =>
    crawlAll({ crawler: s3Crawler, options: { url }, connections: test.connections, connection });

  it('says which bucket is not there', async () => {
    const { findings, error } = await crawl('s3://missing/x');
    expect(findings).toEqual([]);
    expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE', message: expect.stringContaining('«missing»') });
  });

  it('says who was denied, once, without trying again', async () => {
    fake.fail('403', 0, 100);
    const before = fake.requests.length;
    const { error } = await crawl('s3://lake');
    expect(error).toMatchObject({ code: 'SOURCE_DENIED', details: { bucket: 'lake', operation: 'ListObjectsV2', status: 403 } });
    expect(fake.requests.length - before).toBe(1);
  });

  it.each(['500', '503', 'reset', 'timeout', 'cut-page'] as const)(
    'gives up on lasting %s after four attempts',
    async (fault) => {
      fake.fail(fault, 0, 100);
      const before = fake.requests.length;
      const { findings, error } = await crawl('s3://lake');
      expect(error).toMatchObject({ code: 'SOURCE_UNAVAILABLE', message: expect.stringContaining('«lake»') });
      expect(isComplete(findings)).toBe(false);
      expect(fake.requests.length - before).toBe(4);
      fake.fail(fault, 0, 0);
    },
  );

  it('refuses a directory bucket, whose keys come in no order', async () => {
    expect((await crawl('s3://lake--use1-az4--x-s3/')).error).toMatchObject({ code: 'UNSUPPORTED' });
  });

  it('takes URLs as people write them', () => {
    const url = (typed: string) => s3Crawler.fromUrl(new URL(typed))?.options['url'];
    expect(url('s3://lake')).toBe('s3://lake/');
    expect(url('s3://lake/a b/ü/dt=1%3A2/')).toBe('s3://lake/a b/ü/dt=1%3A2');
    expect(url('s3a://lake/x?y#z')).toBe('s3://lake/x?y#z');
    expect(url('https://lake/x')).toBeUndefined();
  });

  it('leaves out what consoles make for folders, and keeps what follows them', async () => {
    for (const key of ['folders/', 'folders/a/', 'folders/a/1']) fake.bucket.put(key, Buffer.from(key.endsWith('/') ? '' : 'x'));
    expect(seen((await crawl('s3://lake/folders')).findings)).toEqual(['a/1']);
  });
});
