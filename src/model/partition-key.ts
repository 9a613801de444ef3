import { TenonError } from './errors.ts';
import { isDate, orderedKey } from './ordered-value.ts';
import type { Column } from './schema.ts';
import { simple, type ColumnType } from './types.ts';

/** How Hive writes null in a path. */
const NULL_TEXT = '__HIVE_DEFAULT_PARTITION__';

/** One ordered key for each value, in the order of the partition keys. */
export function orderedKeys(values: readonly (string | null)[], keys: readonly Column[]): string[] {
  checkCount(keys.length, values.length);
  return keys.map((key, index) => orderedKey(values[index] ?? null, key.type));
}

/**
 * `dt=2026-01-01/region=eu`, percent-encoded as Hive does. An empty value is an empty text here, which Hive takes for
 * null: so `parsePartitionText` gives back just what was written.
 */
export function partitionText(keys: readonly Pick<Column, 'name'>[], values: readonly (string | null)[]): string {
  checkCount(keys.length, values.length);
  return keys.map(({ name }, index) => `${encode(name)}=${encodeValue(values[index] ?? null)}`).join('/');
}

/** Names and values in the order of the text. Throws BAD_INPUT when a level is not `key=value`. */
export function parsePartitionText(text: string): { name: string; value: string | null }[] {
  if (text === '') return [];
  return text.split('/').map((level) => {
    const parsed = parsePartitionLevel(level);
    if (parsed !== undefined) return parsed;
    throw new TenonError('BAD_INPUT', `«${level.slice(0, 200)}» is not written as key=value.`, { text: text.slice(0, 1_000) });
  });
}

/** One folder's name, or undefined when it is not `key=value`. */
export function parsePartitionLevel(level: string): { name: string; value: string | null } | undefined {
  const sign = level.indexOf('=');
  if (sign < 1) return undefined;
  const value = level.slice(sign + 1);
  return { name: decode(level.slice(0, sign)), value: value === NULL_TEXT ? null : decode(value) };
}

/** The narrowest of int, bigint, date and string that says these values as they are written: `007` stays a string. */
export function inferKeyType(values: Iterable<string | null>): ColumnType {
  let kind: 'int' | 'bigint' | 'date' | undefined;
  for (const value of values) {
    if (value === null) continue;
    const next = kindOf(value);
    if (next === undefined || (kind !== undefined && (kind === 'date') !== (next === 'date'))) return simple('string');
    kind = kind === 'bigint' ? 'bigint' : next;
  }
  return simple(kind ?? 'string');
}

function kindOf(value: string): 'int' | 'bigint' | 'date' | undefined {
  if (value.length > 20) return undefined;
  if (isDate(value)) return 'date';
  if (!/^(0|-?[1-9]\d*)$/.test(value)) return undefined;
  const number = BigInt(value);
  if (BigInt.asIntN(32, number) === number) return 'int';
  return BigInt.asIntN(64, number) === number ? 'bigint' : undefined;
}

function checkCount(keys: number, values: number): void {
  if (keys !== values)
    throw new TenonError('BAD_INPUT', `The table has ${keys} partition keys, but ${values} values were given.`);
}

function encodeValue(value: string | null): string {
  if (value === null) return NULL_TEXT;
  return value === NULL_TEXT ? `%5F${value.slice(1)}` : encode(value);
}

/** The characters that Hive escapes in `FileUtils.escapePathName`. */
// oxlint-disable-next-line no-control-regex -- control characters are what it is about
const ESCAPED = /[\u0001-\u001f"#%'*/:=?\\\u007f{[\]^]/g;

function encode(text: string): string {
  return text.replace(ESCAPED, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/** Others encode more than Hive does, as UTF-8. What is no valid encoding stands for itself, as in Hive. */
function decode(text: string): string {
  return text.replace(/(%[0-9a-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch {
      return run;
    }
  });
}
