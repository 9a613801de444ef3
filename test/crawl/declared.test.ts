import { sql } from 'drizzle-orm';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { postgresCrawler } from '../../crawlers/postgres.ts';
import { createPostgresSource } from '../../src/connections/postgres.ts';
import { parseDatabaseUrl } from '../../src/connections/database-url.ts';
import type { Finding, TableFinding } from '../../src/crawl/crawler.ts';
import { TenonError } from '../../src/model/errors.ts';
import { simple } from '../../src/model/types.ts';
import { openEmptyDb } from '../servers/postgres.ts';
import { openLab, postgresConnections, type CrawlEnd, type Lab } from './lab.ts';
import { listed } from './scripted.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(async () => {
  await lab.close();
});

function table(name: string, column = 'id', server = 'db'): TableFinding {
  return {
    kind: 'table',
    name,
    type: 'table',
    location: `postgres://${server}:5432/shop/public/${encodeURIComponent(name)}`,
    format: { name: 'postgres' },
    columns: [{ name: column, type: simple('int'), sourceType: 'integer' }],
    comment: `About ${name}`,
    rows: 5,
  };
}

const complete: Finding = { kind: 'checkpoint', cursor: '', complete: true };
const unknown = (path: string): Finding => ({ kind: 'unknown', path, error: new TenonError('SOURCE_DENIED', 'No.') });
const crawl = (findings: Finding[]): Promise<CrawlEnd> => lab.crawl({ crawler: listed(findings) });
const names = async (): Promise<string[]> => (await lab.catalog()).map(({ name }) => name);

describe('tables that a source declares', () => {
  it('are recorded as they are, under valid names, and an unchanged one is not written again', async () => {
    const findings = [table('orders'), table('Orders'), table('"; drop table x; --'), complete];
    expect((await crawl(findings)).result).toMatchObject({ tables: 3, added: 3, partitions: 0 });
    expect((await names()).length).toBe(3);
    const before = await lab.changes();
    expect((await crawl(findings)).result).toMatchObject({ added: 0, changed: 0, removed: 0 });
    expect(await lab.changes()).toBe(before);
    expect(
      (await crawl([table('orders', 'number'), table('Orders'), table('"; drop table x; --'), complete])).result,
    ).toMatchObject({ changed: 1 });
  });

  it('are removed when they are gone, and only then', async () => {
    await crawl([table('a'), table('b'), table('c'), complete]);
    expect((await crawl([table('a'), unknown('b'), complete])).state).toBe('INCOMPLETE');
    expect(await names()).toEqual(['a', 'b']);
    await crawl([table('a'), unknown(''), complete]);
    await crawl([table('a')]);
    await crawl([unknown('a'), complete]);
    expect(await names()).toEqual(['a', 'b']);
    expect((await crawl([table('a'), complete])).result.removed).toBe(1);
    expect(await names()).toEqual(['a']);
  });

  it('stay when the connection leads to another server now', async () => {
    await crawl([table('a'), table('b'), complete]);
    expect((await crawl([table('a', 'id', 'elsewhere'), complete])).result).toMatchObject({ added: 1, removed: 0 });
    expect(await names()).toHaveLength(3);
  });

  it('keep an estimate of their rows and bytes, which is written again only when it is off by a factor', async () => {
    const sized = (rows: number | undefined, bytes: number | undefined, column = 'id'): Finding[] => {
      const { rows: _, ...plain } = table('a', column);
      return [{ ...plain, ...(rows !== undefined && { rows }), ...(bytes !== undefined && { bytes }) }, complete];
    };
    const recorded = async () => {
      const { rows } = await lab.t.db.execute<{ rows: string; bytes: string }>(
        sql`select rows::text, bytes::text from partitions where ended is null`,
      );
      return rows.map((row) => [Number(row.rows), Number(row.bytes)]);
    };
    await crawl(sized(1_000, 1_000_000));
    expect(await recorded()).toEqual([[1_000, 1_000_000]]);
    const before = await lab.changes();
    for (const [rows, bytes] of [
      [1_900, 1_900_000],
      [510, 600_000],
      [1_000, undefined],
      [undefined, 900_000],
      [undefined, undefined],
    ] as const) {
      expect((await crawl(sized(rows, bytes))).result).toMatchObject({ added: 0, changed: 0 });
    }
    expect(await lab.changes()).toBe(before);
    await crawl(sized(2_000, 1_000_000));
    expect(await recorded()).toEqual([[2_000, 1_000_000]]);
    await crawl(sized(2_000, 400_000));
    expect(await recorded()).toEqual([[2_000, 400_000]]);
    await crawl(sized(2_100, 410_000, 'number'));
    expect(await recorded()).toEqual([[2_100, 410_000]]);
    await crawl(sized(0, 0));
    expect(await recorded()).toEqual([[0, 0]]);
    const least = await lab.changes();
    expect((await crawl(sized(99, 100_000))).result).toMatchObject({ changed: 0 });
    expect(await lab.changes()).toBe(least);
  });

  it('come from a real Postgres, change with it, and go with it', async () => {
    const { url, close } = await openEmptyDb();
    const client = new Client({ connectionString: url });
    const source = createPostgresSource(parseDatabaseUrl(new URL(url)).options);
    const run = (): Promise<CrawlEnd> => lab.crawl({ crawler: postgresCrawler, connections: postgresConnections(source) });
    try {
      await client.connect();
      await client.query(
        'create table customers (id bigint primary key, email text); create table orders (id int, net numeric(9,2)); create schema s; create table s.t (x int)',
      );
      const { state, result } = await run();
      expect([state, result.tables, result.added]).toEqual(['SUCCEEDED', 3, 3]);
      expect((await lab.catalog()).map(({ name, columns }) => [name, columns])).toEqual([
        ['customers', ['id bigint', 'email string']],
        ['orders', ['id int', 'net decimal(9,2)']],
        ['s_t', ['x int']],
      ]);
      expect((await run()).result).toMatchObject({ added: 0, changed: 0, removed: 0 });
      await client.query("comment on column orders.net is 'Without tax'");
      expect((await run()).result).toMatchObject({ changed: 1 });
      expect((await run()).result).toMatchObject({ changed: 0 });
      await client.query('alter table orders add column at timestamptz; drop table s.t');
      expect((await run()).result).toMatchObject({ added: 0, changed: 1, removed: 1 });
    } finally {
      await client.end();
      await source.close();
      await close();
    }
  });
});
