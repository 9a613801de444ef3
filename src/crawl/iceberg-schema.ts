import type { Column } from '../model/schema.ts';
import { simple } from '../model/types.ts';
import { BLANK } from './blank.ts';
import { asList, asObject, asText, type Json } from './exact-json.ts';
import { unreadable } from './lake-read.ts';
import { decimalType, lakeType, type LakeType, type LakeTypes } from './lake-types.ts';

/** The columns of an Iceberg schema. Throws DATA_UNREADABLE for what is none. */
export function icebergColumns(path: string, schema: Json | undefined): Column[] {
  return asList(asObject(schema)['fields']).map((json) => {
    const field = asObject(json);
    const name = asText(field['name']);
    if (name === undefined) throw unreadable(path, 'has a field without a name');
    const { type, word } = lakeType(path, field['type'], TYPES);
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

const SIMPLE: Readonly<Record<string, LakeType>> = {
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

const TYPES: LakeTypes = { words: { array: 'list', element: 'element', key: 'key', value: 'value' }, named };

function named(name: string): LakeType | undefined {
  const known = SIMPLE[name];
  if (known !== undefined) return known;
  const decimal = /^decimal\( *(\d+) *, *(\d+) *\)$/.exec(name);
  if (decimal !== null) return decimalType(Number(decimal[1]), Number(decimal[2]));
  const isBytes = /^fixed\[\d{1,9}\]$/.test(name) || /^geo(metry|graphy)\b/.test(name);
  return isBytes ? { type: simple('binary'), word: name.slice(0, 200) } : undefined;
}
