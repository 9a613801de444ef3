import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { mysqlCrawler } from '../../crawlers/mysql.ts';
import type { Connections } from '../../src/connections/connections.ts';
import type { TableFinding } from '../../src/crawl/crawler.ts';
import { formatType } from '../../src/model/types.ts';
import { openTestConnections } from '../connections/test-connections.ts';
import { crawlAll, describeCrawler, isComplete, seen } from '../contract/crawler.ts';
import { MYSQL_HOOK_TIMEOUT_MS, openTestMysql, type TestMysql } from '../servers/mysql.ts';

const HOSTILE = ['a"; drop table customers; --', "it's `quoted`", 'line\nbreak', 'ünï 中文', '%', '..', 'a/b', 'x'.repeat(64)];

const SCHEMA = `
  create table types (
    a_tiny tinyint, a_flag tinyint(1), a_bool bool, a_small smallint, a_medium mediumint, an_int int not null, a_big bigint,
    u_tiny tinyint unsigned, u_small smallint unsigned, u_medium mediumint unsigned, u_int int unsigned, u_big bigint unsigned,
    z_int int(5) zerofill, a_float float, a_double double, a_decimal decimal(12,4), a_plain decimal, a_wide decimal(50,2), u_decimal decimal(5,2) unsigned,
    a_bit bit(1), some_bits bit(12), a_year year, a_date date, a_time time(3), a_datetime datetime(6), a_timestamp timestamp(3) null,
    a_char char(3), a_varchar varchar(40) comment 'Who''s who', a_text text, a_binary binary(4), a_varbinary varbinary(9), a_blob longblob,
    a_json json, an_enum enum('sad','it''s','a,b','') default 'sad', a_set set('x','y'), a_point point, a_uuid uuid, an_inet inet6
  ) comment 'All kinds';
  create table customers (id bigint unsigned auto_increment primary key, email varchar(100) not null unique, touched timestamp default current_timestamp on update current_timestamp);
  create table orders (
    id bigint, line int, customer bigint unsigned, net decimal(9,2), gross decimal(11,2) as (net * 1.19) stored, half decimal(11,2) as (net / 2) virtual, note text,
    primary key (id, line), constraint buyer foreign key (customer) references customers (id), key by_net (net desc, customer), key by_note (note(10)), fulltext key words (note));
  create table events (at datetime not null, kind varchar(9)) partition by range columns (at) (
    partition p2026 values less than ('2027-01-01'), partition rest values less than maxvalue);
  insert into events select '2026-06-01', 'x' from seq_1_to_1000;
  analyze table events;
  create view happy as select id, email from customers;
  create sequence counting;
  create table versioned (id int) with system versioning;
  ${HOSTILE.map((name) => `create table \`${name.replaceAll('`', '``')}\` (\`${name.replaceAll('`', '``')}\` int comment '${name.replaceAll("'", "''")}');`).join('\n')}`;

const NAMES = ['types', 'customers', 'orders', 'events', 'happy', 'versioned', ...HOSTILE].sort((a, b) =>
  Buffer.compare(Buffer.from(a), Buffer.from(b)),
);

async function openSource(server: TestMysql) {
  const { name: database, client, close } = await server.newDatabase();
  await client.query(SCHEMA);
  const test = await openTestConnections();
  const { host, port, user, password } = server;
  await test.define({ name: 'shop', kind: 'mysql', options: { host, port, user }, secret: password });
  return { database, client, test, close: async () => (await test.close(), await close()) };
}

/** Connections whose questions about some tables fail while `failing` says so, as on a server's error. */
function failingConnections(connections: Connections, failing: { on: boolean }): Connections {
  return {
    ...connections,
    async mysql(connection, options) {
      const source = await connections.mysql(connection, options);
      return {
        ...source,
        async snapshot() {
          const snapshot = await source.snapshot();
          return {
            ...snapshot,
            attempt: (text, values) => snapshot.attempt(failing.on ? 'select nonsense from nowhere' : text, values),
          };
        },
      };
    },
  };
}

let server: TestMysql | { readonly skip: string };
beforeAll(async () => {
  server = await openTestMysql();
}, MYSQL_HOOK_TIMEOUT_MS);
afterAll(async () => {
  if (!('skip' in server)) await server.close();
});

describeCrawler('mysql', async () => {
  if ('skip' in server) return server;
  const { password } = server;
  const { database, client, test, close } = await openSource(server);
  const failing = { on: false };
  return {
    crawler: mysqlCrawler,
    options: { database, tables: { include: [], exclude: ['none%'] } },
    connections: failingConnections(test.connections, failing),
    connection: 'shop',
    expected: NAMES,
    spoil: async () => {
      failing.on = true;
      return { unknown: NAMES, restore: async () => void (failing.on = false) };
    },
    secrets: [password, encodeURIComponent(password)],
    url: `mysql://reader:${encodeURIComponent(password)}@db.example:3307/shop?sslmode=require`,
    vanish: async () => {
      const [rows] = await client.query(`select id from information_schema.processlist where id <> connection_id()`);
      for (const { id } of rows as { id: number }[]) await client.query(`kill ${id}`).catch(() => undefined);
    },
    close,
  };
});

