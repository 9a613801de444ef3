import type pg from 'pg';
import { openEmbeddedPostgres, type EmbeddedOptions } from './embedded-postgres.ts';
import { connect, databaseUnavailable } from './open-db.ts';

/** One lock for the owner of one database. Any number does, as long as it is the same everywhere. */
const OWNER_LOCK = 7_310_003;

export type Ownership =
  | {
      readonly owned: true;
      /** `last` is what still has to be done as the owner; `onLost` is not called any more. */
      release(last?: () => Promise<void>): Promise<void>;
    }
  | { readonly owned: false };

/**
 * Tries to become the owner of a database: the one process that serves it. The lock belongs to a session of its own, so
 * it ends with the process however that ends; the server sees the closed socket and the next one may own it at once.
 * `onLost` is called once if the session breaks while we live: from then on another process may be the owner, so stop
 * writing.
 */
export async function ownDirectory(url: string, onLost: (error: Error) => void = () => {}): Promise<Ownership> {
  const session = await connect(url);
  // Over a network, where a machine can vanish without closing its sockets, the server asks after 10 s of silence.
  await session.query('set tcp_keepalives_idle = 10; set tcp_keepalives_interval = 5; set tcp_keepalives_count = 3');
  const { rows } = await session.query<{ owned: boolean }>('select pg_try_advisory_lock($1) as owned', [OWNER_LOCK]);
  if (rows[0]?.owned !== true) {
    await session.end();
    return { owned: false };
  }
  const unwatch = watch(session, onLost);
  return {
    owned: true,
    release: async (last) => {
      unwatch();
      await last?.();
      await session.end().catch(() => {});
    },
  };
}

function watch(session: pg.Client, onLost: (error: Error) => void): () => void {
  let watching = true;
  const lost = (error?: Error) => {
    if (!watching) return;
    watching = false;
    onLost(error ?? new Error('The session of the owner was closed.'));
  };
  session.on('error', lost);
  session.on('end', () => lost());
  return () => {
    watching = false;
  };
}

export type Claim =
  | {
      readonly owned: true;
      readonly url: string;
      /** Of the postmaster. */
      readonly pid: number;
      readonly adopted: boolean;
      /** Stops Postgres and gives the directory up, in this order, so that nobody owns a server that is going away. */
      close(): Promise<void>;
    }
  | { readonly owned: false };

const CLAIM_TRIES = 5;

/**
 * Opens the embedded Postgres of a data directory and tries to become its owner. Who does not leaves it running: it is
 * the owner's, and is reached through the owner's API. `onLost` as in `ownDirectory`.
 */
export async function claimDirectory(
  dataDir: string,
  onLost?: (error: Error) => void,
  options?: EmbeddedOptions,
): Promise<Claim> {
  for (let tries = 1; ; tries++) {
    const postgres = await openEmbeddedPostgres(dataDir, options);
    try {
      const ownership = await ownDirectory(postgres.url, onLost);
      if (!ownership.owned) return ownership;
      const { url, pid, adopted } = postgres;
      return { owned: true, url, pid, adopted, close: () => ownership.release(postgres.close) };
    } catch (error) {
      // Its owner was stopping it while we came. The next try starts it again.
      if (tries === CLAIM_TRIES) throw databaseUnavailable(error);
    }
  }
}
