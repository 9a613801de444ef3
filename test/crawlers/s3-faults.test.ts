import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Crawler } from '../../crawlers/s3.ts';
import { openTestConnections, SHORT, type TestConnections } from '../connections/test-connections.ts';
import { crawlAll, isComplete, objectsOf, seen } from '../contract/crawler.ts';
import { FakeBucket, lakeKeys } from '../servers/fake-s3-bucket.ts';
import { FAULTS, startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';

const KEYS = lakeKeys(2, 50, 20);

/** Crawls, and reads the head of every 500th object, as the runner's classifiers do. */
describe('an S3 crawl of which one request fails', () => {
  let fake: FakeS3;
  let test: TestConnections;
  let recorded: number;
  let bytes: string[];

  beforeAll(async () => {
    fake = await startFakeS3(new FakeBucket('lake', KEYS));
    test = await openTestConnections(SHORT);
    await test.define({ name: 'fake', kind: 's3', options: { endpoint: fake.url, accessKeyId: 'k' }, secret: 's' });
    const crawled = await crawl();
    recorded = fake.requests.length;
    bytes = crawled.read;
  });
  afterAll(async () => {
    await test.close();
    await fake.close();
  });

  async function crawl() {
    const read: string[] = [];
    const crawled = await crawlAll(
      { crawler: s3Crawler, options: { url: 's3://lake/' }, connections: test.connections, connection: 'fake' },
      {
        each: async (finding) => {
          for (const object of objectsOf(finding).filter((_, place) => place % 500 === 0)) {
            const head = await object.read(0, 100).catch((error: { code: string }) => error.code);
            read.push(typeof head === 'string' ? head : Buffer.from(head).toString());
          }
        },
      },
    );
    return { ...crawled, read };
  }

  it('has enough requests to fail', () => {
    expect(recorded).toBe(2 + 4);
    expect(bytes).toEqual(Array.from({ length: 4 }, () => 'x'.repeat(100)));
  });

  for (const fault of FAULTS) {
    it(`never takes it for the end: ${fault}`, async () => {
      for (let n = 0; n < recorded; n += 1) {
        fake.fail(fault, n);
        const { findings, error, read } = await crawl();
        const paths = seen(findings);
        if (isComplete(findings)) expect(paths, `request ${n}`).toHaveLength(KEYS.count);
        else expect(error, `request ${n}`).toMatchObject({ name: 'TenonError', code: expect.stringMatching(/^SOURCE_/) });
        // What is retried has succeeded in the end; a denial of one object is the reader's to make unknown.
        if (fault !== '403') expect([error, ...read]).toEqual([undefined, ...bytes]);
        else for (const head of read) expect(['x'.repeat(100), 'SOURCE_DENIED']).toContain(head);
      }
    }, 60_000);
  }
});
