import { MAX_DECIMAL_PRECISION, simple, type ColumnType, type SimpleKind } from '../src/model/types.ts';

const SIGNED: Readonly<Record<string, SimpleKind>> = {
  tinyint: 'tinyint',
  smallint: 'smallint',
  mediumint: 'int',
  int: 'int',
  integer: 'int',
  bigint: 'bigint',
};

const UNSIGNED: Readonly<Record<string, SimpleKind>> = {
  tinyint: 'smallint',
  smallint: 'int',
  mediumint: 'int',
  int: 'bigint',
  integer: 'bigint',
};

const SIMPLE: Readonly<Record<string, SimpleKind>> = {
  float: 'float',
  double: 'double',
  real: 'double',
  date: 'date',
  datetime: 'timestamp',
  timestamp: 'timestamptz',
  year: 'smallint',
  binary: 'binary',
  varbinary: 'binary',
  tinyblob: 'binary',
  blob: 'binary',
  mediumblob: 'binary',
  longblob: 'binary',
  geometry: 'binary',
  point: 'binary',
  linestring: 'binary',
  polygon: 'binary',
  multipoint: 'binary',
  multilinestring: 'binary',
  multipolygon: 'binary',
  geometrycollection: 'binary',
  geomcollection: 'binary',
  vector: 'binary',
};

/**
 * The catalog's type for a column of MySQL or MariaDB, `raw` being its COLUMN_TYPE. Only what holds every value exactly is
 * used; all else is a string of what the server writes, and `sourceType` says what it was: enum, set, json, time, uuid.
 *
 * - `tinyint(1)` stays a number: it holds -128 to 127, and only some programs take it for a boolean. `bit(1)` is one.
 * - `bigint unsigned` goes beyond a bigint and is a decimal of 20 digits.
 * - `datetime` is a time on the wall. `timestamp` is an instant, kept in UTC and shown in the zone of who asks.
 */
export function mysqlType(kind: string, raw: string): ColumnType {
  const word = kind.toLowerCase();
  const [, first, second = '0'] = /^[a-z ]+\((\d+)(?:,(\d+))?\)/i.exec(raw) ?? [];
  if (word in SIGNED) return integer(word, / (unsigned|zerofill)/i.test(raw));
  if (word === 'decimal' || word === 'numeric') return decimal(Number(first ?? 10), Number(second));
  if (word === 'bit') return simple((first ?? '1') === '1' ? 'boolean' : 'binary');
  return simple(SIMPLE[word] ?? 'string');
}

function integer(word: string, isUnsigned: boolean): ColumnType {
  if (!isUnsigned) return simple(SIGNED[word] ?? 'bigint');
  const kind = UNSIGNED[word];
  return kind === undefined ? { kind: 'decimal', precision: 20, scale: 0 } : simple(kind);
}

function decimal(precision: number, scale: number): ColumnType {
  return precision > MAX_DECIMAL_PRECISION ? simple('string') : { kind: 'decimal', precision, scale };
}

/** The values of `enum('a','it''s')` and `set(…)`, or undefined for another type. A backslash is an ordinary character here. */
export function enumValues(raw: string): string[] | undefined {
  const [, list] = /^(?:enum|set)\((.*)\)/is.exec(raw) ?? [];
  if (list === undefined) return undefined;
  return [...list.matchAll(/'((?:[^']|'')*)'/g)].map(([, value = '']) => value.replaceAll("''", "'"));
}
