import { createHash } from 'node:crypto';
import { formatType, type ColumnType } from './types.ts';

/**
 * A column as the catalog keeps it. `sourceType` is the source's own type text (`varchar(40)`, `INT96`), kept beside the
 * normalised one because the normalised one cannot say everything.
 */
export interface Column {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable?: boolean;
  readonly sourceType?: string;
  readonly comment?: string;
}

/** The content of a version: what a reader has to know to understand rows. Immutable, identified by its hash. */
export interface Schema {
  readonly columns: readonly Column[];
  readonly partitionKeys: readonly Column[];
}

/** How the bytes of a table or partition are to be read. `options` belong to the format: csv has delimiter, quote, header … */
export interface Format {
  readonly name: 'csv' | 'json' | 'parquet' | (string & {});
  readonly compression?: 'gzip' | (string & {});
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

/** The same columns give the same hash, however the objects were built: the text that is hashed is written field by field. */
export function schemaHash(schema: Schema): string {
  const text = JSON.stringify([schema.columns.map(columnText), schema.partitionKeys.map(columnText)]);
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function columnText(column: Column): unknown[] {
  return [column.name, formatType(column.type), column.nullable ?? true, column.sourceType ?? '', column.comment ?? ''];
}
