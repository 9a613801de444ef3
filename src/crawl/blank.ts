import { foldName } from '../model/names.ts';
import type { Column } from '../model/schema.ts';
import { unionColumns } from '../model/type-union.ts';

/**
 * The source type of a column in which no value was seen, only nulls. Its type is a placeholder: one partition without
 * values must not make a string of a number.
 */
export const BLANK = 'null';

function isBlank(column: Column): boolean {
  return column.sourceType === BLANK;
}

/** The union of columns, in which those without values follow those that have some. */
export function unionSeen(lists: readonly (readonly Column[])[]): Column[] {
  const seen = unionColumns(lists.map((list) => list.filter((column) => !isBlank(column))));
  const byName = new Map(seen.map((column) => [foldName(column.name), column]));
  return unionColumns(
    lists.map((list) => list.map((column) => (isBlank(column) ? (byName.get(foldName(column.name)) ?? column) : column))),
  );
}
