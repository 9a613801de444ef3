import { describe, expect, it } from 'vitest';
import { postgresCrawler } from '../../crawlers/postgres.ts';
import { createPostgresSource } from '../../src/connections/postgres.ts';
import { formatType } from '../../src/model/types.ts';
import { postgresConnections } from '../crawl/lab.ts';
import { crawlAll, isComplete, seen } from '../contract/crawler.ts';
import { openFakeRedshift, type Answers } from '../servers/fake-redshift.ts';

const VERSION =
  'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.38094';
const column = (table: string, name: string, type: string, more: object = {}) => ({
  schema: 'public',
  table,
  name,
  type,
  precision: null as number | null,
  scale: null as number | null,
  length: null as number | null,
  nullable: 'YES',
  comment: null as string | null,
  part_key: null as number | null,
  ...more,
});

/** After the pages of Redshift's documentation on these views. */
function answers(superuser: boolean, sizes: Answers[number][1]): Answers {
  return [
    ['select version()', [{ version: VERSION }]],
    [
      'from pg_catalog.pg_class',
      [
        { schema: 'public', name: 'sales', kind: 'r', comment: 'What was sold' },
        { schema: 'public', name: 'hidden', kind: 'r', comment: null },
        { schema: 'mart', name: 'monthly', kind: 'v', comment: null },
      ],
    ],
    [
      'from svv_external_tables',
      [
        {
          schema: 'spectrum',
          table: 'clicks',
          location: 's3://bucket/clicks',
          input_format: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
          serde: 'ParquetHiveSerDe',
        },
      ],
    ],
    ['from svv_external_schemas', [{ schema: 'spectrum' }]],
    ['from pg_catalog.pg_user', [{ superuser }]],
    [
      'from svv_columns',
      [
        column('sales', 'id', 'bigint', { precision: 64, scale: 0, nullable: 'NO', comment: 'Its number' }),
        column('sales', 'sold', 'timestamp without time zone'),
        column('sales', 'price', 'numeric', { precision: 12, scale: 2 }),
        column('sales', 'note', 'character varying', { length: 256 }),
        column('sales', 'extra', 'super'),
        column('monthly', 'total', 'numeric', { schema: 'mart', precision: 38, scale: 2 }),
      ],
    ],
    [
      'from svv_external_columns',
      [
        column('clicks', 'url', 'varchar(200)', { schema: 'spectrum', part_key: 0 }),
        column('clicks', 'tags', 'array<struct<k:string,v:int>>', { schema: 'spectrum', part_key: 0 }),
        column('clicks', 'day', 'date', { schema: 'spectrum', part_key: 1 }),
      ],
    ],
    [
      'from pg_table_def',
      [
        { schema: 'public', table: 'sales', name: 'id', encoding: 'az64', distkey: true, sortkey: 0 },
        { schema: 'public', table: 'sales', name: 'sold', encoding: 'none', distkey: false, sortkey: 1 },
        { schema: 'public', table: 'sales', name: 'price', encoding: 'az64', distkey: false, sortkey: 2 },
      ],
    ],
    ['from svv_table_info', sizes],
    ['from information_schema.table_constraints', [{ schema: 'public', table: 'sales', name: 'id' }]],
    ['from pg_catalog.pg_views', [{ schema: 'mart', table: 'monthly', definition: ' SELECT sum(price) AS total FROM sales;' }]],
  ];
}

async function crawl(written: Answers, options: Record<string, unknown> = {}) {
  const fake = await openFakeRedshift(written);
  const source = createPostgresSource(
    { host: '127.0.0.1', port: fake.port, user: 'u', database: 'dev', sslmode: 'disable' },
    'p',
  );
  try {
    const crawled = await crawlAll({ crawler: postgresCrawler, options, connections: postgresConnections(source) });
    return { ...crawled, asked: fake.asked };
  } finally {
    await source.close();
    await fake.close();
  }
}

const SIZES = [{ schema: 'public', table: 'sales', diststyle: 'KEY(id)', rows: 172_456, megabytes: 12 }];

