import type { Column } from '../model/schema.ts';
import { MAX_DECIMAL_PRECISION, MAX_TYPE_DEPTH, simple, type ColumnType } from '../model/types.ts';
import { BLANK } from './blank.ts';
import { asList, asObject, asText, type Json } from './exact-json.ts';
import { unreadable } from './lake-read.ts';

/** The columns of an Iceberg schema. Throws DATA_UNREADABLE for what is none. */
export function icebergColumns(path: string, schema: Json | undefined): Column[] {
  return asList(asObject(schema)['fields']).map((json) => {
    const field = asObject(json);
    const name = asText(field['name']);
    if (name === undefined) throw unreadable(path, 'has a field without a name');
    const { type, word } = typeOf(path, field['type'], 0);
    const comment = asText(field['doc']);
    return {
      name,
      type,
      ...(field['required'] === true && { nullable: false }),
      ...(word !== undefined && { sourceType: word }),
      ...(comment !== undefined && comment !== '' && { comment }),
    };
  });
}

interface Typed {
  readonly type: ColumnType;
  /** Iceberg's own word, where ours says less. */
  readonly word?: string;
}

const SIMPLE: Readonly<Record<string, Typed>> = {
  boolean: { type: simple('boolean') },
  int: { type: simple('int') },
  long: { type: simple('bigint') },
  float: { type: simple('float') },
  double: { type: simple('double') },
  date: { type: simple('date') },
  time: { type: simple('string'), word: 'time' },
  timestamp: { type: simple('timestamp') },
  timestamptz: { type: simple('timestamptz') },
  timestamp_ns: { type: simple('timestamp'), word: 'timestamp_ns' },
  timestamptz_ns: { type: simple('timestamptz'), word: 'timestamptz_ns' },
  string: { type: simple('string') },
  uuid: { type: simple('string'), word: 'uuid' },
  binary: { type: simple('binary') },
  variant: { type: simple('string'), word: 'variant' },
  unknown: { type: simple('string'), word: BLANK },
};

function typeOf(path: string, json: Json | undefined, depth: number): Typed {
  if (depth > MAX_TYPE_DEPTH) throw unreadable(path, 'has a type that is nested too deep');
  if (typeof json === 'string') return namedType(path, json);
  const type = asObject(json);
  const inner = (part: Json | undefined): ColumnType => typeOf(path, part, depth + 1).type;
  switch (type['type']) {
    case 'list':
      return { type: { kind: 'array', element: inner(type['element']) } };
    case 'map':
      return { type: { kind: 'map', key: inner(type['key']), value: inner(type['value']) } };
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

function namedType(path: string, name: string): Typed {
  const known = SIMPLE[name];
  if (known !== undefined) return known;
  const decimal = /^decimal\( *(\d+) *, *(\d+) *\)$/.exec(name);
  if (decimal !== null) {
    const [precision, scale] = [Number(decimal[1]), Number(decimal[2])];
    if (precision >= 1 && precision <= MAX_DECIMAL_PRECISION && scale <= precision)
      return { type: { kind: 'decimal', precision, scale } };
  }
  if (/^fixed\[\d{1,9}\]$/.test(name) || /^geo(metry|graphy)\b/.test(name))
    return { type: simple('binary'), word: name.slice(0, 200) };
  throw unreadable(path, `has a type «${name.slice(0, 100)}» that is not known`);
}