describe('crawling MySQL', () => {
  let source: Awaited<ReturnType<typeof openSource>>;

  beforeAll(async () => {
    if (!('skip' in server)) source = await openSource(server);
  });
  afterAll(() => source?.close());
  beforeEach((context) => {
    if ('skip' in server) context.skip(server.skip);
  });

  const crawl = (options: Record<string, unknown> = {}, connection = 'shop') =>
    crawlAll({
      crawler: mysqlCrawler,
      options: { database: source.database, ...options },
      connections: source.test.connections,
      connection,
    });

  async function table(name: string): Promise<TableFinding> {
    const { findings, error } = await crawl();
    expect(error).toBeUndefined();
    const found = findings.find((finding) => finding.kind === 'table' && finding.name === name);
    if (found?.kind !== 'table') throw new Error(`There is no ${name}.`);
    return found;
  }

  it('takes every type for what holds it exactly, and keeps its own words beside', async () => {
    const { columns, comment, details } = await table('types');
    expect(comment).toBe('All kinds');
    expect(Object.fromEntries(columns.map(({ name, type, sourceType }) => [name, [formatType(type), sourceType]]))).toEqual({
      a_tiny: ['tinyint', 'tinyint(4)'],
      a_flag: ['tinyint', 'tinyint(1)'],
      a_bool: ['tinyint', 'tinyint(1)'],
      a_small: ['smallint', 'smallint(6)'],
      a_medium: ['int', 'mediumint(9)'],
      an_int: ['int', 'int(11)'],
      a_big: ['bigint', 'bigint(20)'],
      u_tiny: ['smallint', 'tinyint(3) unsigned'],
      u_small: ['int', 'smallint(5) unsigned'],
      u_medium: ['int', 'mediumint(8) unsigned'],
      u_int: ['bigint', 'int(10) unsigned'],
      u_big: ['decimal(20,0)', 'bigint(20) unsigned'],
      z_int: ['bigint', 'int(5) unsigned zerofill'],
      a_float: ['float', 'float'],
      a_double: ['double', 'double'],
      a_decimal: ['decimal(12,4)', 'decimal(12,4)'],
      a_plain: ['decimal(10,0)', 'decimal(10,0)'],
      a_wide: ['string', 'decimal(50,2)'],
      u_decimal: ['decimal(5,2)', 'decimal(5,2) unsigned'],
      a_bit: ['boolean', 'bit(1)'],
      some_bits: ['binary', 'bit(12)'],
      a_year: ['smallint', 'year(4)'],
      a_date: ['date', 'date'],
      a_time: ['string', 'time(3)'],
      a_datetime: ['timestamp', 'datetime(6)'],
      a_timestamp: ['timestamp with local time zone', 'timestamp(3)'],
      a_char: ['string', 'char(3)'],
      a_varchar: ['string', 'varchar(40)'],
      a_text: ['string', 'text'],
      a_binary: ['binary', 'binary(4)'],
      a_varbinary: ['binary', 'varbinary(9)'],
      a_blob: ['binary', 'longblob'],
      a_json: ['string', 'longtext'],
      an_enum: ['string', "enum('sad','it''s','a,b','')"],
      a_set: ['string', "set('x','y')"],
      a_point: ['binary', 'point'],
      a_uuid: ['string', 'uuid'],
      an_inet: ['string', 'inet6'],
    });
    expect(columns.filter(({ nullable }) => nullable === false).map(({ name }) => name)).toEqual(['an_int']);
    expect(columns.find(({ name }) => name === 'a_varchar')?.comment).toBe("Who's who");
    expect(details?.enums).toEqual({ "enum('sad','it''s','a,b','')": ['sad', "it's", 'a,b', ''], "set('x','y')": ['x', 'y'] });
  });

  it('keeps keys, indexes, generated columns and the queries of views', async () => {
    expect(await table('orders')).toMatchObject({
      format: { name: 'mysql', options: { schema: source.database, table: 'orders' } },
      details: {
        primaryKey: ['id', 'line'],
        foreignKeys: [{ name: 'buyer', columns: ['customer'], table: `${source.database}.customers`, references: ['id'] }],
        indexes: expect.arrayContaining([
          { name: 'PRIMARY', columns: ['id', 'line'], unique: true, method: 'btree' },
          { name: 'by_net', columns: ['net desc', 'customer'], unique: false, method: 'btree' },
          { name: 'by_note', columns: ['note(10)'], unique: false, method: 'btree' },
          { name: 'words', columns: ['note'], unique: false, method: 'fulltext' },
        ]),
        generated: { gross: 'as (`net` * 1.19) stored', half: 'as (`net` / 2) virtual' },
      },
    });
    expect((await table('customers')).details).toMatchObject({
      primaryKey: ['id'],
      uniqueKeys: [['email']],
      generated: { id: 'auto_increment', touched: 'on update current_timestamp()' },
    });
    const happy = await table('happy');
    expect(happy).toMatchObject({ type: 'view', details: { definition: expect.stringMatching(/^select .*email/) } });
    expect(happy).not.toHaveProperty('rows');
    const events = await table('events');
    expect(Math.abs((events.rows ?? 0) - 1_000)).toBeLessThan(100);
    expect(events).toMatchObject({ details: { partitionedBy: 'RANGE COLUMNS (at)' } });
    expect(events.bytes).toBeGreaterThan(16_000);
  });

  it('takes names of any kind for data', async () => {
    const { findings } = await crawl();
    for (const name of HOSTILE) {
      const found = findings.find((finding) => finding.kind === 'table' && finding.name === name);
      expect(found).toMatchObject({ columns: [{ name, comment: name }] });
      expect(found?.kind === 'table' && found.location.endsWith(`/${source.database}/${encodeURIComponent(name)}`)).toBe(true);
    }
  });

  it.each([
    [{ include: ['DB/or%'] }, ['orders']],
    [
      { include: ['DB/%'], exclude: ['{o,c}*', '%', '?', '..', 'a*', 'it*', 'l*', 'x*', 'ü*'] },
      ['events', 'happy', 'types', 'versioned'],
    ],
    [{ include: ['DB/orders', 'DB/%m%rs'], exclude: 'DB/ord*' }, ['customers']],
    [{ include: ['DB/o_ders'] }, []],
    [{ tables: { include: ['%ers'], exclude: ['orders'] } }, ['customers']],
  ])('keeps to its paths: %j', async (options, expected) => {
    const named = JSON.parse(JSON.stringify(options).replaceAll('DB', source.database)) as Record<string, unknown>;
    const { findings, error } = await crawl(named);
    expect(error).toBeUndefined();
    expect(seen(findings)).toEqual(expected);
  });

  it('finds several databases, with their names in front', async () => {
    if ('skip' in server) return;
    const other = await server.newDatabase();
    await other.client.query('create table orders (id int)');
    const { findings } = await crawl({ database: undefined, include: [`${source.database}/orders`, `${other.name}/%`] });
    expect(seen(findings).sort()).toEqual([`${source.database}_orders`, `${other.name}_orders`].sort());
    const all = await crawl({ database: undefined });
    expect(seen(all.findings)).toEqual(expect.arrayContaining([`${source.database}_types`, `${other.name}_orders`]));
    expect(seen(all.findings).some((name) => name.startsWith('mysql_'))).toBe(false);
    await other.close();
    const gone = await crawl({ database: other.name });
    expect(gone).toMatchObject({ findings: [], error: { code: 'SOURCE_UNAVAILABLE' } });
  });

  it('calls nothing absent that its user may not see', async () => {
    if ('skip' in server) return;
    const { client, database, test } = source;
    await client.query(`create user part@'%' identified by 'p'; grant select on ${database}.orders to part@'%'`);
    try {
      const { host, port } = server;
      await test.define({ name: 'part', kind: 'mysql', options: { host, port, user: 'part' }, secret: 'p' });
      const some = await crawl({}, 'part');
      expect(seen(some.findings)).toEqual(['orders']);
      expect(some.findings[0]).toMatchObject({ kind: 'unknown', path: '', error: { code: 'SOURCE_DENIED' } });
      await client.query(`grant select on \`${database.replaceAll('_', '\\_')}\`.* to part@'%'`);
      await test.connections.close();
      const all = await crawl({}, 'part');
      expect(all.findings.some(({ kind }) => kind === 'unknown')).toBe(false);
      expect(seen(all.findings)).toEqual(NAMES);
      const wide = await crawl({ database: undefined }, 'part');
      expect(wide.findings[0]).toMatchObject({ kind: 'unknown', path: '' });
    } finally {
      await client.query(`drop user part@'%'`);
    }
  });

  it('says of a broken view that it is unknown, and finds the rest', async () => {
    const { client } = source;
    await client.query('create table base (id int); create view broken as select id from base; drop table base');
    const { findings, error } = await crawl();
    await client.query('drop view broken');
    expect(error).toBeUndefined();
    expect(findings.filter(({ kind }) => kind === 'unknown')).toMatchObject([
      { path: 'broken', error: { code: 'SOURCE_UNAVAILABLE' } },
    ]);
    expect(seen(findings)).toEqual(NAMES);
    expect(isComplete(findings)).toBe(true);
  });

  it('waits for no lock and holds none', async () => {
    const { client, database } = source;
    await client.query('lock tables orders write, customers write');
    try {
      const begun = Date.now();
      const { findings, error } = await crawl();
      expect(error).toBeUndefined();
      expect(isComplete(findings)).toBe(true);
      expect(Date.now() - begun).toBeLessThan(9_000);
    } finally {
      await client.query('unlock tables');
    }
    const { error } = await crawlAll(
      { crawler: mysqlCrawler, options: { database }, connections: source.test.connections, connection: 'shop' },
      {
        each: async ({ kind }) => {
          // Would wait for whatever the crawl holds.
          if (kind === 'checkpoint')
            await client.query(
              'set lock_wait_timeout = 1; alter table orders add column more int; alter table orders drop column more',
            );
        },
      },
    );
    expect(error).toBeUndefined();
  });

  it('covers what its paths let through and nothing else', () => {
    const covers = (raw: object, location: string) => mysqlCrawler.covers(mysqlCrawler.parse(raw), location);
    const at = 'mysql://h:3306/db/orders';
    expect(covers({ host: 'h', database: 'db' }, at)).toBe(true);
    expect(covers({}, at)).toBe(true);
    expect(covers({ database: 'other' }, at)).toBe(false);
    expect(covers({ include: ['db/%'], exclude: ['ord*'] }, at)).toBe(false);
    expect(covers({ include: ['other/%'] }, at)).toBe(false);
    expect(covers({}, 'postgres://h:3306/db/orders')).toBe(false);
    expect(covers({ host: '::1' }, 'mysql://[::1]:3306/../%2541')).toBe(true);
  });
});
