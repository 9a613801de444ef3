import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findTable } from '../../src/catalog/tables.ts';
import { partitionTotals } from '../../src/catalog/partitions.ts';
import { findCrawler } from '../../src/crawl/crawlers.ts';
import { keepEvents } from '../../src/crawl/events.ts';
import { onReached } from '../../src/model/reached.ts';
import type { Table } from '../../src/model/table.ts';
import { formatType } from '../../src/model/types.ts';
import { ADMIN, openLab, type Lab } from './lab.ts';
import { scripted } from './scripted.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

const FIXTURES = join(import.meta.dirname, '../fixtures/lake');

/** The files of a table that a real writer made, below a folder of the lake. */
function tree(from: string, to: string, keep: (path: string) => boolean = () => true): Record<string, Uint8Array> {
  const files = readdirSync(join(FIXTURES, from), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    files
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => [file.slice(join(FIXTURES, from).length + 1), file] as const)
      .filter(([path]) => keep(path))
      .map(([path, file]) => [join(to, path), readFileSync(file)]),
  );
}

async function table(name: string): Promise<Table> {
  const found = await findTable(lab.t.db, ADMIN, { database: 'lake', name });
  if (found === undefined) throw new Error(`There is no table ${name}.`);
  return found;
}

const columnsOf = ({ schema }: Table): string[] => schema.columns.map(({ name, type }) => `${name} ${formatType(type)}`);
const keysOf = ({ schema }: Table): string[] => schema.partitionKeys.map(({ name, type }) => `${name} ${formatType(type)}`);
const factsOf = ({ details, format }: Table): Record<string, unknown> =>
  details?.source?.[format?.name ?? ''] as Record<string, unknown>;

