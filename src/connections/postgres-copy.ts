import { addAbortSignal, PassThrough, type Readable } from 'node:stream';
import type { PoolClient } from 'pg';
import { to } from 'pg-copy-streams';

/**
 * The bytes of a `copy … to stdout`. The session goes back to its pool when the stream closes, or ends with it when the
 * copy was not read to its end: there is no way to stop a copy but to hang up.
 */
export function copyTo(client: PoolClient, sql: string, meaning: (error: unknown) => unknown, signal?: AbortSignal): Readable {
  const rows = client.query(to(sql));
  const out = new PassThrough();
  let whole = false;
  rows.once('end', () => {
    whole = true;
  });
  rows.on('error', (error) => {
    const meant = meaning(error);
    out.destroy(meant instanceof Error ? meant : error);
  });
  out.once('close', () => client.release(!whole));
  if (signal !== undefined) addAbortSignal(signal, out);
  return rows.pipe(out);
}
