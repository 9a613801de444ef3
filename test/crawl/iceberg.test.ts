import { deflateRawSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { icebergSnapshot } from '../../src/crawl/iceberg.ts';
import type { LakeRoot, LakeSnapshot } from '../../src/crawl/lake-root.ts';
import { FileList } from '../../src/crawl/file-list.ts';

const LIMITS = { metadataBytes: 1024 * 1024, columns: 100, files: 5 };

/** Just enough of Avro to write manifests with: records of longs and strings. */
function long(value: number): Buffer {
  const bytes: number[] = [];
  let left = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) + 0x80);
  return Buffer.from([...bytes, left]);
}
const text = (value: string): Buffer => Buffer.concat([long(Buffer.byteLength(value)), Buffer.from(value)]);

type Row = Readonly<Record<string, string | number | { readonly [name: string]: string | number }>>;

function schemaOf(row: Row, name: string): object {
  const fields = Object.entries(row).map(([field, value]) => ({
    name: field,
    type: typeof value === 'string' ? 'string' : typeof value === 'number' ? 'long' : schemaOf(value, `r_${field}`),
  }));
  return { type: 'record', name, fields };
}

const encode = (row: Row): Buffer =>
  Buffer.concat(
    Object.values(row).map((value) =>
      typeof value === 'string' ? text(value) : typeof value === 'number' ? long(value) : encode(value),
    ),
  );

function avro(rows: readonly Row[], codec = 'null'): Buffer {
  const sync = Buffer.alloc(16, 7);
  const header = [
    long(2),
    text('avro.schema'),
    text(JSON.stringify(schemaOf(rows[0] ?? {}, 'top'))),
    text('avro.codec'),
    text(codec),
    long(0),
  ];
  const plain = Buffer.concat(rows.map(encode));
  const block = codec === 'deflate' ? deflateRawSync(plain) : plain;
  return Buffer.concat([Buffer.from('Obj\x01'), ...header, sync, long(rows.length), long(block.length), block, sync]);
}

const LOCATION = 's3a://warehouse/db/t';
const manifest = (more: Row = {}): Row => ({
  manifest_path: `s3://warehouse/db/t/metadata/m.avro`,
  manifest_length: 100,
  partition_spec_id: 0,
  content: 0,
  added_files_count: 1,
  existing_files_count: 0,
  ...more,
});
const file = (more: Readonly<Record<string, string | number>> = {}, status = 1): Row => ({
  status,
  data_file: {
    content: 0,
    file_path: `${LOCATION}/data/a.parquet`,
    file_format: 'PARQUET',
    record_count: 4,
    file_size_in_bytes: 10,
    ...more,
  },
});

interface Parts {
  readonly manifests?: readonly Row[];
  readonly files?: readonly Row[];
  readonly metadata?: object;
  readonly codec?: string;
}

function rootOf({ manifests = [manifest()], files = [file()], metadata = {}, codec }: Parts): LakeRoot {
  const table = {
    'format-version': 2,
    'table-uuid': 'u',
    location: LOCATION,
    schemas: [{ 'schema-id': 0, type: 'struct', fields: [{ id: 1, name: 'id', type: 'long', required: false }] }],
    'current-schema-id': 0,
    'partition-specs': [{ 'spec-id': 0, fields: [] }],
    'default-spec-id': 0,
    'current-snapshot-id': 7,
    snapshots: [
      {
        'snapshot-id': 7,
        'manifest-list': `${LOCATION}/metadata/snap.avro`,
        summary: { 'total-records': '4', 'total-data-files': '1' },
      },
    ],
    ...metadata,
  };
  const all: [string, Buffer][] = [
    ['metadata/v1.metadata.json', Buffer.from('{"broken')],
    ['metadata/v10.metadata.json', Buffer.from(JSON.stringify(table))],
    ['metadata/v9.metadata.json', Buffer.from('{"broken')],
    ['metadata/snap.avro', avro(manifests, codec)],
    ['metadata/m.avro', avro(files, codec)],
  ];
  const found = all.map(([path, bytes]) => {
    const read = (start: number, end: number): Promise<Uint8Array> => Promise.resolve(bytes.subarray(start, end));
    return [
      path,
      {
        kind: 'object' as const,
        path: `t/${path}`,
        location: `s3://b/t/${path}`,
        size: bytes.length,
        etag: 'e',
        modified: 0,
        read,
      },
    ] as const;
  });
  return { path: 't/', first: 0, metadata: new Map(found), data: new FileList() };
}