describe('a Delta table', () => {
  it('is one table, with what its log says and the files that are in force', async () => {
    lab.put(tree('delta/orders', 'shop/orders'));
    const { state, result } = await lab.crawl();
    expect([state, result.tables, result.partitions, result.unknown]).toEqual(['SUCCEEDED', 1, 3, 0]);
    const orders = await table('orders');
    expect(orders).toMatchObject({ format: { name: 'delta' }, description: 'All orders', parameters: { table_type: 'DELTA' } });
    expect(columnsOf(orders)).toEqual([
      'id bigint',
      'price decimal(9,2)',
      'at timestamp with local time zone',
      'tags array<string>',
      'home struct<city:string,zip:int>',
    ]);
    expect(keysOf(orders)).toEqual(['region string']);
    expect(factsOf(orders)).toMatchObject({ version: 3, partitionColumns: ['region'], minReaderVersion: 1 });
    const [shown] = await lab.catalog();
    expect(shown?.partitions.map(({ values, rows, files, format }) => [values, rows, files.length, format])).toEqual([
      ['region=__HIVE_DEFAULT_PARTITION__', '1', 1, { name: 'parquet' }],
      ['region=eu', '1', 1, { name: 'parquet' }],
      ['region=us%2Fwest', '1', 1, { name: 'parquet' }],
    ]);
    expect(await partitionTotals(lab.t.db, orders)).toMatchObject({ rows: 3n, files: 3 });
  });

  it('reads nothing and writes nothing when it has not changed', async () => {
    lab.put({ ...tree('delta/orders', 'orders'), ...tree('delta/upper', 'upper'), ...tree('iceberg/events', 'events') });
    await lab.crawl();
    const [before, changes] = [await lab.catalog(), await lab.changes()];
    const again = await lab.crawl();
    expect(again.state).toBe('SUCCEEDED');
    expect(again.result).toMatchObject({ tables: 3, added: 0, changed: 0, removed: 0, bill: { gets: 0 } });
    expect([await lab.catalog(), await lab.changes()]).toEqual([before, changes]);
  });

  it('follows its log: files and partitions that it removes are gone at once', async () => {
    const early = (path: string): boolean => !/0000[23]\.json$/.test(path);
    lab.put(tree('delta/orders', 'orders', early));
    await lab.crawl();
    expect((await lab.catalog())[0]?.partitions.map(({ values, rows }) => [values, rows])).toEqual([
      ['region=eu', '2'],
      ['region=us%2Fwest', '1'],
    ]);
    lab.put(tree('delta/orders', 'orders'));
    const { result } = await lab.crawl();
    expect(result).toMatchObject({ changed: 1, partitionsAdded: 1, partitionsChanged: 1, partitionsRemoved: 0 });
    const path = Object.keys(tree('delta/orders', '.')).find((name) => name.includes('zstd'));
    lab.put({ 'orders/_delta_log/00000000000000000004.json': JSON.stringify({ remove: { path } }) });
    expect((await lab.crawl()).result).toMatchObject({ changed: 1, partitionsRemoved: 1 });
    expect((await lab.catalog())[0]?.partitions).toHaveLength(2);
  });

  it('is read from its checkpoint and the commits after it, with a schema that has grown', async () => {
    lab.put(tree('delta/evolved', 'evolved'));
    expect((await lab.crawl()).state).toBe('SUCCEEDED');
    const evolved = await table('evolved');
    expect(columnsOf(evolved)).toEqual(['id int', 'name string', 'score double']);
    expect(factsOf(evolved)).toMatchObject({ version: 3 });
    expect(await partitionTotals(lab.t.db, evolved)).toMatchObject({ partitions: 1, rows: 4n, files: 4 });
  });

  it('is one also where its partitions come before its log in the listing', async () => {
    lab.put(tree('delta/upper', 'upper'));
    const { result } = await lab.crawl();
    expect(result).toMatchObject({ tables: 1, partitions: 2, unknown: 0 });
    const upper = await table('upper');
    expect([keysOf(upper), factsOf(upper)['unreadable']]).toEqual([['Year int'], undefined]);
  });

  it('has also the files that lie before its log in the listing', async () => {
    const renamed = Object.entries(tree('delta/evolved', 'evolved')).map(([path, bytes]) => {
      const content = path.endsWith('03.json') ? Buffer.from(bytes).toString().replaceAll('part-00000-8', '00000-part-8') : bytes;
      return [path.replace('part-00000-8', '00000-part-8'), content] as const;
    });
    lab.put(Object.fromEntries(renamed));
    expect((await lab.crawl()).result).toMatchObject({ tables: 1, unknown: 0 });
    const evolved = await table('evolved');
    expect([factsOf(evolved)['unreadable'], await partitionTotals(lab.t.db, evolved)]).toMatchObject([undefined, { files: 4 }]);
    expect((await lab.catalog())[0]?.partitions[0]?.files).toContainEqual(expect.stringContaining('evolved/00000-part-8'));
  });

  it('is unknown when its log has a gap or is broken, and stays as it was', async () => {
    lab.put(tree('delta/orders', 'orders'));
    await lab.crawl();
    const before = await lab.catalog();
    lab.put({ 'orders/_delta_log/00000000000000000005.json': '{"commitInfo":{}}' });
    const gap = await lab.crawl();
    expect(gap.state).toBe('INCOMPLETE');
    expect(gap.result.unknowns).toMatchObject([{ path: 'orders/', code: 'DATA_UNREADABLE' }]);
    lab.put({
      'orders/_delta_log/00000000000000000005.json': undefined,
      'orders/_delta_log/00000000000000000004.json': '{"add":',
    });
    expect((await lab.crawl()).result).toMatchObject({ unknown: 1, removed: 0, changed: 0 });
    expect(await lab.catalog()).toEqual(before);
  });

  it('falls not apart when it is broken from the first', async () => {
    const logs = Object.fromEntries(
      Object.keys(tree('delta/orders', 'orders', (path) => path.endsWith('.json'))).map((path) => [path, 'no']),
    );
    lab.put({ ...tree('delta/orders', 'orders'), ...logs });
    expect((await lab.crawl()).result).toMatchObject({ tables: 0, unknown: 1 });
    expect(await lab.catalog()).toEqual([]);
  });
});

