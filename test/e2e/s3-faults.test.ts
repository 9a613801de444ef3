import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { s3Crawler } from '../../crawlers/s3.ts';
import { SYSTEM } from '../../src/access/principals.ts';
import { latestPosition, listChanges } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import { exitOf } from '../../src/cli/run-progress.ts';
import { loadConfig } from '../../src/config.ts';
import { defineCrawler } from '../../src/crawl/crawlers.ts';
import type { PartitionSummary, Position } from '../../src/model/change.ts';
import { partitionText } from '../../src/model/partition-key.ts';
import { formatType } from '../../src/model/types.ts';
import { listTables } from '../../src/catalog/tables.ts';
import { streamPartitions } from '../../src/catalog/partitions.ts';
import { openTenon, type Tenon } from '../../src/tenon.ts';
import type { Run } from '../../src/work/run.ts';
import { startFakeS3, type FakeS3 } from '../servers/fake-s3.ts';
import { ordersOf } from './orders.ts';

/**
 * Each request of a crawl fails once, in each way in which S3 fails, without a retry that would hide it. Nothing that was
 * known may go, the run must say what is unknown, and the next crawl must find what this one missed.
 */
const FAULTS = ['timeout', '403', '500', '503', 'reset', 'cut-page', 'lost-keys', 'cut-body', 'wrong-length'] as const;

let fake: FakeS3;
let dataDir: string;
let tenon: Tenon;

beforeAll(async () => {
  fake = await startFakeS3();
  for (const day of [1, 2, 3]) fake.bucket.put(`lake/orders/dt=2026-11-0${day}/part.csv`, Buffer.from(ordersOf(day * 100, 20)));
  fake.bucket.put('lake/events/a.json', Buffer.from('{"id":1,"amount":2.5,"kind":"click"}\n'));
  fake.bucket.put('lake/stores/stores.csv', Buffer.from('id,amount,city\n1,2.5,Bern\n2,3.5,Graz\n'));
  dataDir = await mkdtemp(join(tmpdir(), 'tenon-s3-faults-'));
  const env = { TENON_CONNECTIONS_ATTEMPTS: '1', TENON_CONNECTIONS_REQUEST_TIMEOUT_MS: '300' };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const opened = await openTenon(loadConfig({ dataDir, env }), { crawlers: [s3Crawler], log });
  if (opened === undefined) throw new Error('The directory is owned by another process.');
  tenon = opened;
  await write(tenon.ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
    const options = { endpoint: fake.url, accessKeyId: 'key', region: 'us-east-1' };
    await tenon.connections.define(w, { name: 'fake', kind: 's3', options, secret: 'secret' });
    await defineCrawler(
      w,
      { name: 'lake', kind: 's3', options: { url: 's3://lake/lake' }, connection: 'fake', database: 'lake' },
      tenon.crawlers,
    );
  });
}, 60_000);

afterAll(async () => {
  await tenon.close();
  await fake.close();
  await rm(dataDir, { recursive: true, force: true });
});

describe('a crawl whose Nth request fails', () => {
  it('first finds everything', async () => {
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { tables: 3, unknown: 0 } });
    expect(await known()).toContain('lake.orders amount: double');
    expect(await known()).toContain('lake.orders dt=2026-11-02');
  });

  it.each(FAULTS)(
    'removes nothing and says what is unknown: %s',
    async (fault) => {
      const { requests, lists } = await recordedCrawl();
      expect(lists).toBeGreaterThan(0);
      expect(requests).toBeGreaterThan(lists);
      for (let index = 0; index < requests; index += 1) {
        // Only a listing has pages; requests that read come after all that list.
        if ((fault === 'cut-page' || fault === 'lost-keys') && index >= lists) break;
        const before = await known();
        const head = await latestPosition(tenon.ground.db);
        changeSource();
        fake.fail(fault, index);
        const run = await crawl();
        fake.fail(fault, 0, 0);
        const what = `${fault} at request ${index}: ${JSON.stringify(run.error ?? run.result)}`;
        const after = new Set(await known());
        expect(
          before.filter((name) => !after.has(name)),
          what,
        ).toEqual([]);
        expect(await removals(head), what).toEqual([]);
        // The first request asks for one key, and has none to lose.
        if (fault !== 'lost-keys' || index > 0) expect(namesUnknown(run), what).toBe(true);
        await expectRepaired();
      }
    },
    120_000,
  );
});

/** 3 for a crawl that is not whole; 1 when not even the first listing could be had. */
function namesUnknown(run: Run): boolean {
  if (run.state === 'FAILED') return run.error !== null && exitOf(run) === 1;
  const { unknown, unknowns } = run.result as { unknown: number; unknowns: { status: string }[] };
  return run.state === 'INCOMPLETE' && exitOf(run) === 3 && unknown > 0 && unknowns.every(({ status }) => status === 'unknown');
}

/** The next crawl finds what this one missed, and the one after it has nothing to do. */
async function expectRepaired(): Promise<void> {
  expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { unknown: 0 } });
  expect(await known()).toContain(`lake.orders dt=2027-01-${String(changes).padStart(2, '0')}`);
  const head = await latestPosition(tenon.ground.db);
  await crawl();
  expect(await latestPosition(tenon.ground.db)).toBe(head);
}

let changes = 9;

/** One partition more, so that the crawl has something to read. */
function changeSource(): void {
  changes += 1;
  fake.bucket.put(`lake/orders/dt=2027-01-${String(changes).padStart(2, '0')}/part.csv`, Buffer.from(ordersOf(changes * 10, 3)));
}

/** How many requests a crawl makes that finds one partition more, and how many of them, the first ones, list. */
async function recordedCrawl(): Promise<{ requests: number; lists: number }> {
  changeSource();
  const before = fake.requests.length;
  expect(await crawl()).toMatchObject({ state: 'SUCCEEDED' });
  const made = fake.requests.slice(before);
  return { requests: made.length, lists: made.filter(({ path }) => path.includes('list-type=2')).length };
}

/** Every column and every partition, each as a line of text. */
async function known(): Promise<string[]> {
  const { db } = tenon.ground;
  const lines: string[] = [];
  for (const { item: table } of (await listTables(db, SYSTEM, {}, { first: 100 })).items) {
    const name = `${table.database}.${table.name}`;
    for (const column of table.schema.columns) lines.push(`${name} ${column.name}: ${formatType(column.type)}`);
    for await (const { values } of streamPartitions(db, SYSTEM, table)) {
      lines.push(`${name} ${partitionText(table.schema.partitionKeys, values)}`);
    }
  }
  return lines;
}

async function removals(after: Position): Promise<unknown[]> {
  const { items } = await listChanges(tenon.ground.db, { after }, { first: 100 });
  return items
    .map(({ item }) => item)
    .filter(
      ({ kind, details }) =>
        kind === 'table.dropped' || ((details?.['partitions'] as PartitionSummary | undefined)?.removed ?? 0) > 0,
    );
}

async function crawl(): Promise<Run> {
  const { id } = await tenon.work.enqueue(SYSTEM, { kind: 'crawl', name: 'lake', params: {} });
  return tenon.work.waitFor(id);
}
