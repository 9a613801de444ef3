import { beforeAll, afterAll, describe, expect, it } from 'vitest';
import { ask, type CommandOptions } from './command.ts';
import { JOB, ordersOf } from './orders.ts';

/** Where the path is walked: what is crawled, where the job writes, and how commands get there. */
export interface Place {
  readonly skip?: undefined;
  readonly dataDir: string;
  /** What `tenon crawl` is given; `<lake>/orders/…` lies below. */
  readonly lake: string;
  /** The same as an address, as the catalog knows it, without a slash at the end. */
  readonly lakeAddress: string;
  readonly out: string;
  readonly outAddress: string;
  readonly options: CommandOptions;
  /** Puts a file below the lake: `orders/dt=2026-11-18/a.csv`. */
  put(path: string, text: string): Promise<void>;
  close(): Promise<void>;
}

const ID = expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/) as string;
const COUNT = expect.any(Number) as number;
const TEXT = expect.any(String) as string;
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string;
const OBJECT_OR_NULL = expect.toSatisfy((value) => typeof value === 'object') as object | null;
const TEXT_OR_NULL = expect.toSatisfy((value) => value === null || typeof value === 'string') as string | null;
const CRAWLER = expect.stringMatching(/^crawler:/) as string;

const SHAPE_OF_CHANGE = {
  position: expect.stringMatching(/^\d+$/) as string,
  at: TIME,
  kind: expect.stringMatching(/^[a-z]+\.[a-z]+$/) as string,
  database: TEXT_OR_NULL,
  table: TEXT_OR_NULL,
  by: { principal: TEXT, owner: TEXT, runId: TEXT_OR_NULL },
  before: OBJECT_OR_NULL,
  after: OBJECT_OR_NULL,
  details: OBJECT_OR_NULL,
};

const COLUMNS = [
  { name: 'id', type: 'bigint' },
  { name: 'email', type: 'string' },
  { name: 'amount', type: 'double' },
];
const KEYS = [{ name: 'dt', type: 'date' }];

type Row = Record<string, unknown>;
type Document = Record<string, Row>;
type Step = (args: string[], expected?: number) => Promise<Document>;

/**
 * From a file that is there to a query over what a job made of it, by the command line alone, with the documents that
 * people's scripts read, key by key.
 */
export function describePath({ name, open }: { name: string; open: () => Promise<Place | { readonly skip: string }> }): void {
  describe(`the path of a file, ${name}`, () => {
    let place: Place | { readonly skip: string };
    beforeAll(async () => {
      place = await open();
      if (place.skip !== undefined) return;
      await place.put('orders/dt=2026-11-18/a.csv', ordersOf(1, 20));
      await place.put('orders/dt=2026-11-19/a.csv', ordersOf(21, 20));
    }, 600_000);
    afterAll(async () => {
      if (place?.skip === undefined) await place?.close();
    });

    for (const [does, act] of STEPS) {
      it(
        does,
        async (context) => {
          if (place.skip !== undefined) return context.skip(place.skip);
          const { dataDir, options } = place;
          await act(place, (args, expected = 0) => ask<Document>([...args, '--data', dataDir], { ...options, expect: expected }));
        },
        60_000,
      );
    }
  });
}

const STEPS: readonly [string, (place: Place, step: Step) => Promise<void>][] = [
  ['crawls', crawls],
  ['lists what it found', listsTables],
  ['shows a table with the partitions that a predicate leaves', showsTable],
  ['finds a column by its name', searches],
  ['runs a job on everything that is there', runsJob],
  ['runs it again on the file that is new, and only on that', runsJobAgain],
  ['has nothing to do when nothing is new', runsJobOnNothing],
  ['answers SQL over the result', answersSql],
  ['keeps the job from a column that it could not read any more, and shows what changed', blocks],
  ['has it all in the log', showsLog],
];

async function crawls({ lake }: Place, step: Step): Promise<void> {
  expect(await step(['crawl', lake, '--database', 'lake'])).toEqual({ run: crawlOf({ partitions: 2, objects: 2, added: 1 }) });
}

function crawlOf(counts: { partitions: number; objects: number; added?: number; changed?: number }) {
  return {
    id: ID,
    crawler: TEXT,
    state: 'SUCCEEDED',
    tables: 1,
    added: 0,
    changed: 0,
    removed: 0,
    unknown: 0,
    ...counts,
    mode: 'everything',
    logged: 0,
    // For S3 also what its requests cost.
    bill: expect.objectContaining({
      lists: COUNT,
      gets: COUNT,
      bytes: COUNT,
      queries: 0,
      rows: COUNT,
      capacityUnits: 0,
      seconds: COUNT,
      glue: { dpuHours: COUNT, usd: COUNT, assumes: TEXT },
    }) as object,
    sampled: expect.any(Array) as unknown[],
    partitionsAdded: COUNT,
    partitionsChanged: COUNT,
    partitionsRemoved: 0,
    skipped: [],
    unknowns: [],
  };
}

function ordersTable({ lakeAddress }: Place) {
  return {
    database: 'lake',
    name: 'orders',
    type: 'table',
    format: 'csv',
    location: `${lakeAddress}/orders/`,
    version: 1,
    columns: COLUMNS,
    partitionKeys: KEYS,
  };
}

async function listsTables(place: Place, step: Step): Promise<void> {
  expect(await step(['tables'])).toEqual({ tables: [ordersTable(place)] });
}

