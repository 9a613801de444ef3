import { mkdirSync } from 'node:fs';
import { DuckDBInstance } from '@duckdb/node-api';

/**
 * The peer of the job benchmark: what a person would write who had DuckDB, knew the columns, and needed no catalog, no
 * bookmark and no commit. A process of its own, as Tenon's engine is. Arguments: CSV glob, output folder, SQL, memory, threads.
 */
const [glob = '', out = '', sql = '', memory = '2GB', threads = '2'] = process.argv.slice(2);
const connection = await (await DuckDBInstance.create(':memory:', { memory_limit: memory, threads })).connect();
mkdirSync(out, { recursive: true });
await connection.run(
  `create view orders as select * from read_csv('${glob}', hive_partitioning = true, hive_types = {'dt': date}, header = true,
   columns = {'id': 'bigint', 'email': 'varchar', 'amount': 'decimal(7,2)', 'quantity': 'bigint', 'ordered_at': 'timestamp'})`,
);
await connection.run(`copy (${sql}) to '${out}' (format parquet, compression zstd, partition_by (dt), overwrite_or_ignore)`);
const rows = (await connection.runAndReadAll(`select count(*) from read_parquet('${out}/**/*.parquet')`)).getRows();
connection.closeSync();
console.log(JSON.stringify({ rows: Number(rows[0]?.[0]), peakBytes: process.resourceUsage().maxRSS * 1024 }));
