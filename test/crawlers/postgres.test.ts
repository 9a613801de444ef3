import { Client, type QueryResultRow } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { postgresCrawler } from '../../crawlers/postgres.ts';
import { describe as describeRelations, listRelations } from '../../crawlers/postgres-catalog.ts';
import { tableNameOf } from '../../crawlers/postgres-table.ts';
import type { Connections, PostgresSnapshot } from '../../src/connections/connections.ts';
import { parseDatabaseUrl } from '../../src/connections/database-url.ts';
import type { TableFinding } from '../../src/crawl/crawler.ts';
import { formatType } from '../../src/model/types.ts';
import { openTestConnections, type TestConnections } from '../connections/test-connections.ts';
import { crawlAll, describeCrawler, seen } from '../contract/crawler.ts';
import { openEmptyDb } from '../servers/postgres.ts';

const SCHEMA = `
  create type mood as enum ('sad', 'happy');
  create domain positive as numeric(10,2) check (value > 0);
  create domain must as int not null;
  create type address as (street text, "zip code" int, tags text[]);
  create type nothing as ();
  create table types (
    a_bool bool, a_int2 int2, a_int4 int4 not null, a_int8 int8, a_real real, a_double double precision,
    a_numeric numeric, a_numeric_p numeric(12), a_numeric_ps numeric(12,4), a_wide numeric(50,2), a_negative numeric(3,-2), a_small numeric(2,5),
    a_text text, a_varchar varchar(40), a_char char(3), a_bytea bytea, a_date date, a_time time, a_timetz timetz,
    a_timestamp timestamp(3), a_timestamptz timestamptz, an_interval interval, a_uuid uuid, a_json json, a_jsonb jsonb, an_xml xml,
    an_inet inet, a_money money, a_bit bit(8), a_point point, a_range int4range, a_multirange nummultirange, a_vector tsvector, an_oid oid,
    a_mood mood, a_domain positive, a_must must, an_address address, a_nothing nothing,
    an_array int[], a_matrix int[][], a_text_array varchar(5)[], a_decimal_array numeric(6,3)[], an_enum_array mood[], a_domain_array positive[],
    an_address_array address[], a_name name, a_quoted_char "char", an_int_vector int2vector);
  comment on table types is 'All kinds';
  comment on column types.a_uuid is 'Who''s who';
  create table customers (id bigint generated always as identity primary key, email text not null unique);
  create table orders (
    id bigint, line int, customer bigint references customers (id), note text, net numeric(9,2), gross numeric generated always as (net * 1.19) stored,
    primary key (id, line));
  create index orders_net on orders (net desc) where net > 0;
  create unique index orders_mixed on orders (lower(note), id desc);
  create table child (extra int) inherits (customers);
  create table events (at timestamptz not null, kind text) partition by range (at);
  create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
  insert into events select '2026-06-01', 'x' from generate_series(1, 1000);
  create view happy as select * from customers;
  create materialized view counted as select count(*) as n from customers;
  create schema sales; create table sales.orders (id int); create schema "we""ird .."; create table "we""ird .."."; drop table types; --" ("a""b" int, "ü" int);
  create schema ".."; create table ".."."%41/b" (id int);
  create schema dropped; create table dropped.columns (a int, b int, c int); alter table dropped.columns drop column b;
  create extension postgres_fdw; create server other foreign data wrapper postgres_fdw; create foreign table remote (id int) server other;
  analyze;`;

const NAMES = [
  '.._%41/b',
  'dropped_columns',
  'child',
  'counted',
  'customers',
  'events',
  'happy',
  'orders',
  'remote',
  'types',
  'sales_orders',
  'we"ird .._; drop table types; --',
];
const EVERYTHING = { include: [], exclude: [] };
const PASSWORD = 'pass/word @#ü';

async function openSource(name: string) {
  const db = await openEmptyDb();
  const client = new Client(db.url);
  await client.connect();
  await client.query(SCHEMA);
  const test = await openTestConnections();
  const { options } = parseDatabaseUrl(new URL(db.url));
  const { host, port, user, database } = options;
  await test.define({ name, kind: 'postgres', options: { host, port, user, database }, secret: PASSWORD });
  return { db, client, test, options };
}

/** Connections whose questions about a relation fail while `failing` says so, as on a server's error. */
function failingConnections(connections: Connections, failing: { oid: number | undefined }): Connections {
  return {
    ...connections,
    async postgres(connection, options) {
      const source = await connections.postgres(connection, options);
      return {
        ...source,
        async snapshot() {
          const snapshot = await source.snapshot();
          return {
            ...snapshot,
            attempt: async (text, values = []) => {
              if (failing.oid === undefined || !values.flat().includes(failing.oid)) return snapshot.attempt(text, values);
              return snapshot.attempt('select 1 / 0');
            },
          };
        },
      };
    },
  };
}

