import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findManifests } from '../../src/catalog/manifests.ts';
import { partitionTotals, streamPartitions } from '../../src/catalog/partitions.ts';
import { listTables } from '../../src/catalog/tables.ts';
import { findSchema } from '../../src/catalog/versions.ts';
import type { Partition, Table } from '../../src/model/table.ts';
import { formatType } from '../../src/model/types.ts';
import { ADMIN, type CrawlEnd } from './lab.ts';
import { etagOf, layLargeLake, type Kind, type TrueLake, type TrueTable } from './large-lake.ts';
import { openS3Lab, type S3Lab } from './s3-lab.ts';

/** Partitions of each table. */
const SIZES = [1, 2, 3, 17, 120, 260, 500];
const FILES_AT_MOST = 60;

/** A partition as plain data. */
interface Told {
  readonly location: string;
  readonly columns: string;
  readonly format: string;
  readonly bytes: number;
  readonly files: readonly string[];
}

const COLUMNS: Readonly<Record<Kind, string>> = {
  plain: 'amount double, id bigint',
  extra: 'amount double, id bigint, note string',
  wide: 'amount double, id string',
  json: 'amount double, id bigint',
};

let lab: S3Lab;
let lake: TrueLake;

beforeAll(async () => {
  lab = await openS3Lab();
  lake = layLargeLake(lab.fake.bucket, SIZES, FILES_AT_MOST, 20_261_125);
});
afterAll(() => lab.close());

const crawl = (): Promise<CrawlEnd> => lab.crawl({ settings: { samplePartitions: 'all', sampleFiles: 1 } });

function trueColumns({ keys, partitions }: TrueTable): string {
  if (keys.length === 0) return '';
  const kinds = new Set([...partitions.values()].map(({ kind }) => kind));
  return [kinds.has('wide') ? COLUMNS.wide : COLUMNS.plain, ...(kinds.has('extra') ? ['note string'] : [])].join(', ');
}

function truePartitions(table: TrueTable): Told[] {
  return [...table.partitions].map(([folder, { kind, files }]) => ({
    location: table.keys.length === 0 ? `s3://lake/stray/${table.name}/` : `s3://lake/${table.name}/${folder}/`,
    columns: table.keys.length === 0 ? '' : COLUMNS[kind],
    format: kind === 'json' ? 'json' : 'csv',
    bytes: [...files.values()].reduce((sum, { length }) => sum + length, 0),
    files: [...files].map(([key, content]) => `s3://lake/${key} ${content.length} ${etagOf(content)}`).toSorted(),
  }));
}

const byLocation = (a: Told, b: Told): number => (a.location < b.location ? -1 : 1);
const spell = (columns: Table['schema']['columns']): string =>
  columns
    .map(({ name, type }) => `${name} ${formatType(type)}`)
    .toSorted()
    .join(', ');

async function toldPartitions(table: Table): Promise<Told[]> {
  const rows: Partition[] = [];
  for await (const one of streamPartitions(lab.t.db, ADMIN, table)) rows.push(one);
  const manifests = await findManifests(
    lab.t.db,
    rows.flatMap(({ manifestHash }) => manifestHash ?? []),
  );
  const schemas = new Map<string, string>();
  for (const hash of new Set(rows.flatMap(({ schemaHash }) => schemaHash ?? [])))
    schemas.set(hash, spell((await findSchema(lab.t.db, hash))?.columns ?? []));
  const isFlat = table.schema.partitionKeys.length === 0;
  return rows.map(({ location, schemaHash, format, bytes, files, manifestHash }) => {
    const found = manifests.get(manifestHash ?? '') ?? [];
    expect(files).toBe(found.length);
    return {
      location,
      columns: isFlat ? '' : (schemas.get(schemaHash ?? '') ?? spell(table.schema.columns)),
      format: (format ?? table.format)?.name ?? '',
      bytes: Number(bytes),
      files: found.map((file) => `${file.address} ${file.size} ${file.etag}`).toSorted(),
    };
  });
}

async function expectTruth(): Promise<void> {
  const { items } = await listTables(lab.t.db, ADMIN, {}, { first: 100 });
  const found = new Map(items.map(({ item }) => [item.name, item]));
  expect([...found.keys()].toSorted()).toEqual([...lake.tables.keys()].toSorted());
  for (const table of lake.tables.values()) {
    const one = found.get(table.name);
    if (one === undefined) throw new Error(`no ${table.name}`);
    expect(one.schema.partitionKeys.map(({ name }) => name)).toEqual(table.keys);
    if (table.keys.length > 0) expect([one.name, spell(one.schema.columns)]).toEqual([table.name, trueColumns(table)]);
    const [told, wanted] = [await toldPartitions(one), truePartitions(table)];
    expect(told.toSorted(byLocation)).toEqual(wanted.toSorted(byLocation));
    expect(await partitionTotals(lab.t.db, one)).toMatchObject({
      partitions: wanted.length,
      files: wanted.reduce((sum, { files }) => sum + files.length, 0),
      bytes: BigInt(wanted.reduce((sum, { bytes }) => sum + bytes, 0)),
    });
  }
}

describe('tens of thousands of objects, one in a hundred folders odd', () => {
  it('come to the catalog that their maker knows, file by file', async () => {
    expect(lake.objects).toBeGreaterThan(20_000);
    expect(lake.others.length).toBeGreaterThan(20);
    const kinds = [...lake.tables.values()].flatMap(({ partitions }) => [...partitions.values()].map(({ kind }) => kind));
    expect(new Set(kinds).size).toBe(4);
    const { state, result } = await crawl();
    expect(state).toBe('SUCCEEDED');
    expect(result).toMatchObject({ unknown: 0, partitions: kinds.length - 5, tables: lake.tables.size });
    await expectTruth();
  }, 120_000);

  it('cost nothing when they are crawled again', async () => {
    const changes = await lab.changes();
    const { state, result } = await crawl();
    expect([state, result.bill.gets, (await lab.changes()) - changes]).toEqual(['SUCCEEDED', 0, 0]);
  }, 60_000);

  it('are followed when one in a hundred folders has changed', async () => {
    for (let round = 0; round < 2; round += 1) {
      lake.change();
      const { state, result } = await crawl();
      expect(state).toBe('SUCCEEDED');
      expect(result.partitionsAdded + result.partitionsChanged + result.partitionsRemoved).toBeGreaterThan(2);
      await expectTruth();
    }
  }, 120_000);
});
