import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { processStart } from '../../src/db/process-start.ts';
import { findServer } from '../../src/db/running-server.ts';

/** Tests kill processes, not machines, so what fsync protects from does not happen here. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '300' };

/** The server at `url`, or without one an embedded Postgres in a temporary folder. TENON_TEST_KEEP=1 keeps the folder. */
export async function openServer(url?: string): Promise<{ url: string; close(): Promise<void> }> {
  if (url !== undefined) return { url, close: async () => {} };
  await removeLeft();
  const folder = await mkdtemp(join(tmpdir(), PREFIX));
  await writeFile(join(folder, STARTER), `${process.pid} ${await processStart(process.pid)}`);
  const server = await openEmbeddedPostgres(folder, { settings: SETTINGS });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      if (process.env['TENON_TEST_KEEP'] === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

const PREFIX = 'tenon-test-';
const STARTER = 'started-by';

/** A run that was killed leaves its server behind, as it should: the next run takes it away. */
async function removeLeft(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    if (!name.startsWith(PREFIX)) continue;
    const folder = join(tmpdir(), name);
    const [pid, start] = (await readFile(join(folder, STARTER), 'utf8').catch(() => '')).split(' ');
    if (start === undefined || (await processStart(Number(pid))) === start) continue;
    await (await findServer(join(folder, 'postgres')))?.stop();
    if (process.env['TENON_TEST_KEEP'] === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
