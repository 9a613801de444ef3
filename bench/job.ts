import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fileCrawler } from '../crawlers/file.ts';
import { SYSTEM } from '../src/access/principals.ts';
import { write } from '../src/changes/write.ts';
import { loadConfig } from '../src/config.ts';
import { defineCrawler } from '../src/crawl/crawlers.ts';
import { defineJob } from '../src/etl/jobs.ts';
import { fileAddress } from '../src/connections/address.ts';
import { openTenon, type Tenon } from '../src/tenon.ts';
import { interleaved, median, middle, node, report, spread } from './measure.ts';
import { layOrders } from './orders.ts';

/**
 * B7: what the catalog, the gate, the bookmark and the commit cost on top of DuckDB. Both sides read the same CSV folder,
 * both run DuckDB in a process of their own with the same memory and threads, and both write Parquet with zstd by day.
 * `node dist/bench/job.js [megabytes] [rounds]`
 */
const megabytes = Number(process.argv[2] ?? 250);
const rounds = Number(process.argv[3] ?? 7);
const DAYS = 10;
const MEMORY = '2GB';
const THREADS = 2;
const SQL = 'select id, email, amount, quantity, ordered_at, dt from orders';
const ALONE = fileURLToPath(new URL('duckdb-alone.js', import.meta.url));
const QUIET = { info: () => {}, warn: () => {}, error: () => {} };

const folder = await mkdtemp(join(tmpdir(), 'tenon-bench-'));
try {
  await bench();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const bytes = await layOrders(join(folder, 'lake', 'orders'), megabytes, DAYS);
  const config = loadConfig({
    dataDir: join(folder, 'data'),
    env: { TENON_ENGINE_MEMORY_LIMIT: MEMORY, TENON_ENGINE_THREADS: String(THREADS) },
  });
  const tenon = await openTenon(config, { crawlers: [fileCrawler], log: QUIET });
  if (tenon === undefined) throw new Error('The data directory is owned by another process.');
  try {
    await crawlLake(tenon);
    // One job for each round, so that every round reads everything although the bookmark is on.
    for (let job = 0; job <= rounds; job += 1) await defineJobOf(tenon, job);
    let jobs = 0;
    let round = 0;
    const rows = { tenon: 0, alone: 0 };
    const times = await interleaved(
      {
        tenon: async () => {
          rows.tenon = await runJob(tenon, jobs);
          jobs += 1;
        },
        alone: async () => {
          rows.alone = await runAlone((round += 1));
        },
      },
      rounds,
    );
    if (rows.tenon !== rows.alone) throw new Error(`Tenon wrote ${rows.tenon} rows, DuckDB alone ${rows.alone}.`);
    const ours = median(times['tenon'] ?? []);
    const peer = median(times['alone'] ?? []);
    console.log(`CSV → Parquet, ${(bytes / 1e6).toFixed(0)} MB, ${rows.alone} rows, ${rounds} rounds`);
    console.log(`  through the catalog  ${spread(times['tenon'] ?? [])}`);
    console.log(`  DuckDB alone         ${spread(times['alone'] ?? [])}`);
    console.log(
      `  ratio ${(ours / peer).toFixed(3)}; over 1.05 × DuckDB by ${(ours - 1.05 * peer).toFixed(0)} ms (aim: ≤ 100 ms)`,
    );
    report('B7', {
      size: `${megabytes} MB`,
      rows: rows.alone,
      rounds,
      tenon: { ms: middle(times['tenon'] ?? []) },
      peer: { duckdb: { ms: middle(times['alone'] ?? []) } },
      ratio: { toDuckdb: ours / peer, overMs: ours - 1.05 * peer },
    });
  } finally {
    await tenon.close();
  }
}

async function crawlLake(tenon: Tenon): Promise<void> {
  await write(tenon.ground, { principal: SYSTEM, owner: 'api' }, (w) =>
    defineCrawler(
      w,
      { name: 'lake', kind: 'file', options: { url: fileAddress(join(folder, 'lake')) }, database: 'lake' },
      tenon.crawlers,
    ),
  );
  const { id } = await tenon.work.enqueue(SYSTEM, { kind: 'crawl', name: 'lake', params: {} });
  const run = await tenon.work.waitFor(id);
  if (run.state !== 'SUCCEEDED') throw new Error(`The crawl ended ${run.state}: ${JSON.stringify(run.error ?? run.result)}`);
}

function defineJobOf(tenon: Tenon, number: number): Promise<unknown> {
  return defineJob(tenon.jobs, SYSTEM, {
    name: `job${number}`,
    inputs: { orders: { table: 'lake.orders' } },
    bookmark: true,
    steps: [{ name: 'result', sql: SQL }],
    output: {
      table: `lake.out${number}`,
      location: fileAddress(join(folder, 'out', String(number))),
      partitionBy: ['dt'],
      mode: 'append',
      format: 'parquet',
    },
  });
}

/** From the order to the end that the run has in the database. */
async function runJob(tenon: Tenon, number: number): Promise<number> {
  const { id } = await tenon.work.enqueue(SYSTEM, { kind: 'job', name: `job${number}`, params: { parameters: {} } });
  const run = await tenon.work.waitFor(id);
  const [output] = (run.result?.['outputs'] ?? []) as { rows: number }[];
  if (run.state !== 'SUCCEEDED' || output === undefined)
    throw new Error(`The job ended ${run.state}: ${JSON.stringify(run.error)}`);
  return output.rows;
}

async function runAlone(round: number): Promise<number> {
  const out = join(folder, 'alone', String(round));
  await mkdir(out, { recursive: true });
  const answer = await node([ALONE, `${join(folder, 'lake', 'orders')}/**/*.csv`, out, SQL, MEMORY, String(THREADS)]);
  return (JSON.parse(answer) as { rows: number }).rows;
}
