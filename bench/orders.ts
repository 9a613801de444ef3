import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * A folder of orders as hive-partitioned CSV, `days` partitions and about `megabytes` MB in all. DuckDB's hash of the row
 * number stands in for chance, so every machine gets the same bytes. Returns the size in bytes.
 */
export async function layOrders(folder: string, megabytes: number, days: number): Promise<number> {
  const rows = Math.round((megabytes * 1e6) / 62);
  const connection = await (await DuckDBInstance.create(':memory:')).connect();
  try {
    await connection.run('set preserve_insertion_order = true');
    let bytes = 0;
    for (let day = 0; day < days; day += 1) {
      const dt = new Date(Date.UTC(2026, 0, 1 + day)).toISOString().slice(0, 10);
      const file = join(folder, `dt=${dt}`, 'orders.csv');
      await mkdir(join(folder, `dt=${dt}`), { recursive: true });
      await connection.run(
        `copy (
           select i as id, 'customer' || (hash(i) % 1000000)::varchar || '@example.com' as email,
                  round((hash(i + 7) % 1000000) / 100.0, 2) as amount, (hash(i + 13) % 50)::int as quantity,
                  timestamp '2026-01-01' + to_seconds((hash(i + 29) % 86400)::int) as ordered_at
           from range(${Math.floor((rows * day) / days)}, ${Math.floor((rows * (day + 1)) / days)}) t(i)
         ) to '${file.replaceAll("'", "''")}' (format csv, header)`,
      );
      bytes += (await stat(file)).size;
    }
    return bytes;
  } finally {
    connection.closeSync();
  }
}
