import { foldName } from '../src/model/names.ts';
import { unionType } from '../src/model/type-union.ts';
import { simple, type ColumnType, type StructField } from '../src/model/types.ts';

/** Stands where nothing was seen that tells more: the fields of an empty map, the elements of an empty list. */
export const NOTHING: ColumnType = { kind: 'struct', fields: [] };

/** What has more different fields than this, one value and another together, is a dictionary. */
const MAX_FIELDS = 200;

const NUMBERS = new Set(['bigint', 'decimal', 'double']);

/**
 * One type for two of one nature (two numbers, two lists, two maps), whichever comes first; undefined where a column would
 * have to become text.
 */
export function unify(a: ColumnType, b: ColumnType): ColumnType | undefined {
  if (isNothing(a)) return b.kind === 'struct' || b.kind === 'map' ? b : undefined;
  if (isNothing(b)) return unify(b, a);
  if (NUMBERS.has(a.kind) && NUMBERS.has(b.kind)) return unionType(a, b);
  if (a.kind === 'array' && b.kind === 'array') return { kind: 'array', element: unifyOrText(a.element, b.element) };
  if (a.kind === 'struct' && b.kind === 'struct' && a.fields.length + b.fields.length <= 2 * MAX_FIELDS) {
    const fields = unifyFields([...a.fields, ...b.fields]);
    if (fields.length <= MAX_FIELDS) return { kind: 'struct', fields };
  }
  const [valueOfA, valueOfB] = [mapValue(a), mapValue(b)];
  if (valueOfA !== undefined && valueOfB !== undefined) return mapOf(unifyOrText(valueOfA, valueOfB));
  return a.kind === b.kind ? a : undefined;
}

/** The same for what is inside of something, where anything may stand for «nothing yet». */
export function unifyOrText(a: ColumnType, b: ColumnType): ColumnType {
  if (isNothing(a)) return b;
  if (isNothing(b)) return a;
  return unify(a, b) ?? simple('string');
}

/** In the order of their names, so that no sample's order shows. */
function unifyFields(fields: readonly StructField[]): StructField[] {
  const byName = new Map<string, StructField>();
  for (const { name, type } of fields) {
    const known = byName.get(foldName(name));
    const first = known === undefined || name < known.name ? name : known.name;
    byName.set(foldName(name), { name: first, type: known === undefined ? type : unifyOrText(known.type, type) });
  }
  return [...byName.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, field]) => field);
}

export function structOf(fields: readonly StructField[]): ColumnType {
  return { kind: 'struct', fields: unifyFields(fields) };
}

export function mapOf(value: ColumnType): ColumnType {
  return { kind: 'map', key: simple('string'), value };
}

/** Of a map its value's type, of a struct the one that all of its fields have. */
function mapValue(type: ColumnType): ColumnType | undefined {
  if (type.kind === 'map') return type.value;
  if (type.kind !== 'struct') return undefined;
  return type.fields.map((field) => field.type).reduce(unifyOrText, NOTHING);
}

function isNothing(type: ColumnType): boolean {
  return type.kind === 'struct' && type.fields.length === 0;
}

/** As a column may have it: with text where nothing is known. */
export function settled(type: ColumnType): ColumnType {
  if (type.kind === 'array')
    return { kind: 'array', element: isNothing(type.element) ? simple('string') : settled(type.element) };
  if (type.kind === 'map') return mapOf(isNothing(type.value) ? simple('string') : settled(type.value));
  if (type.kind !== 'struct') return type;
  if (type.fields.length === 0) return mapOf(simple('string'));
  return { kind: 'struct', fields: type.fields.map((field) => ({ name: field.name, type: settled(field.type) })) };
}
