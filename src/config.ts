import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { TenonError } from './model/errors.ts';

const count = (preset: number) => z.number().int().positive().default(preset);
const timeMs = count;
const bytes = count;

const MIB = 1_048_576;

/** A variable is text, and so its items are divided by commas. */
const listOf = (value: unknown) => (typeof value === 'string' ? value.split(',').map((item) => item.trim()) : value);

/**
 * Everything that is read from outside is bounded by one of these. The configuration may override each:
 * `limits: {columns: 20000}` in tenon.yaml, or TENON_LIMITS_COLUMNS=20000.
 */
const limits = z.strictObject({
  /** Bytes that a classifier reads from the head of one file. */
  sampleBytes: bytes(MIB),
  /** One line or record of text; a longer one (an unclosed quote, say) makes the file unreadable instead of the process dead. */
  lineBytes: bytes(MIB),
  /** The footer of one Parquet or ORC file. */
  footerBytes: bytes(64 * MIB),
  /** What a Delta or Iceberg table says about itself: its log, its manifests. */
  tableMetadataBytes: bytes(64 * MIB),
  /** Until one file is understood, not counting the time in which its bytes are fetched; then it is given up … */
  classifyMs: timeMs(1_500),
  /** … as is one that needs more memory than this. */
  classifyHeapBytes: bytes(128 * MIB),
  /** Columns of one table, nested fields counted. */
  columns: count(10_000),
  /** Items of one page of any list. */
  pageItems: count(1_000),
  /** Rows of one answer of `tenon sql`. */
  sqlRows: count(10_000),
  /** Bytes of one such answer. */
  sqlBytes: bytes(16 * MIB),
  /** Rows that one transaction writes, so that it stays short while it holds the write lock. */
  transactionRows: count(10_000),
  /** Files of one partition. */
  partitionFiles: count(1_000_000),
  /** Things that a crawl names one by one as unknown or skipped; the rest is counted. */
  reportedItems: count(1_000),
  /** Lines kept of one run's log. */
  runLogLines: count(10_000),
  /** Characters of one such line; a longer one is cut. */
  runLogChars: count(4_096),
  /** Bytes of a job definition, a crawler's options or a run's parameters. */
  definitionBytes: bytes(MIB),
  /** Bytes of the body of one HTTP request. */
  requestBytes: bytes(2 * MIB),
});

const engine = z.strictObject({
  /** Memory of one job's engine, as DuckDB spells it. */
  memoryLimit: z
    .string()
    .regex(/^\d+(\.\d+)? ?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$/, 'must be a size like 1GB or 512MiB')
    .default('1GB'),
  threads: z.number().int().min(1).max(256).default(2),
  /** After this a job's engine is stopped. */
  timeoutMs: timeMs(60 * 60_000),
  /** Files that came from elsewhere are kept in the data directory until they take so much; then the oldest go. */
  cacheBytes: bytes(10_240 * MIB),
});

const crawl = z.strictObject({
  /** A crawl that would remove more than this share of a scope's tables or partitions is parked for approval … */
  removalShare: z.number().min(0).max(1).default(0.3),
  /** … when it is also at least so many. */
  removalAtLeast: count(10),
  /** Files of one table or partition that are read to learn its columns. */
  sampleFiles: count(5),
  /** Files that were read and are no tables, of which a crawler keeps that they are none: so many are not read again. */
  dismissedFiles: count(20_000),
  /** Events of a source that one crawl takes; the others wait for the next one. */
  eventsACrawl: count(100_000),
  /** Events that may wait; beyond that they are dropped, and the next crawl looks at everything. */
  eventsWaiting: count(1_000_000),
  /** After the first event a crawl waits so long for more. */
  eventDelayMs: timeMs(100),
  /**
   * Partitions of one table that are read, of those that are new or changed and whose files are named alike; the others are
   * taken to be of the same format.
   */
  samplePartitions: count(32),
  /**
   * Files that are read at the same time, at most. A crawl begins with eight, and takes more where it waits for the source and not
   * for its own processor …
   */
  parallelReads: z.number().int().min(1).max(256).default(128),
  /** … as long as they hold no more than this together, at `limits.sampleBytes` each. */
  parallelReadBytes: bytes(32 * MIB),
});

/** Bounds on everything that goes out. */
const connections = z.strictObject({
  /** Until a server has taken the connection. */
  connectTimeoutMs: timeMs(5_000),
  /** Until a server has begun to answer, and then between any two pieces of its answer. */
  requestTimeoutMs: timeMs(30_000),
  /** How often a request is tried in all, with pauses that grow and vary in between. */
  attempts: z.number().int().min(1).max(20).default(4),
  /** A page of a listing may be so large: 1,000 keys of 1,024 bytes, percent-encoded, with all that stands around them. */
  pageBytes: bytes(16 * MIB),
  /** One statement in a source database may take this long, unless the connection says otherwise. */
  statementTimeoutMs: timeMs(10 * 60_000),
  /** And may wait this long for a lock that somebody else holds. */
  lockTimeoutMs: timeMs(10_000),
  /** Sessions in one source database at once. */
  sessions: z.number().int().min(1).max(100).default(4),
  /**
   * Where connections may lead: names, `*.suffix`, addresses, ranges (`10.0.0.0/8`), folders of sockets. Left out: anywhere,
   * as data of one's own lies in private networks; link-local and metadata addresses are refused always.
   */
  allowedHosts: z.preprocess(listOf, z.array(z.string().min(1).max(300)).max(1_000)).optional(),
});

