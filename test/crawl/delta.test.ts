import { describe, expect, it } from 'vitest';
import { deltaSnapshot, deltaVersion } from '../../src/crawl/delta.ts';
import type { LakeRoot, LakeSnapshot } from '../../src/crawl/lake-root.ts';
import { FileList } from '../../src/crawl/file-list.ts';
import { formatType } from '../../src/model/types.ts';

const LIMITS = { metadataBytes: 1024 * 1024, columns: 100, files: 5 };

function rootOf(commits: readonly (readonly object[])[], extra: Readonly<Record<string, string>> = {}): LakeRoot {
  const files = Object.entries({
    ...Object.fromEntries(
      commits.map((actions, i) => [
        `_delta_log/${String(i).padStart(20, '0')}.json`,
        actions.map((one) => JSON.stringify(one)).join('\n'),
      ]),
    ),
    ...extra,
  });
  const metadata = new Map(
    files.map(([path, text]) => [
      path,
      {
        kind: 'object' as const,
        path: `t/${path}`,
        location: `s3://b/t/${path}`,
        size: Buffer.byteLength(text),
        etag: `${text.length}`,
        modified: 0,
        read: (start: number, end: number) => Promise.resolve(Buffer.from(text).subarray(start, end)),
      },
    ]),
  );
  return { path: 't/', first: 0, metadata, data: new FileList() };
}

const field = (name: string, type: unknown, metadata: object = {}, nullable = true): object => ({
  name,
  type,
  nullable,
  metadata,
});
const table = (fields: readonly object[], more: object = {}): object => ({
  metaData: {
    id: 'x',
    schemaString: JSON.stringify({ type: 'struct', fields }),
    partitionColumns: [],
    configuration: {},
    ...more,
  },
});
const protocol = (more: object = {}): object => ({ protocol: { minReaderVersion: 1, minWriterVersion: 2, ...more } });
const add = (path: string, more: object = {}): object => ({
  add: { path, size: 10, partitionValues: {}, modificationTime: 1, dataChange: true, stats: '{"numRecords":4}', ...more },
});
const ID = field('id', 'long');

const read = (...commits: readonly (readonly object[])[]): Promise<LakeSnapshot> =>
  deltaSnapshot(rootOf(commits), LIMITS, () => Promise.reject(new Error('there is no checkpoint')));

