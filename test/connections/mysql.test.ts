import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Connection } from 'mysql2/promise';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import type { MysqlOptions } from '../../src/connections/connections.ts';
import { databaseKindOf, parseDatabaseUrl } from '../../src/connections/database-url.ts';
import { createMysqlSource, type OpenMysqlSource } from '../../src/connections/mysql.ts';
import { mysqlAddress } from '../../src/connections/mysql-address.ts';
import { MYSQL_HOOK_TIMEOUT_MS, openTestMysql, type TestMysql } from '../servers/mysql.ts';
import { until } from '../until.ts';

const LIMITS = { ...CONNECTION_LIMITS, connectTimeoutMs: 1_000, lockTimeoutMs: 1_000, requestTimeoutMs: 500 };

describe('a MySQL source', () => {
  let server: TestMysql | { readonly skip: string };
  let db: { name: string; client: Connection; close(): Promise<void> };
  const opened: OpenMysqlSource[] = [];

  beforeAll(async () => {
    server = await openTestMysql();
    if ('skip' in server) return;
    db = await server.newDatabase();
    await db.client
      .query(`create table t (id int, at timestamp(6), n decimal(20,4), b varbinary(9), big bigint unsigned, note text character set latin1);
      set time_zone = '+00:00';
      insert into t select seq, timestamp '2026-11-20 12:00:00.123456' + interval seq microsecond, seq + 0.1, x'00ff', 18446744073709551615, 'ü' from seq_1_to_5000`);
  }, MYSQL_HOOK_TIMEOUT_MS);
  beforeEach((context) => {
    if ('skip' in server) context.skip(server.skip);
  });
  afterEach(() => Promise.all(opened.splice(0).map((source) => source.close())));
  afterAll(async () => {
    if ('skip' in server) return;
    await db.close();
    await server.close();
  });

  function open(more: MysqlOptions = {}, secret?: string): OpenMysqlSource {
    if ('skip' in server) throw new Error(server.skip);
    const { host, port, user, password } = server;
    const source = createMysqlSource({ host, port, user, database: db.name, ...more }, secret ?? password, LIMITS);
    opened.push(source);
    return source;
  }
  const sessions = async () => {
    const [rows] = await db.client.query(
      `select id from information_schema.processlist where db = '${db.name}' and id <> connection_id()`,
    );
    return (rows as { id: number }[]).map(({ id }) => id);
  };

  it('reads and does not write', async () => {
    const source = open();
    expect(await source.query('select count(*) as n from t')).toEqual([{ n: 5000 }]);
    for (const sql of ['insert into t values ()', 'create table x (i int)', 'drop table t', 'update t set id = 0'])
      await expect(source.query(sql)).rejects.toMatchObject({ code: 'BAD_SQL', message: expect.stringContaining('READ ONLY') });
  });

  it('quotes values so that nothing gets out of them', async () => {
    const hostile = `\\' or 1 = 1; drop table t; -- "\``;
    expect(await open().query('select ? as it', [hostile])).toEqual([{ it: hostile }]);
    await db.client.query("set global sql_mode = 'NO_BACKSLASH_ESCAPES,ANSI_QUOTES'");
    try {
      expect(await open().query('select ? as it', [hostile])).toEqual([{ it: hostile }]);
    } finally {
      await db.client.query('set global sql_mode = default');
    }
  });

  it('ends a statement that takes too long, or waits too long for a lock', async () => {
    await expect(open({ statementTimeoutMs: 200 }).query('select sleep(20) from t')).rejects.toMatchObject({ code: 'TIMEOUT' });
    await db.client.query('lock tables t write');
    try {
      await expect(open().query('select 1 from t')).rejects.toMatchObject({ code: 'TIMEOUT' });
    } finally {
      await db.client.query('unlock tables');
    }
  });

  it('streams rows as bytes, exactly as the server has them', async () => {
    const rows: unknown[][] = [];
    for await (const row of open().stream('select * from t where id > ? order by id', [4000])) rows.push(row);
    expect(rows).toHaveLength(1000);
    const [id, at, n, b, big, note] = rows[0] as Buffer[];
    expect([id, at, n, big, note].map(String)).toEqual([
      '4001',
      '2026-11-20 12:00:00.127457',
      '4001.1000',
      '18446744073709551615',
      'ü',
    ]);
    expect(b).toEqual(Buffer.from([0, 255]));
  });

  it('hangs up when the reader of a stream goes away, or is told to stop', async () => {
    const source = open();
    for await (const _ of source.stream('select * from t')) break;
    const stop = new AbortController();
    const reason = new Error('enough');
    const reading = async () => {
      for await (const _ of source.stream('select * from t', [], stop.signal)) stop.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
    await until('its sessions to end', async () => (await sessions()).length === 0);
    expect(await source.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('survives the death of its sessions', async () => {
    const source = open();
    await source.query('select 1');
    for (const id of await sessions()) await db.client.query(`kill ${id}`);
    await until('a new session', () =>
      source.query('select 1').then(
        () => true,
        () => false,
      ),
    );
  });

  it('says who was denied and never with which password', async () => {
    const secret = 'hunter2 hunter2';
    for (const options of [{}, { user: 'nobody_here' }]) {
      const error: unknown = await open(options, secret)
        .query('select 1')
        .catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'SOURCE_DENIED' });
      expect(JSON.stringify([error, String(error)])).not.toContain(secret);
    }
    await expect(open({ database: 'no_such_database' }).query('select 1')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it('gives up on a server that is not there, that hangs up, or that says nothing', async () => {
    await expect(open({ host: '127.0.0.1', port: 1 }).query('select 1')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    const sockets = new Set<Socket>();
    for (const behave of [(socket: Socket) => socket.destroy(), (socket: Socket) => void sockets.add(socket)]) {
      const silent = createServer(behave);
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const { port } = silent.address() as AddressInfo;
      for (const sslmode of ['disable', 'prefer', 'require'] as const)
        await expect(open({ port, sslmode }).query('select 1')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  });

  it('gives a server neither a file nor the password in clear, and goes only where it may', async () => {
    const got: string[] = [];
    const rogue = createServer((socket) => {
      socket.on('error', () => undefined);
      // A greeting of protocol 10, and then a wish for the password as it is.
      const body = Buffer.concat([
        Buffer.from('\n8.0.0\0'),
        Buffer.from([1, 0, 0, 0]),
        Buffer.from('12345678\0'),
        Buffer.from([0xff, 0xf7, 45, 2, 0, 0xff, 0x81, 21]),
        Buffer.alloc(10),
        Buffer.from('123456789012\0mysql_native_password\0'),
      ]);
      socket.write(Buffer.concat([Buffer.from([body.length, 0, 0, 0]), body]));
      socket.once('data', () => {
        const wish = Buffer.from('\xfemysql_clear_password\0', 'latin1');
        socket.write(Buffer.concat([Buffer.from([wish.length, 0, 0, 2]), wish]));
        socket.on('data', (data) => got.push(data.toString('latin1')));
      });
    });
    await new Promise<void>((resolve) => rogue.listen(0, '127.0.0.1', resolve));
    const { port } = rogue.address() as AddressInfo;
    await expect(open({ port, sslmode: 'disable' }, 's3cret').query('select 1')).rejects.toMatchObject({ code: 'SOURCE_DENIED' });
    expect(got.join('')).not.toContain('s3cret');
    rogue.close();
    const away = createMysqlSource({ host: '127.0.0.1', port }, 's3cret', { ...LIMITS, allowedHosts: ['db.example'] });
    await expect(away.query('select 1')).rejects.toMatchObject({ code: 'HOST_NOT_ALLOWED' });
    for (const host of ['169.254.169.254', '0xa9fea9fe', '[::ffff:a9fe:a9fe]', 'metadata.google.internal'])
      await expect(createMysqlSource({ host }, 's3cret', LIMITS).query('select 1')).rejects.toMatchObject({
        code: 'HOST_NOT_ALLOWED',
      });
  });
});

describe('a MySQL URL', () => {
  it('is taken apart, the password beside the rest', () => {
    const { options, secret } = parseDatabaseUrl(
      new URL('mysql://us%40er:p%2Fw%3A@db.example:3307/shop?sslmode=verify-full&sslrootcert=/ca.pem'),
    );
    expect(options).toEqual({
      host: 'db.example',
      port: 3307,
      user: 'us@er',
      database: 'shop',
      sslmode: 'verify-full',
      sslrootcert: '/ca.pem',
    });
    expect(secret).toBe('p/w:');
    expect(mysqlAddress(options)).toBe('mysql://db.example:3307/shop');
    expect(mysqlAddress({ host: '::1' })).toBe('mysql://[::1]:3306');
    expect(
      ['mysql', 'mariadb', 'postgres', 'redshift', 's3'].map((scheme) => databaseKindOf(new URL(`${scheme}://h/x`))),
    ).toEqual(['mysql', 'mysql', 'postgres', 'postgres', undefined]);
  });
});
