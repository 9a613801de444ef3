import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { schema } from '../../graphql/schema.ts';
import { createPrincipal, SYSTEM } from '../../src/access/principals.ts';
import { createToken } from '../../src/access/tokens.ts';
import { streamPartitions } from '../../src/catalog/partitions.ts';
import { findTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import { defineCrawler } from '../../src/crawl/crawlers.ts';
import type { Role } from '../../src/model/principal.ts';
import { createServer, type Server } from '../../src/server/server.ts';
import { openTestApi, type TestApi } from '../graphql/api.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { until } from '../until.ts';

let api: TestApi;
let server: Server;
let fake: FakeS3;
let editor: string;
let reader: string;

beforeAll(async () => {
  api = await openTestApi();
  server = await createServer({ tenon: api.tenon, schema, version: '1' });
  fake = await startFakeS3();
  editor = await makeToken('notifier', 'editor');
  reader = await makeToken('guest', 'reader');
  const { ground, connections, crawlers } = api.tenon;
  await write(ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
    const options = { endpoint: fake.url, accessKeyId: 'key' };
    await connections.define(w, { name: 'fake', kind: 's3', options, secret: 'secret' });
    const draft = { kind: 's3', options: { url: 's3://lake/', exclude: ['tmp/**'] }, connection: 'fake', database: 'lake' };
    await defineCrawler(w, { ...draft, name: 'lake', settings: { recrawl: 'events' } }, crawlers);
    await defineCrawler(w, { ...draft, name: 'all' }, crawlers);
  });
});
afterAll(async () => {
  await server.close();
  await api.close();
  await fake.close();
});

function makeToken(name: string, role: Role): Promise<string> {
  return write(api.tenon.ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
    await createPrincipal(w, { name, role });
    return (await createToken(w, { principal: name, name: 'hook' })).token;
  });
}

const created = (...keys: readonly string[]) => ({
  Records: keys.map((key) => ({
    eventName: 'ObjectCreated:Put',
    s3: { bucket: { name: 'lake' }, object: { key: encodeURIComponent(key) } },
  })),
});

async function post(body: unknown, headers: Record<string, string>, crawler = 'lake') {
  const response = await server.app.inject({
    method: 'POST',
    url: `/hooks/s3/${crawler}`,
    headers: { host: '127.0.0.1', ...headers },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
  return { status: response.statusCode, ...response.json<Record<string, unknown>>() };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const basic = (password: string) => ({ authorization: `Basic ${Buffer.from(`any:${password}`).toString('base64')}` });

describe('the hook for notifications of S3', () => {
  it('lets in who may write, by whatever a server can send', async () => {
    for (const headers of [bearer(editor), { authorization: editor }, basic(editor)]) {
      expect(await post({ Event: 's3:TestEvent' }, headers)).toEqual({ status: 202, taken: 0, ignored: 0 });
    }
    for (const type of ['text/plain; charset=UTF-8', 'application/json; charset=utf-8', 'application/x-amz-json-1.0']) {
      expect(await post({ Event: 's3:TestEvent' }, { ...bearer(editor), 'content-type': type })).toMatchObject({ status: 202 });
    }
    expect(await post(created('a.csv'), bearer(reader))).toMatchObject({ status: 403 });
    for (const headers of [{}, bearer('wrong'), basic('wrong'), { authorization: 'Basic' }, { authorization: 'Negotiate x y' }]) {
      expect(await post(created('a.csv'), headers)).toMatchObject({ status: 401, error: { code: 'UNAUTHENTICATED' } });
    }
  });

  it('refuses what is no notification, and crawlers that take none', async () => {
    expect(await post('{"Records":', bearer(editor))).toMatchObject({ status: 400, error: { code: 'BAD_INPUT' } });
    expect(await post(created('a.csv'), bearer(editor), 'nobody')).toMatchObject({ status: 404 });
    expect(await post(created('a.csv'), bearer(editor), 'all')).toMatchObject({ status: 400, error: { code: 'BAD_INPUT' } });
    const large = 'x'.repeat(api.tenon.config.limits.requestBytes + 1);
    expect(await post(large, bearer(editor))).toMatchObject({ status: 413, error: { code: 'LIMIT' } });
  });

  it('passes over what the crawler does not cover', async () => {
    expect(await post(created('tmp/a.csv', '_temporary/a.csv'), bearer(editor))).toEqual({ status: 202, taken: 0, ignored: 2 });
    const other = { Records: [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: '..' }, object: { key: 'x' } } }] };
    expect(await post(other, bearer(editor))).toEqual({ status: 202, taken: 0, ignored: 1 });
  });
});

describe('events that were taken', () => {
  const count = 8;
  const key = (n: number) => `sales/day=${String(n).padStart(2, '0')}/a.csv`;

  beforeEach(() => {
    for (let n = 1; n <= count; n += 1) fake.bucket.put(key(n), Buffer.from(`id,amount\n${n},1.5\n`));
  });

  async function partitions(): Promise<number[]> {
    const { db } = api.tenon.ground;
    const table = await findTable(db, SYSTEM, { database: 'lake', name: 'sales' });
    const found: number[] = [];
    if (table !== undefined) for await (const { values } of streamPartitions(db, SYSTEM, table)) found.push(Number(values[0]));
    return found.sort((a, b) => a - b);
  }

  const runs = async () => (await api.tenon.work.list(SYSTEM, { kind: 'crawl', name: 'lake' }, { first: 100 })).items;
  const isQuiet = async () => (await runs()).every(({ item }) => item.state === 'SUCCEEDED');

  it('are crawled soon, many of them by few crawls, those that come during a crawl too', async () => {
    expect(await post(created(key(1)), bearer(editor))).toEqual({ status: 202, taken: 1, ignored: 0 });
    await until('the first crawl has listed everything', async () => (await partitions()).length === count && (await isQuiet()));
    const first = (await runs()).length;
    fake.latencyMs = 20;
    for (let n = 1; n <= count; n += 1) fake.bucket.remove(key(n));
    for (let n = 101; n <= 100 + count; n += 1) {
      fake.bucket.put(key(n), Buffer.from(`id,amount\n${n},1.5\n`));
      expect(await post(created(key(n), key(n - 100), key(n)), bearer(editor))).toMatchObject({ taken: 3 });
    }
    fake.latencyMs = 0;
    const all = Array.from({ length: count }, (_, i) => 101 + i);
    await until('all are known', async () => (await isQuiet()) && String(await partitions()) === String(all));
    expect((await runs()).length - first).toBeLessThan(count);
  });

  it('that a process has left behind are crawled by the next one', async () => {
    await api.tenon.notices.close();
    fake.bucket.put(key(200), Buffer.from('id,amount\n200,1.5\n'));
    await post(created(key(200)), bearer(editor));
    const { createNotices } = await import('../../src/crawl/notices.ts');
    const next = createNotices(api.tenon);
    expect(await partitions()).not.toContain(200);
    await next.start();
    await until('it is known', async () => (await partitions()).includes(200) && (await isQuiet()));
    await next.close();
  });
});
