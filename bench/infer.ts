import { fork } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DuckDBInstance } from '@duckdb/node-api';
import { LIMITS } from '../src/config.ts';
import { fileAddress } from '../src/connections/address.ts';
import { createFileStore } from '../src/connections/file.ts';
import type { ObjectStore } from '../src/connections/object-store.ts';
import { createS3Store } from '../src/connections/s3.ts';
import { CLASSIFY_LIMITS, type ByteSource } from '../src/crawl/classifier.ts';
import { createParsers } from '../src/crawl/parsers.ts';
import { KINDS, PLANTED, pathOf, writeFiles, type Kind } from './infer-files.ts';
import { interleaved, median, report, type Sides } from './measure.ts';

/**
 * B3: how many small files a second get their columns, as a crawl gets them. From bytes in memory; from disk, beside DuckDB on the
 * same files (`sniff_csv`, `read_json_auto`, `parquet_schema`; it has nothing for Avro that is built in) and beside opening and
 * reading them; and from a fake S3 in a process of its own. `node dist/bench/infer.js [files] [rounds] [latencies in ms: 0,50,150]`
 */
const count = Number(process.argv[2] ?? 1_000);
const rounds = Number(process.argv[3] ?? 5);
const latencies = (process.argv[4] ?? '0,50,150').split(',').map(Number);
/** DuckDB is slow enough to be measured on fewer. */
const PEER_FILES = Math.min(100, count);
/** As a crawl reads where nothing is slow, and where answers are, at most. */
const AT_ONCE = 8;
const AT_ONCE_SLOW = 128;
const head = Buffer.alloc(65_536);

const folder = await mkdtemp(join(tmpdir(), 'tenon-infer-'));
const connection = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
const parsers = createParsers(LIMITS);
try {
  await writeFiles(folder, count, connection);
  for (const kind of KINDS) await local(kind);
  await remote();
} finally {
  parsers.close();
  await rm(folder, { recursive: true, force: true });
}

/** Files a second, and files a second of processor time, by side. */
interface Rates {
  readonly perSecond: Readonly<Record<string, number>>;
  readonly perCpuSecond: Readonly<Record<string, number>>;
}

async function rates(sides: Sides, files: (side: string) => number, times: number): Promise<Rates> {
  const cpu: Record<string, number[]> = {};
  const counted = Object.entries(sides).map(([side, work]) => {
    const run = async (): Promise<void> => {
      const before = process.cpuUsage();
      await work();
      const { user, system } = process.cpuUsage(before);
      (cpu[side] ??= []).push((user + system) / 1_000);
    };
    return [side, run] as const;
  });
  const wall = await interleaved(Object.fromEntries(counted), times);
  const rate = (of: Readonly<Record<string, readonly number[]>>) =>
    Object.fromEntries(Object.keys(sides).map((side) => [side, Math.round((files(side) / median(of[side] ?? [])) * 1_000)]));
  return { perSecond: rate(wall), perCpuSecond: rate(cpu) };
}

async function local(kind: Kind): Promise<void> {
  const paths = Array.from({ length: count }, (_, i) => pathOf(folder, kind, i));
  const kept = await Promise.all(paths.map(async (path) => ({ path, bytes: await readFile(path) })));
  const store = createFileStore();
  const sources = kept.map(({ path, bytes }) => stored(store, fileAddress(path), bytes.length));
  const query = peerQuery(kind);
  const { perSecond, perCpuSecond } = await rates(
    {
      memory: async () => {
        for (const { path, bytes } of kept) await check(memory(path, bytes));
      },
      disk: () => inParallel(sources, AT_ONCE, check),
      oneByOne: () => inParallel(sources, 1, check),
      openAndRead: async () => {
        for (const path of paths) readHeadOf(path);
      },
      ...(query !== undefined && {
        duckdb: async () => {
          for (const path of paths.slice(0, PEER_FILES)) await connection.runAndReadAll(query(path));
        },
      }),
    },
    (side) => (side === 'duckdb' ? PEER_FILES : count),
    rounds,
  );
  const { memory: inMemory = 0, disk = 0, oneByOne = 0, openAndRead = 0, duckdb } = perSecond;
  console.log(
    `${kind.padEnd(8)} files/s: memory ${inMemory}, disk ${disk} (one by one ${oneByOne}), open and read ${openAndRead}` +
      (duckdb === undefined ? '' : `, DuckDB ${duckdb}: ${(disk / duckdb).toFixed(1)} ×`),
  );
  const ofDuckdb = perCpuSecond['duckdb'] ?? Number.NaN;
  report('B3', {
    size: count,
    kind,
    from: 'disk',
    rounds,
    tenon: {
      perSecond: { memory: inMemory, disk, oneByOne },
      perCpuSecond: { memory: perCpuSecond['memory'], disk: perCpuSecond['disk'] },
    },
    ...(duckdb !== undefined && { peer: { duckdb: { perSecond: duckdb, perCpuSecond: ofDuckdb } } }),
    limit: { openAndRead },
    ratio: {
      toOpenAndRead: openAndRead / disk,
      ...(duckdb !== undefined && {
        toDuckdb: disk / duckdb,
        oneByOneToDuckdb: oneByOne / duckdb,
        toDuckdbInCpu: (perCpuSecond['disk'] ?? 0) / ofDuckdb,
      }),
    },
    versions: { duckdb: '@duckdb/node-api 1.5.6-r.1' },
  });
}

