import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fakeLake, type FakeLake } from '../test/servers/fake-lake.ts';

/** A lake on a server in a process of its own, and what it is made of. */
export interface Lake extends Pick<FakeLake, 'tables' | 'bytesOf'> {
  readonly objects: number;
  readonly partitions: number;
  readonly format: 'csv' | 'parquet';
  readonly url: string;
  /** Every answer waits so long from now on. */
  delay(latencyMs: number): Promise<void>;
  /** What was asked since this was asked last. */
  counts(): Promise<{ lists: number; others: number }>;
  close(): void;
}

export const FILES = 10;
const SERVER = fileURLToPath(new URL('lake-server.js', import.meta.url));

export async function openLake(partitions: number, format: Lake['format']): Promise<Lake> {
  const child: ChildProcess = spawn(process.execPath, [SERVER, String(partitions), String(FILES), format], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  if (child.stdout === null) throw new Error('The server has no output.');
  const lines = createInterface(child.stdout);
  const line = async (): Promise<string> => String((await once(lines, 'line'))[0]);
  const ask = async (text: string): Promise<{ lists: number; others: number }> => {
    const answer = line();
    child.stdin?.write(`${text}\n`);
    return JSON.parse(await answer) as { lists: number; others: number };
  };
  const { url, sizes } = JSON.parse(await line()) as { url: string; sizes?: number[] };
  const { tables, bytesOf } = fakeLake(
    partitions,
    FILES,
    sizes?.map((length) => Buffer.alloc(length)),
  );
  return {
    tables,
    bytesOf,
    objects: partitions * FILES,
    partitions,
    format,
    url,
    delay: async (latencyMs) => void (await ask(String(latencyMs))),
    counts: () => ask(''),
    close: () => child.stdin?.end(),
  };
}
