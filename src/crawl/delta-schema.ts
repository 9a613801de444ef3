import type { Column } from '../model/schema.ts';
import { simple, type ColumnType } from '../model/types.ts';
import { BLANK } from './blank.ts';
import { asList, asObject, asText, type Json } from './exact-json.ts';
import { unreadable } from './lake-read.ts';
import { decimalType, lakeType, type LakeType, type LakeTypes } from './lake-types.ts';

/** The columns of a Delta schema. Throws DATA_UNREADABLE for what is none. */
export function deltaColumns(path: string, schema: Json): Column[] {
  return asList(asObject(schema)['fields']).map((json) => {
    const field = asObject(json);
    const name = asText(field['name']);
    if (name === undefined) throw unreadable(path, 'has a field without a name');
    const metadata = asObject(field['metadata']);
    const { type, word } = lakeType(path, field['type'], TYPES);
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

const TYPES: LakeTypes = {
  words: { array: 'array', element: 'elementType', key: 'keyType', value: 'valueType' },
  named,
};

function named(name: string): LakeType | undefined {
  const known = SIMPLE[name];
  if (known !== undefined) return { type: known };
  const decimal = /^decimal(?:\((\d+), *(-?\d+)\))?$/.exec(name);
  const bounded = decimal === null ? undefined : decimalType(Number(decimal[1] ?? 10), Number(decimal[2] ?? 0));
  if (bounded !== undefined) return bounded;
  if (name === 'void' || name === 'null') return { type: simple('string'), word: BLANK };
  return /^[a-z][a-z0-9_ (),]*$/i.test(name) ? { type: simple('string'), word: name } : undefined;
}
