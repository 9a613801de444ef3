import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import type { PostgresOptions, SslMode } from '../../src/connections/connections.ts';
import { createMysqlSource } from '../../src/connections/mysql.ts';
import { createPostgresSource } from '../../src/connections/postgres.ts';
import { makeCertificates, type Certificates } from '../servers/certificates.ts';
import { MYSQL_HOOK_TIMEOUT_MS, openTestMysql } from '../servers/mysql.ts';
import { openTcpPostgres } from '../servers/tcp-postgres.ts';

interface TlsServer {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  close(): Promise<void>;
}

/** A server of each kind, its certificate for what it is told; and one that speaks no TLS. */
const KINDS = [
  {
    kind: 'Postgres',
    create: createPostgresSource,
    database: 'postgres',
    is: 'select ssl as on from pg_stat_ssl where pid = pg_backend_pid()',
    open: (certificates?: Certificates): Promise<TlsServer | { readonly skip: string }> => openTcpPostgres(certificates),
  },
  {
    kind: 'MariaDB',
    create: createMysqlSource,
    database: 'information_schema',
    is: "select variable_value <> '' as `on` from information_schema.session_status where variable_name = 'Ssl_cipher'",
    open: async (certificates?: Certificates): Promise<TlsServer | { readonly skip: string }> => {
      if (certificates === undefined) return openTestMysql(['--skip-ssl']);
      // The server gives up being root before it reads them.
      chmodSync(certificates.folder, 0o755);
      for (const [name, text] of [
        ['server.pem', certificates.cert],
        ['server.key', certificates.key],
      ] as const)
        writeFileSync(join(certificates.folder, name), text, { mode: 0o644 });
      return openTestMysql([
        `--ssl-cert=${join(certificates.folder, 'server.pem')}`,
        `--ssl-key=${join(certificates.folder, 'server.key')}`,
        `--ssl-ca=${certificates.ca}`,
      ]);
    },
  },
] as const;

describe.each(KINDS)('TLS to $kind', ({ create, open, database, is }) => {
  let named: Certificates;
  let other: Certificates;
  let server: TlsServer | { readonly skip: string };
  let plain: TlsServer | { readonly skip: string };
  beforeAll(async () => {
    named = makeCertificates('DNS:localhost');
    other = makeCertificates('DNS:localhost,IP:127.0.0.1');
    server = await open(named);
    plain = await open();
  }, MYSQL_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    for (const one of [server, plain]) if (one !== undefined && !('skip' in one)) await one.close();
    named.close();
    other.close();
  });

  async function ask(at: TlsServer | { readonly skip: string }, options: PostgresOptions): Promise<unknown> {
    if ('skip' in at) throw new Error(at.skip);
    const { port, user, password } = at;
    const limits = { ...CONNECTION_LIMITS, connectTimeoutMs: 3_000 };
    const source = create({ host: '127.0.0.1', port, user, database, ...options }, password, limits);
    try {
      const [row] = await source.query<{ on: unknown }>(is);
      return Boolean(row?.on);
    } catch (error) {
      expect(JSON.stringify([error, String(error)])).not.toContain(password);
      throw error;
    } finally {
      await source.close();
    }
  }

  it('is spoken when it can be, and not insisted on unless told so', async (context) => {
    if ('skip' in server) context.skip(server.skip);
    expect(await ask(server, {})).toBe(true);
    expect(await ask(server, { sslmode: 'require' })).toBe(true);
    expect(await ask(server, { sslmode: 'disable' })).toBe(false);
    expect(await ask(plain, {})).toBe(false);
    for (const sslmode of ['require', 'verify-full'] satisfies SslMode[])
      await expect(ask(plain, { sslmode })).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it('is checked by verify-full: the authority and the name', async (context) => {
    if ('skip' in server) context.skip(server.skip);
    const sslmode = 'verify-full';
    expect(await ask(server, { sslmode, host: 'localhost', sslrootcert: named.ca })).toBe(true);
    const refused: PostgresOptions[] = [
      // The certificate is for localhost only.
      { host: '127.0.0.1', sslrootcert: named.ca },
      // Signed by another authority, and by none of the public ones.
      { host: 'localhost', sslrootcert: other.ca },
      { host: 'localhost' },
    ];
    for (const options of refused)
      await expect(ask(server, { sslmode, ...options })).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it('trusts only a file of certificates, and shows nothing of another', async () => {
    const secret = join(named.folder, 'secret');
    writeFileSync(secret, 'top secret');
    for (const sslrootcert of [secret, '/nonexistent', named.folder, '/dev/zero']) {
      const error: unknown = await ask(server, { sslmode: 'verify-full', sslrootcert }).catch((thrown: unknown) => thrown);
      if ('skip' in server) continue;
      expect(error).toMatchObject({ code: 'BAD_INPUT', message: expect.stringContaining(sslrootcert) });
      expect(String(error)).not.toContain('top secret');
    }
    expect(readFileSync(named.ca, 'utf8')).toContain('BEGIN CERTIFICATE');
  });
});

describe('an address instead of a name', () => {
  it(
    'has to be in the certificate itself, also where the driver does not say so',
    async (context) => {
      const [, { open, create, database, is }] = KINDS;
      const certificates = makeCertificates('IP:127.0.0.1');
      const server = await open(certificates);
      if ('skip' in server) return context.skip(server.skip);
      try {
        const { port, user, password } = server;
        const tls = { port, user, database, sslmode: 'verify-full', sslrootcert: certificates.ca } as const;
        const good = create({ ...tls, host: '127.0.0.1' }, password);
        const bad = create({ ...tls, host: 'localhost' }, password);
        expect(await good.query(is)).toHaveLength(1);
        await expect(bad.query(is)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
        await Promise.all([good.close(), bad.close()]);
      } finally {
        await server.close();
        certificates.close();
      }
    },
    MYSQL_HOOK_TIMEOUT_MS,
  );
});
