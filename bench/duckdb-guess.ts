import { DuckDBTypeId, type DuckDBConnection, type DuckDBType } from '@duckdb/node-api';
import type { Guess, Guessed } from '../test/corpus/judge.ts';

/** What DuckDB's own detection says of a file, in the words of the corpus. */
export async function sniffCsv(connection: DuckDBConnection, path: string): Promise<Guess> {
  const sniffed = await connection.runAndReadAll(`select * from sniff_csv('${path.replaceAll("'", "''")}')`);
  const row = sniffed.getRowObjectsJS()[0] ?? {};
  const columns = row['Columns'] as { name: string; type: string }[];
  return {
    // «(empty)» and «(auto)» are words of its own.
    delimiter: String(row['Delimiter']),
    quote: String(row['Quote']).replace('(empty)', ''),
    header: row['HasHeader'] === true,
    skip: Number(row['SkipRows']),
    encoding: 'utf-8',
    columns: columns.map(({ name, type }) => ({ name, type: wordOf(type) })),
  };
}

export async function guessJson(connection: DuckDBConnection, path: string): Promise<Guess> {
  const result = await connection.runAndReadAll(`select * from read_json_auto('${path.replaceAll("'", "''")}')`);
  const names = result.columnNames();
  const columns = result.columnTypes().map((type, i) => ({ name: names[i] ?? '', type: guessed(type) }));
  return { rows: result.currentRowCount, columns };
}

const WORDS: Readonly<Record<string, string>> = {
  VARCHAR: 'string',
  JSON: 'json',
  UUID: 'string',
  TINYINT: 'int',
  SMALLINT: 'int',
  INTEGER: 'int',
  FLOAT: 'double',
  HUGEINT: 'decimal',
  UBIGINT: 'decimal',
  'TIMESTAMP WITH TIME ZONE': 'timestamptz',
};

function wordOf(type: string): string {
  return WORDS[type] ?? (type.startsWith('DECIMAL') ? 'decimal' : type.toLowerCase());
}

function guessed(type: DuckDBType): Guessed {
  if (type.alias === 'JSON') return 'json';
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
      return { array: guessed(type.valueType) };
    case DuckDBTypeId.MAP:
      return { map: guessed(type.valueType) };
    case DuckDBTypeId.STRUCT:
      return { struct: type.entryNames.map((name, i) => [name, guessed(type.entryTypes[i] ?? type)] as const) };
    default:
      return wordOf(String(type));
  }
}
