import { createHash } from 'node:crypto';
import type { Secrets } from '../access/secrets.ts';
import type { Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { hostRules } from './allowed-hosts.ts';
import { parseAddress } from './address.ts';
import { defineConnection, dropConnection, findConnection, findRow, listConnections, noSuch } from './connection-rows.ts';
import type { ConnectionKind, Connections, MysqlOptions, PostgresOptions, S3Options } from './connections.ts';
import { createDynamodbSource, type OpenDynamodbSource } from './dynamodb.ts';
import { createFileStore } from './file.ts';
import { CONNECTION_LIMITS } from '../config.ts';
import type { ConnectionLimits } from './limits.ts';
import { createMysqlSource, type OpenMysqlSource } from './mysql.ts';
import type { ObjectStore } from './object-store.ts';
import { createPostgresSource, type OpenPostgresSource } from './postgres.ts';
import { createS3Store, type S3Store } from './s3.ts';

interface Found {
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly secret: string | undefined;
  /** Another one after each change, so that a changed connection is opened anew. */
  readonly version: string;
}

/** One store and one pool for each thing that is reached, opened at the first use and shared until `close`. */
export function createConnections(deps: { ground: Ground; secrets: Secrets; limits?: Partial<ConnectionLimits> }): Connections {
  const { ground, secrets } = deps;
  const limits = { ...CONNECTION_LIMITS, ...deps.limits };
  // What is wrong with them is said at the start, not at the first crawl.
  hostRules(limits.allowedHosts);
  const files = createFileStore();
  const opened = new Map<string, S3Store | OpenPostgresSource | OpenMysqlSource | Promise<OpenDynamodbSource>>();
  return {
    async objectStore(address, connection) {
      if (parseAddress(address).scheme === 's3') return openS3(await findOne(connection, 's3'));
      if (connection !== undefined) throw new TenonError('BAD_INPUT', 'A file address is opened without a connection.');
      return files;
    },
    async postgres(connection, options = {}) {
      const found = await findOne(connection, 'postgres');
      const merged: PostgresOptions = found === undefined ? options : merge(found.options, options);
      const key = `postgres ${found?.version ?? ''} ${JSON.stringify(Object.entries(merged).sort())}`;
      return open(key, () => createPostgresSource(merged, found?.secret, limits));
    },
    async dynamodb(connection, options = {}) {
      const found = await findOne(connection, 'dynamodb');
      const merged = { ...found?.options, ...options };
      const key = `dynamodb ${found?.version ?? ''} ${JSON.stringify(Object.entries(merged).sort())}`;
      return open(key, () => createDynamodbSource(merged, found?.secret, limits));
    },
    async mysql(connection, options = {}) {
      const found = await findOne(connection, 'mysql');
      const merged: MysqlOptions = found === undefined ? options : merge(found.options, options);
      const key = `mysql ${found?.version ?? ''} ${JSON.stringify(Object.entries(merged).sort())}`;
      return open(key, () => createMysqlSource(merged, found?.secret, limits));
    },
    define: (w, draft) => defineConnection(w, secrets, draft),
    find: (as, name) => findConnection(ground.db, as, name),
    list: (as, page) => listConnections(ground.db, as, page),
    drop: dropConnection,
    async close() {
      const all = [...opened.values()];
      opened.clear();
      await Promise.allSettled(all.map(async (source) => (await source).close()));
    },
  };

  function openS3(found: Found | undefined): ObjectStore {
    const options: S3Options = found?.options ?? {};
    return open(`s3 ${found?.version ?? ''}`, () => createS3Store(options, found?.secret, limits));
  }

  function open<T extends S3Store | OpenPostgresSource | OpenMysqlSource | Promise<OpenDynamodbSource>>(
    key: string,
    make: () => T,
  ): T {
    // The key begins with the kind, so what is found under it is what `make` would make.
    const known = opened.get(key) as T | undefined;
    if (known !== undefined) return known;
    const made = make();
    opened.set(key, made);
    return made;
  }

  async function findOne(name: string | undefined, kind: ConnectionKind): Promise<Found | undefined> {
    if (name === undefined) return undefined;
    const row = await findRow(ground.db, name);
    if (row === undefined) throw noSuch(name);
    if (row.kind !== kind)
      throw new TenonError('BAD_INPUT', `The connection «${name}» is of the kind ${row.kind}; this needs ${kind}.`);
    const secret = row.secret === null ? undefined : secrets.unseal(row.secret, row.id);
    const content = createHash('sha256')
      .update(JSON.stringify(row.options))
      .update(row.secret ?? '')
      .digest('hex');
    return { options: row.options, secret, version: `${row.id} ${content}` };
  }
}

/** A crawler may choose another database on the same server, but not where, as whom and how the password is sent. */
function merge(connection: PostgresOptions, options: PostgresOptions): PostgresOptions {
  for (const key of ['host', 'port', 'user', 'sslmode', 'sslrootcert'] as const) {
    if (options[key] !== undefined && options[key] !== connection[key]) {
      throw new TenonError('BAD_INPUT', `The connection says another ${key} than the options; leave it out of the options.`, {
        key,
      });
    }
  }
  return { ...connection, ...options };
}
