import { performance } from 'node:perf_hooks';
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { sql } from 'drizzle-orm';
import { s3Crawler } from '../crawlers/s3.ts';
import { SYSTEM } from '../src/access/principals.ts';
import { partitionTotals } from '../src/catalog/partitions.ts';
import { listTables } from '../src/catalog/tables.ts';
import { write } from '../src/changes/write.ts';
import { loadConfig } from '../src/config.ts';
import { createS3Store } from '../src/connections/s3.ts';
import { keepHeapSmall } from '../src/cli/small-heap.ts';
import { defineCrawler } from '../src/crawl/crawlers.ts';
import { openTenon, type Tenon } from '../src/tenon.ts';
import { cpuMsBelow } from './measure.ts';

/**
 * One side of the crawl benchmark, in a process of its own so that its memory and its processor time are its own. Arguments:
 * side, data directory, inventory. Prints what it found and what it took.
 */
const [side = 'scanner', dataDir = '', inventory = 'listing'] = process.argv.slice(2);
const SIDES: Readonly<Record<string, () => Promise<Record<string, unknown>>>> = { scanner, sdk, crawl, recrawl: crawl };
const QUIET = { info: () => {}, warn: () => {}, error: () => {} };

// As the program does it.
keepHeapSmall();
console.log(JSON.stringify(await SIDES[side]?.()));
process.exit(0);

interface Took {
  readonly ms: number;
  readonly cpuMs: number;
  /** Of this process alone, at its peak. */
  readonly peakMb: number;
}

async function measured(fn: () => Promise<unknown>): Promise<Took> {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await fn();
  const ms = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  return { ms, cpuMs: (user + system) / 1000, peakMb: process.resourceUsage().maxRSS / 1024 };
}

/** Our listing, and nothing else. */
async function scanner(): Promise<Record<string, unknown>> {
  const store = createS3Store();
  let objects = 0;
  const took = await measured(async () => {
    for await (const page of store.pages('s3://lake/')) objects += page.length;
  });
  return { objects, ...took };
}

/** What a person writes with the SDK, storing nothing. */
async function sdk(): Promise<Record<string, unknown>> {
  const client = new S3Client({ forcePathStyle: true });
  let objects = 0;
  const took = await measured(async () => {
    let token: string | undefined;
    do {
      const page = await client.send(new ListObjectsV2Command({ Bucket: 'lake', ContinuationToken: token }));
      objects += page.Contents?.length ?? 0;
      token = page.NextContinuationToken;
    } while (token !== undefined);
  });
  return { objects, ...took };
}

async function crawl(): Promise<Record<string, unknown>> {
  const tenon = await openTenon(loadConfig({ dataDir, env: {} }), { crawlers: [s3Crawler], log: QUIET });
  if (tenon === undefined) throw new Error('The data directory is owned by another process.');
  try {
    const draft = {
      name: 'lake',
      kind: 's3',
      options: { url: 's3://lake' },
      database: 'lake',
      settings: { inventory },
    };
    await write(tenon.ground, { principal: SYSTEM, owner: 'api' }, (w) => defineCrawler(w, draft, tenon.crawlers));
    const idleMb = process.memoryUsage().rss / 2 ** 20;
    let run: Awaited<ReturnType<Tenon['work']['waitFor']>> | undefined;
    const before = await fingerprint(tenon);
    const below = cpuMsBelow(process.pid);
    const took = await measured(async () => {
      const { id } = await tenon.work.enqueue(SYSTEM, { kind: 'crawl', name: 'lake', params: {} });
      run = await tenon.work.waitFor(id);
    });
    if (run?.state !== 'SUCCEEDED')
      throw new Error(`The crawl ended ${run?.state}: ${JSON.stringify(run?.error ?? run?.result)}`);
    const postgresCpuMs = cpuMsBelow(process.pid) - below;
    const after = await fingerprint(tenon);
    const { objects, bill } = run.result as { objects: number; bill: unknown };
    return { objects, bill, ...took, postgresCpuMs, idleMb, wrote: after !== before, inventory: await inventoryOf(tenon) };
  } finally {
    await tenon.close();
  }
}

/** Changes with every row that is written, also with one that is written as it was. */
async function fingerprint(tenon: Tenon): Promise<string> {
  const parts: string[] = [];
  for (const table of ['partitions', 'manifests', 'tables', 'table_states', 'versions', 'schemas', 'changes']) {
    const from = sql.raw(table);
    const { rows } = await tenon.ground.db.execute(
      sql`select count(*) as n, sum(hashtext(xmin::text || ctid::text)) as h from ${from}`,
    );
    parts.push(`${table} ${JSON.stringify(rows[0])}`);
  }
  return parts.join();
}

/** What the catalog holds, for the comparison with what the lake was made of. */
async function inventoryOf(tenon: Tenon): Promise<unknown> {
  const { db } = tenon.ground;
  const { items } = await listTables(db, SYSTEM, {}, { first: 100 });
  const tables = items.map(async ({ item }) => {
    const totals = await partitionTotals(db, item);
    const { rows } = await db.execute<{ n: string }>(sql`
      select count(*) as n from partitions p join schemas s on s.hash = p.schema_hash
      where p.table_id = ${item.id} and p.ended is null and s.content::text like '%"extra"%'`);
    const { partitions, bytes, files, rows: count } = totals;
    const columns = item.schema.columns.map(({ name }) => name).join();
    return { name: item.name, columns, partitions, files, bytes: String(bytes), rows: String(count), odd: Number(rows[0]?.n) };
  });
  return Promise.all(tables);
}