describe('a Delta log', () => {
  it('says what the columns are, with comments and what must have a value', async () => {
    const { columns } = await read([
      protocol(),
      table([
        field('id', 'long', { comment: 'who' }, false),
        field('n', 'byte'),
        field('s', 'short'),
        field('at', 'timestamp_ntz'),
        field('code', 'string', { __CHAR_VARCHAR_TYPE_STRING: 'varchar(3)' }),
        field('price', 'decimal(10, 2)'),
        field('m', { type: 'map', keyType: 'string', valueType: { type: 'array', elementType: 'date', containsNull: true } }),
        field('v', 'variant'),
      ]),
    ]);
    expect(columns.map(({ name, type, sourceType = '' }) => `${name} ${formatType(type)} ${sourceType}`.trim())).toEqual([
      'id bigint',
      'n tinyint',
      's smallint',
      'at timestamp',
      'code string varchar(3)',
      'price decimal(10,2)',
      'm map<string,array<date>>',
      'v string variant',
    ]);
    expect(columns[0]).toMatchObject({ nullable: false, comment: 'who' });
  });

  it('counts a file once, whichever of its rows are deleted, and takes the rows of deletion vectors away', async () => {
    const vector = { storageType: 'u', pathOrInlineDv: 'a', offset: 1, sizeInBytes: 2, cardinality: 3 };
    const found = await read(
      [protocol({ minReaderVersion: 3, readerFeatures: ['deletionVectors'] }), table([ID]), add('a.parquet'), add('b.parquet')],
      [add('a.parquet', { deletionVector: vector }), { remove: { path: 'a.parquet' } }],
    );
    expect(found).toMatchObject({
      rows: 5n,
      bytes: 20n,
      fileCount: 2,
      unreadable: expect.stringContaining('deletion vectors') as string,
    });
    const undone = [{ remove: { path: 'a.parquet', deletionVector: vector } }, add('c.parquet')];
    expect(
      await read(
        [
          protocol({ minReaderVersion: 3, readerFeatures: ['deletionVectors'] }),
          table([ID]),
          add('a.parquet', { deletionVector: vector }),
        ],
        undone,
      ),
    ).toMatchObject({ rows: 4n, fileCount: 1 });
  });

  it.each([
    ['column mapping', [table([field('id', 'long', { 'delta.columnMapping.physicalName': 'col-1' })])], 'column mapping'],
    ['a feature that is not known', [protocol({ minReaderVersion: 3, readerFeatures: ['later'] }), table([ID])], 'knows later'],
    ['files elsewhere', [table([ID]), add('s3://other/x.parquet')], 'lie elsewhere'],
    ['names that differ in their case', [table([ID, field('ID', 'long')])], 'but their case'],
    ['keys whose text is not sure', [table([ID, field('t', 'timestamp')], { partitionColumns: ['t'] })], 'timestamptz'],
    ['another format', [table([ID], { format: { provider: 'orc' } })], 'its files are orc'],
  ])('says what keeps its files from being read: %s', async (_, actions, why) => {
    expect((await read([protocol(), ...actions])).unreadable).toContain(why);
  });

  it('is readable where mapped columns have their own names', async () => {
    const mapped = table([field('id', 'long', { 'delta.columnMapping.physicalName': 'id', 'delta.columnMapping.id': 1 })]);
    expect((await read([protocol({ minReaderVersion: 2 }), mapped, add('a%20b.parquet')])).unreadable).toBeUndefined();
  });

  it.each([
    ['without a schema', [[protocol()]], 'DATA_UNREADABLE'],
    ['without a protocol', [[table([ID])]], 'DATA_UNREADABLE'],
    ['with a key that is no column', [[protocol(), table([ID], { partitionColumns: ['x'] })]], 'DATA_UNREADABLE'],
    ['with more files than are allowed', [[protocol(), table([ID]), ...[1, 2, 3, 4, 5, 6].map((i) => add(`${i}`))]], 'LIMIT'],
    ['with a file without a size', [[protocol(), table([ID]), { add: { path: 'x' } }]], 'DATA_UNREADABLE'],
  ])('is refused %s', async (_, commits, code) => {
    await expect(read(...commits)).rejects.toMatchObject({ code });
  });

  it('needs all commits, but for those that a whole checkpoint stands for', async () => {
    const commit = [protocol(), table([ID])];
    const gap = rootOf([commit, [], []]);
    const without = (path: string): LakeRoot => ({
      ...gap,
      metadata: new Map([...gap.metadata].filter(([name]) => !name.includes(path))),
    });
    await expect(deltaSnapshot(without('001.json'), LIMITS, () => Promise.resolve([]))).rejects.toMatchObject({
      code: 'DATA_UNREADABLE',
    });
    const half = '_delta_log/00000000000000000001.checkpoint.0000000001.0000000002.parquet';
    expect(() => deltaVersion(rootOf([], { [half]: 'x', '_delta_log/00000000000000000002.json': '{}' }))).toThrow(
      /lacks the commit 0/,
    );
    const whole = { [half]: 'x', [half.replace('0000000001.0000000002', '0000000002.0000000002')]: 'y' };
    const found = await deltaSnapshot(rootOf([], whole), LIMITS, ({ path }) =>
      Promise.resolve(path.includes('1.0000000002') ? [protocol() as never, table([ID]) as never] : [add('z') as never]),
    );
    expect(found).toMatchObject({ facts: { version: 1 }, fileCount: 1 });
  });
});