describe('an Iceberg table', () => {
  it('is one table, with all types, comments, and what must have a value', async () => {
    lab.put(tree('iceberg/types', 'db/types'));
    const { state, result } = await lab.crawl();
    expect([state, result.tables, result.unknown]).toEqual(['SUCCEEDED', 1, 0]);
    const types = await table('types');
    expect(
      types.schema.columns.map(({ name, type, sourceType }) => [name, formatType(type), sourceType].join(' ').trim()),
    ).toEqual([
      'id bigint',
      'flag boolean',
      'n int',
      'f float',
      'd double',
      'price decimal(9,2)',
      'day date',
      't string time',
      'at timestamp',
      'seen timestamp with local time zone',
      'name string',
      'u string uuid',
      'fx binary fixed[4]',
      'b binary',
      'tags array<string>',
      'm map<string,bigint>',
      'home struct<city:string,zip:int>',
    ]);
    expect(types.schema.columns[0]).toMatchObject({ nullable: false, comment: 'who' });
    expect(factsOf(types)).toMatchObject({ formatVersion: 2, partitionedBy: [], docs: { 'home.city': 'where' } });
    expect(factsOf(types)['snapshotId']).toMatch(/^\d{18,19}$/);
    expect(await partitionTotals(lab.t.db, types)).toMatchObject({ partitions: 1, rows: 3n, files: 2, bytes: 15150n });
  });

  it('has its identity columns as keys, and keeps transforms in its details', async () => {
    lab.put(tree('iceberg/events', 'events'));
    const { result } = await lab.crawl();
    expect(result).toMatchObject({ tables: 1, partitions: 2, unknown: 0 });
    const events = await table('events');
    expect([columnsOf(events), keysOf(events)]).toEqual([['id bigint', 'at timestamp'], ['region string']]);
    expect(events.parameters).toMatchObject({
      table_type: 'ICEBERG',
      metadata_location: expect.stringContaining('/00003-') as string,
    });
    expect(factsOf(events)).toMatchObject({ partitionedBy: ['region', 'day(at)'], operation: 'delete' });
    const [shown] = await lab.catalog();
    expect(shown?.partitions.map(({ values, rows, files, format }) => [values, rows, files.length, format])).toEqual([
      ['region=__HIVE_DEFAULT_PARTITION__', '1', 1, { name: 'parquet' }],
      ['region=eu', '2', 2, { name: 'parquet' }],
    ]);
  });

  it('is read in version 1, from packed metadata, and without a snapshot', async () => {
    lab.put({ ...tree('iceberg/old', 'old'), ...tree('iceberg/added', 'added'), ...tree('iceberg/empty', 'empty') });
    const { state, result } = await lab.crawl();
    expect([state, result.tables]).toEqual(['SUCCEEDED', 3]);
    expect(columnsOf(await table('old'))).toEqual(['id int', 'name string']);
    expect(factsOf(await table('old'))).toMatchObject({ formatVersion: 1 });
    const added = await table('added');
    expect(columnsOf(added)).toEqual(['id bigint', 'name string', 'score double']);
    expect(await partitionTotals(lab.t.db, added)).toMatchObject({ rows: 3n, files: 2 });
    expect(await partitionTotals(lab.t.db, await table('empty'))).toMatchObject({ rows: 0n, files: 0 });
  });

  it('says why its files cannot be read by their names', async () => {
    lab.put(tree('iceberg/renamed', 'renamed'));
    await lab.crawl();
    const renamed = await table('renamed');
    expect(columnsOf(renamed)).toEqual(['id int', 'title string']);
    expect(factsOf(renamed)).toMatchObject({ unreadable: expect.stringContaining('had another name') as string });
    expect((await lab.catalog())[0]?.partitions[0]).toMatchObject({ rows: '3', format: undefined });
  });

  it('moves on with its newest metadata file, and reads only that and its manifests', async () => {
    lab.put(tree('iceberg/events', 'events', (path) => !/0000[23]-/.test(path)));
    await lab.crawl();
    expect(await partitionTotals(lab.t.db, await table('events'))).toMatchObject({ rows: 2n });
    lab.put(tree('iceberg/events', 'events', (path) => !/00003-/.test(path)));
    const { result } = await lab.crawl();
    expect(result).toMatchObject({ changed: 1, bill: { gets: 4 } });
    expect(await partitionTotals(lab.t.db, await table('events'))).toMatchObject({ rows: 4n, partitions: 3 });
  });

  it('is unknown with a broken metadata file, keeps what is known, and falls not apart', async () => {
    lab.put(tree('iceberg/old', 'old'));
    await lab.crawl();
    const before = await lab.catalog();
    lab.put({ 'old/metadata/00009-x.metadata.json': '{"format-version": 2' });
    const broken = await lab.crawl();
    expect([broken.state, broken.result.removed]).toEqual(['INCOMPLETE', 0]);
    expect(broken.result.unknowns).toMatchObject([{ path: 'old/', code: 'DATA_UNREADABLE' }]);
    expect(await lab.catalog()).toEqual(before);
    rmSync(join(lab.root, 'old'), { recursive: true });
    lab.put({ 'other.csv': 'a,b\n1,2\n', ...tree('iceberg/types', 'types'), 'types/metadata/00010-x.metadata.json': '[]' });
    const fresh = await lab.crawl();
    expect(fresh.result).toMatchObject({ unknown: 1, removed: 1 });
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['other']);
  });

  it('stays when its metadata folder is not to be found, and goes when all of it is gone', async () => {
    lab.put({ ...tree('iceberg/old', 'old'), 'other.csv': 'a,b\n1,2\n' });
    await lab.crawl();
    rmSync(join(lab.root, 'old/metadata'), { recursive: true });
    expect((await lab.crawl()).result).toMatchObject({ unknown: 1, removed: 0 });
    rmSync(join(lab.root, 'old'), { recursive: true });
    expect((await lab.crawl()).result).toMatchObject({ unknown: 0, removed: 1 });
  });

  it('is not what a folder called data or metadata is', async () => {
    lab.put({ 'a/data/x.csv': 'a,b\n1,2\n', 'a/metadata/y.csv': 'c,d\n1,2\n', 'data/z.csv': 'e,f\n3,4\n' });
    expect((await lab.crawl()).result).toMatchObject({ tables: 3, unknown: 0 });
    expect((await lab.catalog()).map(({ name }) => name)).toEqual([
      'data',
      'data_' + (await lab.catalog())[1]?.name.slice(5),
      'metadata',
    ]);
  });
});

