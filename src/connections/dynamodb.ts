import type { DynamoDBClient, ScanCommandInput, TableDescription } from '@aws-sdk/client-dynamodb';
import { TenonError } from '../model/errors.ts';
import { openDynamodbClient, type OpenedClient } from './dynamodb-client.ts';
import { dynamodbError } from './dynamodb-errors.ts';
import type { ConnectionLimits } from './limits.ts';

export interface DynamodbOptions {
  /** `http://127.0.0.1:8000`; left out: AWS, or AWS_ENDPOINT_URL_DYNAMODB. */
  readonly endpoint?: string | undefined;
  readonly region?: string | undefined;
  readonly accessKeyId?: string | undefined;
  /** A profile of the server's ~/.aws, instead of a key. */
  readonly profile?: string | undefined;
}

/** A value as DynamoDB sends it: one field, named for its type (`S`, `N`, `B`, `BOOL`, `NULL`, `L`, `M`, `SS`, `NS`, `BS`). */
export interface DynamodbValue {
  readonly S?: string | undefined;
  readonly N?: string | undefined;
  readonly B?: Uint8Array | undefined;
  readonly BOOL?: boolean | undefined;
  readonly NULL?: boolean | undefined;
  readonly L?: readonly DynamodbValue[] | undefined;
  readonly M?: DynamodbItem | undefined;
  readonly SS?: readonly string[] | undefined;
  readonly NS?: readonly string[] | undefined;
  readonly BS?: readonly Uint8Array[] | undefined;
}

export type DynamodbItem = Readonly<Record<string, DynamodbValue>>;
export type DynamodbKey = DynamodbItem;
/** As DescribeTable tells it. */
export type DynamodbTable = TableDescription;

interface ScanRequest {
  readonly table: string;
  readonly segment: number;
  readonly totalSegments: number;
  readonly limit: number;
  readonly after?: DynamodbKey | undefined;
}

interface ScanPage {
  readonly items: readonly DynamodbItem[];
  readonly capacityUnits: number;
  /** Where the segment goes on; undefined at its end. */
  readonly next: DynamodbKey | undefined;
}

/** Tables to read from. No verb writes. */
export interface DynamodbSource {
  readonly region: string;
  /** `host:port` of another endpoint than AWS's own. */
  readonly host: string | undefined;
  /** One page of names, and where the next begins. */
  listTables(after: string | undefined, signal: AbortSignal): Promise<{ names: readonly string[]; next: string | undefined }>;
  describe(table: string, signal: AbortSignal): Promise<DynamodbTable>;
  /** The attribute that ends an item's life, if there is one. */
  timeToLive(table: string, signal: AbortSignal): Promise<string | undefined>;
  tags(table: string, arn: string, signal: AbortSignal): Promise<Record<string, string>>;
  scan(request: ScanRequest, signal: AbortSignal): Promise<ScanPage>;
  /** Bytes of all answers so far. */
  bytes(): number;
}

export interface OpenDynamodbSource extends DynamodbSource {
  close(): Promise<void>;
}

/** Pages of tags; a table has 50 at most. */
const TAG_PAGES = 20;

export async function createDynamodbSource(
  options: DynamodbOptions,
  secret: string | undefined,
  limits: ConnectionLimits,
): Promise<OpenDynamodbSource> {
  const sdk = await import('@aws-sdk/client-dynamodb');
  const opened = await openDynamodbClient(options, secret, limits);
  const { client, region } = opened;
  let received = 0;
  countBytes(client, (bytes) => (received += bytes));

  async function ask<T>(operation: string, table: string | undefined, signal: AbortSignal, send: () => Promise<T>): Promise<T> {
    try {
      signal.throwIfAborted();
      return await send();
    } catch (error) {
      throw dynamodbError(error, { operation, table, signal });
    }
  }

  return {
    region,
    host: hostOf(opened),
    listTables: (after, signal) =>
      ask('ListTables', undefined, signal, async () => {
        const start = after === undefined ? {} : { ExclusiveStartTableName: after };
        const page = await client.send(new sdk.ListTablesCommand(start), { abortSignal: signal });
        return { names: need(page.TableNames, 'ListTables'), next: page.LastEvaluatedTableName };
      }),
    describe: (table, signal) =>
      ask('DescribeTable', table, signal, async () => {
        const { Table } = await client.send(new sdk.DescribeTableCommand({ TableName: table }), { abortSignal: signal });
        need(Table?.KeySchema, 'DescribeTable');
        return need(Table, 'DescribeTable');
      }),
    timeToLive: (table, signal) =>
      ask('DescribeTimeToLive', table, signal, async () => {
        const command = new sdk.DescribeTimeToLiveCommand({ TableName: table });
        const { TimeToLiveDescription } = await client.send(command, { abortSignal: signal });
        const { TimeToLiveStatus, AttributeName } = need(TimeToLiveDescription, 'DescribeTimeToLive');
        return TimeToLiveStatus === 'ENABLED' || TimeToLiveStatus === 'ENABLING' ? AttributeName : undefined;
      }),
    tags: (table, arn, signal) =>
      ask('ListTagsOfResource', table, signal, async () => {
        const tags: Record<string, string> = {};
        let NextToken: string | undefined;
        for (let page = 0; page < TAG_PAGES; page += 1) {
          const command = new sdk.ListTagsOfResourceCommand({ ResourceArn: arn, ...(NextToken !== undefined && { NextToken }) });
          const answer = await client.send(command, { abortSignal: signal });
          for (const { Key, Value } of need(answer.Tags, 'ListTagsOfResource')) if (Key !== undefined) tags[Key] = Value ?? '';
          NextToken = answer.NextToken;
          if (NextToken === undefined) break;
        }
        return tags;
      }),
    scan: (request, signal) =>
      ask('Scan', request.table, signal, async () => {
        const page = await client.send(new sdk.ScanCommand(scanInput(request)), { abortSignal: signal });
        return {
          items: need(page.Items, 'Scan'),
          capacityUnits: page.ConsumedCapacity?.CapacityUnits ?? 0,
          next: page.LastEvaluatedKey,
        };
      }),
    bytes: () => received,
    close: async () => client.destroy(),
  };
}

/** Eventually consistent reads, at half the price: a sample needs no other. */
function scanInput({ table, segment, totalSegments, limit, after }: ScanRequest): ScanCommandInput {
  return {
    TableName: table,
    Segment: segment,
    TotalSegments: totalSegments,
    Limit: limit,
    ReturnConsumedCapacity: 'TOTAL',
    // What DynamoDB gave us goes back to it as it came.
    ...(after !== undefined && { ExclusiveStartKey: after as unknown as NonNullable<ScanCommandInput['ExclusiveStartKey']> }),
  };
}

/** An answer without its main part is none: taken for an empty list, all tables would seem to be gone. */
function need<T>(part: T | undefined, operation: string): T {
  if (part !== undefined && part !== null) return part;
  throw new TenonError('SOURCE_UNAVAILABLE', `${operation} failed: the answer lacks what was asked for.`, {
    operation,
    status: 200,
  });
}

function hostOf({ endpoint }: OpenedClient): string | undefined {
  if (endpoint === undefined) return undefined;
  const { host } = new URL(endpoint);
  return host.endsWith('.amazonaws.com') ? undefined : host;
}

function countBytes(client: DynamoDBClient, add: (bytes: number) => void): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers = {} } = result.response as { headers?: Record<string, string> };
      add(Number(headers['content-length'] ?? 0));
      return result;
    },
    { step: 'deserialize', priority: 'low', name: 'countBytes' },
  );
}
