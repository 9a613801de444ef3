import { MAX_STATS_COLUMNS, type ColumnFacts } from '../model/partition-stats.ts';
import type { Column } from '../model/schema.ts';
import { topTypes, type TopType } from './orc-types.ts';
import { bytesOf, numberOf, numbersOf, readMessage, signedOf, type WireValue } from './protobuf.ts';
import { dateText, decimalText, floatText, stringText, timeText } from './stats-text.ts';

type Fields = Map<number, WireValue[]>;
type Bounds = { readonly min?: string; readonly max?: string };

/** Numbers of the fields in ORC's messages. */
const STATISTICS = 7;
const ENCRYPTION = 10;
const CALENDAR = 11;
const VALUES = 1;
const INTEGERS = 2;
const DOUBLES = 3;
const STRINGS = 4;
const BUCKETS = 5;
const DECIMALS = 6;
const DATES = 7;
const TIMES = 9;
/** Of the statistics of a kind. */
const MIN = 1;
const MAX = 2;
const SUM = 3;
const MIN_UTC = 3;
const MAX_UTC = 4;
const MIN_NANOS = 5;
const MAX_NANOS = 6;

/** What is told of one column; most take less than a hundred, and texts that are longer are not kept anyway. */
const MAX_BYTES = 16 * 1024;
/** Writers before the first fix of theirs told wrong ends of files, and of texts in an order of their own. */
const FIRST_RIGHT_WRITER = 1;
const PROLEPTIC = 2;
/** The first day on which all calendars agree. */
const GREGORIAN = BigInt(Date.parse('1582-10-15') / 86_400_000);

/**
 * What a footer says about the columns of its file. Only what is sure: nothing where columns are encrypted, or where the list
 * is not that of all columns and all rows.
 */
export function orcFacts(
  footer: Fields,
  rows: number,
  columns: readonly Column[],
  writerVersion: number,
): ColumnFacts[] | undefined {
  const statistics = footer.get(STATISTICS) ?? [];
  const [root] = statistics;
  if (root === undefined || footer.has(ENCRYPTION) || statistics.length !== footer.get(4)?.length) return undefined;
  if (numberOf(readMessage(bytesOf(root)), VALUES) !== rows) return undefined;
  const isProleptic = numberOf(footer, CALENDAR) === PROLEPTIC;
  const isRight = writerVersion >= FIRST_RIGHT_WRITER;
  return topTypes(footer)
    .slice(0, MAX_STATS_COLUMNS)
    .flatMap((type, i): ColumnFacts[] => {
      const column = columns[i];
      const bytes = bytesOf(statistics[type.index] ?? new Uint8Array());
      if (column === undefined || bytes.length > MAX_BYTES || !type.isSimple || column.name.includes('\0')) return [];
      const fields = readMessage(bytes);
      const values = numberOf(fields, VALUES);
      if (values === undefined || values > rows) return [];
      const told = { name: column.name, type: column.type, nulls: rows - values };
      if (values === 0) return [{ ...told, empty: true }];
      return [{ ...told, ...(isRight && boundsOf(fields, type, column, values, isProleptic)) }];
    });
}

function boundsOf(fields: Fields, type: TopType, column: Column, values: number, isProleptic: boolean): Bounds {
  switch (column.type.kind) {
    case 'boolean':
      return ofBooleans(messageAt(fields, BUCKETS), values);
    case 'tinyint':
    case 'smallint':
    case 'int':
    case 'bigint':
      return ofIntegers(bytesAt(fields, INTEGERS), column.type.kind);
    case 'float':
    case 'double':
      // Decimals that are none of ours have another message.
      return ofDoubles(messageAt(fields, DOUBLES), column.type.kind === 'float');
    case 'decimal':
      return ofDecimals(messageAt(fields, DECIMALS), column.type);
    case 'date':
      return ofDates(bytesAt(fields, DATES), isProleptic);
    case 'timestamp':
    case 'timestamptz':
      return ofTimes(bytesAt(fields, TIMES), column.type.kind === 'timestamptz');
    case 'string':
      return type.isPadded ? {} : ofStrings(messageAt(fields, STRINGS));
    default:
      return {};
  }
}

function bytesAt(fields: Fields, field: number): Uint8Array {
  const value = fields.get(field)?.at(-1);
  return value === undefined ? new Uint8Array() : bytesOf(value);
}

