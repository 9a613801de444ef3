import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import {
  BatchWriteItemCommand,
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type AttributeValue,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import { dataset } from './lake.ts';

type Item = Record<string, AttributeValue>;

export interface SourceDynamodb {
  readonly items: number;
  /** What the AWS SDK, ours too, finds the tables by. */
  readonly env: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** A DynamoDB as a company would have one: one table, `travel`, in which airports, flights and states share two key columns. */
export async function openSourceDynamodb(): Promise<SourceDynamodb> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
  const client = new DynamoDBClient({
    endpoint,
    region: 'us-east-1',
    credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
  });
  const items = await travelItems();
  await makeTable(client);
  for (let at = 0; at < items.length; at += 25) {
    const puts = items.slice(at, at + 25).map((Item) => ({ PutRequest: { Item } }));
    await client.send(new BatchWriteItemCommand({ RequestItems: { travel: puts } }));
  }
  client.destroy();
  return {
    items: items.length,
    env: { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_ACCESS_KEY_ID: 'demo', AWS_SECRET_ACCESS_KEY: 'demo' },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function makeTable(client: DynamoDBClient): Promise<void> {
  const names = ['PK', 'SK', 'state'];
  const keys = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ];
  await client.send(
    new CreateTableCommand({
      TableName: 'travel',
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: names.map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
      KeySchema: keys('PK', 'SK'),
      GlobalSecondaryIndexes: [{ IndexName: 'by-state', KeySchema: keys('state', 'SK'), Projection: { ProjectionType: 'ALL' } }],
    }),
  );
  for (;;) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: 'travel' }));
    if (Table?.TableStatus === 'ACTIVE') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function travelItems(): Promise<Item[]> {
  const airports = (await readFile(dataset('airports.csv'), 'utf8'))
    .trim()
    .split('\n')
    .slice(1)
    .map((line) => line.split(','));
  const flights = JSON.parse(await readFile(dataset('flights-2k.json'), 'utf8')) as {
    date: string;
    delay: number;
    distance: number;
    origin: string;
    destination: string;
  }[];
  const used = new Set(flights.flatMap(({ origin, destination }) => [origin, destination]));
  const known = airports.filter((cells) => cells.length === 7 && used.has(cells[0] ?? ''));
  const states = new Map<string, number>();
  for (const [, , , state = ''] of known) states.set(state, (states.get(state) ?? 0) + 1);
  return [
    ...known.map(([iata = '', name = '', city = '', state = '', , latitude = '0', longitude = '0']) => ({
      PK: { S: `AIRPORT#${iata}` },
      SK: { S: 'INFO' },
      name: { S: name },
      city: { S: city },
      state: { S: state },
      place: { M: { latitude: { N: String(Number(latitude)) }, longitude: { N: String(Number(longitude)) } } },
    })),
    ...flights.map(({ date, delay, distance, origin, destination }, n) => ({
      PK: { S: `AIRPORT#${origin}` },
      SK: { S: `FLIGHT#${date.slice(0, 10).replaceAll('/', '-')}#${n}` },
      destination: { S: destination },
      distance: { N: String(distance) },
      // As it happens: one program writes a number, an older one a text.
      delay: n % 20 === 0 ? { S: `${delay} min` } : { N: String(delay) },
    })),
    ...[...states].map(([state, count]) => ({
      PK: { S: `STATE#${state}` },
      SK: { S: 'SUMMARY' },
      airports: { N: String(count) },
    })),
  ];
}
