import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

const COLUMNS = [
  `i as id, 'https://a.example/' || i as url, timestamp '2026-01-02 03:04:05' + to_seconds(i::int) as "at"`,
  `i as id, 'ann' || i || '@example.com' as email, (i * 1.25)::decimal(10,2) as amount, (i % 7)::int as quantity`,
  `'v-' || i as visitor, i * 0.25 as seconds, case when i % 9 = 0 then null else 'NL' end as country`,
];

/** Small Parquet files for the tables of the lake: each without and with one column more. 1,000 rows each. */
export async function parquetContents(): Promise<Buffer[]> {
  const folder = await mkdtemp(join(tmpdir(), 'tenon-parquet-'));
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  try {
    const contents: Buffer[] = [];
    for (const columns of COLUMNS.flatMap((usual) => [usual, `${usual}, i % 2 = 0 as extra`])) {
      const file = join(folder, `${contents.length}.parquet`);
      await connection.run(`copy (select ${columns} from range(1000) t(i)) to '${file}' (format parquet)`);
      contents.push(await readFile(file));
    }
    return contents;
  } finally {
    connection.closeSync();
    await rm(folder, { recursive: true, force: true });
  }
}
