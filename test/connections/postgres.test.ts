import { createServer, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { PostgresOptions } from '../../src/connections/connections.ts';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import { createPostgresSource, type OpenPostgresSource } from '../../src/connections/postgres.ts';
import { parseDatabaseUrl } from '../../src/connections/database-url.ts';
import { postgresAddress } from '../../src/connections/postgres-address.ts';
import { openEmptyDb } from '../servers/postgres.ts';
import { until } from '../until.ts';

const LIMITS = { ...CONNECTION_LIMITS, connectTimeoutMs: 500, lockTimeoutMs: 100 };

describe('a Postgres source', () => {
  let db: Awaited<ReturnType<typeof openEmptyDb>>;
  let options: PostgresOptions;
  let client: Client;
  const opened: OpenPostgresSource[] = [];

  beforeAll(async () => {
    db = await openEmptyDb();
    ({ options } = parseDatabaseUrl(new URL(db.url)));
    client = new Client(db.url);
    await client.connect();
    await client.query(`create table t (id int, at timestamptz, n numeric, d double precision, b bytea, big bigint);
      insert into t select i, timestamptz '2026-11-20 12:00:00.123456+00' + i * interval '1 microsecond', i + 0.1000, 0.1, 'x', 9007199254740993 from generate_series(1, 5000) i`);
  });
  afterEach(() => Promise.all(opened.splice(0).map((source) => source.close())));
  afterAll(async () => {
    await client.end();
    await db.close();
  });

  function open(more: PostgresOptions = {}, secret?: string): OpenPostgresSource {
    const source = createPostgresSource({ ...options, ...more }, secret, LIMITS);
    opened.push(source);
    return source;
  }
  const sessions = async () =>
    (
      await client.query(
        "select pid, state from pg_stat_activity where application_name = 'tenon' and datname = current_database()",
      )
    ).rows;

  it('reads and does not write', async () => {
    const source = open();
    expect(await source.query('select count(*)::int as n from t')).toEqual([{ n: 5000 }]);
    for (const sql of ['insert into t values (1)', 'create table x ()', 'drop table t']) {
      await expect(source.query(sql)).rejects.toMatchObject({ code: 'BAD_SQL', details: { state: '25006' } });
    }
  });

  it('ends a statement that takes too long, or waits too long for a lock', async () => {
    await expect(open({ statementTimeoutMs: 50 }).query('select pg_sleep(20)')).rejects.toMatchObject({ code: 'TIMEOUT' });
    await client.query('begin; lock table t');
    try {
      await expect(open().query('select 1 from t')).rejects.toMatchObject({ code: 'TIMEOUT', details: { state: '55P03' } });
    } finally {
      await client.query('rollback');
    }
  });

  it('streams rows as text, exactly as the server has them', async () => {
    const rows: unknown[][] = [];
    for await (const row of open().stream('select * from t where id > $1 order by id', [4000])) rows.push(row);
    expect(rows).toHaveLength(1000);
    expect(rows[0]).toEqual(['4001', '2026-11-20 12:00:00.127457+00', '4001.1000', '0.1', String.raw`\x78`, '9007199254740993']);
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

  it('copies out what a table holds', async () => {
    const source = open();
    const copied = await text(await source.copyOut('copy (select id, at from t order by id limit 2) to stdout (format csv)'));
    expect(copied).toBe('1,2026-11-20 12:00:00.123457+00\n2,2026-11-20 12:00:00.123458+00\n');
    expect(await source.query('select 1 as one')).toEqual([{ one: 1 }]);
    expect(await sessions()).toHaveLength(1);
  });

  it('fails a copy with its reason, in the beginning and in the middle', async () => {
    const source = open();
    const failing = async (sql: string) => text(await source.copyOut(sql));
    await expect(failing('copy nowhere to stdout')).rejects.toMatchObject({
      code: 'BAD_SQL',
      message: expect.stringContaining('nowhere'),
    });
    await expect(failing('copy (select 10 / (3000 - id) from t order by id) to stdout')).rejects.toMatchObject({
      code: 'BAD_SQL',
    });
    const cut = await source.copyOut('copy (select repeat(id::text, 1000) from t, generate_series(1, 100)) to stdout');
    await until('the copy to run', async () => (await sessions()).some(({ state }) => state === 'active'));
    for (const { pid } of await sessions()) await client.query('select pg_terminate_backend($1)', [pid]);
    await expect(text(cut)).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    expect(await source.query('select 1 as one')).toEqual([{ one: 1 }]);
  });

  it('ends a copy that is told to stop, or that nobody reads', async () => {
    const source = open();
    const stop = new AbortController();
    const copying = await source.copyOut(
      'copy (select repeat(id::text, 1000) from t, generate_series(1, 100)) to stdout',
      stop.signal,
    );
    stop.abort();
    await expect(text(copying)).rejects.toMatchObject({ name: 'AbortError' });
    (await source.copyOut('copy t to stdout')).destroy();
    await until('its sessions to end', async () => (await sessions()).length === 0);
  });

  it('survives the death of its sessions', async () => {
    const source = open();
    await source.query('select 1');
    for (const { pid } of await sessions()) await client.query('select pg_terminate_backend($1)', [pid]);
    await until('its sessions to end', async () => (await sessions()).length === 0);
    await until('a new session', () =>
      source.query('select 1').then(
        () => true,
        () => false,
      ),
    );
  });

  it('keeps a snapshot usable after an attempt that failed', async () => {
    const snapshot = await open().snapshot();
    await expect(snapshot.attempt('select 1 / 0')).rejects.toMatchObject({ code: 'BAD_SQL' });
    await client.query('create table later ()');
    expect(await snapshot.query("select count(*)::int as n from pg_class where relname = 'later'")).toEqual([{ n: 0 }]);
    await snapshot.close();
    expect((await sessions()).map(({ state }) => state)).toEqual(['idle']);
  });

  it('says who was denied and never with which password', async () => {
    const secret = 'hunter2 hunter2';
    const error: unknown = await open({ user: 'nobody_here' }, secret)
      .query('select 1')
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'SOURCE_DENIED' });
    expect(JSON.stringify([error, String(error)])).not.toContain(secret);
    await expect(open({ database: 'no_such_database' }).query('select 1')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
  });

  it('gives up on a server that is not there, that hangs up, or that says nothing', async () => {
    await expect(open({ host: '127.0.0.1', port: 1 }).query('select 1')).rejects.toMatchObject({ code: 'SOURCE_UNAVAILABLE' });
    const sockets = new Set<Socket>();
    for (const behave of [(socket: Socket) => socket.destroy(), (socket: Socket) => void sockets.add(socket)]) {
      const server = createServer(behave);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      for (const sslmode of ['disable', 'prefer', 'require'] as const) {
        await expect(open({ host: '127.0.0.1', port, sslmode }).query('select 1')).rejects.toMatchObject({
          code: 'SOURCE_UNAVAILABLE',
        });
      }
      for (const socket of sockets) socket.destroy();
      server.close();
    }
  });

  it('sends PGPASSWORD to PGHOST and nowhere else', async () => {
    const passwords: string[] = [];
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      // Asks for a clear-text password, and notes what comes.
      socket.once('data', () => {
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3]));
        socket.once('data', (data) => {
          passwords.push(data.subarray(5, -1).toString());
          socket.destroy();
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    process.env['PGPASSWORD'] = 'from the environment';
    process.env['PGHOST'] = 'localhost';
    try {
      for (const host of ['127.0.0.1', 'localhost']) {
        await open({ host, port, user: 'u', database: 'd', sslmode: 'disable' })
          .query('select 1')
          .catch(() => undefined);
      }
      expect(passwords).toEqual(['', 'from the environment']);
    } finally {
      delete process.env['PGPASSWORD'];
      delete process.env['PGHOST'];
      server.close();
    }
  });
});

describe('a Postgres URL', () => {
  it('is taken apart, the password beside the rest', () => {
    const { options, secret } = parseDatabaseUrl(
      new URL('postgres://us%40er:p%2Fw%3A@db.example:5433/sh%20op?sslmode=verify-full'),
    );
    expect(options).toEqual({ host: 'db.example', port: 5433, user: 'us@er', database: 'sh op', sslmode: 'verify-full' });
    expect(secret).toBe('p/w:');
    expect(postgresAddress(options)).toBe('postgres://db.example:5433/sh%20op');
    expect(parseDatabaseUrl(new URL('postgresql://[::1]/x')).options).toEqual({ host: '::1', database: 'x' });
    expect(postgresAddress({ host: '::1', port: 1, database: 'x' })).toBe('postgres://[::1]:1/x');
    expect(parseDatabaseUrl(new URL('postgres://localhost/x?host=%2Frun%2Fpg&password=100%25')).secret).toBe('100%');
  });

  it('that is wrong is refused without being repeated', () => {
    for (const url of ['postgres://u:s3cret@h/x?sslmode=perhaps', 'postgres://u:s3cret%zz@h/x']) {
      expect(() => parseDatabaseUrl(new URL(url))).toThrow(
        expect.objectContaining({ code: 'BAD_INPUT', message: expect.not.stringContaining('s3cret') }),
      );
    }
  });
});