const work = z.strictObject({
  /** Runs at the same time. */
  concurrency: z.number().int().min(1).max(64).default(2),
  /** Without a heartbeat for so long a run is taken over. */
  leaseMs: z.number().int().min(1_000).default(30_000),
  /** Tries of one run before it is FAILED. */
  attempts: z.number().int().min(1).max(20).default(3),
});

const schema = z.strictObject({
  /** Any Postgres ≥ 15; left out, the embedded one in the data directory is used. */
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
    .optional(),
  host: z.string().min(1).default('127.0.0.1'),
  port: z.number().int().min(0).max(65_535).default(4_000),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  /** Holds the key that secrets are sealed with; left out, `secret-key` in the data directory. */
  keyFile: z.string().min(1).optional(),
  /** Packages with crawlers of other kinds, or files: looked for from the data directory, then from where the program was started. */
  crawlers: z.preprocess(listOf, z.array(z.string().min(1).max(1_000)).max(100)).default([]),
  limits: limits.prefault({}),
  engine: engine.prefault({}),
  crawl: crawl.prefault({}),
  connections: connections.prefault({}),
  work: work.prefault({}),
});

/** What is set in tenon.yaml and in TENON_* variables, whole and checked; the README describes it for people. */
export type Config = Readonly<z.output<typeof schema>> & { readonly dataDir: string };
export type Limits = z.output<typeof limits>;

/** What bounds connections when nothing overrides it. */
export const CONNECTION_LIMITS: Config['connections'] = connections.parse({});

/** The limits as they are when nothing overrides them. */
export const LIMITS: Limits = limits.parse({});

/** Variables that are read elsewhere: by the command line and by tests. */
const OTHER_VARIABLES = /^TENON_(CONFIG|DATA|URL|TOKEN|SECRET_KEY|TEST_.*)$/;

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads `file`, else the file that TENON_CONFIG names, else tenon.yaml in the data directory if it is there; then
 * TENON_* variables, which win: TENON_LIMITS_SAMPLE_BYTES is `limits.sampleBytes`. Throws BAD_CONFIG with all mistakes
 * in `details.mistakes`. Values are not repeated in them: a URL may hold a password.
 */
export function loadConfig({ dataDir, env, file }: { dataDir: string; env: Environment; file?: string | undefined }): Config {
  const named = file ?? env['TENON_CONFIG'];
  const text = readFile(named ?? join(dataDir, 'tenon.yaml'), named !== undefined);
  const mistakes: string[] = [];
  const raw = parseYaml(text, mistakes);
  applyVariables(raw, env, mistakes);
  const parsed = schema.safeParse(raw);
  for (const issue of parsed.error?.issues ?? []) mistakes.push(mistakeOf(issue));
  if (mistakes.length === 0 && parsed.success) return { ...parsed.data, dataDir: resolve(dataDir) };
  throw new TenonError('BAD_CONFIG', `The configuration has ${mistakes.length} mistake(s): ${mistakes.join('; ')}.`, {
    mistakes,
  });
}

function readFile(path: string, required: boolean): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code = 'unknown error' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !required) return '';
    throw new TenonError('BAD_CONFIG', `The configuration file ${path} cannot be read: ${code}.`, { path }, { cause });
  }
}

function parseYaml(text: string, mistakes: string[]): Record<string, unknown> {
  try {
    const raw: unknown = parse(text) ?? {};
    if (typeof raw === 'object' && raw !== null && !Array.isArray(raw)) return raw as Record<string, unknown>;
    mistakes.push('the file is not a list of «name: value»');
  } catch (error) {
    // The first line says what and where; the ones after it quote the file.
    mistakes.push(
      `the file is not YAML: ${String(error instanceof Error ? error.message : error)
        .split('\n')[0]
        ?.replace(/:$/, '')}`,
    );
  }
  return {};
}

function applyVariables(raw: Record<string, unknown>, env: Environment, mistakes: string[]): void {
  const settings = new Map(settingsOf(schema, []).map((path) => [variableOf(path), path]));
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('TENON_') || OTHER_VARIABLES.test(name) || value === undefined || value === '') continue;
    const path = settings.get(name);
    if (path === undefined) mistakes.push(`${name} is not a setting`);
    else set(raw, path, value);
  }
}

function variableOf(path: readonly string[]): string {
  return `TENON_${path.join('_').replace(/[A-Z]/g, (letter) => `_${letter}`)}`.toUpperCase();
}

function settingsOf(shape: z.ZodType, path: readonly string[]): string[][] {
  const inner = shape instanceof z.ZodPrefault ? (shape.unwrap() as z.ZodType) : shape;
  if (!(inner instanceof z.ZodObject)) return [[...path]];
  return Object.entries(inner.shape as Record<string, z.ZodType>).flatMap(([name, child]) => settingsOf(child, [...path, name]));
}

/** A variable is text; what reads as a number is one, where a number is wanted or not is the schema's to say. */
function set(raw: Record<string, unknown>, path: readonly string[], value: string): void {
  const [name = '', ...rest] = path;
  if (rest.length === 0) {
    raw[name] = /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : value;
    return;
  }
  const below = raw[name] ?? {};
  if (typeof below !== 'object' || Array.isArray(below)) return;
  raw[name] = below;
  set(below as Record<string, unknown>, rest, value);
}

function mistakeOf(issue: z.core.$ZodIssue): string {
  const at = issue.path.join('.');
  if (issue.code !== 'unrecognized_keys') return `${at || 'the file'}: ${issue.message.replace(/^Invalid input: /, '')}`;
  return issue.keys.map((key) => `${[...issue.path, key].join('.')} is not a setting`).join('; ');
}
