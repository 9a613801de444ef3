import { MAX_DECIMAL_PRECISION, MAX_TYPE_DEPTH, type ColumnType } from '../model/types.ts';
import { asList, asObject, asText, type Json } from './exact-json.ts';
import { unreadable } from './lake-read.ts';

export interface LakeType {
  readonly type: ColumnType;
  /** The format's own word, where ours says less. */
  readonly word?: string;
}

/** How Delta and Iceberg differ in writing types as JSON. */
export interface LakeTypes {
  /** The words for an array's kind, its element, and a map's key and value. */
  readonly words: { readonly array: string; readonly element: string; readonly key: string; readonly value: string };
  /** The type that a text names; undefined for none that is known. */
  named(name: string): LakeType | undefined;
}

/** Throws DATA_UNREADABLE for what is no type. */
export function lakeType(path: string, json: Json | undefined, types: LakeTypes, depth = 0): LakeType {
  if (depth > MAX_TYPE_DEPTH) throw unreadable(path, 'has a type that is nested too deep');
  if (typeof json === 'string') {
    const named = types.named(json);
    if (named === undefined) throw unreadable(path, `has a type «${json.slice(0, 100)}» that is not known`);
    return named;
  }
  const { words } = types;
  const type = asObject(json);
  const inner = (part: Json | undefined): ColumnType => lakeType(path, part, types, depth + 1).type;
  switch (type['type']) {
    case words.array:
      return { type: { kind: 'array', element: inner(type[words.element]) } };
    case 'map':
      return { type: { kind: 'map', key: inner(type[words.key]), value: inner(type[words.value]) } };
    case 'struct': {
      const fields = asList(type['fields']).map((field) => ({
        name: asText(asObject(field)['name']) ?? '',
        type: inner(asObject(field)['type']),
      }));
      return { type: { kind: 'struct', fields } };
    }
    default:
      throw unreadable(path, 'has a type that is not known');
  }
}

/** Undefined where it is out of bounds. */
export function decimalType(precision: number, scale: number): LakeType | undefined {
  if (precision < 1 || precision > MAX_DECIMAL_PRECISION || scale < 0 || scale > precision) return undefined;
  return { type: { kind: 'decimal', precision, scale } };
}
