import { crawlAll } from '../src/plugin/testing.ts';
import { createDynamodbCrawler } from '../crawlers/dynamodb.ts';
import { CONNECTION_LIMITS } from '../src/config.ts';
import type { Connections } from '../src/connections/connections.ts';
import { createDynamodbSource } from '../src/connections/dynamodb.ts';
import type { PreviousTable, TableFinding } from '../src/crawl/crawler.ts';
import { DYNAMODB_KEYS, openTestDynamodb } from '../test/servers/dynamodb.ts';
import { seeded, SHOP, shopItems } from '../test/crawlers/single-table.ts';
import { report, timed } from './measure.ts';

/**
 * A single table of six entity types, crawled three times in a row as its owner would: what is found, and what it takes.
 * `node dist/bench/dynamodb.js [items [rarest [patience]]]`; loading the table takes most of the time.
 */
const [items = 50_000, rarest = 5_000, patience = 10_000] = process.argv.slice(2).map(Number);
const CAPACITY_UNITS = 1_000;

const server = await openTestDynamodb();
await server.createTable('shop', {
  AttributeDefinitions: ['PK', 'SK'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  KeySchema: [
    { AttributeName: 'PK', KeyType: 'HASH' },
    { AttributeName: 'SK', KeyType: 'RANGE' },
  ],
});
console.error(`Loading ${items} items into ${server.isDynalite ? 'dynalite' : 'DynamoDB Local'} …`);
const loadMs = await timed(() => load());
const { accessKeyId, secretAccessKey } = DYNAMODB_KEYS;
const options = { endpoint: server.url, region: 'us-east-1', accessKeyId };
const source = await createDynamodbSource(options, secretAccessKey, CONNECTION_LIMITS);
const connections = { dynamodb: async () => source } as unknown as Connections;

let known: PreviousTable | undefined;
for (let crawl = 1; crawl <= 3; crawl += 1) await crawlOnce(crawl, { patience, capacityUnits: CAPACITY_UNITS });
// Reading all of a million items would only show how fast the server is.
if (items <= 200_000) await crawlOnce(4, { scanAll: true, capacityUnits: 1_000_000 });
await source.close();
await server.close();

async function load(): Promise<void> {
  const batch = [];
  for (const item of shopItems(items, rarest)) {
    batch.push(item);
    if (batch.length === 2_000) await server.put('shop', batch.splice(0));
  }
  await server.put('shop', batch);
}

async function crawlOnce(crawl: number, how: Record<string, unknown>): Promise<void> {
  const crawler = createDynamodbCrawler({ random: seeded(crawl) });
  let found: TableFinding | undefined;
  let bill: Record<string, number> = {};
  const ms = await timed(async () => {
    const crawled = await crawlAll({ crawler, options: how, connections }, { previous: () => known });
    if (crawled.error !== undefined) throw crawled.error;
    found = crawled.findings.find((one) => one.kind === 'table');
    bill = crawled.bill;
  });
  if (found === undefined) throw new Error('The table was not found.');
  const { entityTypes } = (found.details?.source?.['dynamodb'] ?? {}) as { entityTypes: { name: string; keyTemplate: object }[] };
  const wanted = Object.entries(SHOP);
  const exact = wanted.filter(([name, keys]) => entityTypes.some((one) => one.name === name && sameKeys(one.keyTemplate, keys)));
  known = JSON.parse(JSON.stringify(found)) as PreviousTable;
  report('dynamodb', {
    size: items,
    server: server.isDynalite ? 'dynalite' : 'DynamoDB Local',
    rarest,
    crawl,
    ...how,
    loadSeconds: Number((loadMs / 1_000).toFixed(0)),
    tenon: {
      found: `${exact.length} of ${wanted.length} entity types with exact keys, ${entityTypes.length - exact.length} others`,
      seconds: Number((ms / 1_000).toFixed(2)),
      itemsRead: bill['rows'],
      unitsUsed: bill['capacityUnits'],
      requests: bill['gets'],
    },
  });
}

function sameKeys(a: object, b: object): boolean {
  return JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
}