const read = (parts: Parts = {}): Promise<LakeSnapshot> => icebergSnapshot(rootOf(parts), LIMITS);

describe('Iceberg metadata', () => {
  it.each(['null', 'deflate'])('are those of the highest version, with the files of its manifests: %s', async (codec) => {
    const found = await read({ codec, files: [file(), file({ file_path: `${LOCATION}/data/gone.parquet` }, 2)] });
    expect(found).toMatchObject({ rows: 4n, fileCount: 1, files: [{ path: 'data/a.parquet', size: 10, rows: 4n, values: [] }] });
    expect(found.unreadable).toBeUndefined();
  });

  it.each([
    ['delete files', { manifests: [manifest(), manifest({ content: 1 })] }, 'delete files'],
    ['other formats', { files: [file({ file_format: 'ORC' })] }, 'not all of its files are Parquet'],
    ['files elsewhere', { files: [file({ file_path: 's3://other/a.parquet' })] }, 'files lie elsewhere'],
    ['several ways of partitioning', { manifests: [manifest({ partition_spec_id: 3 })] }, 'partitioned in several ways'],
    [
      'a manifest that is gone',
      { manifests: [manifest({ manifest_path: `${LOCATION}/metadata/no.avro` })] },
      'manifests lies elsewhere or is gone',
    ],
    ['more files than are allowed', { files: Array.from({ length: 6 }, () => file()) }, 'more than 5 files'],
    ['too many bytes of manifests', { manifests: [manifest({ manifest_length: 2_000_000 })] }, 'tableMetadataBytes'],
    ['a later version', { metadata: { 'format-version': 4 } }, 'version 4'],
    [
      'names that others had before',
      {
        metadata: {
          'current-schema-id': 1,
          schemas: [0, 1].map((n) => ({ 'schema-id': n, fields: [{ id: n, name: 'id', type: 'long' }] })),
        },
      },
      'dropped and added anew',
    ],
    [
      'names that are forgotten',
      { metadata: { 'current-schema-id': 3, schemas: [{ 'schema-id': 3, fields: [{ id: 1, name: 'id', type: 'long' }] }] } },
      'not in its metadata any more',
    ],
  ])('say what keeps the files from being read: %s', async (_, parts, why) => {
    expect((await read(parts)).unreadable).toContain(why);
  });

  it('count no delete manifest without entries', async () => {
    const found = await read({ manifests: [manifest(), manifest({ content: 1, added_files_count: 0 })] });
    expect(found.unreadable).toBeUndefined();
  });

  it.each([
    ['that lack their schema', { metadata: { 'current-schema-id': 5 } }],
    ['that lack their snapshot', { metadata: { 'current-snapshot-id': '8' } }],
    ['of no version', { metadata: { 'format-version': null } }],
    [
      'with a type that is not known',
      { metadata: { schemas: [{ 'schema-id': 0, fields: [{ id: 1, name: 'id', type: 'huge' }] }] } },
    ],
  ])('are refused %s', async (_, parts) => {
    await expect(read(parts)).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
  });

  it('keep ids of 64 bits exact', async () => {
    const id = '9007199254740993123';
    const root = rootOf({
      metadata: {
        'current-snapshot-id': 'ID',
        snapshots: [{ 'snapshot-id': 'ID', 'manifest-list': `${LOCATION}/metadata/snap.avro` }],
      },
    });
    const object = root.metadata.get('metadata/v10.metadata.json');
    const bytes = Buffer.from(
      Buffer.from((await object?.read(0, 100_000)) ?? [])
        .toString()
        .replaceAll('"ID"', id),
    );
    const exact = {
      ...object,
      size: bytes.length,
      read: (start: number, end: number) => Promise.resolve(bytes.subarray(start, end)),
    } as NonNullable<typeof object>;
    const metadata = new Map([...root.metadata, ['metadata/v10.metadata.json', exact] as const]);
    expect(await icebergSnapshot({ ...root, metadata }, LIMITS)).toMatchObject({ facts: { snapshotId: id } });
  });
});
