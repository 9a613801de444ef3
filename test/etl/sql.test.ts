import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SYSTEM } from '../../src/access/principals.ts';
import { ensureDatabase } from '../../src/catalog/databases.ts';
import { recordTable } from '../../src/catalog/tables.ts';
import { write } from '../../src/changes/write.ts';
import { pruning, runSql, type SqlOptions } from '../../src/etl/sql.ts';
import { connect } from '../../src/db/open-db.ts';
import type { Principal } from '../../src/model/principal.ts';
import { MYSQL_HOOK_TIMEOUT_MS, openTestMysql, type TestMysql } from '../servers/mysql.ts';
import { columnList, openLab, type Lab } from './lab.ts';

describe('sql over the catalog', () => {
  let lab: Lab;
  const reader: Principal = { id: 'r', name: 'bob', role: 'reader' };
  const sql = (text: string, options?: SqlOptions) => runSql(lab.deps, reader, text, options);

  beforeAll(async () => {
    lab = await openLab();
    lab.put('orders/dt=2026-01-01/a.csv', 'id,email,amount\n1,a@x,1.50\n9007199254740993,b@x,2\n');
    lab.put('orders/dt=2026-01-02/a.csv', 'id,email,amount\n3,,3\n');
    await lab.crawl();
  });
  afterAll(() => lab.close());

  it('answers with types in Hive’s words and values that JSON can hold', async () => {
    expect(await sql('select * from lake.orders order by id')).toEqual({
      columns: [
        { name: 'id', type: 'bigint' },
        { name: 'email', type: 'string' },
        { name: 'amount', type: 'decimal(10,2)' },
        { name: 'dt', type: 'date' },
      ],
      rows: [
        [1, 'a@x', '1.50', '2026-01-01'],
        [3, null, '3.00', '2026-01-02'],
        ['9007199254740993', 'b@x', '2.00', '2026-01-01'],
      ],
      truncated: false,
    });
  });

  it('joins, groups and names tables in any case', async () => {
    const { columns, rows } = await sql(
      'with x as (select dt, count(*) as n from LAKE.Orders group by dt) select a.dt, sum(n) as n from x a join lake.orders b using (dt) group by all order by dt',
    );
    expect(rows).toEqual([
      ['2026-01-01', 4],
      ['2026-01-02', 1],
    ]);
    expect(columns[1]?.type).toBe('bigint');
  });

  it('ends at its limit and says so', async () => {
    expect(await sql('select id from lake.orders order by id', { limit: 1 })).toMatchObject({ rows: [[1]], truncated: true });
  });

  it('names tables that are near when there is none', async () => {
    await expect(sql('select * from lake.ordres')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      details: { near: ['lake.orders'] },
    });
    await expect(sql('select * from orders')).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: expect.stringContaining('lake.orders'),
    });
    await expect(sql('select * from information_schema.tables')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('refuses what is not one SELECT', async () => {
    for (const text of [
      '',
      'drop table lake.orders',
      'select 1; select 2',
      "copy lake.orders to '/tmp/x'",
      "select * from read_csv('/etc/passwd')",
      'selec',
    ]) {
      await expect(sql(text)).rejects.toMatchObject({ code: 'BAD_SQL' });
    }
  });

  it('opens only files of partitions that the WHERE leaves', async () => {
    lab.put('gone/dt=2026-01-01/a.csv', 'id,email,amount\n1,a,1\n');
    const removed = lab.put('gone/dt=2026-01-02/a.csv', 'id,email,amount\n2,b,2\n');
    await lab.crawl({ table: 'gone' });
    rmSync(removed);
    expect((await sql("select id from lake.gone where dt = '2026-01-01' and id > 0")).rows).toEqual([[1]]);
    expect((await sql("select id from lake.gone g where g.dt < date '2026-01-02'")).rows).toEqual([[1]]);
    await expect(sql('select id from lake.gone')).rejects.toMatchObject({ code: 'DATA_UNREADABLE' });
  });

  it('leaves nothing behind', async () => {
    await sql('select 1 as a');
    expect(readdirSync(join(lab.folder, 'work'))).toEqual([]);
  });

  it('stops when it is told to', async () => {
    const stop = new AbortController();
    const running = sql('select count(*) from range(100000000000) a, range(1000) b where a.range * b.range = -1', {
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(), 500);
    await expect(running).rejects.toMatchObject({ code: 'STOPPED' });
  });

  it('reads tables of Postgres, with null and empty text, nested values and bytes', async () => {
    const admin = await connect(lab.t.url);
    await admin.query(`create schema "sh op"; create table "sh op"."it's" (id bigint, name text, tags int[], raw bytea, at timestamptz, ok boolean, price numeric(10,2), who text[]);
      insert into "sh op"."it's" values (1, '', '{1,null}', '\\xdead', '2026-01-01 00:00:00+02', true, 1.5, '{"a,b","c\\"d"}'), (2, null, null, null, null, false, null, '{}'), (3, E'two\\nlines,"q"', '{}', '', null, null, 0, null)`);
    const {
      rows: [row],
    } = await admin.query<{ db: string; user: string; dir: string }>(
      "select current_database() as db, current_user as user, current_setting('unix_socket_directories') as dir",
    );
    await admin.end();
    const host = new URL(lab.t.url).searchParams.get('host') ?? new URL(lab.t.url).hostname;
    const { connections } = lab;
    await write(lab.t.ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
      await connections.define(w, {
        name: 'shop',
        kind: 'postgres',
        options: { host, database: row?.db ?? '', user: row?.user ?? '' },
      });
      await ensureDatabase(w, 'shop');
      await recordTable(w, {
        database: 'shop',
        name: 'items',
        type: 'table',
        location: `postgres://${encodeURIComponent(host)}:5432/${row?.db}/sh%20op/it's`,
        connection: 'shop',
        format: { name: 'postgres', options: { schema: 'sh op', table: "it's" } },
        schema: {
          columns: columnList({
            id: 'bigint',
            name: 'string',
            tags: 'array<int>',
            raw: 'binary',
            at: 'timestamp with local time zone',
            ok: 'boolean',
            price: 'decimal(10,2)',
            who: 'array<string>',
          }),
          partitionKeys: [],
        },
      });
    });
    const { rows } = await sql('select * from shop.items order by id');
    expect(rows).toEqual([
      [1, '', [1, null], '3q0=', '2025-12-31T22:00:00Z', true, '1.50', ['a,b', 'c"d']],
      [2, null, null, null, null, false, null, []],
      [3, 'two\nlines,"q"', [], '', null, null, '0.00', null],
    ]);
  });
});

