import { TenonError } from '../model/errors.ts';
import { foldName } from '../model/names.ts';
import type { Column, Schema } from '../model/schema.ts';
import type { Table } from '../model/table.ts';
import { isWidening } from '../model/type-union.ts';
import { formatType, type ColumnType } from '../model/types.ts';
import type { RelationColumn, ResultColumn } from './engine.ts';

/** Keys are kept as text in paths and in the catalog; these have one spelling for each value. */
const KEY_KINDS = new Set(['boolean', 'tinyint', 'smallint', 'int', 'bigint', 'string', 'date', 'timestamp', 'decimal']);

export interface OutputSchema {
  /** What the table is to be: columns that it has and the job does not give stay. */
  readonly schema: Schema;
  /** What is written: every column of the result with the type it is cast to, keys included. */
  readonly written: readonly RelationColumn[];
  /** The names of the partition keys, as the result spells them. */
  readonly keys: readonly string[];
}

/**
 * Fits the result of a job into its output table. New columns are added at the end; a narrower type is written as the
 * table's; a wider one widens the table, whose older partitions keep their own. Throws BAD_JOB that names every column
 * that does not fit, before anything is read.
 */
export function outputSchema(
  table: Pick<Table, 'database' | 'name' | 'schema'> | undefined,
  result: readonly ResultColumn[],
  partitionBy: readonly string[],
): OutputSchema {
  const mistakes: string[] = [...resultMistakes(result, partitionBy)];
  if (table !== undefined) mistakes.push(...keyMistakes(table, partitionBy));
  const existing = new Map(
    [...(table?.schema.columns ?? []), ...(table?.schema.partitionKeys ?? [])].map((column) => [foldName(column.name), column]),
  );
  const keys = new Set(partitionBy.map(foldName));
  const written = result.flatMap(({ name, type }) =>
    type === undefined
      ? []
      : [{ name, type: writtenType(mistakes, existing.get(foldName(name)), name, type, keys.has(foldName(name))) }],
  );
  if (mistakes.length > 0) {
    throw new TenonError('BAD_JOB', `The result does not fit the output: ${mistakes.join('; ')}.`, {
      mistakes: mistakes.map((message) => ({ path: 'output', message })),
    });
  }
  const byName = new Map(written.map((column) => [foldName(column.name), column]));
  const kept = (table?.schema.columns ?? []).map((column) => ({
    ...column,
    type: wider(column.type, byName.get(foldName(column.name))?.type),
  }));
  const added = written.filter(({ name }) => !existing.has(foldName(name)) && !keys.has(foldName(name)));
  const partitionKeys = table?.schema.partitionKeys ?? partitionBy.flatMap((name) => byName.get(foldName(name)) ?? []);
  return {
    schema: { columns: [...kept, ...added], partitionKeys },
    written,
    keys: partitionBy.map((name) => byName.get(foldName(name))?.name ?? name),
  };
}

/** The columns of the files: all that is written but the keys. */
export function fileColumns(output: OutputSchema): Column[] {
  const keys = new Set(output.keys);
  return output.written.filter(({ name }) => !keys.has(name));
}

function resultMistakes(result: readonly ResultColumn[], partitionBy: readonly string[]): string[] {
  const names = new Set<string>();
  const doubled = result.filter(({ name }) => names.size === names.add(foldName(name)).size);
  const keys = new Set(partitionBy.map(foldName));
  return [
    ...result.flatMap(({ name, type, engineType }) =>
      type === undefined ? [`column «${name}» is a ${engineType}, which a table cannot hold; cast it, to varchar say`] : [],
    ),
    ...doubled.map(({ name }) => `column «${name}» is there twice`),
    ...partitionBy
      .filter((name) => !names.has(foldName(name)))
      .map((name) => `the partition key «${name}» is not a column of the result`),
    ...result.flatMap(({ name, type }) =>
      keys.has(foldName(name)) && type !== undefined && !KEY_KINDS.has(type.kind)
        ? [`the partition key «${name}» is a ${formatType(type)}; cast it`]
        : [],
    ),
    ...(result.every(({ name }) => keys.has(foldName(name))) ? ['there is no column besides the partition keys'] : []),
  ];
}

function keyMistakes(table: Pick<Table, 'database' | 'name' | 'schema'>, partitionBy: readonly string[]): string[] {
  const has = table.schema.partitionKeys.map(({ name }) => name);
  if (has.map(foldName).join('\n') === partitionBy.map(foldName).join('\n')) return [];
  return [`${table.database}.${table.name} is partitioned by (${has.join(', ')}), not by (${partitionBy.join(', ')})`];
}

function writtenType(
  mistakes: string[],
  existing: Column | undefined,
  name: string,
  type: ColumnType,
  isKey: boolean,
): ColumnType {
  if (existing === undefined || isWidening(type, existing.type)) return existing?.type ?? type;
  // A key's type decides how partitions are found; it does not change under them.
  if (!isKey && isWidening(existing.type, type)) return type;
  mistakes.push(
    `column «${name}» is ${formatType(existing.type)} in the table and ${formatType(type)} in the result; cast it, or write to another table`,
  );
  return type;
}

function wider(existing: ColumnType, written: ColumnType | undefined): ColumnType {
  return written !== undefined && isWidening(existing, written) ? written : existing;
}
