import type { Column } from '../model/schema.ts';
import { MAX_DECIMAL_PRECISION, MAX_TYPE_DEPTH, simple, type ColumnType } from '../model/types.ts';
import { BLANK } from './blank.ts';
import { asList, asObject, asText, type Json } from './exact-json.ts';
import { unreadable } from './lake-read.ts';

/** The columns of a Delta schema. Throws DATA_UNREADABLE for what is none. */
export function deltaColumns(path: string, schema: Json): Column[] {
  return asList(asObject(schema)['fields']).map((json) => {
    const field = asObject(json);
    const name = asText(field['name']);
    if (name === undefined) throw unreadable(path, 'has a field without a name');
    const metadata = asObject(field['metadata']);
    const { type, word } = typeOf(path, field['type'], 0);
    const sourceType = asText(metadata['__CHAR_VARCHAR_TYPE_STRING']) ?? word;
    const comment = asText(metadata['comment']);
    return {
      name,
      type,
      ...(field['nullable'] === false && { nullable: false }),
      ...(sourceType !== undefined && { sourceType }),
      ...(comment !== undefined && comment !== '' && { comment }),
    };
  });
}

const SIMPLE: Readonly<Record<string, ColumnType>> = {
  string: simple('string'),
  long: simple('bigint'),
  integer: simple('int'),
  short: simple('smallint'),
  byte: simple('tinyint'),
  float: simple('float'),
  double: simple('double'),
  boolean: simple('boolean'),
  binary: simple('binary'),
  date: simple('date'),
  timestamp: simple('timestamptz'),
  timestamp_ntz: simple('timestamp'),
};

/** `word` is Delta's own, where ours says less. */
function typeOf(path: string, json: Json | undefined, depth: number): { type: ColumnType; word?: string } {
  if (depth > MAX_TYPE_DEPTH) throw unreadable(path, 'has a type that is nested too deep');
  if (typeof json === 'string') return namedType(path, json);
  const type = asObject(json);
  const inner = (part: Json | undefined): ColumnType => typeOf(path, part, depth + 1).type;
  switch (type['type']) {
    case 'array':
      return { type: { kind: 'array', element: inner(type['elementType']) } };
    case 'map':
      return { type: { kind: 'map', key: inner(type['keyType']), value: inner(type['valueType']) } };
    case 'struct':
      return {
        type: {
          kind: 'struct',
          fields: asList(type['fields']).map((field) => ({
            name: asText(asObject(field)['name']) ?? '',
            type: inner(asObject(field)['type']),
          })),
        },
      };
    default:
      throw unreadable(path, 'has a type that is not known');
  }
}

function namedType(path: string, name: string): { type: ColumnType; word?: string } {
  const known = SIMPLE[name];
  if (known !== undefined) return { type: known };
  const decimal = /^decimal(?:\((\d+), *(-?\d+)\))?$/.exec(name);
  if (decimal !== null) {
    const [precision, scale] = [Number(decimal[1] ?? 10), Number(decimal[2] ?? 0)];
    if (precision >= 1 && precision <= MAX_DECIMAL_PRECISION && scale >= 0 && scale <= precision)
      return { type: { kind: 'decimal', precision, scale } };
  }
  if (name === 'void' || name === 'null') return { type: simple('string'), word: BLANK };
  if (/^[a-z][a-z0-9_ (),]*$/i.test(name)) return { type: simple('string'), word: name };
  throw unreadable(path, `has a type «${name.slice(0, 100)}» that is not known`);
}
