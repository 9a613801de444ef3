import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { until } from '../until.ts';
import { openTestApi, READER, type TestApi } from './api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await openTestApi();
});
afterAll(() => api.close());

const RECORD = `mutation ($table: TableInput!, $expectedVersion: Int) {
  recordTable(table: $table, expectedVersion: $expectedVersion) { created changed versionAdded table { id fullName version { number } } }
}`;

interface RecordAnswer {
  readonly recordTable: {
    created: boolean;
    changed: boolean;
    versionAdded: boolean;
    table: { id: string; fullName: string; version: { number: number } };
  };
}

function salesWith(columns: readonly { name: string; type: string; nullable?: boolean; comment?: string }[]) {
  return {
    name: 'Lake.Sales',
    location: 's3://bucket/sales/',
    format: { name: 'parquet' },
    parameters: { made: 'by hand' },
    columns,
    partitionKeys: [{ name: 'dt', type: 'date' }],
  };
}

const V1 = [
  { name: 'id', type: 'INT' },
  { name: 'amount', type: 'decimal(10,2)', nullable: false, comment: 'in euros' },
];

describe('the catalog in GraphQL', () => {
  it('records databases and tables, and gives them back', async () => {
    const { createDatabase } = await api.ask<{ createDatabase: object }>(
      'mutation { createDatabase(name: "Lake", description: "all of it", parameters: { team: "a" }) { name description owner parameters } }',
    );
    expect(createDatabase).toEqual({ name: 'lake', description: 'all of it', owner: 'api', parameters: { team: 'a' } });
    const { recordTable } = await api.ask<RecordAnswer>(RECORD, { table: salesWith(V1), expectedVersion: 0 });
    expect(recordTable).toMatchObject({
      created: true,
      changed: true,
      versionAdded: true,
      table: { fullName: 'lake.sales', version: { number: 1 } },
    });
    const { table } = await api.ask<{ table: object }>(`{ table(name: "LAKE.sales") {
      database { name } name type format { name compression options } location owner parameters
      columns { name type nullable comment } partitionKeys { name type } } }`);
    expect(table).toEqual({
      database: { name: 'lake' },
      name: 'sales',
      type: 'TABLE',
      format: { name: 'parquet', compression: null, options: {} },
      location: 's3://bucket/sales/',
      owner: 'api',
      parameters: { made: 'by hand' },
      columns: [
        { name: 'id', type: 'int', nullable: true, comment: null },
        { name: 'amount', type: 'decimal(10,2)', nullable: false, comment: 'in euros' },
      ],
      partitionKeys: [{ name: 'dt', type: 'date' }],
    });
  });

  it('writes nothing when nothing differs, and refuses a change of something else than was read', async () => {
    const { recordTable } = await api.ask<RecordAnswer>(RECORD, { table: salesWith(V1) });
    expect(recordTable).toMatchObject({ created: false, changed: false, versionAdded: false });
    await expect(api.ask(RECORD, { table: salesWith(V1), expectedVersion: 7 })).rejects.toMatchObject({
      code: 'CONFLICT',
      details: { expected: 7, found: 1 },
    });
  });

  it('keeps versions, tells them apart, and reads as of a position', async () => {
    const { status } = await api.ask<{ status: { position: string } }>('{ status { position } }');
    await api.ask(RECORD, {
      table: salesWith([
        { name: 'id', type: 'bigint' },
        { name: 'place', type: 'string' },
      ]),
    });
    const query = `query ($asOf: Position) { table(name: "lake.sales", asOf: $asOf) {
      columns { name } version { number columns { name } } old: version(number: 1) { number }
      versions(first: 1) { edges { node { number hash } } pageInfo { hasNextPage } }
      diff(from: 1) { from { number } to { number } compatibility changes { kind path before after partitionKey } } } }`;
    const { table: now } = await api.ask<{ table: Record<string, unknown> }>(query);
    expect(now).toMatchObject({
      columns: [{ name: 'id' }, { name: 'place' }],
      version: { number: 2, columns: [{ name: 'id' }, { name: 'place' }] },
      old: { number: 1 },
      versions: { edges: [{ node: { number: 2 } }], pageInfo: { hasNextPage: true } },
      diff: {
        from: { number: 1 },
        to: { number: 2 },
        compatibility: 'BACKWARD',
        changes: [
          { kind: 'RETYPED', path: 'id', before: 'int', after: 'bigint', partitionKey: false },
          { kind: 'REMOVED', path: 'amount', before: 'decimal(10,2)', after: null },
          { kind: 'ADDED', path: 'place', before: null, after: 'string' },
        ],
      },
    });
    const { table: then } = await api.ask<{ table: Record<string, unknown> }>(query, { asOf: status.position });
    expect(then).toMatchObject({ columns: [{ name: 'id' }, { name: 'amount' }], version: { number: 1 } });
    await expect(api.ask('{ table(name: "lake.sales") { version(number: 9) { number } } }')).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  it('adds partitions, lists them by a predicate page by page, sums them and drops them', async () => {
    const partitions = ['2026-01-01', '2026-01-02', '2026-01-03'].map((dt, index) => ({
      values: { dt },
      location: `s3://bucket/sales/dt=${dt}/`,
      rows: String(2n ** 60n),
      files: [
        {
          address: `s3://bucket/sales/dt=${dt}/a.parquet`,
          size: 100 + index,
          etag: `e${index}`,
          modified: '2026-01-04T00:00:00Z',
        },
      ],
    }));
    const add =
      'mutation ($partitions: [PartitionInput!]!) { addPartitions(table: "lake.sales", partitions: $partitions) { added changed unchanged removed table { fullName } } }';
    expect(await api.ask(add, { partitions })).toEqual({
      addPartitions: { added: 3, changed: 0, unchanged: 0, removed: 0, table: { fullName: 'lake.sales' } },
    });
    expect(await api.ask(add, { partitions })).toMatchObject({ addPartitions: { added: 0, unchanged: 3 } });
    const list = `query ($after: String) { table(name: "lake.sales") { totals { partitions rows bytes files }
      partitions(predicate: "dt >= '2026-01-02'", first: 1, after: $after) { edges { node { name values location rows bytes files owner } } pageInfo { hasNextPage hasPreviousPage endCursor } } } }`;
    interface List {
      readonly table: {
        totals: object;
        partitions: {
          edges: { node: { name: string; values: object; rows: string } }[];
          pageInfo: { hasNextPage: boolean; hasPreviousPage: boolean; endCursor: string };
        };
      };
    }
    const first = await api.ask<List>(list);
    expect(first.table.totals).toEqual({ partitions: 3, rows: String(3n * 2n ** 60n), bytes: '303', files: 3 });
    expect(first.table.partitions.edges[0]?.node).toMatchObject({
      name: 'dt=2026-01-02',
      values: { dt: '2026-01-02' },
      rows: String(2n ** 60n),
      bytes: '101',
      files: 1,
      owner: 'api',
    });
    expect(first.table.partitions.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
    const second = await api.ask<List>(list, { after: first.table.partitions.pageInfo.endCursor });
    expect(second.table.partitions.edges[0]?.node.name).toBe('dt=2026-01-03');
    expect(second.table.partitions.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
    await expect(
      api.ask('{ table(name: "lake.sales") { partitions(predicate: "dt ~ 3") { edges { node { name } } } } }'),
    ).rejects.toMatchObject({ code: 'BAD_PREDICATE' });
    const drop = 'mutation { dropPartitions(table: "lake.sales", predicate: "dt = \'2026-01-01\'") { removed } }';
    expect(await api.ask(drop)).toEqual({ dropPartitions: { removed: 1 } });
  });

  it('pages through tables with cursors that belong to their list', async () => {
    for (const name of ['a', 'b', 'c'])
      await api.ask(RECORD, { table: { name: `lake.${name}`, columns: [{ name: 'x', type: 'int' }] } });
    const list =
      'query ($filter: TableFilter, $after: String) { tables(filter: $filter, first: 2, after: $after) { edges { cursor node { name } } pageInfo { hasNextPage endCursor } } }';
    interface List {
      readonly tables: {
        edges: { cursor: string; node: { name: string } }[];
        pageInfo: { hasNextPage: boolean; endCursor: string };
      };
    }
    const filter = { database: 'LAKE' };
    const first = await api.ask<List>(list, { filter });
    const second = await api.ask<List>(list, { filter, after: first.tables.pageInfo.endCursor });
    expect([...first.tables.edges, ...second.tables.edges].map(({ node }) => node.name)).toEqual(['a', 'b', 'c', 'sales']);
    expect(second.tables.pageInfo.hasNextPage).toBe(false);
    expect(
      await api.ask<List>(list, { filter: { database: 'lake', nameContains: 'ale', type: 'TABLE', owner: null } }),
    ).toMatchObject({ tables: { edges: [{ node: { name: 'sales' } }] } });
    await expect(api.ask(list, { filter: { database: 'other' }, after: first.tables.pageInfo.endCursor })).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    await expect(api.ask(list, { after: '’; drop table x; --' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(api.ask('{ tables(first: 5000) { edges { cursor } } }')).rejects.toMatchObject({ code: 'LIMIT' });
    await expect(api.ask('{ tables(first: 0) { edges { cursor } } }')).rejects.toMatchObject({ code: 'BAD_INPUT' });
  });

  it('reads what many tables lead to in one statement each', async () => {
    const pool = api.tenon.pool;
    const statements: string[] = [];
    const original = pool.query.bind(pool) as (...args: unknown[]) => unknown;
    const spied = (...args: unknown[]): unknown => {
      const [what] = args as [string | { text: string }];
      statements.push(typeof what === 'string' ? what : what.text);
      return original(...args);
    };
    Object.assign(pool, { query: spied });
    try {
      await api.ask('{ tables { edges { node { database { name } version { hash } totals { files } } } } }');
    } finally {
      Object.assign(pool, { query: original });
    }
    const mine = statements.filter(
      (text) => /from "(databases|versions|partitions)"/.test(text) && !text.includes('from "tables"'),
    );
    expect(mine).toHaveLength(3);
  });

  it('finds anything by its id, and gives null for what is not there', async () => {
    const { table } = await api.ask<{ table: { id: string; database: { id: string } } }>(
      '{ table(name: "lake.sales") { id database { id } } }',
    );
    const ids = [table.id, 'Table:nothing', table.database.id];
    const { nodes, node } = await api.ask<{ nodes: unknown[]; node: unknown }>(
      'query ($ids: [ID!]!, $id: ID!) { nodes(ids: $ids) { id __typename ... on Table { name } } node(id: $id) { id } }',
      { ids, id: table.database.id },
    );
    expect(nodes).toEqual([
      { id: table.id, __typename: 'Table', name: 'sales' },
      null,
      { id: table.database.id, __typename: 'Database' },
    ]);
    expect(node).toEqual({ id: table.database.id });
  });

  it('tells what happened, as the log has it', async () => {
    interface Log {
      readonly changes: {
        edges: {
          cursor: string;
          node: { position: string; kind: string; table: string; by: object; before: object | null; after: object | null };
        }[];
      };
    }
    const query =
      'query ($filter: ChangeFilter, $after: String) { changes(filter: $filter, after: $after, first: 10) { edges { cursor node { position kind table by { principal owner runId } before after } } } }';
    const { changes } = await api.ask<Log>(query, {
      filter: { database: 'lake', table: 'sales', kinds: ['TABLE_CREATED', 'TABLE_CHANGED'] },
    });
    expect(changes.edges.map(({ node }) => node.kind)).toEqual(['TABLE_CREATED', 'TABLE_CHANGED']);
    expect(changes.edges[0]?.node).toMatchObject({ by: { principal: 'admin', owner: 'api', runId: null }, before: null });
    expect(changes.edges[0]?.cursor).toBe(changes.edges[0]?.node.position);
    const { changes: rest } = await api.ask<Log>(query, { filter: { table: 'sales' }, after: changes.edges[1]?.node.position });
    expect(rest.edges.map(({ node }) => node.kind)).toEqual(['PARTITIONS_CHANGED', 'PARTITIONS_CHANGED']);
  });

  it('finds names, also misspelt ones, and says why', async () => {
    interface Found {
      readonly search: { edges: { node: { kind: string; name: string; why: object[]; table: { fullName: string } | null } }[] };
    }
    const query =
      'query ($text: String!, $filter: SearchFilter) { search(text: $text, filter: $filter) { edges { node { kind name stage why { field reason } table { fullName } } } } }';
    const { search } = await until('the search index follows', async () => {
      const found = await api.ask<Found>(query, { text: 'salez', filter: { kinds: 'TABLE' } });
      return found.search.edges.length > 0 && found;
    });
    expect(search.edges[0]?.node).toMatchObject({
      kind: 'TABLE',
      name: 'lake.sales',
      stage: 'TYPO',
      table: { fullName: 'lake.sales' },
    });
    expect(search.edges[0]?.node.why).not.toEqual([]);
  });

  it('drops what it made, and returns it as it was', async () => {
    await expect(api.ask('mutation { dropDatabase(name: "lake") { name } }')).rejects.toMatchObject({ code: 'BAD_INPUT' });
    expect(await api.ask('mutation { dropTable(name: "lake.a") { name columns { name } } }')).toEqual({
      dropTable: { name: 'a', columns: [{ name: 'x' }] },
    });
    expect(await api.ask('{ table(name: "lake.a") { name } }')).toEqual({ table: null });
  });
});

describe('who may what in GraphQL', () => {
  it('lets readers read and nothing else', async () => {
    expect(await api.ask('{ me { name role } tables(first: 1) { edges { node { name } } } }', {}, READER)).toMatchObject({
      me: { name: 'reader', role: 'READER' },
    });
    const refused = [
      'mutation { createDatabase(name: "x") { name } }',
      'mutation { dropTable(name: "lake.sales") { name } }',
      'mutation { addPartitions(table: "lake.sales", partitions: []) { added } }',
      'mutation { defineConnection(connection: { name: "c", kind: "s3" }) { name } }',
      'mutation { defineCrawler(crawler: { name: "c", url: "file:///tmp", database: "x" }) { name } }',
      'mutation { defineJob(definition: { name: "j", inputs: {}, steps: [{ name: "s", sql: "select 1 as a" }], output: { table: "x.y", location: "/tmp/x" } }) { name } }',
      'mutation { createToken(principal: "admin", name: "mine") { token } }',
      'mutation { createPrincipal(name: "me", role: ADMIN) { name } }',
      'mutation { grantRole(principal: "reader", role: ADMIN) { name } }',
      'mutation { cleanUp { removed } }',
      '{ principals { edges { node { name } } } }',
      '{ tokens { edges { node { name } } } }',
    ];
    for (const query of refused) await expect(api.ask(query, {}, READER), query).rejects.toMatchObject({ code: 'FORBIDDEN' });
  });

  it('makes principals and tokens, and never shows a token again', async () => {
    await api.ask('mutation { createPrincipal(name: "ada", role: READER) { name role } }');
    expect(await api.ask('mutation { grantRole(principal: "ada", role: EDITOR) { name role } }')).toEqual({
      grantRole: { name: 'ada', role: 'EDITOR' },
    });
    const { createToken } = await api.ask<{ createToken: { id: string; token: string } }>(
      'mutation { createToken(principal: "ada", name: "laptop", expiresAt: "2099-01-01T00:00:00Z") { id token } }',
    );
    expect(createToken.token).toMatch(/^tenon_/);
    const shown = JSON.stringify(
      await api.ask(
        '{ tokens { edges { node { id principal name expiresAt revokedAt } } } changes(filter: { newestFirst: true }) { edges { node { before after details } } } }',
      ),
    );
    expect(shown).toContain('laptop');
    expect(shown).not.toContain(createToken.token.slice(6));
    expect(await api.ask('mutation ($id: ID!) { revokeToken(id: $id) }', { id: createToken.id })).toEqual({
      revokeToken: createToken.id,
    });
  });

  it('never shows the secret of a connection', async () => {
    const connection = {
      name: 'warehouse',
      kind: 'postgres',
      options: { host: 'db.example', user: 'tenon' },
      secret: 'hush-canary',
    };
    const define =
      'mutation ($connection: ConnectionInput!) { defineConnection(connection: $connection) { name kind options hasSecret } }';
    const answer = await api.ask(define, { connection });
    expect(answer).toMatchObject({ defineConnection: { name: 'warehouse', hasSecret: true, options: { host: 'db.example' } } });
    const shown = await api.ask(
      '{ connection(name: "warehouse") { options hasSecret } connections { edges { node { name options } } } changes(filter: { newestFirst: true }) { edges { node { before after details } } } }',
    );
    expect(JSON.stringify([answer, shown])).not.toContain('hush-canary');
    expect(await api.ask('mutation { dropConnection(name: "warehouse") { name hasSecret } }')).toEqual({
      dropConnection: { name: 'warehouse', hasSecret: true },
    });
    expect(await api.ask('{ connection(name: "warehouse") { name } }')).toEqual({ connection: null });
  });
});

describe('crawls, jobs and SQL in GraphQL', () => {
  const RUN = 'id kind name state attempt params result error { code message details } createdAt startedAt endedAt';
  interface Run {
    readonly id: string;
    readonly state: string;
    readonly result: Record<string, unknown> | null;
    readonly error: { code: string } | null;
  }
  const ended = async (id: string): Promise<Run> => {
    const bare = id.replace(/^Run:/, '');
    await api.tenon.work.waitFor(bare);
    const { run, node } = await api.ask<{ run: Run; node: Run }>(
      `query ($bare: ID!, $id: ID!) { run(id: $bare) { ${RUN} } node(id: $id) { ... on Run { ${RUN} } } }`,
      { bare, id },
    );
    expect(node).toEqual(run);
    return run;
  };

  it('refuse a password in a crawler’s URL, and a URL that no crawler knows', async () => {
    const define = 'mutation ($url: String!) { defineCrawler(crawler: { name: "c", url: $url, database: "x" }) { name } }';
    const refused = await api.ask(define, { url: 'postgres://u:hush-canary@h/db' }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'BAD_INPUT' });
    expect(String(refused)).not.toContain('hush-canary');
    await expect(api.ask(define, { url: 'gopher://h/x' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(api.ask(define, { url: 'no url' })).rejects.toMatchObject({ code: 'BAD_INPUT' });
    await expect(api.ask('mutation { startCrawl(crawler: "nobody") { id } }')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('go from a folder to a table to a job to an answer', async () => {
    const lake = join(api.folder, 'shop');
    for (const [dt, rows] of Object.entries({ '2026-01-01': '1,10.5\n2,3\n', '2026-01-02': '3,7\n' })) {
      await mkdir(join(lake, 'orders', `dt=${dt}`), { recursive: true });
      await writeFile(join(lake, 'orders', `dt=${dt}`, 'a.csv'), `id,amount\n${rows}`);
    }
    const crawler = { name: 'Shop', url: pathToFileURL(lake).href, database: 'shop' };
    expect(
      await api.ask('mutation ($crawler: CrawlerInput!) { defineCrawler(crawler: $crawler) { name kind database connection } }', {
        crawler,
      }),
    ).toEqual({
      defineCrawler: { name: 'shop', kind: 'file', database: 'shop', connection: null },
    });
    const { startCrawl } = await api.ask<{ startCrawl: Run }>(`mutation { startCrawl(crawler: "shop") { ${RUN} } }`);
    const crawl = await ended(startCrawl.id);
    expect(crawl).toMatchObject({ kind: 'crawl', name: 'shop', state: 'SUCCEEDED', error: null });

    const definition = {
      name: 'copy',
      inputs: { orders: { table: 'shop.orders' } },
      bookmark: true,
      steps: [{ name: 'all_of_it', sql: 'select id, amount, dt from orders' }],
      output: { table: 'shop.copy', location: '${OUT}', partitionBy: ['dt'] },
    };
    expect(
      await api.ask('mutation ($definition: JSON!) { defineJob(definition: $definition) { name parameters definition } }', {
        definition,
      }),
    ).toMatchObject({ defineJob: { name: 'copy', parameters: ['OUT'] } });
    const { startRun } = await api.ask<{ startRun: Run }>(
      `mutation ($parameters: JSON) { startRun(job: "copy", parameters: $parameters) { ${RUN} } }`,
      { parameters: { OUT: join(api.folder, 'out') } },
    );
    const job = await ended(startRun.id);
    expect(job).toMatchObject({ state: 'SUCCEEDED', result: { outputs: [{ table: 'shop.copy', rows: 3 }] } });

    const { sql } = await api.ask<{ sql: { columns: object[]; rows: unknown[][]; truncated: boolean } }>(
      '{ sql(query: "select count(*) as n, sum(amount) as total from shop.copy") { columns { name type } rows truncated } }',
    );
    expect(sql).toMatchObject({ columns: [{ name: 'n', type: 'bigint' }, { name: 'total' }], truncated: false });
    expect(sql.rows.map(([n, total]) => [Number(n), Number(total)])).toEqual([[3, 20.5]]);
    const { lineage } = await api.ask<{ lineage: object[] }>(
      '{ lineage(table: "shop.copy", direction: UPSTREAM, depth: 3) { from { fullName } to { fullName } producer depth runId } }',
    );
    expect(lineage).toEqual([
      { from: { fullName: 'shop.orders' }, to: { fullName: 'shop.copy' }, producer: 'job:copy', depth: 1, runId: startRun.id },
    ]);
    expect(await api.ask('mutation { acceptJob(name: "copy", parameters: { OUT: "/" }) { name } }')).toEqual({
      acceptJob: { name: 'copy' },
    });

    const { runs } = await api.ask<{ runs: { edges: { node: Run }[] } }>(
      '{ runs(filter: { states: [SUCCEEDED] }) { edges { node { id state logs(first: 1) { edges { node { level message } } } } } } }',
    );
    expect(runs.edges.map(({ node }) => node.id)).toEqual([startRun.id, startCrawl.id]);
  });

  it('carry the engine’s and the runs’ own errors', async () => {
    await expect(api.ask('{ sql(query: "selekt 1") { rows } }')).rejects.toMatchObject({ code: 'BAD_SQL' });
    await expect(api.ask('{ sql(query: "select * from shop.nowhere") { rows } }')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(api.ask('mutation { defineJob(definition: { name: "x" }) { name } }')).rejects.toMatchObject({
      code: 'BAD_JOB',
    });
    await expect(api.ask('{ run(id: "Run:nothing") { id } }')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(api.ask('mutation { startRun(job: "nobody") { id } }')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(api.ask('mutation { startRun(job: "copy", parameters: ["x"]) { id } }')).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    expect(await api.ask('{ node(id: "nonsense") { id } }')).toEqual({ node: null });
  });
});