function messageAt(fields: Fields, field: number): Fields {
  return readMessage(bytesAt(fields, field));
}

/** What there is of both ends. */
function bounds(min: string | undefined, max: string | undefined): Bounds {
  return { ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

/** How many were true. */
function ofBooleans(fields: Fields, values: number): Bounds {
  const [trues] = numbersOf(fields.get(1) ?? []);
  if (trues === undefined || trues > values) return {};
  return { min: String(trues === values), max: String(trues > 0) };
}

const BITS = { tinyint: 8, smallint: 16, int: 32, bigint: 64 } as const;

function ofIntegers(message: Uint8Array, kind: keyof typeof BITS): Bounds {
  const text = (field: number): string | undefined => {
    const value = signedOf(message, field);
    return value === undefined || BigInt.asIntN(BITS[kind], value) !== value ? undefined : String(value);
  };
  return bounds(text(MIN), text(MAX));
}

/** Where one of the values was NaN, and then the sum is, some writers lose others when they put stripes together. */
function ofDoubles(fields: Fields, single: boolean): Bounds {
  const number = (field: number): number => {
    const bytes = fields.get(field)?.at(-1);
    return bytes instanceof Uint8Array && bytes.length === 8 ? Buffer.from(bytes).readDoubleLE() : Number.NaN;
  };
  const text = (field: number): string | undefined => {
    const value = number(field);
    return single && Math.fround(value) !== value ? undefined : floatText(value, single);
  };
  return Number.isNaN(number(SUM)) ? {} : bounds(text(MIN), text(MAX));
}

/** The ends are fields of their own; those of texts that were cut have others. */
function ofStrings(fields: Fields): Bounds {
  const text = (field: number): string | undefined => {
    const bytes = fields.get(field)?.at(-1);
    return bytes instanceof Uint8Array ? stringText(bytes) : undefined;
  };
  return bounds(text(MIN), text(MAX));
}

function ofDecimals(fields: Fields, type: { readonly precision: number; readonly scale: number }): Bounds {
  const text = (field: number): string | undefined => {
    const bytes = fields.get(field)?.at(-1);
    const written = bytes instanceof Uint8Array ? stringText(bytes) : undefined;
    const match = /^(-?)(\d+)(?:\.(\d*?)0*)?$/.exec(written ?? '');
    const [, sign = '', whole = '', fraction = ''] = match ?? [];
    if (match === null || fraction.length > type.scale) return undefined;
    const digits = `${whole}${fraction.padEnd(type.scale, '0')}`.replace(/^0+(?=\d)/, '');
    return digits.length > type.precision ? undefined : decimalText(BigInt(`${sign}${digits}`), type.scale);
  };
  return bounds(text(MIN), text(MAX));
}

function ofDates(message: Uint8Array, isProleptic: boolean): Bounds {
  const text = (field: number): string | undefined => {
    const days = signedOf(message, field);
    return days === undefined || (days < GREGORIAN && !isProleptic) ? undefined : dateText(days);
  };
  return bounds(text(MIN), text(MAX));
}

/**
 * Milliseconds in UTC, and how many nanoseconds each end has within its own, by one too many. None means zero at the least
 * value and all of them at the greatest one, or a writer that did not know: so an end is only sure where one of both is told.
 * Before 1970 the writer in C++ tells a millisecond too much.
 */
function ofTimes(message: Uint8Array, isInstant: boolean): Bounds {
  const fields = readMessage(message);
  const [least, greatest] = [nanosAt(fields, MIN_NANOS), nanosAt(fields, MAX_NANOS)];
  if (least === undefined && greatest === undefined) return {};
  const text = (field: number, nanos: number): string | undefined => {
    const millis = signedOf(message, field);
    if (millis === undefined || millis < 0n) return undefined;
    return timeText(millis * 1_000_000n + BigInt(nanos), 1_000_000_000n, isInstant);
  };
  return bounds(text(MIN_UTC, least ?? 0), text(MAX_UTC, greatest ?? 999_999));
}

function nanosAt(fields: Fields, field: number): number | undefined {
  const value = numberOf(fields, field);
  return value === undefined || value < 1 || value > 1_000_000 ? undefined : value - 1;
}