describe('sql over MySQL', () => {
  let lab: Lab;
  let server: TestMysql | { readonly skip: string };
  beforeAll(async () => {
    lab = await openLab();
    server = await openTestMysql();
  }, MYSQL_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await lab.close();
    if (!('skip' in server)) await server.close();
  });

  it('reads its tables, with null and empty text, bytes, bits, large and small numbers', async (context) => {
    if ('skip' in server) return context.skip(server.skip);
    const { host, port, user, password } = server;
    const { name: database, client } = await server.newDatabase();
    await client.query(`create table \`it's\` (id bigint unsigned, \`na\`\`me\` text, raw varbinary(9), at timestamp null, wall datetime(6), ok bit(1), price decimal(10,2), ratio float, mood enum('a','b,c'));
      set time_zone = '+02:00';
      insert into \`it's\` values (18446744073709551615, '', x'dead', '2026-01-01 00:00:00', '2026-01-01 00:00:00.000001', b'1', 1.5, 16777216, 'b,c'),
        (2, null, null, null, null, b'0', null, 0.1, null), (3, 'two\nlines,"q" \\\\ ü', '', null, null, null, 0, null, 'a')`);
    await write(lab.t.ground, { principal: SYSTEM, owner: 'api' }, async (w) => {
      await lab.connections.define(w, { name: 'my', kind: 'mysql', options: { host, port, user }, secret: password });
      await ensureDatabase(w, 'my');
      await recordTable(w, {
        database: 'my',
        name: 'items',
        type: 'table',
        location: `mysql://${host}:${port}/${database}/it's`,
        connection: 'my',
        format: { name: 'mysql', options: { schema: database, table: "it's" } },
        schema: {
          columns: columnList({
            id: 'decimal(20,0)',
            'na`me': 'string',
            raw: 'binary',
            at: 'timestamp with local time zone',
            wall: 'timestamp',
            ok: 'boolean',
            price: 'decimal(10,2)',
            ratio: 'float',
            mood: 'string',
          }),
          partitionKeys: [],
        },
      });
    });
    const { rows } = await runSql(lab.deps, SYSTEM, 'select * from my.items order by id');
    expect(rows).toEqual([
      ['2', null, null, null, null, false, null, expect.closeTo(0.1, 6), null],
      ['3', 'two\nlines,"q" \\ ü', '', null, null, null, '0.00', null, 'a'],
      ['18446744073709551615', '', '3q0=', '2025-12-31T22:00:00Z', '2026-01-01T00:00:00.000001', true, '1.50', 16777216, 'b,c'],
    ]);
    await client.end();
  });
});

describe('pruning', () => {
  const keys = columnList({ dt: 'date', region: 'string', n: 'int', at: 'timestamp' });

  it('takes what the engine compares as the catalog does', () => {
    const made = pruning(
      [
        { column: 'DT', operator: '>=', values: ['2026-01-01'] },
        { column: 'region', operator: 'in', values: ['a', 'b'] },
        { column: 'n', operator: '=', values: [5] },
      ],
      keys,
    );
    expect(made).toMatchObject({ kind: 'and', items: [{ key: 0, operator: '>=' }, { kind: 'in', key: 1 }, { key: 2 }] });
  });

  it('leaves what it would compare in its own way', () => {
    const conditions = [
      { column: 'region', operator: '=' as const, values: [5] },
      { column: 'dt', operator: '=' as const, values: ['2026-1-1'] },
      { column: 'at', operator: '=' as const, values: ['2026-01-01'] },
      { column: 'n', operator: '=' as const, values: ['5.0'] },
      { column: 'other', operator: '=' as const, values: ['5'] },
    ];
    expect(pruning(conditions, keys)).toBeUndefined();
  });
});
