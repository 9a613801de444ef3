import { quoteIdentifier } from '../../model/names.ts';
import type { ColumnType, SimpleKind } from '../../model/types.ts';

const TO_DUCKDB: Readonly<Record<SimpleKind, string>> = {
  boolean: 'BOOLEAN',
  tinyint: 'TINYINT',
  smallint: 'SMALLINT',
  int: 'INTEGER',
  bigint: 'BIGINT',
  float: 'FLOAT',
  double: 'DOUBLE',
  string: 'VARCHAR',
  binary: 'BLOB',
  date: 'DATE',
  timestamp: 'TIMESTAMP',
  timestamptz: 'TIMESTAMPTZ',
};

/** A type in DuckDB's spelling. */
export function toDuckdbType(type: ColumnType): string {
  switch (type.kind) {
    case 'decimal':
      return `DECIMAL(${type.precision},${type.scale})`;
    case 'array':
      return `${toDuckdbType(type.element)}[]`;
    case 'map':
      return `MAP(${toDuckdbType(type.key)}, ${toDuckdbType(type.value)})`;
    case 'struct':
      // DuckDB has no empty struct; JSON text keeps whatever was there.
      if (type.fields.length === 0) return 'JSON';
      return `STRUCT(${type.fields.map((field) => `${quoteIdentifier(field.name)} ${toDuckdbType(field.type)}`).join(', ')})`;
    default:
      return TO_DUCKDB[type.kind];
  }
}
