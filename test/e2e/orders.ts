import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ask, type CommandOptions } from './command.ts';

/** The job that the README shows. */
export const JOB = fileURLToPath(new URL('../../docs/examples/orders-to-parquet.json', import.meta.url));

/** Orders of a day as CSV, `count` of them, with ids from `first` on. */
export function ordersOf(first: number, count: number): string {
  const rows = Array.from(
    { length: count },
    (_, i) => `${first + i},customer${first + i}@example.com,${((first + i) * 1.25).toFixed(2)}`,
  );
  return `id,email,amount\n${rows.join('\n')}\n`;
}

/** `<lake>/orders/dt=<day>/<name>`, the input of the job. */
export async function layOrders(lake: string, day: string, name: string, text: string): Promise<void> {
  await mkdir(join(lake, 'orders', `dt=${day}`), { recursive: true });
  await writeFile(join(lake, 'orders', `dt=${day}`, name), text);
}

/** Everything that readers can see of a catalog, without what differs from run to run: ids, times and attempt folders. */
export async function pictureOf(dataDir: string, options: CommandOptions = {}): Promise<unknown> {
  const on = ['--data', dataDir];
  const { tables } = await ask<{ tables: { database: string; name: string }[] }>(['tables', ...on], options);
  const details = [];
  for (const { database, name } of tables) {
    const { table } = await ask<{ table: Record<string, unknown> }>(['table', `${database}.${name}`, ...on], options);
    const { rows } = await ask<{ rows: unknown[][] }>(
      ['sql', `select count(*), sum(id), sum(amount) from ${database}.${name}`, ...on],
      options,
    );
    details.push({ table, rows });
  }
  return JSON.parse(JSON.stringify({ tables, details }, withoutRuns));
}

/** An attempt's folder and file names carry ids; Parquet files carry the run's id, so their bytes may differ by some. */
function withoutRuns(key: string, value: unknown): unknown {
  if (typeof value === 'string') {
    return value.replace(/\/_t\/.*?\/\d+(?=\/|$)/, '/_t').replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}/g, '…');
  }
  return key === 'bytes' || key === 'seenAt' || key === 'at' ? undefined : value;
}
