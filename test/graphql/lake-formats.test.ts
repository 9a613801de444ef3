import { cpSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openTestApi, type TestApi } from './api.ts';
import { crawlLake } from './crawl-lake.ts';

let api: TestApi;
let lake: string;
beforeAll(async () => {
  api = await openTestApi();
  lake = join(api.folder, 'lake');
  cpSync(resolve('test/fixtures/lake'), lake, { recursive: true });
  writeFileSync(join(lake, 'app.log'), 'GET /a 17\nPUT /b 18\n');
  await api.ask('mutation ($c: ClassifierInput!) { defineClassifier(classifier: $c) { name } }', {
    c: { name: 'App', kind: 'grok', options: { pattern: '%{WORD:verb} %{URIPATH:path} %{INT:ms:int}', classification: 'app' } },
  });
  await api.ask('mutation ($c: CrawlerInput!) { defineCrawler(crawler: $c) { name } }', {
    c: { name: 'lake', url: pathToFileURL(lake).href, database: 'lake', settings: { classifiers: ['app'] } },
  });
  await crawlLake(api);
});
afterAll(() => api.close());

async function sql(query: string): Promise<unknown> {
  return (await api.ask<{ sql: { rows: unknown } }>('query ($query: String!) { sql(query: $query) { rows } }', { query })).sql
    .rows;
}

describe('SQL on tables that say themselves what they are made of', () => {
  it.each([
    [
      'select id, region, home.city from lake.orders order by id',
      [
        [1, 'eu', 'Ulm'],
        [3, 'us/west', 'Ulm'],
        [4, null, 'Ulm'],
      ],
    ],
    [
      'select id, name, score from lake.evolved order by id',
      [
        [0, 'n0', null],
        [1, 'n1', null],
        [2, 'n2', null],
        [9, 'n9', 0.5],
      ],
    ],
    [
      'select id, "Year" from lake.upper order by id',
      [
        [1, 2025],
        [2, 2026],
      ],
    ],
    [
      'select id, region, "at"::date::varchar from lake.events order by id',
      [
        [1, 'eu', '2026-01-01'],
        [3, 'eu', '2026-01-03'],
        [4, null, '2026-01-04'],
      ],
    ],
    ["select count(*) from lake.events where region = 'eu'", [[2]]],
    [
      'select id, name, score from lake.added order by id',
      [
        [1, 'a', null],
        [2, 'b', null],
        [3, 'c', 0.5],
      ],
    ],
    [
      'select id, price, t, u, home.zip from lake.types where id = 3',
      [[3, '1.50', '01:02:03', '30313233-3435-3637-3839-616263646566', 1]],
    ],
    ['select count(*) from lake.old', [[2]]],
    ['select count(*) from lake.empty', [[0]]],
  ])('is what their writers would read: %s', async (query, rows) => {
    expect(await sql(query)).toEqual(rows);
  });

  it('is refused, with the reason, where it would be something else', async () => {
    await expect(sql('select * from lake.renamed')).rejects.toMatchObject({
      code: 'UNSUPPORTED',
      message: expect.stringMatching(/has the format iceberg, and its column «title» had another name before/) as string,
    });
  });
});

describe('classifiers in GraphQL', () => {
  it('are found, listed, used by a crawl, and dropped', async () => {
    expect(
      await api.ask('{ classifier(name: "APP") { name kind options } classifiers { edges { node { name } } } }'),
    ).toMatchObject({
      classifier: { name: 'app', kind: 'grok', options: { classification: 'app' } },
      classifiers: { edges: [{ node: { name: 'app' } }] },
    });
    const { tables } = await api.ask<{ tables: { edges: { node: object }[] } }>(
      '{ tables(filter: { database: "lake" }) { edges { node { name format { name } columns { name type } } } } }',
    );
    expect(tables.edges.map(({ node }) => node)).toContainEqual({
      name: 'app',
      format: { name: 'app' },
      columns: [
        { name: 'verb', type: 'string' },
        { name: 'path', type: 'string' },
        { name: 'ms', type: 'int' },
      ],
    });
    await api.ask('mutation { dropClassifier(name: "app") { name } }');
    expect(await api.ask('{ classifier(name: "app") { name } }')).toEqual({ classifier: null });
    const { changes } = await api.ask<{ changes: { edges: unknown[] } }>(
      '{ changes(filter: { kinds: [CLASSIFIER_DEFINED, CLASSIFIER_DROPPED] }) { edges { node { kind } } } }',
    );
    expect(changes.edges).toEqual([{ node: { kind: 'CLASSIFIER_DEFINED' } }, { node: { kind: 'CLASSIFIER_DROPPED' } }]);
  });
});
