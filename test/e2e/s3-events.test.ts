import { DeleteObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { schema } from '../../graphql/schema.ts';
import { createPrincipal, SYSTEM } from '../../src/access/principals.ts';
import { createToken } from '../../src/access/tokens.ts';
import { streamPartitions } from '../../src/catalog/partitions.ts';
import { findTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import { defineCrawler } from '../../src/crawl/crawlers.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { openTestApi, type TestApi } from '../graphql/api.ts';
import { openTestS3, S3_HOOK_TIMEOUT_MS, type TestS3 } from '../servers/s3.ts';
import { until } from '../until.ts';

/** A real S3 server tells Tenon over HTTP of what happens to its objects. */
describe('an S3 server that notifies', () => {
  let api: TestApi;
  let server: Server;
  let s3: TestS3 | { readonly skip: string };
  let bucket: string;

  beforeAll(async () => {
    api = await openTestApi();
    server = await createServer({ tenon: api.tenon, schema, version: '1' });
    const { port } = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const { ground, connections, crawlers } = api.tenon;
    const { token } = await write(ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
      await createPrincipal(w, { name: 'notifier', role: 'editor' });
      return createToken(w, { principal: 'notifier', name: 'hook' });
    });
    s3 = await openTestS3({ webhook: `http://any:${token}@127.0.0.1:${port}/hooks/s3/lake` });
    if ('skip' in s3) return;
    const { url: endpoint, accessKeyId, secretAccessKey: secret } = s3;
    bucket = await s3.newBucket();
    await write(ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
      await connections.define(w, { name: 'gateway', kind: 's3', options: { endpoint, accessKeyId }, secret });
      const draft = { name: 'lake', kind: 's3', options: { url: `s3://${bucket}/` }, connection: 'gateway', database: 'lake' };
      await defineCrawler(w, { ...draft, settings: { recrawl: 'events' } }, crawlers);
    });
  }, S3_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await server.close();
    await api.close();
    if (!('skip' in s3)) await s3.close();
  });

  const put = (gateway: TestS3, key: string, body: string) =>
    gateway.client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));

  async function partitions(): Promise<(string | null)[]> {
    const { db } = api.tenon.ground;
    const table = await findTable(db, SYSTEM, { database: 'lake', name: 'sales' });
    const found: (string | null)[] = [];
    if (table !== undefined) for await (const { values } of streamPartitions(db, SYSTEM, table)) found.push(...values);
    return found;
  }

  const lastRun = async () =>
    (await api.tenon.work.list(SYSTEM, { kind: 'crawl', name: 'lake' }, { first: 1 })).items[0]?.item ?? null;

  it('has a file in the catalog soon after it was put, and out of it soon after it was deleted', async (context) => {
    if ('skip' in s3) return context.skip(s3.skip);
    const gateway = s3;
    await put(gateway, 'sales/day=1 + 1%/a.csv', 'id,amount\n1,2.5\n');
    await until('the first crawl has listed everything', async () => (await partitions()).includes('1 + 1%'));
    await until('it is over', async () => (await lastRun())?.state === 'SUCCEEDED');
    expect(await lastRun()).toMatchObject({ result: { mode: 'everything' } });

    await put(gateway, 'sales/day=2 ü+%25/b.csv', 'id,amount\n2,2.5\n');
    await until('the new partition is there', async () => (await partitions()).length === 2);
    await until('the crawl is over', async () => (await lastRun())?.state === 'SUCCEEDED');
    expect(await lastRun()).toMatchObject({ result: { mode: 'events', partitionsAdded: 1, bill: { lists: 1, gets: 1 } } });

    await gateway.client.send(new DeleteObjectCommand({ Bucket: bucket, Key: 'sales/day=1 + 1%/a.csv' }));
    await until('the old partition is gone', async () => (await partitions()).length === 1);
  }, 60_000);
});
