import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mysqlCrawler } from '../../crawlers/mysql.ts';
import { postgresCrawler } from '../../crawlers/postgres.ts';
import { CONNECTION_LIMITS } from '../../src/config.ts';
import type { Connections } from '../../src/connections/connections.ts';
import { createMysqlSource } from '../../src/connections/mysql.ts';
import { createPostgresSource } from '../../src/connections/postgres.ts';
import type { Crawler } from '../../src/crawl/crawler.ts';
import { openLab, postgresConnections, type CrawlEnd, type Lab } from '../crawl/lab.ts';
import { MYSQL_HOOK_TIMEOUT_MS, openTestMysql } from '../servers/mysql.ts';
import { openTcpPostgres } from '../servers/tcp-postgres.ts';
import { openTcpProxy, type Fault, type TcpProxy } from '../servers/tcp-proxy.ts';
import { connect } from '../../src/db/open-db.ts';

/** Short enough that a hanging server does not make the test one. */
const LIMITS = {
  ...CONNECTION_LIMITS,
  connectTimeoutMs: 400,
  requestTimeoutMs: 200,
  statementTimeoutMs: 200,
  lockTimeoutMs: 200,
};

const TABLES = `
  create table customers (id int primary key, email varchar(40));
  create table orders (id int, customer int references customers (id));
  create table items (id int, name varchar(9));`;
const HOSTILE = ['"; drop table customers; --', "it's", 'a`b', 'line\nbreak', 'ünï 中文', '%', '..', 'a/b', `${'x'.repeat(62)}y`];

interface Source {
  readonly crawler: Crawler;
  readonly proxy: TcpProxy;
  /** New sessions each time, as each crawl of a process has them. */
  connections(): { connections: Connections; close(): Promise<void> };
  run(sql: string): Promise<unknown>;
  quote(name: string): string;
  readonly options: Record<string, unknown>;
  close(): Promise<void>;
}

async function openPostgres(): Promise<Source> {
  const server = await openTcpPostgres();
  const admin = await connect(server.url);
  const { host, port, user, password, proxy } = server;
  return {
    crawler: postgresCrawler as Crawler,
    proxy,
    connections() {
      const source = createPostgresSource({ host, port, user, database: 'tenon', sslmode: 'disable' }, password, LIMITS);
      return { connections: postgresConnections(source), close: () => source.close() };
    },
    run: (sql) => admin.query(sql),
    quote: (name) => `"${name.replaceAll('"', '""')}"`,
    options: {},
    close: async () => {
      await admin.end();
      await server.close();
    },
  };
}

async function openMysql(): Promise<Source | { readonly skip: string }> {
  const server = await openTestMysql();
  if ('skip' in server) return server;
  const { name: database, client } = await server.newDatabase();
  const { host, port, user, password } = server;
  const proxy = await openTcpProxy({ host, port });
  return {
    crawler: mysqlCrawler as Crawler,
    proxy,
    connections() {
      const source = createMysqlSource({ host, port: proxy.port, user, database, sslmode: 'disable' }, password, LIMITS);
      const mysql: Connections['mysql'] = () => Promise.resolve(source);
      return { connections: { ...postgresConnections(undefined as never), mysql }, close: () => source.close() };
    },
    run: (sql) => client.query(sql),
    quote: (name) => `\`${name.replaceAll('`', '``')}\``,
    options: { database },
    close: async () => {
      await client.end();
      await proxy.close();
      await server.close();
    },
  };
}

describe.each([
  ['Postgres', openPostgres],
  ['MySQL', openMysql],
] as const)('%s that fails', (_, open) => {
  let source: Source | { readonly skip: string };
  let lab: Lab;
  beforeAll(async () => {
    source = await open();
    lab = await openLab();
    if (!('skip' in source)) await source.run(TABLES);
  }, MYSQL_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await lab.close();
    if (!('skip' in source)) await source.close();
  });

  async function crawl({ crawler, connections, options }: Source): Promise<CrawlEnd> {
    const opened = connections();
    try {
      return await lab.crawl({ crawler, connections: opened.connections, options });
    } finally {
      await opened.close();
    }
  }
  const names = async () => (await lab.catalog()).map(({ name }) => name);

  it.for<Fault>(['reset', 'hang'])(
    'with a %s at any of its questions removes nothing, and the next crawl writes nothing',
    { timeout: 60_000 },
    async (fault, context) => {
      if ('skip' in source) return context.skip(source.skip);
      const { proxy } = source;
      proxy.decide(() => 'pass');
      expect(await crawl(source)).toMatchObject({ state: 'SUCCEEDED' });
      const questions = proxy.count();
      const before = { names: await names(), changes: await lab.changes() };
      expect(before.names).toEqual(['customers', 'items', 'orders']);
      expect(questions).toBeGreaterThan(10);
      for (let n = 0; n < questions; n++) {
        proxy.decide((index) => (index === n ? fault : 'pass'));
        const { state, result, error } = await crawl(source);
        // After the last finding a crawl only says goodbye; what fails then has cost nothing.
        if (state === 'SUCCEEDED') expect(n, `${fault} at ${n}`).toBeGreaterThan(questions - 4);
        else expect(['INCOMPLETE', 'FAILED'], `${fault} at ${n}`).toContain(state);
        expect(result, `${fault} at ${n}`).toMatchObject({ removed: 0, added: 0, changed: 0 });
        if (error !== undefined) expect(String(JSON.stringify(error))).not.toContain('pass/word');
      }
      proxy.decide(() => 'pass');
      expect(await crawl(source)).toMatchObject({ state: 'SUCCEEDED', result: { added: 0, changed: 0, removed: 0 } });
      expect(await names()).toEqual(before.names);
      expect(await lab.changes()).toBe(before.changes);
    },
  );

  it('has a table less, or refuses everybody: gone is only what a whole crawl does not find', async (context) => {
    if ('skip' in source) return context.skip(source.skip);
    const { proxy } = source;
    await source.run('drop table items');
    proxy.decide(() => 'reset');
    expect(await crawl(source)).toMatchObject({ state: 'FAILED', error: { code: 'SOURCE_UNAVAILABLE' } });
    expect(await names()).toEqual(['customers', 'items', 'orders']);
    proxy.decide(() => 'pass');
    expect(await crawl(source)).toMatchObject({ state: 'SUCCEEDED', result: { removed: 1 } });
    expect(await names()).toEqual(['customers', 'orders']);
  });

  it('has names that would like to be more than data', async (context) => {
    if ('skip' in source) return context.skip(source.skip);
    const { quote } = source;
    for (const name of HOSTILE) await source.run(`create table ${quote(name)} (${quote(name)} int)`);
    expect(await crawl(source)).toMatchObject({ state: 'SUCCEEDED', result: { added: HOSTILE.length } });
    const columns = (await lab.catalog()).flatMap((table) => table.columns);
    for (const name of HOSTILE) expect(columns).toContain(`${name} int`);
    expect(await crawl(source)).toMatchObject({ state: 'SUCCEEDED', result: { added: 0, changed: 0, removed: 0 } });
  });
});
