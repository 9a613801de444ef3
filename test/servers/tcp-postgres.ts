import { randomBytes } from 'node:crypto';
import { appendFileSync, chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedPostgres } from '../../src/db/embedded-postgres.ts';
import { connect } from '../../src/db/open-db.ts';
import type { Certificates } from './certificates.ts';
import { openTcpProxy } from './tcp-proxy.ts';

/** An embedded Postgres of one's own on a port of 127.0.0.1, with somebody who needs a password, and TLS if wanted. */
export async function openTcpPostgres(certificates?: Certificates) {
  const folder = mkdtempSync(join(tmpdir(), 'tenon-tcp-postgres-'));
  // Its port is part of the name of its socket, so it keeps that, and has an address of its own in the loopback network.
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  const address = `127.${1 + (a % 254)}.${b}.${1 + (c % 254)}`;
  const settings = { listen_addresses: address, fsync: 'off' };
  const server = await openEmbeddedPostgres(folder, { settings });
  const pgdata = join(folder, 'postgres');
  const admin = await connect(server.url);
  const password = 'pass/word @#ü';
  await admin.query(`create role tester superuser login password '${password}'`);
  appendFileSync(join(pgdata, 'pg_hba.conf'), 'host all tester 127.0.0.0/8 scram-sha-256\n');
  if (certificates !== undefined) {
    for (const [name, text] of [
      ['server.crt', certificates.cert],
      ['server.key', certificates.key],
    ] as const) {
      writeFileSync(join(pgdata, name), text, { mode: 0o600 });
      chownSync(join(pgdata, name), statSync(pgdata).uid, -1);
    }
    await admin.query('alter system set ssl = on');
  }
  await admin.query('select pg_reload_conf()');
  await admin.end();
  const proxy = await openTcpProxy({ host: address, port: 5432 });
  return {
    host: '127.0.0.1',
    port: proxy.port,
    /** All that goes through the port. */
    proxy,
    user: 'tester',
    password,
    /** Over its socket. */
    url: server.url,
    async close() {
      await proxy.close();
      await server.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
