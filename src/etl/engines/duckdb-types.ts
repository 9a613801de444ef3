import { DuckDBTypeId, type DuckDBType } from '@duckdb/node-api';
import { simple, type ColumnType } from '../../model/types.ts';

/**
 * Unsigned integers become the next wider signed type. HUGEINT becomes bigint, because that is what `sum` of integers is
 * meant to be in every other engine; a value beyond it fails the run, and a cast to decimal(38,0) in the SQL helps.
 */
const FROM_DUCKDB: ReadonlyMap<DuckDBTypeId, ColumnType> = new Map([
  [DuckDBTypeId.BOOLEAN, simple('boolean')],
  [DuckDBTypeId.TINYINT, simple('tinyint')],
  [DuckDBTypeId.SMALLINT, simple('smallint')],
  [DuckDBTypeId.UTINYINT, simple('smallint')],
  [DuckDBTypeId.INTEGER, simple('int')],
  [DuckDBTypeId.USMALLINT, simple('int')],
  [DuckDBTypeId.BIGINT, simple('bigint')],
  [DuckDBTypeId.UINTEGER, simple('bigint')],
  [DuckDBTypeId.HUGEINT, simple('bigint')],
  [DuckDBTypeId.UBIGINT, { kind: 'decimal', precision: 20, scale: 0 }],
  [DuckDBTypeId.UHUGEINT, { kind: 'decimal', precision: 38, scale: 0 }],
  [DuckDBTypeId.FLOAT, simple('float')],
  [DuckDBTypeId.DOUBLE, simple('double')],
  [DuckDBTypeId.VARCHAR, simple('string')],
  [DuckDBTypeId.ENUM, simple('string')],
  [DuckDBTypeId.UUID, simple('string')],
  // The type of a bare NULL: any would do.
  [DuckDBTypeId.SQLNULL, simple('string')],
  [DuckDBTypeId.BLOB, simple('binary')],
  [DuckDBTypeId.DATE, simple('date')],
  [DuckDBTypeId.TIMESTAMP, simple('timestamp')],
  [DuckDBTypeId.TIMESTAMP_S, simple('timestamp')],
  [DuckDBTypeId.TIMESTAMP_MS, simple('timestamp')],
  [DuckDBTypeId.TIMESTAMP_NS, simple('timestamp')],
  [DuckDBTypeId.TIMESTAMP_TZ, simple('timestamptz')],
] as const satisfies [DuckDBTypeId, ColumnType][]);

/** What the catalog calls one of DuckDB's types; undefined for those it has no word for (TIME, INTERVAL, BIT, UNION …). */
export function fromDuckdbType(type: DuckDBType): ColumnType | undefined {
  switch (type.typeId) {
    case DuckDBTypeId.DECIMAL:
      return { kind: 'decimal', precision: type.width, scale: type.scale };
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.ARRAY: {
      const element = fromDuckdbType(type.valueType);
      return element && { kind: 'array', element };
    }
    case DuckDBTypeId.MAP: {
      const key = fromDuckdbType(type.keyType);
      const value = fromDuckdbType(type.valueType);
      return key && value && { kind: 'map', key, value };
    }
    case DuckDBTypeId.STRUCT: {
      const fields = type.entryNames.flatMap((name, at) => {
        const field = fromDuckdbType(type.entryTypes[at] ?? type);
        return field === undefined ? [] : [{ name, type: field }];
      });
      return fields.length === type.entryCount ? { kind: 'struct', fields } : undefined;
    }
    default:
      return FROM_DUCKDB.get(type.typeId);
  }
}
