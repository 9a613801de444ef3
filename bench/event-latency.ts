import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { s3Crawler } from '../crawlers/s3.ts';
import { schema } from '../graphql/schema.ts';
import { createPrincipal, getPrincipal, SYSTEM } from '../src/access/principals.ts';
import { createToken } from '../src/access/tokens.ts';
import { listPartitions } from '../src/catalog/partitions.ts';
import { findTable } from '../src/catalog/tables.ts';
import { write } from '../src/changes/write.ts';
import { loadConfig } from '../src/config.ts';
import { defineCrawler } from '../src/crawl/crawlers.ts';
import { createServer } from '../src/server/server.ts';
import { openTenon, type Tenon } from '../src/tenon.ts';
import { FakeBucket, type KeySpace } from '../test/servers/fake-s3-bucket.ts';
import { startFakeS3 } from '../test/servers/fake-s3.ts';
import { median, middle, report } from './measure.ts';

/**
 * How long it takes from the notification of a new object until its partition is in the catalog, for tables of several sizes;
 * the fake S3 and the server are one process. Aim: at most a second and two requests, whatever the size.
 * `node dist/bench/event-latency.js [1000,20000,100000] [rounds]`
 */
const sizes = (process.argv[2] ?? '1000,20000,100000').split(',').map(Number);
const rounds = Number(process.argv[3] ?? 9);
const SILENT = { info() {}, warn() {}, error() {} };

for (const size of sizes) await bench(size);

async function bench(size: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
  const lake = growingLake(size);
  const fake = await startFakeS3(new FakeBucket('lake', lake));
  const tenon = await openTenon(loadConfig({ dataDir: folder, env: {} }), { crawlers: [s3Crawler], log: SILENT });
  if (tenon === undefined) throw new Error('Somebody else owns a new directory.');
  const server = await createServer({ tenon, schema, version: 'bench' });
  try {
    const address = await server.listen({ host: '127.0.0.1', port: 0 });
    const token = await prepare(tenon, fake.url);
    await crawlAll(tenon);
    const times: number[] = [];
    const requests: number[] = [];
    // The first warms up.
    for (let round = 0; round <= rounds; round += 1) {
      const key = lake.grow();
      const before = fake.requests.length;
      const start = performance.now();
      const body = JSON.stringify({
        Records: [{ eventName: 's3:ObjectCreated:Put', s3: { bucket: { name: 'lake' }, object: { key } } }],
      });
      const answer = await fetch(`${address}/hooks/s3/lake`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body,
      });
      if (answer.status !== 202) throw new Error(`The hook answered ${answer.status}: ${await answer.text()}`);
      await isVisible(tenon, key);
      if (round > 0) times.push(performance.now() - start);
      requests.push(fake.requests.length - before);
      // So that it is not the crawl before that sees the next event.
      await isQuiet(tenon);
    }
    const figures = { medianMs: median(times), worstMs: Math.max(...times), mostRequests: Math.max(...requests) };
    console.log(
      `${size} partitions: ${figures.medianMs.toFixed(0)} ms (worst ${figures.worstMs.toFixed(0)}) from hook to catalog, ${figures.mostRequests} requests`,
    );
    const requestsAnEvent = figures.mostRequests;
    report('B2 events', { size, rounds, tenon: { ms: middle(times), worstMs: figures.worstMs, requestsAnEvent } });
  } finally {
    await server.close();
    await tenon.close();
    await fake.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** One file in each partition; nobody holds them. */
function growingLake(size: number): KeySpace & { grow(): string } {
  let count = size;
  const keyAt = (index: number): string => `sales/part=${String(index).padStart(7, '0')}/a.csv`;
  const modified = new Date('2026-11-20T12:00:00Z');
  return {
    get count() {
      return count;
    },
    at(index) {
      const content = Buffer.from(`id,amount\n${index},1.5\n`);
      return { key: keyAt(index), size: content.length, etag: index.toString(16).padStart(32, '0'), modified, content };
    },
    grow() {
      count += 1;
      return keyAt(count - 1);
    },
  };
}

/** A crawler by events, and a token to notify it with. */
async function prepare({ ground, connections, crawlers }: Tenon, endpoint: string): Promise<string> {
  return write(ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
    await connections.define(w, { name: 'fake', kind: 's3', options: { endpoint, accessKeyId: 'key' }, secret: 'secret' });
    const draft = { name: 'lake', kind: 's3', options: { url: 's3://lake/' }, connection: 'fake', database: 'lake' };
    await defineCrawler(w, { ...draft, settings: { recrawl: 'events' } }, crawlers);
    await createPrincipal(w, { name: 'notifier', role: 'editor' });
    return (await createToken(w, { principal: 'notifier', name: 'hook' })).token;
  });
}

async function crawlAll({ ground, work }: Tenon): Promise<void> {
  const run = await work.enqueue(await getPrincipal(ground.db, 'admin'), { kind: 'crawl', name: 'lake', params: {} });
  const { state } = await work.waitFor(run.id);
  if (state !== 'SUCCEEDED') throw new Error(`The first crawl ended ${state}.`);
}

async function isVisible({ ground: { db } }: Tenon, key: string): Promise<void> {
  const table = await findTable(db, SYSTEM, { database: 'lake', name: 'sales' });
  if (table === undefined) throw new Error('There is no table.');
  const predicate = `part = '${/=(\d+)/.exec(key)?.[1] ?? ''}'`;
  for (const end = Date.now() + 60_000; Date.now() < end; await sleep(5)) {
    if ((await listPartitions(db, SYSTEM, table, { predicate }, { first: 1 })).items.length > 0) return;
  }
  throw new Error(`The partition of ${key} did not come.`);
}

async function isQuiet({ work }: Tenon): Promise<void> {
  for (;;) {
    const { items } = await work.list(SYSTEM, { kind: 'crawl', name: 'lake' }, { first: 1 });
    if (items[0]?.item.state === 'SUCCEEDED') break;
    await sleep(10);
  }
  await sleep(300);
}
