import { deflateRawSync, gzipSync } from 'node:zlib';
import type { ByteSource } from '../../src/crawl/classifier.ts';
import { field, orc, varint } from './orc.ts';

/** A file made to hurt whoever reads it. */
export interface Bomb {
  readonly source: ByteSource;
  /** One of these errors; `none`: no classifier takes it for its own; `known`: it is what it says, however odd. */
  readonly expected: readonly string[];
}

const GB = 1024 ** 3;
const HEAD_BYTES = 16 * 1024 * 1024;

/** A source of any size that holds nothing: a beginning, and then the same bytes again and again. */
function endless(path: string, start: string, repeated: string, size = 10 * GB): ByteSource {
  const head = Buffer.concat([Buffer.from(start), Buffer.alloc(HEAD_BYTES, repeated)]);
  return {
    path,
    size,
    read: (from, to) =>
      Promise.resolve(
        from < HEAD_BYTES ? head.subarray(from, Math.min(to, HEAD_BYTES)) : Buffer.alloc(Math.min(to, size) - from, repeated),
      ),
  };
}

function whole(path: string, bytes: Uint8Array | string): ByteSource {
  const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  return { path, size: all.length, read: (start, end) => Promise.resolve(all.subarray(start, end)) };
}

function number(value: number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  buffer.writeUIntLE(value, 0, bytes);
  return buffer;
}

function parquet(footer: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from('PAR1'), footer, number(footer.length, 4), Buffer.from('PAR1')]);
}

/** A version, a schema, no rows, and what follows. */
function footer(schema: Uint8Array, rest: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x15, 0x02]), schema, Buffer.from([0x16, 0x00]), rest]);
}

const ONE_COLUMN = Buffer.concat([
  Buffer.from([0x19, 0x2c, 0x48, 0x01, 0x72, 0x15, 0x02, 0x00]),
  Buffer.from([0x15, 0x02, 0x25, 0x00, 0x18, 0x01, 0x61, 0x00]),
]);

/** Groups with one child each, so many deep. */
function deepSchema(depth: number): Buffer {
  const group = Buffer.from([0x48, 0x01, 0x67, 0x15, 0x02, 0x00]);
  return Buffer.concat([Buffer.from([0x19, 0xfc]), varint(depth), ...Array.from({ length: depth }, () => group)]);
}

function avro(schema: string, extra: Uint8Array = Buffer.alloc(0)): Buffer {
  const entry = (name: string, value: string): Buffer[] => [
    varint(name.length * 2),
    Buffer.from(name),
    varint(value.length * 2),
    Buffer.from(value),
  ];
  return Buffer.concat([Buffer.from('Obj\x01'), varint(2), ...entry('avro.schema', schema), varint(0), Buffer.alloc(16), extra]);
}

/** Each record holds the next one twice: 2 to the power of the depth. */
function doublingSchema(depth: number): string {
  let inner = '{"type":"record","name":"R0","fields":[{"name":"a","type":"int"}]}';
  for (let i = 1; i <= depth; i += 1)
    inner = `{"type":"record","name":"R${i}","fields":[{"name":"a","type":${inner}},{"name":"b","type":"R${i - 1}"}]}`;
  return inner;
}

function chunk(bytes: Uint8Array): Buffer {
  return Buffer.concat([number(bytes.length * 2, 3), bytes]);
}

const ZSTD_HEADER = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x70]);

/** Blocks that say «this byte 128 KiB times», four bytes each. */
function zstdZeros(blocks: number): Buffer {
  const block = Buffer.concat([number((131_072 << 3) | 2, 3), Buffer.from(',')]);
  return Buffer.concat([ZSTD_HEADER, ...Array.from({ length: blocks }, () => block)]);
}

/** One block of 100,000 copies of 65,539 bytes each, none of which fits into it: six thousand million steps in 15 bytes. */
export function zstdCopies(): Buffer {
  const content = Buffer.from([0x09, 0x61, 0xff, 0xff, 0xff, 0x54, 0x00, 0x00, 52, 0x00, 0x00, 0x01]);
  return Buffer.concat([ZSTD_HEADER, number((content.length << 3) | 4, 3), content, Buffer.alloc(32)]);
}

