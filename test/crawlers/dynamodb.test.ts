import { UpdateTimeToLiveCommand, type AttributeValue, type CreateTableCommandInput } from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDynamodbCrawler, dynamodbCrawler } from '../../crawlers/dynamodb.ts';
import type { CrawlContext, TableFinding } from '../../src/crawl/crawler.ts';
import { formatType } from '../../src/model/types.ts';
import { openTestConnections, SHORT, type TestConnections } from '../connections/test-connections.ts';
import { crawlAll, describeCrawler, type Crawled } from '../contract/crawler.ts';
import { SKIPS } from '../servers/allowed-skips.ts';
import { DYNAMODB_HOOK_TIMEOUT_MS, DYNAMODB_KEYS, openTestDynamodb, type TestDynamodb } from '../servers/dynamodb.ts';
import { startFaultProxy } from '../servers/fault-proxy.ts';
import { seeded, SHOP, shopItems } from './single-table.ts';

const S = (value: string): AttributeValue => ({ S: value });
const N = (value: string): AttributeValue => ({ N: value });

function keyed(hash: string, range?: string, type: 'S' | 'N' = 'S'): Omit<CreateTableCommandInput, 'TableName'> {
  const names = range === undefined ? [hash] : [hash, range];
  return {
    AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: type })),
    KeySchema: names.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? 'HASH' : 'RANGE' })),
  };
}

describeCrawler('dynamodb', async () => {
  const server = await openTestDynamodb();
  const proxy = await startFaultProxy(server.url);
  const test = await openTestConnections(SHORT);
  const { accessKeyId, secretAccessKey } = DYNAMODB_KEYS;
  const options = { endpoint: proxy.url, region: 'us-east-1', accessKeyId };
  await test.define({ name: 'nosql', kind: 'dynamodb', options, secret: secretAccessKey });
  for (const name of ['orders', 'Customers', 'no-items']) await server.createTable(name, keyed('id'));
  await server.put('orders', [{ id: S('1'), total: N('12.50') }]);
  await server.put('Customers', [{ id: S('1'), name: S('A') }]);
  return {
    crawler: dynamodbCrawler,
    options: { region: 'us-east-1', tables: { include: [], exclude: ['tmp%'] } },
    connections: test.connections,
    connection: 'nosql',
    expected: ['Customers', 'no-items', 'orders'],
    secrets: [secretAccessKey],
    url: 'dynamodb://us-east-1/orders%',
    spoil: async () => {
      proxy.deny('DescribeTable', '"orders"');
      return { unknown: ['orders'], restore: async () => proxy.deny(undefined) };
    },
    vanish: () => proxy.close(),
    close: async () => {
      await proxy.close();
      await test.close();
      await server.close();
    },
  };
});