describeCrawler('postgres', async () => {
  const { db, client, test, options } = await openSource('warehouse');
  const failing: { oid: number | undefined } = { oid: undefined };
  return {
    crawler: postgresCrawler,
    options: { schemas: { include: [], exclude: ['none%'] }, database: options.database },
    connections: failingConnections(test.connections, failing),
    connection: 'warehouse',
    expected: NAMES,
    spoil: async () => {
      const { rows } = await client.query<{ oid: number }>("select 'sales.orders'::regclass::oid");
      failing.oid = rows[0]?.oid;
      return { unknown: ['sales_orders'], restore: async () => void (failing.oid = undefined) };
    },
    secrets: [PASSWORD, encodeURIComponent(PASSWORD)],
    url: `postgres://reader:${encodeURIComponent(PASSWORD)}@db.example:5433/shop?sslmode=require&schema=sales`,
    vanish: async () => {
      await client.query(
        'select pg_terminate_backend(pid) from pg_stat_activity where application_name = $1 and datname = current_database()',
        ['tenon'],
      );
    },
    async close() {
      await test.close();
      await client.end();
      await db.close();
    },
  };
});

describe('crawling Postgres', () => {
  let source: Awaited<ReturnType<typeof openSource>>;
  let test: TestConnections;

  beforeAll(async () => {
    source = await openSource('warehouse');
    test = source.test;
  });
  afterAll(async () => {
    await test.close();
    await source.client.end();
    await source.db.close();
  });

  const crawl = (options: Record<string, unknown> = {}) =>
    crawlAll({ crawler: postgresCrawler, options, connections: test.connections, connection: 'warehouse' });

  async function table(name: string): Promise<TableFinding> {
    const { findings } = await crawl();
    const found = findings.find((finding) => finding.kind === 'table' && finding.name === name);
    if (found?.kind !== 'table') throw new Error(`There is no ${name}.`);
    return found;
  }

  it('takes every type for what holds it exactly, and keeps its own words beside', async () => {
    const { columns, comment } = await table('types');
    expect(comment).toBe('All kinds');
    expect(Object.fromEntries(columns.map(({ name, type, sourceType }) => [name, [formatType(type), sourceType]]))).toEqual({
      a_bool: ['boolean', 'boolean'],
      a_int2: ['smallint', 'smallint'],
      a_int4: ['int', 'integer'],
      a_int8: ['bigint', 'bigint'],
      a_real: ['float', 'real'],
      a_double: ['double', 'double precision'],
      a_numeric: ['string', 'numeric'],
      a_numeric_p: ['decimal(12,0)', 'numeric(12,0)'],
      a_numeric_ps: ['decimal(12,4)', 'numeric(12,4)'],
      a_wide: ['string', 'numeric(50,2)'],
      a_negative: ['decimal(5,0)', 'numeric(3,-2)'],
      a_small: ['decimal(5,5)', 'numeric(2,5)'],
      a_text: ['string', 'text'],
      a_varchar: ['string', 'character varying(40)'],
      a_char: ['string', 'character(3)'],
      a_bytea: ['binary', 'bytea'],
      a_date: ['date', 'date'],
      a_time: ['string', 'time without time zone'],
      a_timetz: ['string', 'time with time zone'],
      a_timestamp: ['timestamp', 'timestamp(3) without time zone'],
      a_timestamptz: ['timestamp with local time zone', 'timestamp with time zone'],
      an_interval: ['string', 'interval'],
      a_uuid: ['string', 'uuid'],
      a_json: ['string', 'json'],
      a_jsonb: ['string', 'jsonb'],
      an_xml: ['string', 'xml'],
      an_inet: ['string', 'inet'],
      a_money: ['string', 'money'],
      a_bit: ['string', 'bit(8)'],
      a_point: ['string', 'point'],
      a_range: ['string', 'int4range'],
      a_multirange: ['string', 'nummultirange'],
      a_vector: ['string', 'tsvector'],
      an_oid: ['bigint', 'oid'],
      a_mood: ['string', 'mood'],
      a_domain: ['decimal(10,2)', 'positive'],
      a_must: ['int', 'must'],
      an_address: ['struct<street:string,zip code:int,tags:array<string>>', 'address'],
      a_nothing: ['string', 'nothing'],
      an_array: ['array<int>', 'integer[]'],
      a_matrix: ['array<array<int>>', 'integer[]'],
      a_text_array: ['array<string>', 'character varying(5)[]'],
      a_decimal_array: ['array<decimal(6,3)>', 'numeric(6,3)[]'],
      an_enum_array: ['array<string>', 'mood[]'],
      a_domain_array: ['array<decimal(10,2)>', 'positive[]'],
      an_address_array: ['array<struct<street:string,zip code:int,tags:array<string>>>', 'address[]'],
      a_name: ['string', 'name'],
      a_quoted_char: ['string', '"char"'],
      an_int_vector: ['string', 'int2vector'],
    });
    expect(columns.filter(({ nullable }) => nullable === false).map(({ name }) => name)).toEqual(['a_int4', 'a_must']);
    expect(columns.find(({ name }) => name === 'a_uuid')?.comment).toBe("Who's who");
  });

  it('keeps keys, indexes, identities and generated columns', async () => {
    expect(await table('orders')).toMatchObject({
      format: { name: 'postgres', options: { schema: 'public', table: 'orders' } },
      details: {
        primaryKey: ['id', 'line'],
        foreignKeys: [{ name: 'orders_customer_fkey', columns: ['customer'], table: 'public.customers', references: ['id'] }],
        indexes: [
          { name: 'orders_mixed', columns: ['lower(note)', 'id desc'], unique: true, method: 'btree' },
          { name: 'orders_net', columns: ['net desc', 'where (net > (0)::numeric)'], unique: false, method: 'btree' },
          { name: 'orders_pkey', columns: ['id', 'line'], unique: true, method: 'btree' },
        ],
        generated: { gross: 'generated always as ((net * 1.19)) stored' },
      },
    });
    expect((await table('customers')).details).toMatchObject({
      uniqueKeys: [['email']],
      generated: { id: 'generated always as identity' },
    });
  });

  it('keeps the values of enums, what domains are made of, the queries of views, and where rows come from', async () => {
    const { details } = await table('types');
    expect(details).toEqual({
      enums: { mood: ['sad', 'happy'] },
      source: {
        postgres: {
          domains: {
            positive: { base: 'numeric(10,2)', checks: ['CHECK ((VALUE > (0)::numeric))'] },
            must: { base: 'integer', checks: [] },
          },
        },
      },
    });
    expect((await table('happy')).details?.definition).toMatch(/^SELECT \S*id,\s+\S*email\s+FROM customers;$/);
    expect((await table('counted')).details?.definition).toContain('count(*)');
    expect((await table('remote')).details?.source).toEqual({ postgres: { server: 'other (postgres_fdw)' } });
    expect((await table('child')).details?.source).toEqual({ postgres: { inherits: ['public.customers'] } });
  });

  it('waits for nobody who has a table to himself, and calls unknown only what it would have to wait for', async () => {
    const { client } = source;
    await client.query('begin; lock table orders, customers, events, sales.orders in access exclusive mode');
    try {
      const begun = Date.now();
      const { findings, error } = await crawl();
      expect(error).toBeUndefined();
      const unknown = findings.filter((finding) => finding.kind === 'unknown');
      expect(unknown.map(({ path }) => path).sort()).toEqual(['counted', 'events', 'happy', 'orders']);
      for (const one of unknown) expect(one.error).toMatchObject({ code: 'TIMEOUT' });
      expect(seen(findings)).toEqual(NAMES.filter((name) => !unknown.some(({ path }) => path === name)));
      expect(Date.now() - begun).toBeLessThan(8_000);
    } finally {
      await client.query('rollback');
    }
  });

  it('holds no lock on a table while it crawls, and none but the weakest on the catalog', async () => {
    const { client } = source;
    const locks: { relation: string; mode: string }[] = [];
    await crawlAll(
      { crawler: postgresCrawler, options: {}, connections: test.connections, connection: 'warehouse' },
      {
        each: async ({ kind }) => {
          if (kind !== 'checkpoint') return;
          const { rows } = await client.query<{ relation: string; mode: string }>(
            `select distinct l.relation::regclass::text as relation, mode from pg_locks l join pg_stat_activity a using (pid)
             where a.application_name = 'tenon' and a.datname = current_database() and locktype = 'relation'`,
          );
          locks.push(...rows);
        },
      },
    );
    expect(locks.length).toBeGreaterThan(0);
    expect(new Set(locks.map(({ mode }) => mode))).toEqual(new Set(['AccessShareLock']));
    expect(locks.filter(({ relation }) => !relation.startsWith('pg_'))).toEqual([]);
  });

  it('knows the kinds of tables, and a partitioned one as a whole', async () => {
    const { findings } = await crawl();
    const types = Object.fromEntries(
      findings.flatMap((finding) => (finding.kind === 'table' ? [[finding.name, finding.type]] : [])),
    );
    expect(types).toMatchObject({ happy: 'view', counted: 'materialized view', remote: 'foreign table', events: 'table' });
    expect(types).not.toHaveProperty('events_2026');
    const events = await table('events');
    expect(events).toMatchObject({ rows: 1000, details: { partitionedBy: 'RANGE (at)' } });
    expect(events.bytes).toBeGreaterThan(8_000);
  });

  it('writes names of any kind into locations without loss', async () => {
    const { findings } = await crawl();
    const locations = findings.flatMap((finding) => (finding.kind === 'table' ? [finding.location] : []));
    expect(
      locations.some((location) => location.endsWith(`/we%22ird%20../${encodeURIComponent('; drop table types; --')}`)),
    ).toBe(true);
    expect(locations.some((location) => location.endsWith('/../%2541%2Fb'))).toBe(true);
    expect(locations.every((location) => /^postgres:\/\/[^@]+:\d+\//.test(location))).toBe(true);
    expect((await table('we"ird .._; drop table types; --')).columns.map(({ name }) => name)).toEqual(['a"b', 'ü']);
    expect((await table('dropped_columns')).columns.map(({ name }) => name)).toEqual(['a', 'c']);
  });

  it.each([
    [{ schemas: { include: ['sal%'], exclude: [] } }, ['sales_orders']],
    [{ tables: { include: ['orders'], exclude: [] } }, ['orders', 'sales_orders']],
    [{ tables: { include: ['order%'], exclude: [] }, schemas: { include: [], exclude: ['public'] } }, ['sales_orders']],
    [{ include: ['DB/public/ord%', 'DB/sales/%'] }, ['orders', 'sales_orders']],
    [{ include: ['DB/%'], exclude: ['public/*', 'sales/ord*', '{..,we*,dropped}/**'] }, []],
    [{ include: ['DB/public/%'], exclude: ['DB/public/{c,e,h,o,r}*'] }, ['types']],
    [{ include: 'DB/public/%', exclude: '[!t]*' }, ['types']],
    [{ tables: { include: ['o_ders', 'cust\\omers'], exclude: [] } }, []],
  ])('keeps to its filters: %j', async (options, expected) => {
    const database = source.options.database ?? '';
    const named = JSON.parse(JSON.stringify(options).replaceAll('DB', database)) as Record<string, unknown>;
    const { findings, error } = await crawl(named);
    expect(error).toBeUndefined();
    expect(seen(findings)).toEqual(expected);
  });

  it('describes what its user may not read', async () => {
    const { client } = source;
    await client.query('create role blind; revoke all on schema public from public; set role blind');
    try {
      await expect(client.query('select * from public.customers')).rejects.toMatchObject({ code: '42501' });
      const query = async <Row extends object>(text: string, values: readonly unknown[] = []) =>
        (await client.query<Row & QueryResultRow>(text, [...values])).rows;
      const snapshot: PostgresSnapshot = { query, attempt: query, peek: query, close: async () => undefined };
      const relations = await listRelations(snapshot, EVERYTHING, EVERYTHING);
      expect(relations.map(tableNameOf)).toEqual(NAMES);
      const { attributes } = await describeRelations(snapshot, relations);
      expect(attributes.size).toBe(NAMES.length);
    } finally {
      await client.query('reset role; grant all on schema public to public; drop role blind');
    }
  });

  it('sees one moment, whatever is changed while it crawls', async () => {
    const { findings } = await crawlAll(
      { crawler: postgresCrawler, options: {}, connections: test.connections, connection: 'warehouse' },
      {
        each: (_, number) =>
          number === 1 ? source.client.query('create table zzz (id int); drop table sales.orders') : undefined,
      },
    );
    await source.client.query('drop table zzz; create table sales.orders (id int)');
    expect(seen(findings)).toEqual(NAMES);
  });

  it('covers what its filters let through and nothing else', () => {
    const covers = (raw: object, location: string) => postgresCrawler.covers(postgresCrawler.parse(raw), location);
    const at = 'postgres://h:5432/db/public/orders';
    expect(covers({ host: 'h', database: 'db' }, at)).toBe(true);
    expect(covers({}, at)).toBe(true);
    expect(covers({ host: 'other' }, at)).toBe(false);
    expect(covers({ port: 5433 }, at)).toBe(false);
    expect(covers({ tables: { include: ['%der%'], exclude: ['orders'] } }, at)).toBe(false);
    expect(covers({ host: '::1' }, 'postgres://[::1]:5432/db/../%2541')).toBe(true);
    expect(covers({ host: '/run/x' }, 'postgres://%2Frun%2Fx:5432/db/a/b')).toBe(true);
    expect(covers({}, 'file:///x')).toBe(false);
  });
});
