import type { FileMetaData, SchemaElement } from 'hyparquet';
import { MAX_STATS_COLUMNS, mergeFacts, type ColumnFacts } from '../model/partition-stats.ts';
import { MAX_ROWS } from './classifier.ts';
import type { Column } from '../model/schema.ts';
import { dateText, decimalText, floatText, stringText, timeText } from './stats-text.ts';
import { ThriftReader, type ThriftStruct, type ThriftValue } from './thrift-reader.ts';

/** A column on top of the schema that holds simple values, with its place among the chunks of a row group. */
interface Leaf {
  readonly chunk: number;
  readonly element: SchemaElement;
  readonly column: Column;
}

/** Numbers of the fields in Parquet's messages. */
const COLUMNS = 1;
const ROWS = 3;
const METADATA = 3;
const PATH = 3;
const VALUES = 5;
const STATISTICS = 12;
const NULLS = 3;
/** `old` ones were compared as signed numbers by some writers, whatever they are. */
const BOUNDS = { max: { field: 5, exact: 7, old: 1 }, min: { field: 6, exact: 8, old: 2 } } as const;

/**
 * What the row groups of a footer say about its columns; `at` is where their list begins as a field. Only of what all of them
 * tell; undefined where they are not all of the file. hyparquet would read decimals as floating point, and all row groups at once.
 */
export function parquetFacts(
  footer: Uint8Array,
  at: number,
  { schema, num_rows: rows }: Pick<FileMetaData, 'schema' | 'num_rows'>,
  columns: readonly Column[],
): ColumnFacts[] | undefined {
  const leaves = topLeaves(schema, columns);
  let facts: ColumnFacts[] | undefined;
  let counted = 0;
  for (const group of new ThriftReader(footer, at).structs()) {
    const some = group.get(ROWS);
    counted += typeof some === 'number' ? some : Number.NaN;
    const chunks = listOf(group.get(COLUMNS));
    const more = leaves.flatMap((leaf) => factsOf(leaf, chunks[leaf.chunk]) ?? []);
    facts = facts === undefined ? more : mergeFacts(facts, more);
  }
  // Row groups that are not all of the rows say nothing about the others.
  if (BigInt(Number.isSafeInteger(counted) ? counted : -1) !== rows) return undefined;
  return facts ?? leaves.map(({ column: { name, type } }) => ({ name, type, nulls: 0, empty: true }));
}

function topLeaves(schema: readonly SchemaElement[], columns: readonly Column[]): Leaf[] {
  const leaves: Leaf[] = [];
  let at = 1;
  let chunk = 0;
  for (const column of columns) {
    const element = schema[at];
    if (element === undefined || leaves.length >= MAX_STATS_COLUMNS) break;
    const isSimple = (element.num_children ?? 0) === 0 && element.repetition_type !== 'REPEATED';
    if (isSimple && !column.name.includes('\0')) leaves.push({ chunk, element, column });
    for (let open = 1; open > 0 && at < schema.length; at += 1) {
      const children = schema[at]?.num_children ?? 0;
      if (children === 0) chunk += 1;
      open += children - 1;
    }
  }
  return leaves;
}

function factsOf({ element, column }: Leaf, chunk: ThriftValue | undefined): ColumnFacts | undefined {
  const metadata = structOf(structOf(chunk)?.get(METADATA));
  const statistics = structOf(metadata?.get(STATISTICS));
  if (metadata === undefined || statistics === undefined || !isOf(element, metadata)) return undefined;
  const nulls = statistics.get(NULLS);
  const { name, type } = column;
  if (typeof nulls === 'number' && nulls === metadata.get(VALUES) && nulls >= 0 && nulls <= MAX_ROWS)
    return { name, type, nulls, empty: true };
  const min = bound(element, column, statistics, 'min');
  const max = bound(element, column, statistics, 'max');
  return {
    name,
    type,
    ...(min !== undefined && { min }),
    ...(max !== undefined && { max }),
    ...(typeof nulls === 'number' && nulls >= 0 && nulls <= MAX_ROWS && { nulls }),
  };
}

