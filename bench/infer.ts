import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { CLASSIFY_LIMITS, type ByteSource } from '../src/crawl/classifier.ts';
import { classify } from '../src/crawl/classify.ts';
import { createS3Store } from '../src/connections/s3.ts';
import { KINDS, PLANTED, pathOf, writeFiles, type Kind } from './infer-files.ts';
import { interleaved, median, report } from './measure.ts';

/**
 * B3: how many small files a second get their columns. Alone, from bytes in memory; read from disk, beside DuckDB on the same
 * files (`sniff_csv`, `read_json_auto`, `parquet_schema`) and beside opening and reading them; and from a fake S3 in a process of
 * its own, with and without latency. `node dist/bench/infer.js [files] [rounds]`
 */
const count = Number(process.argv[2] ?? 1_000);
const rounds = Number(process.argv[3] ?? 5);
/** DuckDB is slow enough to be measured on fewer. */
const PEER_FILES = Math.min(100, count);
/** GETs at the same time, by latency. */
const AT_ONCE: Readonly<Record<number, number>> = { 0: 16, 50: 256, 150: 256 };

const folder = await mkdtemp(join(tmpdir(), 'tenon-infer-'));
const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
try {
  await writeFiles(folder, count, connection);
  const alone = await local();
  const overS3 = await remote();
  report('infer', { files: count, rounds, ...alone, ...overS3 });
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function local(): Promise<Record<string, unknown>> {
  const figures: Record<string, unknown> = {};
  for (const kind of KINDS) {
    const kept = await Promise.all(paths(kind, count).map(async (path) => ({ path, bytes: await readFile(path) })));
    const started = process.cpuUsage();
    for (const { path, bytes } of kept) await check(memory(path, bytes));
    const cpuSeconds = process.cpuUsage(started).user / 1e6;
    const times = await interleaved(
      {
        memory: async () => {
          for (const { path, bytes } of kept) await check(memory(path, bytes));
        },
        disk: async () => {
          for (const path of paths(kind, count)) await check(memory(path, await readFile(path)));
        },
        read: async () => {
          for (const path of paths(kind, count)) await readHeadOf(path);
        },
        duckdb: async () => {
          for (const path of paths(kind, PEER_FILES)) await connection.runAndReadAll(peerQuery(kind, path));
        },
      },
      rounds,
    );
    const rate = (side: string, files: number): number => Math.round((files / median(times[side] ?? [])) * 1_000);
    const ours = rate('disk', count);
    const duckdb = rate('duckdb', PEER_FILES);
    figures[kind] = {
      memory: rate('memory', count),
      perCpuSecond: Math.round(count / cpuSeconds),
      disk: ours,
      openAndRead: rate('read', count),
      duckdb,
      ratio: Number((ours / duckdb).toFixed(1)),
    };
    console.log(`${kind.padEnd(8)} files/s: ${JSON.stringify(figures[kind])}`);
  }
  return figures;
}

async function remote(): Promise<Record<string, unknown>> {
  const server = fork(fileURLToPath(new URL('infer-server.js', import.meta.url)), [folder], { execArgv: [] });
  const [url] = (await once(server, 'message')) as [string];
  const store = createS3Store({ endpoint: url, accessKeyId: 'k', region: 'us-east-1' }, 's');
  const figures: Record<string, unknown> = {};
  try {
    for (const latencyMs of [0, 50, 150]) {
      server.send(latencyMs);
      await once(server, 'message');
      for (const kind of KINDS) {
        const keys = paths(kind, count).map((path) => `s3://lake/${path.slice(folder.length + 1)}`);
        const sizes = new Map<string, number>();
        for await (const object of store.list(`s3://lake/${kind}/`)) sizes.set(object.address, object.size);
        const source = (address: string): ByteSource => ({
          path: address,
          size: sizes.get(address) ?? 0,
          read: (start, end) => store.read(address, start, end),
        });
        const atOnce = AT_ONCE[latencyMs] ?? 16;
        const times = await interleaved(
          {
            classify: () => inParallel(keys, atOnce, (address) => check(source(address))),
            get: () => inParallel(keys, atOnce, async (address) => void (await store.read(address, 0, 1_048_576))),
          },
          latencyMs === 0 ? rounds : 1,
        );
        const rate = (side: string): number => Math.round((count / median(times[side] ?? [])) * 1_000);
        figures[`${kind} ${latencyMs} ms`] = { atOnce, classify: rate('classify'), getAlone: rate('get') };
        console.log(
          `${kind.padEnd(8)} S3 ${String(latencyMs).padStart(3)} ms files/s: ${JSON.stringify(figures[`${kind} ${latencyMs} ms`])}`,
        );
      }
    }
  } finally {
    store.close();
    server.disconnect();
  }
  return figures;
}

function paths(kind: Kind, files: number): string[] {
  return Array.from({ length: files }, (_, i) => pathOf(folder, kind, i));
}

function memory(path: string, bytes: Uint8Array): ByteSource {
  return { path, size: bytes.length, read: (start, end) => Promise.resolve(bytes.subarray(start, end)) };
}

/** Classifies, and fails where the planted types did not come out. */
async function check(source: ByteSource): Promise<void> {
  const found = await classify(source, CLASSIFY_LIMITS);
  const types = found?.columns.map(({ type }) => type.kind) ?? [];
  if (types.join() !== PLANTED.join()) throw new Error(`${source.path} came out as ${types.join()}`);
}

/** The least that anybody has to do. */
async function readHeadOf(path: string): Promise<void> {
  const handle = await open(path);
  await handle.read(Buffer.allocUnsafe(65_536), 0, 65_536, 0);
  await handle.close();
}

function peerQuery(kind: Kind, path: string): string {
  if (kind === 'json') return `describe select * from read_json_auto('${path}')`;
  return kind === 'parquet' ? `select name, type from parquet_schema('${path}')` : `select * from sniff_csv('${path}')`;
}

async function inParallel(items: readonly string[], atOnce: number, work: (item: string) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) await work(items[next++] ?? '');
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