async function showsTable(place: Place, step: Step): Promise<void> {
  const { table } = await step(['table', 'lake.orders', '--partitions', "dt >= '2026-11-19' and not dt in ('2026-11-20')"]);
  const bytes = Buffer.byteLength(ordersOf(21, 20));
  expect(table).toEqual({
    ...ordersTable(place),
    description: null,
    owner: CRAWLER,
    parameters: {},
    totals: { partitions: 2, rows: 40, bytes: bytes + Buffer.byteLength(ordersOf(1, 20)), files: 2 },
    partitions: [
      { values: { dt: '2026-11-19' }, location: `${place.lakeAddress}/orders/dt=2026-11-19/`, rows: 20, bytes, files: 1 },
    ],
  });
}

async function searches(_place: Place, step: Step): Promise<void> {
  expect(await step(['search', 'emial'])).toEqual({
    hits: [{ kind: 'column', name: 'lake.orders.email', description: null, why: [{ field: 'name', reason: TEXT }] }],
  });
}

function jobRunOf(inputs: { files: number; partitions: number }, outputs: readonly object[]) {
  return {
    id: ID,
    job: 'orders-to-parquet',
    state: 'SUCCEEDED',
    inputs: [{ name: 'orders', table: 'lake.orders', version: 1, tracked: true, bytes: COUNT, ...inputs }],
    outputs: outputs.map((output) => ({ table: 'lake.orders_parquet', bytes: COUNT, ...output })),
    bookmark: { enabled: true, newFiles: inputs.files },
  };
}

async function runsJob({ out }: Place, step: Step): Promise<void> {
  const { run } = await step(['job', 'run', JOB, '--param', `OUT=${out}`]);
  expect(run).toEqual(jobRunOf({ files: 2, partitions: 2 }, [{ rows: 40, files: 2, partitions: 2 }]));
}

async function runsJobAgain(place: Place, step: Step): Promise<void> {
  await place.put('orders/dt=2026-11-19/b.csv', ordersOf(41, 5));
  const { run: crawl } = await step(['crawl', place.lake, '--database', 'lake']);
  expect(crawl).toEqual(crawlOf({ partitions: 2, objects: 3, changed: 1 }));
  const { run } = await step(['job', 'run', JOB, '--param', `OUT=${place.out}`]);
  expect(run).toEqual(jobRunOf({ files: 1, partitions: 1 }, [{ rows: 5, files: 1, partitions: 1 }]));
}

async function runsJobOnNothing({ out }: Place, step: Step): Promise<void> {
  const { run } = await step(['job', 'run', 'orders-to-parquet', '--param', `OUT=${out}`]);
  expect(run).toMatchObject({ state: 'SUCCEEDED', bookmark: { enabled: true, newFiles: 0 } });
}

async function answersSql(_place: Place, step: Step): Promise<void> {
  const query = 'select dt, count(*) as orders, sum(amount) as total from lake.orders_parquet group by dt order by dt';
  expect(await step(['sql', query])).toEqual({
    columns: [...KEYS, { name: 'orders', type: 'bigint' }, { name: 'total', type: 'double' }],
    rows: [
      ['2026-11-18', 20, 1.25 * 210],
      ['2026-11-19', 25, 1.25 * (1035 - 210)],
    ],
  });
}

async function blocks(place: Place, step: Step): Promise<void> {
  await place.put('orders/dt=2026-11-20/a.csv', 'id,email,amount\n99,customer99@example.com,12 apples\n');
  const { run: crawl } = await step(['crawl', place.lake, '--database', 'lake']);
  expect(crawl).toEqual(crawlOf({ partitions: 3, objects: 4, changed: 1 }));
  const { run } = await step(['job', 'run', 'orders-to-parquet', '--param', `OUT=${place.out}`], 3);
  const error = { code: 'BLOCKED', message: expect.stringContaining('amount') as string, details: OBJECT_OR_NULL };
  expect(run).toMatchObject({ id: ID, job: 'orders-to-parquet', state: 'BLOCKED', outputs: [], error });
  expect(await step(['diff', 'lake.orders', '1', '2'])).toEqual({
    diff: {
      from: 1,
      to: 2,
      changes: [{ kind: 'retyped', path: 'amount', before: 'double', after: 'string' }],
      compatibility: 'NONE',
    },
  });
}

async function showsLog({ outAddress }: Place, step: Step): Promise<void> {
  const { changes } = (await step(['changes'])) as unknown as { changes: Row[] };
  for (const change of changes) expect(change).toEqual(SHAPE_OF_CHANGE);
  const ofTables = changes.filter(({ table }) => table !== null);
  expect(ofTables.map(({ kind, table, by }) => [kind, table, (by as Row)['owner']])).toEqual([
    ['table.created', 'orders', CRAWLER],
    ['table.created', 'orders_parquet', 'job:orders-to-parquet'],
    ['partitions.changed', 'orders', CRAWLER],
    ['partitions.changed', 'orders_parquet', 'job:orders-to-parquet'],
    ['table.changed', 'orders', CRAWLER],
  ]);
  for (const { by } of ofTables) expect((by as Row)['runId']).toEqual(ID);
  expect(ofTables[1]?.['after']).toMatchObject({ location: `${outAddress}/orders_parquet`, columns: COLUMNS });
}