/** 45 MB of zeros, packed by bzip2 into 50 bytes. */
const BZIP2_ZEROS = Buffer.from('QlpoOTFBWSZTWckBtsgBWKtAIMAAEAAACCAAMMwFKaZSSFJsVJIUni7kinChIZIDbZA=', 'base64');

function hadoopLie(): Buffer {
  const big = Buffer.alloc(4);
  big.writeUInt32BE(8 * 1024 * 1024);
  const packed = Buffer.from([0, 0, 0, 9]);
  return Buffer.concat([big, packed, varint(8 * 1024 * 1024), Buffer.from([0x00, 0x61, 0xfe, 0x01, 0x00]), Buffer.alloc(100)]);
}

const UNREADABLE = ['DATA_UNREADABLE'];
const REFUSED = ['DATA_UNREADABLE', 'LIMIT'];

/** Made when asked for, one after another: together they would be large. */
export const BOMBS: readonly [string, () => Bomb][] = [
  ['gzip, 1000:1', () => ({ source: whole('a.csv.gz', gzipSync(Buffer.alloc(64 * 1024 * 1024, ','))), expected: UNREADABLE })],
  ['gzip in gzip', () => ({ source: whole('a', gzipSync(gzipSync(Buffer.alloc(64 * 1024 * 1024)))), expected: ['none'] })],
  ['zstd, 32768:1', () => ({ source: whole('a.csv.zst', zstdZeros(30_000)), expected: UNREADABLE })],
  ['zstd, copies that never end', () => ({ source: whole('a.csv.zst', zstdCopies()), expected: REFUSED })],
  [
    'zstd, a window of 2 GB',
    () => ({ source: whole('a.csv.zst', Buffer.from('28b52ffd00a8090000610100000000000000', 'hex')), expected: UNREADABLE }),
  ],
  [
    'bzip2, a million to one',
    () => ({ source: whole('a.csv.bz2', Buffer.concat(Array.from({ length: 1000 }, () => BZIP2_ZEROS))), expected: UNREADABLE }),
  ],
  ['hadoop snappy that says 8 MB', () => ({ source: whole('a.csv.snappy', hadoopLie()), expected: UNREADABLE })],
  [
    'parquet, 2^31 row groups',
    () => ({
      source: whole(
        'a.parquet',
        parquet(footer(ONE_COLUMN, Buffer.concat([Buffer.from([0x19, 0xfc]), varint(2 ** 31), Buffer.from([0])]))),
      ),
      expected: UNREADABLE,
    }),
  ],
  [
    'parquet, a text of 4 GB',
    () => ({
      source: whole('a.parquet', parquet(Buffer.concat([Buffer.from([0x18]), varint(2 ** 32 - 1)]))),
      expected: UNREADABLE,
    }),
  ],
  [
    'parquet, a number of a megabyte',
    () => ({
      source: whole(
        'a.parquet',
        parquet(Buffer.concat([Buffer.from([0x16]), Buffer.alloc(1024 * 1024, 0xff), Buffer.from([0, 0])])),
      ),
      expected: UNREADABLE,
    }),
  ],
  [
    'parquet, structs in structs',
    () => ({ source: whole('a.parquet', parquet(Buffer.alloc(8 * 1024 * 1024, 0x1c))), expected: UNREADABLE }),
  ],
  [
    'parquet, a schema 5,000 deep',
    () => ({
      source: whole('a.parquet', parquet(footer(deepSchema(5_000), Buffer.from([0x19, 0x0c, 0])))),
      expected: UNREADABLE,
    }),
  ],
  [
    'parquet, a million columns',
    () => ({
      source: whole('a.parquet', parquet(footer(deepSchema(1_000_000), Buffer.from([0x19, 0x0c, 0])))),
      expected: ['LIMIT'],
    }),
  ],
  [
    'parquet, 30 million empty row groups',
    () => ({
      source: whole(
        'a.parquet',
        parquet(footer(ONE_COLUMN, Buffer.concat([Buffer.from([0x19, 0xfc]), varint(30_000_000), Buffer.alloc(30_000_001)]))),
      ),
      expected: ['known', 'LIMIT'],
    }),
  ],
  [
    'avro, a record in itself',
    () => ({
      source: whole('a.avro', avro('{"type":"record","name":"R","fields":[{"name":"r","type":["null","R"]}]}')),
      expected: ['UNSUPPORTED'],
    }),
  ],
  ['avro, 2^40 fields', () => ({ source: whole('a.avro', avro(doublingSchema(40))), expected: ['LIMIT'] })],
  [
    'avro, arrays 100,000 deep',
    () => ({
      source: whole(
        'a.avro',
        avro(
          `{"type":"record","name":"R","fields":[{"name":"a","type":${'{"type":"array","items":'.repeat(100_000)}"int"${'}'.repeat(100_000)}}]}`,
        ),
      ),
      expected: REFUSED,
    }),
  ],
  [
    'avro, a million unions',
    () => ({
      source: whole('a.avro', avro(`{"type":"record","name":"R","fields":[{"name":"a","type":${'['.repeat(1_000_000)}`)),
      expected: UNREADABLE,
    }),
  ],
  [
    'avro, 2^60 entries',
    () => ({
      source: whole('a.avro', Buffer.concat([Buffer.from('Obj\x01'), varint(2 ** 52), Buffer.alloc(900_000)])),
      expected: UNREADABLE,
    }),
  ],
  [
    'avro, a header without an end',
    () => ({ source: endless('a.avro', 'Obj\x01\xfe\xff\xff\x7f'.slice(0, 4) + '\x7e\x02', '\x02a'), expected: REFUSED }),
  ],
  [
    'orc, a footer of zeros',
    () => ({
      source: whole(
        'a.orc',
        orc(Buffer.concat(Array.from({ length: 500 }, () => chunk(deflateRawSync(Buffer.alloc(262_144))))), 1),
      ),
      expected: REFUSED,
    }),
  ],
  [
    'orc, a chunk of 100 MB',
    () => ({ source: whole('a.orc', orc(chunk(deflateRawSync(Buffer.alloc(100 * 1024 * 1024))), 1)), expected: UNREADABLE }),
  ],
  ['orc, zstd copies that never end', () => ({ source: whole('a.orc', orc(chunk(zstdCopies()), 5)), expected: REFUSED })],
  [
    'orc, a footer longer than the file',
    () => ({ source: whole('a.orc', orc(Buffer.alloc(10), 0, { footerLength: 2 ** 31 })), expected: UNREADABLE }),
  ],
  [
    'orc, types that hold each other',
    () => ({
      source: whole(
        'a.orc',
        orc(
          Buffer.concat([
            field(4, Buffer.concat([field(1, 12), field(2, Buffer.from([1])), field(3, Buffer.from('a'))])),
            field(4, Buffer.concat([field(1, 10), field(2, Buffer.from([0]))])),
          ]),
          0,
        ),
      ),
      expected: UNREADABLE,
    }),
  ],
  [
    'orc, lists 5,000 deep',
    () => ({
      source: whole(
        'a.orc',
        orc(
          Buffer.concat([
            field(4, Buffer.concat([field(1, 12), field(2, Buffer.from([1])), field(3, Buffer.from('a'))])),
            ...Array.from({ length: 5_000 }, (_, i) => field(4, Buffer.concat([field(1, 10), field(2, varint(i + 2))]))),
          ]),
          0,
        ),
      ),
      expected: UNREADABLE,
    }),
  ],
  [
    'orc, statistics of 200 columns with a hundred thousand values each',
    () => {
      const names = Array.from({ length: 200 }, (_, i) => field(3, Buffer.from(`c${i}`)));
      const children = Buffer.concat(Array.from({ length: 200 }, (_, i) => varint(i + 1)));
      const types = [Buffer.concat([field(1, 12), field(2, children), ...names]), ...names.map(() => field(1, 4))];
      const values = Buffer.alloc(2 * 100_000, field(2, Buffer.alloc(0)));
      const statistics = [field(1, 1), ...names.map(() => Buffer.concat([field(1, 1), values]))];
      const all = [...types.map((type) => field(4, type)), field(6, 1), ...statistics.map((one) => field(7, one))];
      return { source: whole('a.orc', orc(Buffer.concat(all), 0, { writer: 9 })), expected: ['known'] };
    },
  ],
  [
    'orc, ten million types',
    () => ({
      source: whole(
        'a.orc',
        orc(Buffer.concat(Array.from({ length: 200 }, () => Buffer.alloc(100_000, field(4, Buffer.alloc(0))))), 0),
      ),
      expected: UNREADABLE,
    }),
  ],
  ['json, a million deep', () => ({ source: whole('a.json', `${'{"a":'.repeat(1_000_000)}1`), expected: REFUSED })],
  ['json, a million arrays', () => ({ source: whole('a.json', `{"a":${'['.repeat(1_000_000)}`), expected: REFUSED })],
  ['json, one text of 10 GB', () => ({ source: endless('a.json', '{"a":"', 'x'), expected: REFUSED })],
  ['json, escapes of 10 GB', () => ({ source: endless('a.json', '{"a":"', '\\"'), expected: REFUSED })],
  ['json, an array of 10 GB', () => ({ source: endless('a.json', '{"a":[1', ',1'), expected: REFUSED })],
  [
    'json, a million fields',
    () => ({
      source: whole('a.json', `{${Array.from({ length: 1_000_000 }, (_, i) => `"f${i}":1`).join(',')}}`),
      expected: REFUSED,
    }),
  ],
  [
    'xml, entities in entities',
    () => ({
      source: whole(
        'a.xml',
        `<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "a">${Array.from({ length: 30 }, (_, i) => `<!ENTITY a${i} "${`&a${i - 1};`.repeat(10)}">`).join('')}]><a>&a29;</a>`,
      ),
      expected: UNREADABLE,
    }),
  ],
  ['xml, a million deep', () => ({ source: whole('a.xml', '<a>'.repeat(1_000_000)), expected: ['LIMIT'] })],
  [
    'xml, a million attributes',
    () => ({
      source: whole('a.xml', `<a ${Array.from({ length: 1_000_000 }, (_, i) => `a${i}=""`).join(' ')}/>`),
      expected: [...REFUSED, 'none'],
    }),
  ],
  [
    'xml, a million names',
    () => ({
      source: whole('a.xml', `<a>${Array.from({ length: 1_000_000 }, (_, i) => `<b${i}>1</b${i}>`).join('')}</a>`),
      expected: [...REFUSED, 'none'],
    }),
  ],
  ['xml, one text of 10 GB', () => ({ source: endless('a.xml', '<a><b>', 'x'), expected: REFUSED })],
  ['xml, one name of 10 GB', () => ({ source: endless('a.xml', '<a', 'x'), expected: REFUSED })],
  ['xml, a doctype of 10 GB', () => ({ source: endless('a.xml', '<!DOCTYPE a [', '<!ENTITY a "b">'), expected: REFUSED })],
  ['csv, one line of 10 GB', () => ({ source: endless('a.csv', 'a', 'x'), expected: [...REFUSED, 'none'] })],
  ['csv, fields without end', () => ({ source: endless('a.csv', 'a', ',a'), expected: [...REFUSED, 'none'] })],
  [
    'csv, a million columns',
    () => ({ source: whole('a.csv', `${`${'a,'.repeat(1_000_000)}a\n`.repeat(3)}`), expected: [...REFUSED, 'none'] }),
  ],
  ['csv, a quote that never closes', () => ({ source: endless('a.csv', 'a,b\n1,"', 'x,\n'), expected: UNREADABLE })],
  ['csv, nothing but quotes', () => ({ source: endless('a.csv', 'a,b\n1,"', '"'), expected: [...REFUSED, 'none', 'known'] })],
  ['csv, nothing but line ends', () => ({ source: endless('a.csv', 'a,b\n', '\n'), expected: [...REFUSED, 'none', 'known'] })],
  [
    'log, one line of 10 GB',
    () => ({ source: endless('a.log', '10.0.0.1 - - [10/Oct/2026:13:55:36 -0700] "GET /', '\\"'), expected: ['none'] }),
  ],
  [
    'log, brackets without end',
    () => ({ source: whole('a', `${`<1>1 - h a p m ${'[a="'.repeat(4_000)}\n`.repeat(500)}`), expected: ['none', ...REFUSED] }),
  ],
];