describe('a crawl that looks at a part only', () => {
  const settings = { recrawl: 'events' };

  it('looks at such a table as a whole, whichever of its files an event is about', async () => {
    lab.put({ ...tree('delta/orders', 'a/orders', (path) => !/0000[23]\.json$/.test(path)), 'b/x.csv': 'a,b\n1,2\n' });
    await lab.crawl({ settings });
    lab.put(tree('delta/orders', 'a/orders'));
    const crawler = await findCrawler(lab.t.db, ADMIN, 'lake');
    const location = `${pathToFileURL(lab.root).href}/a/orders/_delta_log/00000000000000000003.json`;
    await keepEvents(lab.t.ground, crawler?.id ?? '', [{ kind: 'created', location }], 100);
    const { state, result } = await lab.crawl({ settings });
    expect([state, result]).toMatchObject(['SUCCEEDED', { mode: 'events', objects: 8, changed: 1, removed: 0 }]);
    const orders = await table('orders');
    expect(factsOf(orders)).toMatchObject({ version: 3, partitions: 3 });
    expect(factsOf(orders)['unreadable']).toBeUndefined();
  });

  it('leaves such tables alone when it looks for new folders', async () => {
    lab.put({ ...tree('delta/orders', 'orders'), ...tree('iceberg/events', 'events') });
    await lab.crawl({ settings: { recrawl: 'new-folders' } });
    const before = await lab.catalog();
    lab.put({ 'new/x.csv': 'a,b\n1,2\n' });
    expect((await lab.crawl({ settings: { recrawl: 'new-folders' } })).result).toMatchObject({
      objects: 1,
      added: 1,
      changed: 0,
    });
    expect((await lab.catalog()).filter(({ name }) => name !== 'new')).toEqual(before);
  });
});

describe('a crawl that crashes among such tables', () => {
  it('goes on, and comes to what one that never crashed comes to', async () => {
    const files = ['a', 'b', 'c'].flatMap((name) => [
      ...Object.entries(tree('delta/upper', `delta_${name}`)),
      ...Object.entries(tree('iceberg/old', `ice_${name}`)),
      [`plain_${name}/x.csv`, Buffer.from('a,b\n1,2\n')] as const,
    ]);
    lab.put(Object.fromEntries(files));
    const whole = await lab.crawl({ name: 'whole', database: 'whole', crawler: scripted({ checkpoints: 1 }) });
    expect(whole.result).toMatchObject({ tables: 9, unknown: 0 });
    const run = crypto.randomUUID();
    for (const n of [1, 2, 1, 2]) {
      let count = 0;
      const off = onReached((label) => {
        if (label === 'crawl.after-save') count += 1;
        if (count === n) throw new Error('crash');
      });
      try {
        await expect(lab.crawl({ run, crawler: scripted({ checkpoints: 1 }) })).rejects.toThrow('crash');
      } finally {
        off();
      }
    }
    const { state, result } = await lab.crawl({ run, crawler: scripted({ checkpoints: 1 }) });
    expect([state, result]).toMatchObject(['SUCCEEDED', { tables: 9, partitions: 6, unknown: 0, removed: 0 }]);
    const all = await lab.catalog();
    const shape = ({ name, columns, keys, partitions }: (typeof all)[number]): unknown => [name, columns, keys, partitions];
    expect(all.slice(0, 9).map(shape)).toEqual(all.slice(9).map(shape));
  });
});

describe('the scope itself', () => {
  it.each(['delta/orders', 'iceberg/events'])('may be such a table: %s', async (from) => {
    lab.put(tree(from, 'lake'));
    const { result } = await lab.crawl({ options: { url: `file://${lab.root}/lake` } });
    expect(result).toMatchObject({ tables: 1, unknown: 0 });
    expect((await table('lake')).format?.name).toBe(from.split('/')[0]);
  });
});
