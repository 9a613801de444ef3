import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eq } from 'drizzle-orm';
import { fileCrawler } from '../../crawlers/file.ts';
import { streamPartitions } from '../../src/catalog/partitions.ts';
import { listTables } from '../../src/catalog/tables.ts';
import { findSchema } from '../../src/catalog/versions.ts';
import { findManifest } from '../../src/catalog/manifests.ts';
import { write } from '../../src/changes/write.ts';
import { loadConfig, type Config } from '../../src/config.ts';
import type { Connections, PostgresSource } from '../../src/connections/connections.ts';
import { createFileStore } from '../../src/connections/file.ts';
import type { ObjectStore } from '../../src/connections/object-store.ts';
import type { Crawler } from '../../src/crawl/crawler.ts';
import { defineCrawler } from '../../src/crawl/crawlers.ts';
import { createCrawlRun } from '../../src/crawl/run.ts';
import { runs } from '../../src/db/tables/work.ts';
import type { PartitionStats } from '../../src/model/partition-stats.ts';
import { partitionText } from '../../src/model/partition-key.ts';
import type { Principal } from '../../src/model/principal.ts';
import { formatType } from '../../src/model/types.ts';
import { holdRun, saveCheckpoint } from '../../src/work/hold.ts';
import type { RunContext, RunEnd } from '../../src/work/run.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

export const ADMIN: Principal = { id: 'admin', name: 'admin', role: 'admin' };

/** A catalog, a folder for a lake, and crawls of it that one can break. */
export interface Lab {
  readonly t: TestDb;
  readonly root: string;
  /** Writes files below the lake; undefined removes one. All get the same time, unless it is given. */
  put(files: Readonly<Record<string, string | Uint8Array | undefined>>, at?: Date): void;
  /** Runs a crawl to its end. With `run` an interrupted one goes on. */
  crawl(options?: CrawlOptions): Promise<CrawlEnd>;
  /** All tables as plain data, without what differs between two catalogs of the same lake. */
  catalog(): Promise<CatalogTable[]>;
  /** Called at the beginning of each transaction that saves. */
  onSave(fn: () => void): () => void;
  /** How many changes the log has. */
  changes(): Promise<number>;
  close(): Promise<void>;
}

interface CrawlOptions {
  readonly crawler?: Crawler;
  readonly name?: string;
  readonly options?: Record<string, unknown>;
  readonly settings?: Record<string, unknown>;
  readonly database?: string;
  readonly params?: Record<string, unknown>;
  readonly run?: string;
  /** Which one of the run it is. */
  readonly attempt?: number;
  readonly signal?: AbortSignal;
  readonly config?: Partial<Config['crawl']>;
  readonly limits?: Partial<Config['limits']>;
  readonly connections?: Connections;
}

interface CrawlResult {
  tables: number;
  partitions: number;
  objects: number;
  added: number;
  changed: number;
  removed: number;
  partitionsAdded: number;
  partitionsChanged: number;
  partitionsRemoved: number;
  logged: number;
  unknown: number;
  unknowns: { path: string; status: string; code: string; message: string }[];
  skipped: { path: string; reason: string }[];
  sampled: { table: string; files: number; rows: number; confidence: number; unsure: { column: string; confidence: number }[] }[];
  parked?: { tables: number; partitions: number; names: string[]; removal: string };
  bill: { lists: number; gets: number; bytes: number; queries: number; seconds: number };
  mode: string;
}

export type CrawlEnd = Omit<RunEnd, 'result'> & {
  readonly result: CrawlResult;
  readonly run: string;
  /** Lines of its log. */
  readonly log: readonly string[];
};

export interface CatalogTable {
  name: string;
  columns: string[];
  keys: string[];
  format: unknown;
  location: string;
  parameters: unknown;
  partitions: {
    values: string;
    columns: string[];
    format: unknown;
    rows: string | undefined;
    stats?: PartitionStats | undefined;
    files: string[];
    location: string;
  }[];
}

export async function openLab(): Promise<Lab> {
  const t = await openTestDb();
  const root = mkdtempSync(join(tmpdir(), 'tenon-lake-'));
  let onSave = (): void => undefined;
  const lab: Lab = {
    t,
    root,
    put: (files, at = new Date('2026-11-01T00:00:00Z')) => put(root, files, at),
    crawl: (options = {}) => crawl(t, root, options, () => onSave()),
    onSave(fn) {
      onSave = fn;
      return () => {
        onSave = () => undefined;
      };
    },
    catalog: () => catalogOf(t, root),
    changes: async () => Number((await t.db.execute<{ n: string }>('select count(*) as n from changes')).rows[0]?.n),
    async close() {
      rmSync(root, { recursive: true, force: true });
      await t.close();
    },
  };
  return lab;
}