describe('a DynamoDB crawl', () => {
  let server: TestDynamodb;
  let test: TestConnections;

  beforeAll(async () => {
    server = await openTestDynamodb();
    test = await openTestConnections();
    const options = { endpoint: server.url, region: 'us-east-1', accessKeyId: DYNAMODB_KEYS.accessKeyId };
    await test.define({ name: 'nosql', kind: 'dynamodb', options, secret: DYNAMODB_KEYS.secretAccessKey });
  }, DYNAMODB_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await test?.close();
    await server?.close();
  });

  async function crawl(
    table: string,
    options: Record<string, unknown> = {},
    previous?: CrawlContext['previous'],
    crawler = dynamodbCrawler,
  ): Promise<{ finding: TableFinding; bill: Crawled['bill']; entities: Entity[]; sample: Record<string, unknown> }> {
    const all = { tables: { include: [table], exclude: [] }, ...options };
    const { findings, error, bill } = await crawlAll(
      { crawler, options: all, connections: test.connections, connection: 'nosql' },
      previous === undefined ? {} : { previous },
    );
    if (error !== undefined) throw error;
    const finding = findings.find((one) => one.kind === 'table');
    if (finding === undefined) throw new Error(JSON.stringify(findings));
    const { entityTypes, sample } = (finding.details?.source?.['dynamodb'] ?? {}) as {
      entityTypes: Entity[];
      sample: Record<string, unknown>;
    };
    return { finding, bill, entities: entityTypes, sample };
  }

  interface Entity {
    name: string;
    keyTemplate: Record<string, string>;
    items: number;
    share: number;
    confidence: string;
    attributes: { name: string; share: number; types: Record<string, number> }[];
  }

  const columnsOf = ({ columns }: TableFinding): string[] =>
    columns.map(
      ({ name, type, nullable, sourceType }) => `${name} ${formatType(type)} ${sourceType}${nullable === false ? '!' : ''}`,
    );
  const remembering =
    (finding: TableFinding): CrawlContext['previous'] =>
    () =>
      JSON.parse(JSON.stringify(finding)) as TableFinding;

  it('tells keys, indexes, billing and where a table is', async () => {
    const names = ['PK', 'SK', 'GSI1PK', 'created'];
    await server.createTable('declared', {
      AttributeDefinitions: names.map((AttributeName) => ({
        AttributeName,
        AttributeType: AttributeName === 'created' ? 'N' : 'S',
      })),
      KeySchema: [
        { AttributeName: 'PK', KeyType: 'HASH' },
        { AttributeName: 'SK', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'by-owner',
          KeySchema: [{ AttributeName: 'GSI1PK', KeyType: 'HASH' }],
          Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['title', 'price'] },
        },
      ],
      LocalSecondaryIndexes: [
        {
          IndexName: 'by-time',
          KeySchema: [
            { AttributeName: 'PK', KeyType: 'HASH' },
            { AttributeName: 'created', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
    const { finding } = await crawl('declared');
    expect(columnsOf(finding)).toEqual(['PK string S!', 'SK string S!']);
    expect(finding).toMatchObject({
      type: 'table',
      format: { name: 'dynamodb', options: { table: 'declared' } },
      location: `dynamodb://${new URL(server.url).host}/us-east-1/declared`,
      details: {
        primaryKey: ['PK', 'SK'],
        indexes: [
          { name: 'by-owner', columns: ['GSI1PK'], unique: false, method: 'global' },
          { name: 'by-time', columns: ['PK', 'created'], unique: false, method: 'local' },
        ],
        source: {
          dynamodb: {
            billingMode: 'PAY_PER_REQUEST',
            indexes: [
              { name: 'by-owner', scope: 'global', keys: ['GSI1PK'], projection: 'INCLUDE', projected: ['price', 'title'] },
              { name: 'by-time', scope: 'local', keys: ['PK', 'created'], projection: 'KEYS_ONLY' },
            ],
            sample: { items: 0, whole: true },
            entityTypes: [],
          },
        },
      },
    });
  });

  it('tells the time to live and the stream', async ({ skip }) => {
    if (server.isDynalite) return skip(SKIPS.noDynamodbLocal);
    await server.createTable('living', {
      ...keyed('id'),
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    });
    const TimeToLiveSpecification = { Enabled: true, AttributeName: 'expires' };
    await server.client.send(new UpdateTimeToLiveCommand({ TableName: 'living', TimeToLiveSpecification }));
    const { finding } = await crawl('living');
    expect(finding.details?.source?.['dynamodb']).toMatchObject({ ttl: 'expires', stream: 'NEW_IMAGE' });
  });

  it('gives every type of DynamoDB its own, NULL none, and mixed values text with their frequencies', async () => {
    await server.createTable('types', keyed('id', 'at', 'N'));
    const same = {
      text: S('x'),
      bytes: { B: Buffer.from('x') },
      flag: { BOOL: true },
      whole: N('-9223372036854775808'),
      long: N('12345678901234567890123456789012345678'),
      money: N('19.9'),
      measured: N('0.123456789'),
      huge: N('1E+100'),
      texts: { SS: ['a'] },
      numbers: { NS: ['1', '2.5'] },
      blobs: { BS: [Buffer.from('x')] },
      list: { L: [N('1'), N('2')] },
      mixedList: { L: [N('1'), S('a')] },
      emptyList: { L: [] },
      none: { NULL: true },
      address: { M: { street: S('x'), zip: N('1'), deep: { M: { a: { L: [{ M: { b: { BOOL: true } } }] } } } } },
      emptyMap: { M: {} },
      'dotted.name': S('x'),
      ümlaut: S('x'),
    };
    await server.put('types', [
      { id: N('1'), at: N('1'), ...same, maybe: { NULL: true }, mixed: S('x') },
      { id: N('2'), at: N('1.5'), ...same, maybe: N('1'), mixed: N('1') },
      {
        id: N('3'),
        at: N('2'),
        ...same,
        maybe: N('1'),
        mixed: N('2'),
        labels: { M: Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`k${i}`, N('1')])) },
      },
    ]);
    const { finding, entities } = await crawl('types');
    expect(columnsOf(finding)).toEqual([
      'id bigint N!',
      'at decimal(21,2) N!',
      'address struct<deep:struct<a:array<struct<b:boolean>>>,street:string,zip:bigint> M',
      'blobs array<binary> L',
      'bytes binary B',
      'dotted.name string S',
      'emptyList array<string> L',
      'emptyMap map<string,string> M',
      'flag boolean BOOL',
      'huge double N',
      'labels map<string,bigint> M',
      'list array<bigint> L',
      'long decimal(38,0) N',
      'maybe bigint N',
      'measured double N',
      'mixed string N|S',
      'mixedList array<string> L',
      'money decimal(21,2) N',
      'none string NULL',
      'numbers array<decimal(21,2)> L',
      'text string S',
      'texts array<string> L',
      'whole bigint N',
      'ümlaut string S',
    ]);
    expect(entities).toHaveLength(1);
    const attribute = (name: string) => entities[0]?.attributes.find((one) => one.name === name);
    expect(attribute('mixed')).toEqual({ name: 'mixed', share: 1, types: { bigint: 2, string: 1 } });
    expect(attribute('maybe')).toEqual({ name: 'maybe', share: 1, types: { bigint: 2, null: 1 } });
    expect(attribute('labels')?.share).toBe(0.33);
  });

  it('finds the entity types of a single table with their keys, and no value of the data', async () => {
    await server.createTable('shop', keyed('PK', 'SK'));
    await server.put('shop', [...shopItems(3_000, 500)]);
    const { finding, entities, sample, bill } = await crawl('shop');
    expect(Object.fromEntries(entities.map(({ name, keyTemplate }) => [name, keyTemplate]))).toEqual(SHOP);
    expect(entities.at(-1)).toMatchObject({ name: 'TENANT_AUDIT', items: 6, share: 0.002, confidence: 'medium' });
    expect(sample).toEqual({ items: 3_000, whole: true });
    expect(JSON.stringify(finding)).not.toMatch(/example\.com|Chair|12\.50/);
    expect(bill).toMatchObject({ lists: 1, rows: 3_000 });
    expect(bill['capacityUnits']).toBeGreaterThan(0);
    expect((await crawl('shop', {}, remembering(finding))).finding).toEqual(finding);
  }, 60_000);

  it('keeps what a sample does not meet, and adds what it meets', async () => {
    const small = { patience: 100, capacityUnits: 60 };
    const first = await crawl('shop', small, undefined, createDynamodbCrawler({ random: seeded(1) }));
    expect(first.sample['whole']).toBe(false);
    expect(first.bill['rows']).toBeLessThan(2_500);
    let known = first;
    for (let seed = 2; seed < 6; seed += 1) {
      const next = await crawl('shop', small, remembering(known.finding), createDynamodbCrawler({ random: seeded(seed) }));
      const names = (one: typeof next) => one.entities.map(({ name }) => name);
      expect(names(next)).toEqual(expect.arrayContaining(names(known)));
      expect(columnsOf(next.finding)).toEqual(expect.arrayContaining(columnsOf(known.finding)));
      known = next;
    }
    expect(known.entities.length).toBeGreaterThanOrEqual(5);
  }, 60_000);

  it('never uses more capacity than it may', async () => {
    const total = await crawl('shop', { capacityUnits: 20, scanAll: true });
    expect(total.bill['capacityUnits']).toBeLessThanOrEqual(20 * 1.05);
    expect(total.bill['capacityUnits']).toBeGreaterThan(20 * 0.5);
    expect(total.sample['whole']).toBe(false);
    const begin = performance.now();
    const slow = await crawl('shop', { readUnits: 40, capacityUnits: 60 });
    const seconds = (performance.now() - begin) / 1_000;
    // Requests wait for what the ones before them used, so only the last one may stand out.
    expect((slow.bill['capacityUnits'] ?? 0) - 0.75).toBeLessThanOrEqual(40 * seconds * 1.05 + 10);
    expect(seconds).toBeGreaterThan(1);
  }, 60_000);

  it('reads every item where it is told to, several segments at a time', async () => {
    const { sample, bill } = await crawl('shop', { scanAll: true, patience: 10 });
    expect(sample).toEqual({ items: 3_000, whole: true });
    expect(bill['rows']).toBe(3_000);
  });

  it('takes away what a whole table no longer has', async () => {
    await server.createTable('shrinking', keyed('id'));
    await server.put('shrinking', [{ id: S('1'), old: S('x') }]);
    const before = await crawl('shrinking');
    await server.put('shrinking', [{ id: S('1'), fresh: S('x') }]);
    const after = await crawl('shrinking', {}, remembering(before.finding));
    expect(columnsOf(after.finding)).toEqual(['id string S!', 'fresh string S']);
  });
});
