import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { openSecrets } from '../../src/access/secrets.ts';
import { SYSTEM } from '../../src/access/principals.ts';
import { ensureDatabase } from '../../src/catalog/databases.ts';
import { findManifests, packManifest } from '../../src/catalog/manifests.ts';
import { endPartitions, recordPartitions, streamPartitions } from '../../src/catalog/partitions.ts';
import { findTable, recordTable } from '../../src/catalog/tables.ts';
import { listChanges } from '../../src/changes/list.ts';
import { write } from '../../src/changes/write.ts';
import { loadConfig, type Config } from '../../src/config.ts';
import { fileAddress, parseAddress } from '../../src/connections/address.ts';
import type { Connections } from '../../src/connections/connections.ts';
import { createConnections } from '../../src/connections/open-connections.ts';
import { openDb } from '../../src/db/open-db.ts';
import { migrateQueue } from '../../src/db/queue-schema.ts';
import type { Engine } from '../../src/etl/engine.ts';
import { createDuckdbEngine } from '../../src/etl/engines/duckdb.ts';
import { defineJob, type JobDeps } from '../../src/etl/jobs.ts';
import { createJobRun, type JobRunDeps } from '../../src/etl/run.ts';
import { createStage } from '../../src/etl/stage.ts';
import type { Change } from '../../src/model/change.ts';
import { parsePartitionText } from '../../src/model/partition-key.ts';
import type { Column, Format } from '../../src/model/schema.ts';
import type { ManifestFile, Table } from '../../src/model/table.ts';
import { parseType } from '../../src/model/types.ts';
import { createWork, type Work } from '../../src/work/work.ts';
import type { Run } from '../../src/work/run.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';
import { CSV } from '../contract/engine.ts';

export interface Lab {
  readonly t: TestDb;
  readonly folder: string;
  /** Where jobs put their outputs, as a path. */
  readonly out: string;
  readonly connections: Connections;
  readonly work: Work;
  readonly deps: JobRunDeps & JobDeps;
  /** Writes a file below the lake: `orders/dt=2026-01-01/a.csv`. */
  put(path: string, content: string | Uint8Array): string;
  /** Records what lies in a folder of the lake as a table, as a crawl would. */
  crawl(options?: CrawlOptions): Promise<Table>;
  define(change?: object): Promise<void>;
  /** Runs a job to its end. */
  run(name?: string, parameters?: Record<string, string>): Promise<Run>;
  /** All rows of a table, read by DuckDB from the files that the catalog names; sorted as text. */
  rows(table: string): Promise<unknown[][]>;
  log(): Promise<Change[]>;
  /** All files in the outputs' folder. */
  outputs(): string[];
  close(): Promise<void>;
}

interface CrawlOptions {
  readonly table?: string;
  readonly columns?: Record<string, string>;
  readonly keys?: Record<string, string>;
  readonly format?: Format;
  readonly owner?: string;
  /** For one partition, by its path: columns of its own. */
  readonly own?: Record<string, Record<string, string>>;
}

export const ORDERS = { id: 'bigint', email: 'string', amount: 'decimal(10,2)' };

export function jobFile(change: object = {}): Record<string, unknown> {
  return {
    name: 'copy',
    inputs: { orders: { table: 'lake.orders' } },
    bookmark: true,
    steps: [{ name: 'result', sql: 'select id, email, amount, dt from orders' }],
    output: { table: 'lake.orders_parquet', location: '${OUT}/orders_parquet', partitionBy: ['dt'] },
    ...change,
  };
}

export function columnList(list: Record<string, string>): Column[] {
  return Object.entries(list).map(([name, type]) => ({ name, type: parseType(type) }));
}

