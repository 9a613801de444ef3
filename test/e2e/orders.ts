import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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
