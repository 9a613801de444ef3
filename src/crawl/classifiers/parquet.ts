import { parquetMetadata, type FileMetaData } from 'hyparquet';
import { TenonError } from '../../model/errors.ts';
import { MAX_ROWS, type ByteSource, type Classification, type Classifier, type ClassifyLimits } from '../classifier.ts';
import { parquetFacts } from '../parquet-stats.ts';
import { parquetColumns } from '../parquet-types.ts';
import { outlineThrift, type Outline } from '../thrift-outline.ts';

/** Parquet: by its footer alone, in one read for most files. */
export const parquetClassifier: Classifier = { format: 'parquet', named: /\.(parquet|parq|pq)$/i, classify };

/** Most footers fit. */
const TAIL_BYTES = 128 * 1024;
/** Longer lists of row groups are not read for what they say about columns. */
const MAX_STATS_BYTES = 8 * 1024 * 1024;
const MAGIC = 'PAR1';
const ENCRYPTED = 'PARE';

async function classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined> {
  const named = /\.(parquet|parq|pq)$/i.test(source.path);
  if (!named && (await firstBytes(source, limits)) !== MAGIC) return undefined;
  const tail = await source.read(Math.max(0, source.size - TAIL_BYTES), source.size);
  const end = Buffer.from(tail.buffer, tail.byteOffset, tail.byteLength);
  const magic = end.subarray(-4).toString('latin1');
  if (magic === ENCRYPTED)
    throw new TenonError('UNSUPPORTED', `${source.path} has an encrypted footer. Supported is Parquet without one.`, {
      path: source.path,
    });
  if (magic !== MAGIC || source.size < 12)
    return (await isOther(source, named, limits)) ? undefined : refuse(source, 'is cut off: it has no Parquet footer at its end');
  const length = end.readUInt32LE(end.length - 8) + 8;
  if (length > source.size - 4) return refuse(source, 'has a Parquet footer that says it is longer than the file');
  if (length > limits.footerBytes) {
    throw new TenonError(
      'LIMIT',
      `${source.path} has a footer of ${length} bytes; ${limits.footerBytes} are the limit (footerBytes).`,
      { path: source.path, limit: 'footerBytes' },
    );
  }
  const footer = length <= end.length ? end : await source.read(source.size - length, source.size);
  const { metadata, groups } = parse(source, footer, limits);
  const columns = parquetColumns(source.path, metadata.schema, limits);
  const told = limits.columnStats && groups.end - groups.start <= MAX_STATS_BYTES;
  const facts = told ? parquetFacts(footer, groups.start, metadata, columns) : undefined;
  return { format: { name: 'parquet' }, columns, rows: metadata.num_rows, ...(facts !== undefined && { facts }), confidence: 1 };
}

/** A file that is only named so: it begins differently, and another classifier may know it. */
async function isOther(source: ByteSource, named: boolean, limits: ClassifyLimits): Promise<boolean> {
  return named && source.size >= 4 && (await firstBytes(source, limits)) !== MAGIC;
}

/** From the head that the other classifiers look at as well, so that it is one read for all. */
async function firstBytes(source: ByteSource, limits: ClassifyLimits): Promise<string> {
  const head = await source.read(0, Math.min(limits.sampleBytes, source.size));
  return Buffer.from(head.subarray(0, MAGIC.length)).toString('latin1');
}

/** The footer is bytes from anywhere: whatever the parser stumbles over is the file's fault. */
function parse(source: ByteSource, footer: Uint8Array, limits: ClassifyLimits): { metadata: FileMetaData; groups: Place } {
  try {
    const { bytes, groups } = essence(source, footer, limits);
    const metadata = parquetMetadata(bytes, { geoparquet: false });
    if (metadata.num_rows < 0n || metadata.num_rows > MAX_ROWS || metadata.schema.length === 0)
      throw new Error('no rows or no schema');
    return { metadata, groups };
  } catch (cause) {
    if (cause instanceof TenonError) throw cause;
    throw new TenonError('DATA_UNREADABLE', `${source.path} has a broken Parquet footer.`, { path: source.path }, { cause });
  }
}

type Place = Pick<NonNullable<ReturnType<Outline['fields']['get']>>, 'start' | 'end'>;

const SCHEMA = 2;
const ROWS = 3;
const ROW_GROUPS = 4;
/** A field that is the next one, a list; of no structs; the end of the message. */
const NO_ROW_GROUPS = [0x19, 0x0c, 0x00];
/** Lists and maps need up to four elements of a schema for one column. */
const ELEMENTS_PER_COLUMN = 4;

/**
 * The footer without its row groups, which may be a hundred thousand and say nothing about columns. They are only walked
 * through, as a reader will stumble over what is broken in them; `groups` is where they stand in the footer.
 */
function essence(source: ByteSource, footer: Uint8Array, limits: ClassifyLimits): { bytes: Uint8Array; groups: Place } {
  const end = footer.length - 8;
  const start = end - Buffer.from(footer.buffer, footer.byteOffset, footer.length).readUInt32LE(end);
  const { fields, plain } = outlineThrift(footer, start, end);
  const elements = fields.get(SCHEMA)?.items ?? 0;
  if (elements > limits.columns * ELEMENTS_PER_COLUMN) {
    const message = `${source.path} has a schema of ${elements} elements, too many for ${limits.columns} columns (columns).`;
    throw new TenonError('LIMIT', message, { path: source.path, limit: 'columns' });
  }
  const upTo = fields.get(ROWS)?.end;
  const groups = fields.get(ROW_GROUPS);
  if (upTo === undefined || !fields.has(SCHEMA) || groups === undefined) throw new Error('a field is missing');
  if (!plain || [...fields.keys()].indexOf(ROWS) !== 2) return { bytes: Uint8Array.from(footer), groups };
  const length = upTo - start + NO_ROW_GROUPS.length;
  const short = Buffer.concat([
    footer.subarray(start, upTo),
    Uint8Array.from(NO_ROW_GROUPS),
    Buffer.alloc(4),
    Buffer.from(MAGIC),
  ]);
  short.writeUInt32LE(length, length);
  return { bytes: Uint8Array.from(short), groups };
}

function refuse(source: ByteSource, what: string): never {
  throw new TenonError('DATA_UNREADABLE', `${source.path} ${what}.`, { path: source.path });
}
