import { foldName } from './names.ts';
import type { Column } from './schema.ts';
import { MAX_DECIMAL_PRECISION, sameType, simple, type ColumnType, type SimpleKind, type StructField } from './types.ts';

/** Decimal digits that hold every value of an integer type, narrowest first: their order is the order of widening. */
const INTEGER_DIGITS = new Map<string, number>([
  ['tinyint', 3],
  ['smallint', 5],
  ['int', 10],
  ['bigint', 19],
]);

/**
 * The narrowest type that takes the values of both, along integers → decimal → double and date → timestamp; field by
 * field in structs, element by element in arrays and maps; else string. The order of the arguments, and of a fold over
 * many, changes nothing but the order of struct fields. Numbers stay numbers: a bigint or a long decimal that meets a
 * double becomes a double, the one step that may cost digits. `isWidening` is false for it.
 */
export function unionType(a: ColumnType, b: ColumnType): ColumnType {
  if (sameType(a, b)) return a;
  if (a.kind === 'array' && b.kind === 'array') return { kind: 'array', element: unionType(a.element, b.element) };
  if (a.kind === 'map' && b.kind === 'map') {
    return { kind: 'map', key: unionType(a.key, b.key), value: unionType(a.value, b.value) };
  }
  if (a.kind === 'struct' && b.kind === 'struct') return { kind: 'struct', fields: unionFields([...a.fields, ...b.fields]) };
  return unionNumbers(a, b) ?? unionTimes(a, b) ?? simple('string');
}

/** True when every value of `from` is exactly a value of `to` and compares the same, so that who read `from` can go on. */
export function isWidening(from: ColumnType, to: ColumnType): boolean {
  if (sameType(from, to)) return true;
  if (from.kind === 'array' && to.kind === 'array') return isWidening(from.element, to.element);
  if (from.kind === 'map' && to.kind === 'map') return isWidening(from.key, to.key) && isWidening(from.value, to.value);
  if (from.kind === 'struct' && to.kind === 'struct') return isWideningStruct(from.fields, to.fields);
  if (from.kind === 'date') return to.kind === 'timestamp';
  if (from.kind === 'float') return to.kind === 'double';
  const number = exactNumber(from);
  if (number === undefined) return false;
  // A float keeps 6 decimal digits exactly and a double 15; of the integers, smallint and int are the last that fit.
  if (to.kind === 'float') return number.scale === 0 && number.digits <= 6;
  if (to.kind === 'double') return number.scale === 0 && number.digits <= 15;
  return isWideningNumber(from, to);
}

/** Columns of many files as one list: in order of first appearance, by name whatever its case, with the union of the types. */
export function unionColumns(lists: readonly (readonly Column[])[]): Column[] {
  const columns = new Map<string, Column>();
  for (const list of lists) {
    for (const column of list) {
      const name = foldName(column.name);
      const known = columns.get(name);
      columns.set(name, known === undefined ? column : unionColumn(known, column));
    }
  }
  return [...columns.values()];
}

function unionColumn(a: Column, b: Column): Column {
  const comment = a.comment ?? b.comment;
  return {
    name: a.name,
    type: unionType(a.type, b.type),
    ...(a.nullable === false && b.nullable === false && { nullable: false }),
    // Two files may declare one column differently; the source's own text is kept only where all agree.
    ...(a.sourceType !== undefined && a.sourceType === b.sourceType && { sourceType: a.sourceType }),
    ...(comment !== undefined && { comment }),
  };
}

function unionFields(fields: readonly StructField[]): StructField[] {
  const byName = new Map<string, StructField>();
  for (const field of fields) {
    const name = foldName(field.name);
    const known = byName.get(name);
    byName.set(name, known === undefined ? field : { name: known.name, type: unionType(known.type, field.type) });
  }
  return [...byName.values()];
}

function unionNumbers(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (!isNumber(a) || !isNumber(b)) return undefined;
  const left = exactNumber(a);
  const right = exactNumber(b);
  if (left === undefined || right === undefined) {
    return isWidening(a, simple('float')) && isWidening(b, simple('float')) ? simple('float') : simple('double');
  }
  if (a.kind !== 'decimal' && b.kind !== 'decimal') return left.digits > right.digits ? a : b;
  const scale = Math.max(left.scale, right.scale);
  const precision = Math.max(left.digits - left.scale, right.digits - right.scale) + scale;
  return precision > MAX_DECIMAL_PRECISION ? simple('double') : { kind: 'decimal', precision, scale };
}

function unionTimes(a: ColumnType, b: ColumnType): ColumnType | undefined {
  const kinds = new Set<string>([a.kind, b.kind]);
  return kinds.has('date') && kinds.has('timestamp') ? simple('timestamp' satisfies SimpleKind) : undefined;
}

function isNumber(type: ColumnType): boolean {
  return type.kind === 'float' || type.kind === 'double' || exactNumber(type) !== undefined;
}

/** Digits in all and behind the point, for types whose values are exact; else undefined. */
function exactNumber(type: ColumnType): { digits: number; scale: number } | undefined {
  if (type.kind === 'decimal') return { digits: type.precision, scale: type.scale };
  const digits = INTEGER_DIGITS.get(type.kind);
  return digits === undefined ? undefined : { digits, scale: 0 };
}

function isWideningNumber(from: ColumnType, to: ColumnType): boolean {
  const left = exactNumber(from);
  const right = exactNumber(to);
  if (left === undefined || right === undefined) return false;
  // decimal(10,0) has more values than int, though as many digits.
  if (from.kind === 'decimal' && to.kind !== 'decimal') return left.scale === 0 && left.digits < right.digits;
  return right.scale >= left.scale && right.digits - right.scale >= left.digits - left.scale;
}

function isWideningStruct(from: readonly StructField[], to: readonly StructField[]): boolean {
  const targets = new Map(to.map((field) => [foldName(field.name), field.type]));
  return from.every((field) => {
    const target = targets.get(foldName(field.name));
    return target !== undefined && isWidening(field.type, target);
  });
}
