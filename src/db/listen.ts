import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { Client, Pool } from 'pg';

export interface Listening {
  close(): Promise<void>;
}

/**
 * Listens on a channel through a connection of its own: one of the pool would be taken from it for ever. `onNotice` is called
 * for each notification, `onLost` once when the connection breaks, after which no notices come. Rejects with the driver's
 * error when there is no connection to be had. `channel` is a plain name of ours, never one from outside.
 */
export async function listen(
  db: NodePgDatabase,
  channel: string,
  on: { readonly onNotice: () => void; readonly onLost: () => void },
): Promise<Listening> {
  // Not a copy of the options: the pool hides the password from copies.
  const client = new Client(poolOf(db).options);
  let lost = false;
  const lose = (): void => {
    if (!lost) on.onLost();
    lost = true;
  };
  client.on('notification', on.onNotice);
  client.on('error', lose);
  client.on('end', lose);
  try {
    await client.connect();
    await client.query(`listen "${channel}"`);
  } catch (error) {
    lost = true;
    await client.end().catch(() => undefined);
    throw error;
  }
  return {
    close: async () => {
      lost = true;
      await client.end().catch(() => undefined);
    },
  };
}

/** Drizzle keeps the pool that it was made with, but its type does not say so. */
function poolOf(db: NodePgDatabase): Pool {
  const pool = (db as { readonly $client?: unknown }).$client;
  if (pool instanceof Pool) return pool;
  throw new TypeError('Only a database that was opened with a pool can be listened to.');
}
