import { formatType } from '../../src/model/types.ts';
import type { Classification } from '../../src/crawl/classifier.ts';
import { duckdb, duckType, readerCall } from './duckdb.ts';

/** Reads a file with DuckDB as it was classified. A column that comes out with another type shows DuckDB's word for it. */
export async function readBack(
  file: string,
  found: Classification,
): Promise<{ columns: { name: string; type: string }[]; rows: number }> {
  const connection = await duckdb();
  const result = await connection.runAndReadAll(`select * from ${readerCall(file, found.format, found.columns)}`);
  const types = new Map(found.columns.map((column) => [duckType(column.type), formatType(column.type)]));
  const names = result.columnNames();
  const columns = result
    .columnTypes()
    .map((type, i) => ({ name: names[i] ?? '', type: types.get(String(type)) ?? String(type) }));
  return { columns, rows: result.currentRowCount };
}
