import { foldName } from '../model/names.ts';
import type { Column } from '../model/schema.ts';

/** Kinds whose values are written in one way in every table format, so that they can be keys. */
const KEY_KINDS = new Set(['string', 'tinyint', 'smallint', 'int', 'bigint', 'date', 'boolean']);

/** Why columns cannot be read by their names out of plain Parquet files, if they cannot. */
export function readableColumns(columns: readonly Column[], keys: readonly string[]): string | undefined {
  const names = new Set(columns.map(({ name }) => foldName(name)));
  if (names.size < columns.length) return 'two of its columns differ in nothing but their case';
  const odd = columns.find(({ name, type }) => keys.includes(name) && !KEY_KINDS.has(type.kind));
  return odd === undefined ? undefined : `it is partitioned by «${odd.name.slice(0, 100)}» of the type ${odd.type.kind}`;
}