export async function openLab(
  options: { engine?: Engine; limits?: Partial<Config['limits']>; folder?: string } = {},
): Promise<Lab> {
  const t = await openTestDb();
  await migrateQueue(t.url);
  const own = await openDb({ url: t.url, max: 6 });
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "tenon lab's-"));
  const out = join(folder, 'out');
  const preset = loadConfig({ dataDir: folder, env: {} });
  const config = { ...preset, limits: { ...preset.limits, ...options.limits } };
  const ground = t.ground;
  const connections = createConnections({ ground, secrets: openSecrets({ key: randomBytes(32).toString('base64') }) });
  const deps = {
    ground,
    connections,
    config,
    engine: options.engine ?? createDuckdbEngine(),
    stage: createStage({ folder: join(folder, 'cache'), maxBytes: 50_000_000 }),
    workDir: join(folder, 'work'),
  };
  const nothing = (): void => undefined;
  const work = createWork({ ground, pool: own.pool, config, log: { info: nothing, warn: nothing, error: nothing } });
  work.register('job', createJobRun(deps));
  await work.start({ exclusive: true });
  const put = (path: string, content: string | Uint8Array): string => {
    const file = join(folder, 'lake', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    return file;
  };
  return {
    t,
    folder,
    out,
    connections,
    work,
    deps,
    put,
    crawl: (crawl = {}) => crawlFolder(deps, join(folder, 'lake'), crawl),
    async define(change = {}) {
      await defineJob(deps, SYSTEM, jobFile(change), { OUT: out });
    },
    async run(name = 'copy', parameters = {}) {
      const run = await work.enqueue(SYSTEM, { kind: 'job', name, params: { parameters: { OUT: out, ...parameters } } });
      return work.waitFor(run.id);
    },
    rows: (table) => readRows(deps, table),
    async log() {
      const { items } = await listChanges(ground.db, {}, { first: 1_000 });
      return items.map(({ item }) => item);
    },
    outputs: () => filesBelow(out),
    async close() {
      await work.close();
      await connections.close();
      await own.close();
      await t.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function crawlFolder({ ground, connections }: JobRunDeps, root: string, options: CrawlOptions): Promise<Table> {
  const { table: name = 'orders', columns = ORDERS, keys = { dt: 'date' }, format = CSV, owner = 'crawler:lake' } = options;
  const location = fileAddress(join(root, name));
  const store = await connections.objectStore(location);
  const groups = new Map<string, ManifestFile[]>();
  for await (const object of store.list(`${location}/`)) {
    const folder = Object.keys(keys).length === 0 ? '' : object.path.slice(0, object.path.lastIndexOf('/'));
    groups.set(folder, [
      ...(groups.get(folder) ?? []),
      { address: object.address, size: object.size, etag: object.etag, modified: object.modified },
    ]);
  }
  const schema = { columns: columnList(columns), partitionKeys: columnList(keys) };
  return write(ground, { principal: SYSTEM, owner }, async (w) => {
    await ensureDatabase(w, 'lake');
    const { table } = await recordTable(w, { database: 'lake', name, type: 'table', location, format, schema });
    const drafts = [...groups].map(([folder, files]) => ({
      values: parsePartitionText(folder).map(({ value }) => value),
      location: `${location}/${folder}`,
      manifest: packManifest(files),
      columns: columnList(options.own?.[folder] ?? columns),
    }));
    await recordPartitions(w, table, drafts);
    const present = new Set(drafts.map(({ values }) => JSON.stringify(values)));
    const gone: bigint[] = [];
    for await (const partition of streamPartitions(w.tx, SYSTEM, table))
      if (!present.has(JSON.stringify(partition.values))) gone.push(partition.id);
    await endPartitions(w, table, gone);
    return table;
  });
}

async function readRows({ ground }: JobRunDeps, name: string): Promise<unknown[][]> {
  const [database = '', table = ''] = name.split('.');
  const found = await findTable(ground.db, SYSTEM, { database, name: table });
  if (found === undefined) return [];
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const rows: unknown[][] = [];
  for await (const partition of streamPartitions(ground.db, SYSTEM, found)) {
    const files = await findManifests(ground.db, partition.manifestHash === undefined ? [] : [partition.manifestHash]);
    for (const file of [...files.values()].flat()) {
      const parsed = parseAddress(file.address);
      if (parsed.scheme !== 'file') continue;
      const reader = await connection.runAndReadAll(
        `select * from read_parquet('${parsed.file.replaceAll("'", "''")}', hive_partitioning = false)`,
      );
      rows.push(...reader.getRowsJson().map((row) => [...row, ...partition.values]));
    }
  }
  connection.closeSync();
  instance.closeSync();
  return rows.sort((a, b) => String(a[0]).localeCompare(String(b[0]), 'en', { numeric: true }));
}

export function filesBelow(folder: string): string[] {
  try {
    const all = readdirSync(folder, { recursive: true, withFileTypes: true });
    return all
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch {
    return [];
  }
}
