import { MAX_DECIMAL_PRECISION, MAX_TYPE_DEPTH, simple, type ColumnType, type SimpleKind } from '../src/model/types.ts';

/** A row of `pg_type`, with the fields of a composite type. */
export interface PgType {
  readonly oid: number;
  readonly name: string;
  /** Whether it is one of Postgres' own; an extension may have a type of the same name. */
  readonly builtin: boolean;
  /** `b` base, `c` composite, `d` domain, `e` enum, `r` range, `m` multirange, `p` pseudo. */
  readonly kind: string;
  /** The element's type where it is a true array, else 0. */
  readonly element: number;
  /** What a domain is made of. */
  readonly base: number;
  readonly baseModifier: number;
  /** As Postgres writes the type, and what a domain is made of. */
  readonly text: string;
  readonly baseText: string | null;
  /** Of an enum, in its order. */
  readonly labels: readonly string[];
  /** Of a domain: `CHECK ((VALUE > 0))`. */
  readonly checks: readonly string[];
  readonly fields: readonly { readonly name: string; readonly type: number; readonly modifier: number }[];
}

/** As in Postgres itself. */
const MAX_DIMENSIONS = 6;

const SIMPLE: Readonly<Record<string, SimpleKind>> = {
  bool: 'boolean',
  int2: 'smallint',
  int4: 'int',
  int8: 'bigint',
  oid: 'bigint',
  float4: 'float',
  float8: 'double',
  bytea: 'binary',
  date: 'date',
  timestamp: 'timestamp',
  timestamptz: 'timestamptz',
};

/**
 * The catalog's type for a type of Postgres. Only what holds every value exactly is used; all else is a string of what
 * Postgres writes, and `sourceType` says what it was: uuid, json, enums, intervals, times of day, ranges, networks, money.
 *
 * - `numeric(p,s)` is a decimal while it fits 38 digits. `numeric` alone has up to 131,072 digits before the point and
 *   16,383 after it: a string, since any decimal would lose some of them.
 * - Arrays have as many dimensions as they were declared with, which Postgres writes down but holds nobody to.
 * - A domain is what it is made of. A composite type is a struct; one without fields is a string.
 */
function columnType(types: ReadonlyMap<number, PgType>, oid: number, modifier: number, depth = 0): ColumnType {
  const type = types.get(oid);
  if (type === undefined || depth >= MAX_TYPE_DEPTH) return simple('string');
  if (type.element !== 0) return { kind: 'array', element: columnType(types, type.element, modifier, depth + 1) };
  if (type.kind === 'd') {
    return columnType(types, type.base, type.baseModifier, depth + 1);
  }
  if (type.kind === 'c' && type.fields.length > 0) {
    const fields = type.fields.map((field) => ({
      name: field.name,
      type: columnType(types, field.type, field.modifier, depth + 1),
    }));
    return { kind: 'struct', fields };
  }
  if (!type.builtin || type.kind !== 'b') return simple('string');
  if (type.name === 'numeric') return decimal(modifier);
  return simple(SIMPLE[type.name] ?? 'string');
}

/** A column's type, with the dimensions that it was declared with. */
export function columnTypeOf(
  types: ReadonlyMap<number, PgType>,
  { type, modifier, dimensions }: { readonly type: number; readonly modifier: number; readonly dimensions: number },
): ColumnType {
  const one = columnType(types, type, modifier);
  if (one.kind !== 'array') return one;
  let nested: ColumnType = one;
  for (let i = 1; i < Math.min(dimensions, MAX_DIMENSIONS); i++) nested = { kind: 'array', element: nested };
  return nested;
}

/** The types that a column is made of, each once: enums and domains in arrays and composite types too. */
export function typesWithin(types: ReadonlyMap<number, PgType>, oid: number, found = new Set<PgType>()): ReadonlySet<PgType> {
  const type = types.get(oid);
  if (type === undefined || found.has(type)) return found;
  found.add(type);
  for (const inner of [type.element, type.base, ...type.fields.map((field) => field.type)]) typesWithin(types, inner, found);
  return found;
}

/** The modifier packs precision and scale; since version 15 the scale may be negative, or larger than the precision. */
function decimal(modifier: number): ColumnType {
  if (modifier < 4) return simple('string');
  const precision = ((modifier - 4) >> 16) & 0xffff;
  const scale = (((modifier - 4) & 0x7ff) ^ 1024) - 1024;
  const digits = scale < 0 ? precision - scale : Math.max(precision, scale);
  if (digits > MAX_DECIMAL_PRECISION) return simple('string');
  return { kind: 'decimal', precision: digits, scale: Math.max(scale, 0) };
}
