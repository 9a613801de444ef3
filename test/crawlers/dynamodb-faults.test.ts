import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dynamodbCrawler } from '../../crawlers/dynamodb.ts';
import type { Connections } from '../../src/connections/connections.ts';
import { openTestConnections, type TestConnections } from '../connections/test-connections.ts';
import { openLab, type CrawlEnd, type Lab } from '../crawl/lab.ts';
import { DYNAMODB_HOOK_TIMEOUT_MS, DYNAMODB_KEYS, openTestDynamodb, type TestDynamodb } from '../servers/dynamodb.ts';
import { JSON_FAULTS, startFaultProxy, type FaultProxy } from '../servers/fault-proxy.ts';
import { shopItems } from './single-table.ts';

const TABLE = {
  AttributeDefinitions: ['PK', 'SK'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' as const })),
  KeySchema: [
    { AttributeName: 'PK', KeyType: 'HASH' as const },
    { AttributeName: 'SK', KeyType: 'RANGE' as const },
  ],
};

/** Every request of a crawl fails in turn, in every way; nothing is tried again, so that each failure is final. */
describe('a DynamoDB crawl of which one request fails', () => {
  let server: TestDynamodb;
  let proxy: FaultProxy;
  let test: TestConnections;
  let lab: Lab;
  let requests: number;

  beforeAll(async () => {
    server = await openTestDynamodb();
    proxy = await startFaultProxy(server.url);
    for (const name of ['shop', 'vault']) {
      await server.createTable(name, TABLE);
      await server.put(name, [...shopItems(100, 50)]);
    }
    test = await openTestConnections({ connectTimeoutMs: 2_000, requestTimeoutMs: 800, attempts: 1 });
    const options = { endpoint: proxy.url, region: 'us-east-1', accessKeyId: DYNAMODB_KEYS.accessKeyId };
    await test.define({ name: 'nosql', kind: 'dynamodb', options, secret: DYNAMODB_KEYS.secretAccessKey });
    lab = await openLab();
    // The first crawl warms the server up: no request of it may take longer than a test waits.
    await crawl();
    proxy.fail(undefined);
    expect((await crawl()).result).toMatchObject({ tables: 2, added: 0, changed: 0, removed: 0 });
    requests = proxy.count();
  }, DYNAMODB_HOOK_TIMEOUT_MS);
  afterAll(async () => {
    await lab?.close();
    await test?.close();
    await proxy?.close();
    await server?.close();
  });

  function crawl(): Promise<CrawlEnd> {
    const connections: Connections = {
      ...test.connections,
      dynamodb: (_, options) => test.connections.dynamodb('nosql', options),
    };
    return lab.crawl({ crawler: dynamodbCrawler, connections, options: {} });
  }

  for (const fault of JSON_FAULTS) {
    it(`removes nothing, says what is unknown, and is whole the next time: ${fault}`, async () => {
      const before = [await lab.catalog(), await lab.changes()];
      for (let number = 0; number < requests; number += 1) {
        proxy.fail(fault, number);
        const { state, result, error } = await crawl();
        proxy.fail(undefined);
        const what = `request ${number} of ${requests}: ${JSON.stringify({ state, result, error })}`;
        expect(result, what).toMatchObject({ added: 0, changed: 0, removed: 0 });
        // A denied question about tags or the time to live keeps what is known of them, and is told in the log.
        if (state === 'SUCCEEDED') expect(fault, what).toBe('denied');
        else expect(result.unknown + (error === undefined ? 0 : 1), what).toBeGreaterThan(0);
      }
      expect([await lab.catalog(), await lab.changes()]).toEqual(before);
      expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { added: 0, changed: 0, removed: 0, unknown: 0 } });
      expect(await lab.changes()).toBe(before[1]);
    }, 60_000);
  }

  it('takes a table that is gone away, and only that one', async () => {
    await server.dropTable('vault');
    expect(await crawl()).toMatchObject({ state: 'SUCCEEDED', result: { removed: 1 } });
    expect((await lab.catalog()).map(({ name }) => name)).toEqual(['shop']);
  });
});