function isOf({ name }: SchemaElement, metadata: ThriftStruct): boolean {
  const [first, ...more] = listOf(metadata.get(PATH));
  return more.length === 0 && first instanceof Uint8Array && new TextDecoder().decode(first) === name;
}

function bound(element: SchemaElement, column: Column, statistics: ThriftStruct, which: 'min' | 'max'): string | undefined {
  const { field, exact, old } = BOUNDS[which];
  const value = statistics.get(field);
  if (value instanceof Uint8Array) return statistics.get(exact) === false ? undefined : textOf(element, column, value);
  const former = statistics.get(old);
  return former instanceof Uint8Array && isSigned(element, column) ? textOf(element, column, former) : undefined;
}

function isSigned({ type }: SchemaElement, { sourceType }: Column): boolean {
  return type !== 'BYTE_ARRAY' && type !== 'FIXED_LEN_BYTE_ARRAY' && sourceType?.startsWith('UINT') !== true;
}

/** Undefined for what has no order (INT96), no spelling (binary, times of day), or is NaN. */
function textOf(element: SchemaElement, { type, sourceType }: Column, bytes: Uint8Array): string | undefined {
  const data = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (type.kind) {
    case 'boolean':
      return data.length === 1 ? String(data[0] === 1) : undefined;
    case 'float':
    case 'double':
      return numberText(element, data);
    case 'string':
      return element.type === 'BYTE_ARRAY' && TEXTS.has(sourceType) ? stringText(bytes) : undefined;
    default: {
      const value = integerOf(element, data, sourceType?.startsWith('UINT') === true);
      if (value === undefined) return undefined;
      if (type.kind === 'decimal') return decimalText(value, type.scale);
      if (type.kind === 'date') return dateText(value);
      if (type.kind === 'timestamp' || type.kind === 'timestamptz')
        return timeText(value, unitsPerSecond(element), type.kind === 'timestamptz');
      return INTEGERS.has(type.kind) ? String(value) : undefined;
    }
  }
}

const TEXTS: ReadonlySet<string | undefined> = new Set([undefined, 'ENUM', 'JSON']);
const INTEGERS: ReadonlySet<string> = new Set(['tinyint', 'smallint', 'int', 'bigint']);
/** A decimal of 38 digits has 16 bytes. */
const MAX_INTEGER_BYTES = 16;

function numberText({ type }: SchemaElement, data: Buffer): string | undefined {
  if (type === 'FLOAT' && data.length === 4) return floatText(data.readFloatLE(), true);
  return type === 'DOUBLE' && data.length === 8 ? floatText(data.readDoubleLE(), false) : undefined;
}

function integerOf({ type }: SchemaElement, data: Buffer, unsigned: boolean): bigint | undefined {
  if (type === 'INT32' && data.length === 4) return BigInt(unsigned ? data.readUInt32LE() : data.readInt32LE());
  if (type === 'INT64' && data.length === 8) return unsigned ? data.readBigUInt64LE() : data.readBigInt64LE();
  const isLong = type === 'BYTE_ARRAY' || type === 'FIXED_LEN_BYTE_ARRAY';
  if (!isLong || data.length === 0 || data.length > MAX_INTEGER_BYTES) return undefined;
  return BigInt.asIntN(data.length * 8, BigInt(`0x${data.toString('hex')}`));
}

function unitsPerSecond({ logical_type: logical, converted_type: converted }: SchemaElement): bigint {
  if (logical?.type === 'TIMESTAMP') return { MILLIS: 1_000n, MICROS: 1_000_000n, NANOS: 1_000_000_000n }[logical.unit];
  return converted === 'TIMESTAMP_MILLIS' ? 1_000n : 1_000_000n;
}

function structOf(value: ThriftValue | undefined): ThriftStruct | undefined {
  return value instanceof Map ? value : undefined;
}

function listOf(value: ThriftValue | undefined): readonly ThriftValue[] {
  return Array.isArray(value) ? value : [];
}