async function remote(): Promise<void> {
  const server = fork(fileURLToPath(new URL('infer-server.js', import.meta.url)), [folder], { execArgv: [] });
  const [url] = (await once(server, 'message')) as [string];
  const store = createS3Store({ endpoint: url, accessKeyId: 'k', region: 'us-east-1' }, 's');
  try {
    for (const latencyMs of latencies) {
      server.send(latencyMs);
      await once(server, 'message');
      for (const kind of KINDS) await overS3(store, kind, latencyMs);
    }
  } finally {
    store.close();
    server.disconnect();
  }
}

async function overS3(store: ObjectStore, kind: Kind, latencyMs: number): Promise<void> {
  const sources: ByteSource[] = [];
  // Of Parquet there are a few files, which are asked for again and again.
  for await (const { address, size } of store.list(`s3://lake/${kind}/`)) sources.push(stored(store, address, size));
  const asked = Array.from({ length: count }, (_, i) => sources[i % sources.length]).filter((one) => one !== undefined);
  const atOnce = latencyMs === 0 ? AT_ONCE : AT_ONCE_SLOW;
  const { perSecond, perCpuSecond } = await rates(
    {
      classify: () => inParallel(asked, atOnce, (source) => check({ ...source })),
      get: () => inParallel(asked, atOnce, async (source) => void (await source.read(0, source.size))),
    },
    () => count,
    latencyMs === 0 ? rounds : 1,
  );
  const { classify = 0, get = 0 } = perSecond;
  console.log(
    `${kind.padEnd(8)} S3 ${String(latencyMs).padStart(3)} ms, ${atOnce} at once, files/s: ${classify}, GET alone ${get}`,
  );
  report('B3', {
    size: count,
    kind,
    from: 's3',
    latencyMs,
    atOnce,
    tenon: { perSecond: classify, perCpuSecond: perCpuSecond['classify'] },
    limit: { get },
    ratio: { toGet: get / classify },
  });
}

function memory(path: string, bytes: Uint8Array): ByteSource {
  return { path, size: bytes.length, read: (start, end) => Promise.resolve(bytes.subarray(start, end)) };
}

function stored(store: ObjectStore, address: string, size: number): ByteSource {
  return { path: address, size, read: (start, end) => store.read(address, start, end) };
}

/** Classifies, and fails where the planted types did not come out. */
async function check(source: ByteSource): Promise<void> {
  const found = await parsers.classify(source, CLASSIFY_LIMITS, []);
  const types = found?.columns.map(({ type }) => type.kind) ?? [];
  if (types.join() !== PLANTED.join()) throw new Error(`${source.path} came out as ${types.join()}`);
}

/** The least that anybody has to do. */
function readHeadOf(path: string): void {
  const fd = openSync(path, 'r');
  readSync(fd, head, 0, head.length, 0);
  closeSync(fd);
}

function peerQuery(kind: Kind): ((path: string) => string) | undefined {
  if (kind === 'avro') return undefined;
  if (kind.startsWith('json')) return (path) => `describe select * from read_json_auto('${path}')`;
  if (kind === 'parquet') return (path) => `select name, type from parquet_schema('${path}')`;
  return (path) => `select * from sniff_csv('${path}')`;
}

async function inParallel<T>(items: readonly T[], atOnce: number, work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
}
