import { DuckDBInstance, type DuckDBConnection } from '@duckdb/node-api';
import { quoteIdentifier } from '../../src/model/names.ts';
import type { Column, Format } from '../../src/model/schema.ts';
import type { ColumnType } from '../../src/model/types.ts';

let opened: Promise<DuckDBConnection> | undefined;

export function duckdb(): Promise<DuckDBConnection> {
  opened ??= DuckDBInstance.create(':memory:').then((instance) => instance.connect());
  return opened;
}

/** The reader call for a file of a format, with exactly the columns and options that a classifier gave. */
export function readerCall(file: string, format: Format, columns: readonly Column[]): string {
  const list = `{${columns.map((column) => `${text(column.name)}: ${text(duckType(column.type))}`).join(', ')}}`;
  const options = format.options ?? {};
  const packed = format.compression === undefined ? '' : `, compression=${text(format.compression)}`;
  // Unsigned integers, times and UUIDs have no word of ours: the engine casts them to what the catalog says.
  const casts = columns.map(
    (column) => `cast(${quoteIdentifier(column.name)} as ${duckType(column.type)}) as ${quoteIdentifier(column.name)}`,
  );
  if (format.name === 'parquet') return `(select ${casts.join(', ')} from read_parquet(${text(file)}))`;
  if (format.name === 'json') {
    const layout = { lines: 'newline_delimited', array: 'array', concatenated: 'unstructured' }[String(options['layout'])] ?? '';
    return `read_json(${text(file)}, format=${text(layout)}, columns=${list}${packed})`;
  }
  const nulls = ['', ...(options['null'] === undefined ? [] : [String(options['null'])])];
  return `read_csv(${text(file)}, auto_detect=false, columns=${list}, delim=${text(String(options['delimiter']))},
    quote=${text(String(options['quote']))}, escape=${text(String(options['escape']))}, header=${String(options['header'])},
    encoding=${text(String(options['encoding']))}, nullstr=[${nulls.map(text).join(', ')}], skip=${String(options['skip'] ?? 0)},
    null_padding=${String(options['padding'] ?? false)}, parallel=${String(options['padding'] !== true)}, strict_mode=${String(options['lineEnd'] !== 'mixed')}${packed})`;
}

function text(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

export function duckType(type: ColumnType): string {
  switch (type.kind) {
    case 'string':
      return 'VARCHAR';
    case 'binary':
      return 'BLOB';
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'array':
      return `${duckType(type.element)}[]`;
    case 'map':
      return `MAP(${duckType(type.key)}, ${duckType(type.value)})`;
    case 'struct':
      return `STRUCT(${type.fields.map((field) => `"${field.name.replaceAll('"', '""')}" ${duckType(field.type)}`).join(', ')})`;
    case 'timestamptz':
      return 'TIMESTAMP WITH TIME ZONE';
    case 'int':
      return 'INTEGER';
    default:
      return type.kind.toUpperCase();
  }
}
