import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';

/** Tests kill processes, not machines, so what fsync protects from does not happen here. */
const SETTINGS = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', max_connections: '300' };

/** The server at `url`, or without one an embedded Postgres in a temporary folder. TENON_TEST_KEEP=1 keeps the folder. */
export async function openServer(url?: string): Promise<{ url: string; close(): Promise<void> }> {
  if (url !== undefined) return { url, close: async () => {} };
  const folder = await mkdtemp(join(tmpdir(), 'tenon-test-'));
  const server = await openEmbeddedPostgres(folder, { settings: SETTINGS });
  return {
    url: server.url,
    close: async () => {
      await server.close();
      if (process.env['TENON_TEST_KEEP'] === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The same server, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${database}`;
  return changed.href;
}
