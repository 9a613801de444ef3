import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { DuckDBConnection } from '@duckdb/node-api';
import { avroOf } from './avro-file.ts';

/** The types that were planted, in the order of the columns. */
export const PLANTED = ['bigint', 'string', 'double', 'boolean', 'date', 'timestamp', 'string', 'string'];
export const KINDS = ['csv', 'csv.gz', 'json', 'json.gz', 'avro', 'parquet'] as const;
export type Kind = (typeof KINDS)[number];

const ROWS = 60;
/** So many files of Parquet are made; the others are copies. */
const PARQUET_FILES = 20;

/** Writes `count` small files of each kind, about 5 kB, none like the other, all of the same columns. */
export async function writeFiles(folder: string, count: number, connection: DuckDBConnection): Promise<void> {
  for (const kind of KINDS) mkdirSync(join(folder, kind), { recursive: true });
  for (let i = 0; i < count; i += 1) {
    const rows = rowsOf(i);
    const csv = Buffer.from(csvOf(rows));
    const json = Buffer.from(jsonOf(rows));
    writeFileSync(pathOf(folder, 'csv', i), csv);
    writeFileSync(pathOf(folder, 'csv.gz', i), gzipSync(csv));
    writeFileSync(pathOf(folder, 'json', i), json);
    writeFileSync(pathOf(folder, 'json.gz', i), gzipSync(json));
    writeFileSync(pathOf(folder, 'avro', i), avroOf(rows));
  }
  for (let i = 0; i < Math.min(PARQUET_FILES, count); i += 1) {
    const columns = 'cast(id as bigint) as id, name, amount, active, created, "at", zip, note';
    await connection.run(
      `copy (select ${columns} from read_csv('${pathOf(folder, 'csv', i)}', types = {zip: 'VARCHAR'})) to '${pathOf(folder, 'parquet', i)}' (format parquet)`,
    );
  }
}

export function pathOf(folder: string, kind: Kind, at: number): string {
  return join(folder, kind, `f${String(kind === 'parquet' ? at % PARQUET_FILES : at).padStart(6, '0')}.${kind}`);
}

export interface Row {
  readonly id: number;
  readonly name: string;
  readonly amount: number;
  readonly active: boolean;
  readonly created: string;
  readonly at: string;
  readonly zip: string;
  readonly note: string;
}

function rowsOf(file: number): Row[] {
  return Array.from({ length: ROWS }, (_, i) => {
    const id = file * ROWS + i;
    const day = `2024-${two((id % 12) + 1)}-${two((id % 28) + 1)}`;
    return {
      id,
      name: `name ${id % 97}`,
      amount: (id % 10_007) / 100 + 0.005,
      active: id % 2 === 0,
      created: day,
      at: `${day} ${two(id % 24)}:${two(id % 60)}:00`,
      zip: String(id % 10_000).padStart(5, '0'),
      note: `a text, of ${id}`,
    };
  });
}

function csvOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => Object.values({ ...row, note: `"${row.note}"` }).join(','));
  return `id,name,amount,active,created,at,zip,note\n${lines.join('\n')}\n`;
}

function jsonOf(rows: readonly Row[]): string {
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}