describe('crawling Redshift', () => {
  it('finds tables, views and tables in S3, how they are spread and sorted, and how large they are', async () => {
    const { findings, error } = await crawl(answers(true, SIZES));
    expect(error).toBeUndefined();
    expect(seen(findings)).toEqual(['mart_monthly', 'sales', 'spectrum_clicks']);
    expect(findings.filter(({ kind }) => kind === 'unknown')).toMatchObject([
      { path: 'hidden', error: { code: 'SOURCE_DENIED' } },
    ]);
    expect(isComplete(findings)).toBe(true);
    const [monthly, , sales, clicks] = findings.filter(({ kind }) => kind !== 'checkpoint');
    expect(monthly).toMatchObject({ type: 'view', details: { definition: 'SELECT sum(price) AS total FROM sales;' } });
    expect(sales).toMatchObject({
      type: 'table',
      comment: 'What was sold',
      rows: 172_456,
      bytes: 12_582_912,
      format: { name: 'redshift', options: { schema: 'public', table: 'sales' } },
      details: {
        primaryKey: ['id'],
        source: {
          redshift: {
            diststyle: 'KEY(id)',
            distkey: 'id',
            sortkey: ['sold', 'price'],
            sortstyle: 'compound',
            encoding: { id: 'az64', sold: 'none', price: 'az64' },
          },
        },
      },
    });
    const types = (finding: typeof sales) =>
      finding?.kind === 'table' ? finding.columns.map((one) => [one.name, formatType(one.type), one.sourceType]) : [];
    expect(types(sales)).toEqual([
      ['id', 'bigint', 'bigint'],
      ['sold', 'timestamp', 'timestamp without time zone'],
      ['price', 'decimal(12,2)', 'numeric(12,2)'],
      ['note', 'string', 'character varying(256)'],
      ['extra', 'string', 'super'],
    ]);
    expect(clicks).toMatchObject({
      type: 'foreign table',
      details: { partitionedBy: '(day)', source: { redshift: { external: { location: 's3://bucket/clicks' } } } },
    });
    expect(types(clicks)).toContainEqual(['tags', 'array<struct<k:string,v:int>>', 'array<struct<k:string,v:int>>']);
  });

  it('asks for nothing that Redshift has not', async () => {
    const { asked } = await crawl(answers(true, SIZES));
    for (const sql of asked)
      expect(sql).not.toMatch(/savepoint|lock_timeout|default_transaction|bytea_output|any \(|::text\[\]|collate|array\(/i);
    expect(asked).toContain('set search_path to "public", "mart"');
  });

  it('does without sizes that it may not see, and calls nothing missing that only a superuser would see', async () => {
    const { findings, error } = await crawl(answers(false, '42501'));
    expect(error).toBeUndefined();
    expect(findings.filter(({ kind }) => kind === 'unknown')).toMatchObject([{ path: 'spectrum' }, { path: 'hidden' }]);
    expect(seen(findings)).toEqual(['mart_monthly', 'sales', 'spectrum_clicks']);
  });

  it('ends without a word of completeness when a question fails', async () => {
    const whole = answers(true, SIZES);
    for (const [question] of whole.slice(1).filter(([name]) => !name.includes('svv_table_info'))) {
      const { findings, error } = await crawl(whole.map((one) => (one[0] === question ? [question, '57014'] : one)));
      expect(isComplete(findings), question).toBe(false);
      expect(error, question).toMatchObject({ code: 'TIMEOUT' });
    }
  });

  it('keeps to its paths, and is known by its URL', async () => {
    const { findings } = await crawl(answers(true, SIZES), { include: ['dev/public/%', 'dev/spectrum/c%'], exclude: ['h*'] });
    expect(findings.map((one) => (one.kind === 'table' ? one.name : one.kind))).toEqual([
      'sales',
      'spectrum_clicks',
      'checkpoint',
    ]);
    expect(postgresCrawler.fromUrl(new URL('redshift://reader@cluster.example/dev'))?.options).toEqual({
      host: 'cluster.example',
      port: 5439,
      user: 'reader',
      database: 'dev',
    });
  });
});
