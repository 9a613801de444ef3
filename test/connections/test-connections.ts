import { randomBytes } from 'node:crypto';
import { openSecrets, type Secrets } from '../../src/access/secrets.ts';
import { write, type Write } from '../../src/changes/write.ts';
import type { Connection, ConnectionDraft, Connections } from '../../src/connections/connections.ts';
import type { ConnectionLimits } from '../../src/connections/limits.ts';
import { createConnections } from '../../src/connections/open-connections.ts';
import type { Principal } from '../../src/model/principal.ts';
import { openTestDb, type TestDb } from '../servers/postgres.ts';

export const ADMIN: Principal = { id: 'admin', name: 'admin', role: 'admin' };

/** Short enough that a test of a timeout does not wait, long enough for a busy machine. */
export const SHORT: Partial<ConnectionLimits> = { connectTimeoutMs: 2_000, requestTimeoutMs: 400 };

export interface TestConnections {
  readonly t: TestDb;
  readonly connections: Connections;
  readonly secrets: Secrets;
  as<T>(principal: Principal, fn: (w: Write) => Promise<T>): Promise<T>;
  define(draft: ConnectionDraft): Promise<Connection>;
  close(): Promise<void>;
}

export async function openTestConnections(limits: Partial<ConnectionLimits> = {}): Promise<TestConnections> {
  const t = await openTestDb();
  const secrets = openSecrets({ key: randomBytes(32).toString('base64') });
  const connections = createConnections({ ground: t.ground, secrets, limits });
  const as = <T>(principal: Principal, fn: (w: Write) => Promise<T>) => write(t.ground, { principal, owner: 'api' }, fn);
  return {
    t,
    connections,
    secrets,
    as,
    define: (draft) => as(ADMIN, (w) => connections.define(w, draft)),
    async close() {
      await connections.close();
      await t.close();
    },
  };
}