function put(root: string, files: Readonly<Record<string, string | Uint8Array | undefined>>, at: Date): void {
  for (const [path, content] of Object.entries(files)) {
    const file = join(root, path);
    if (content === undefined) {
      rmSync(file, { recursive: true });
      continue;
    }
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
    utimesSync(file, at, at);
  }
}

async function crawl(t: TestDb, root: string, options: CrawlOptions, onSave: () => void): Promise<CrawlEnd> {
  const crawler = options.crawler ?? fileCrawler;
  const name = options.name ?? 'lake';
  const raw = options.options ?? (crawler.kind === 'file' ? { url: pathToFileURL(root).href } : {});
  const draft = { name, kind: crawler.kind, options: raw, database: options.database ?? 'lake', settings: options.settings };
  await write(t.ground, { principal: ADMIN, owner: 'api' }, (w) => defineCrawler(w, draft, [crawler]));
  const preset = loadConfig({ dataDir: root, env: {} });
  const config = { crawl: { ...preset.crawl, ...options.config }, limits: { ...preset.limits, ...options.limits } };
  const execute = createCrawlRun({
    ground: t.ground,
    connections: options.connections ?? fileConnections(),
    crawlers: [crawler],
    config,
  });
  const run = await openRun(t, name, options);
  const hold: RunContext['hold'] = async (tx) => {
    await run.hold(tx);
    onSave();
  };
  const log: string[] = [];
  const end = await execute({ ...run, hold, log: (level, message) => log.push(`${level}: ${message}`) });
  await t.db.update(runs).set({ state: end.state }).where(eq(runs.id, run.run.id));
  return { ...end, result: end.result as unknown as CrawlResult, run: run.run.id, log };
}

let opened = 0;

/** A run with a row of its own, so that it is held and saved as real ones are. Each is later than the one before. */
async function openRun(
  t: TestDb,
  name: string,
  { params = {}, run: id = randomUUID(), attempt = 1, signal }: CrawlOptions,
): Promise<RunContext> {
  opened += 1;
  const createdAt = new Date(t.clock().getTime() + opened);
  const draft = { id, kind: 'crawl', name, state: 'RUNNING' as const, params, principalId: ADMIN.id, createdAt };
  await t.db
    .insert(runs)
    .values(draft)
    .onConflictDoUpdate({ target: runs.id, set: { state: 'RUNNING' } });
  const [run] = await t.db.select().from(runs).where(eq(runs.id, id));
  if (run === undefined) throw new Error('no run');
  return {
    run,
    principal: ADMIN,
    attempt,
    signal: signal ?? new AbortController().signal,
    checkpoint: run.checkpoint,
    log: () => undefined,
    progress: () => undefined,
    saveCheckpoint: (tx, checkpoint) => saveCheckpoint(tx, run, checkpoint),
    hold: (tx) => holdRun(tx, run),
    end: () => Promise.reject(new Error('a crawl ends by returning')),
  };
}

/** Leads to a Postgres by its URL, and nowhere else. */
export function postgresConnections(source: PostgresSource): Connections {
  return { ...fileConnections(), postgres: () => Promise.resolve(source) };
}

function fileConnections(): Connections {
  return storeConnections(createFileStore());
}

/** Leads to one store, and nowhere else. */
export function storeConnections(store: ObjectStore): Connections {
  const none = (): never => {
    throw new Error('only files are connected here');
  };
  return {
    objectStore: () => Promise.resolve(store),
    postgres: none,
    mysql: none,
    dynamodb: none,
    define: none,
    find: none,
    list: none,
    drop: none,
    close: none,
  };
}

async function catalogOf(t: TestDb, root: string): Promise<CatalogTable[]> {
  const page = await listTables(t.db, ADMIN, {}, { first: 1_000 });
  const tables: CatalogTable[] = [];
  const base = `${pathToFileURL(root).href}/`;
  const short = (location = ''): string => location.replace(base, '');
  const spell = (columns: readonly { name: string; type: Parameters<typeof formatType>[0] }[]): string[] =>
    columns.map((column) => `${column.name} ${formatType(column.type)}`);
  for (const { item: table } of page.items) {
    const { columns, partitionKeys } = table.schema;
    const partitions: CatalogTable['partitions'] = [];
    for await (const partition of streamPartitions(t.db, ADMIN, table)) {
      const schema = partition.schemaHash === undefined ? undefined : await findSchema(t.db, partition.schemaHash);
      const files = (await findManifest(t.db, partition.manifestHash ?? '')) ?? [];
      partitions.push({
        values: partitionText(partitionKeys, partition.values),
        columns: spell(schema?.columns ?? []),
        format: partition.format,
        rows: partition.rows?.toString(),
        stats: partition.stats,
        files: files.map((file) => short(file.address)),
        location: short(partition.location),
      });
    }
    const { name, format, location, parameters } = table;
    tables.push({
      name,
      columns: spell(columns),
      keys: spell(partitionKeys),
      format,
      location: short(location),
      parameters,
      partitions,
    });
  }
  return tables;
}
