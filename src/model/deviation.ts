import { foldName } from './names.ts';
import type { Column, Schema } from './schema.ts';
import { diffSchemas, type SchemaChange } from './schema-diff.ts';

/** The source type of a column in which no value was seen: its type says nothing. */
const NO_VALUES = 'null';
const KINDS: ReadonlySet<SchemaChange['kind']> = new Set(['added', 'removed', 'retyped']);

/**
 * What a partition's own columns have that its table's have not, and the other way round. What makes no difference to who
 * reads it is left out: the order, the case of names, comments, the spelling of types in the source, and a key that the files
 * repeat.
 */
export function deviationOf(table: Schema, own: readonly Column[]): SchemaChange[] {
  const names = new Map(table.columns.map((column) => [foldName(column.name), column]));
  const keys = new Set(table.partitionKeys.map(({ name }) => foldName(name)));
  const columns = own
    .filter(({ name }) => !keys.has(foldName(name)))
    .map((column) => {
      const known = names.get(foldName(column.name));
      if (known === undefined) return column;
      return column.sourceType === NO_VALUES || known.sourceType === NO_VALUES ? known : { ...column, name: known.name };
    });
  const side = (all: readonly Column[]): Schema => ({ columns: all, partitionKeys: [] });
  return diffSchemas(side(table.columns), side(columns)).filter(({ kind }) => KINDS.has(kind));
}
