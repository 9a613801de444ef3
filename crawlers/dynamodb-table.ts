import type { DynamodbSource, DynamodbTable } from '../src/connections/dynamodb.ts';
import type { CrawlContext, TableFinding } from '../src/crawl/crawler.ts';
import { TenonError } from '../src/model/errors.ts';
import type { Column } from '../src/model/schema.ts';
import { createBudget, type Clock } from './dynamodb-budget.ts';
import { columnsOf, describeSample, type DeclaredKey } from './dynamodb-describe.ts';
import { recall, remember, rounded, type Memory, type Sample } from './dynamodb-memory.ts';
import { tableLocation, type DynamodbCrawl } from './dynamodb-options.ts';
import { sampleTable } from './dynamodb-sample.ts';

export interface TableDeps {
  readonly source: DynamodbSource;
  readonly options: DynamodbCrawl;
  readonly context: CrawlContext;
  readonly clock: Clock;
  readonly random: () => number;
}

/** What an on-demand table serves from its first day; more is there only after a while. */
const ON_DEMAND_UNITS = 12_000;

/** Describes a table, samples it, and joins both with what an earlier crawl knew. */
export async function readTable(name: string, deps: TableDeps): Promise<TableFinding> {
  const { source, context, options } = deps;
  const { signal } = context;
  const table = await source.describe(name, signal);
  context.spend({ gets: 1 });
  const location = tableLocation(source.host, source.region, table.TableArn, name);
  const previous = context.previous(location);
  const memory = recall(previous);
  const facts = await sideFacts(name, table, deps, memory);
  const keys = keysOf(table);
  const budget = createBudget(unitsPerSecond(table, options), options.capacityUnits, deps.clock);
  const plan = {
    table: name,
    keys: keys.map((key) => key.name),
    estimate: { items: table.ItemCount ?? 0, bytes: table.TableSizeBytes ?? 0 },
    scanAll: options.scanAll,
    patience: options.patience,
  };
  const { entities, whole } = await sampleTable(plan, { source, budget, signal, random: deps.random, spend: context.spend });
  const sample = remember(memory, describeSample(entities, whole));
  const columns = columnsOf(keys, sample);
  return {
    kind: 'table',
    name,
    type: 'table',
    location,
    format: { name: 'dynamodb', options: { table: name } },
    // What a sample has not met is kept as it is.
    columns: sample.whole ? columns : withRest(columns, previous?.columns ?? []),
    details: {
      primaryKey: keys.map((key) => key.name),
      indexes: indexesOf(table).map((index) => ({ name: index.name, columns: index.keys, unique: false, method: index.scope })),
      source: { dynamodb: { ...facts, indexes: indexesOf(table), ...sampleFacts(sample) } },
    },
    rows: table.ItemCount ?? 0,
    bytes: table.TableSizeBytes ?? 0,
  };
}

function sampleFacts({ items, whole, entityTypes }: Sample): Record<string, unknown> {
  // By the rule of three: what is rarer than this may have been missed.
  const mayMiss = !whole && items > 0 && { mayMissBelowShare: rounded(3 / items) };
  return { sample: { items, whole, ...mayMiss }, entityTypes };
}

function withRest(columns: readonly Column[], before: readonly Column[]): Column[] {
  const found = new Set(columns.map(({ name }) => name));
  return [...columns, ...before.filter(({ name }) => !found.has(name))];
}

/** What Glue's crawler calls the scan rate, R24; on demand there is no configured capacity to take a share of. */
export function unitsPerSecond(
  table: DynamodbTable,
  { readUnits, scanRate }: Pick<DynamodbCrawl, 'readUnits' | 'scanRate'>,
): number {
  if (readUnits !== undefined) return readUnits;
  const provisioned = table.ProvisionedThroughput?.ReadCapacityUnits ?? 0;
  if (billingOf(table) === 'PROVISIONED' && provisioned > 0) return Math.max(0.5, provisioned * (scanRate ?? 0.5));
  const most = table.OnDemandThroughput?.MaxReadRequestUnits ?? 0;
  return Math.max(0.5, (most > 0 ? most : ON_DEMAND_UNITS) * (scanRate ?? 0.25));
}

/** A table that was never anything but provisioned has no summary. */
function billingOf({ BillingModeSummary }: DynamodbTable): string {
  return BillingModeSummary?.BillingMode ?? 'PROVISIONED';
}

function keysOf({ KeySchema = [], AttributeDefinitions = [] }: DynamodbTable): DeclaredKey[] {
  const type = (name: string) => AttributeDefinitions.find((one) => one.AttributeName === name)?.AttributeType ?? 'S';
  return KeySchema.toSorted((a, b) => rank(a.KeyType) - rank(b.KeyType)).map(({ AttributeName = '' }) => ({
    name: AttributeName,
    type: type(AttributeName),
  }));
}

function rank(type: string | undefined): number {
  return type === 'HASH' ? 0 : 1;
}

interface SecondaryIndex {
  readonly name: string;
  readonly scope: 'global' | 'local';
  readonly keys: readonly string[];
  readonly projection: string;
  readonly projected?: readonly string[];
}

function indexesOf({
  GlobalSecondaryIndexes = [],
  LocalSecondaryIndexes = [],
  AttributeDefinitions,
}: DynamodbTable): SecondaryIndex[] {
  const describe =
    (scope: SecondaryIndex['scope']) =>
    (index: (typeof GlobalSecondaryIndexes)[number]): SecondaryIndex => {
      const { ProjectionType = 'ALL', NonKeyAttributes = [] } = index.Projection ?? {};
      const keys = keysOf({ KeySchema: index.KeySchema, AttributeDefinitions }).map(({ name }) => name);
      const projected = NonKeyAttributes.length > 0 && { projected: NonKeyAttributes.toSorted() };
      return { name: index.IndexName ?? '', scope, keys, projection: ProjectionType, ...projected };
    };
  return [...GlobalSecondaryIndexes.map(describe('global')), ...LocalSecondaryIndexes.map(describe('local'))].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

/** Billing, stream, end of life, tags. Nobody may be allowed to ask for the last two: then what is known of them stays. */
async function sideFacts(name: string, table: DynamodbTable, { source, context }: TableDeps, memory: Memory | undefined) {
  const { signal } = context;
  const ttl = await orKnown(context, name, memory?.ttl, () => source.timeToLive(name, signal));
  const arn = table.TableArn;
  const tags =
    arn === undefined ? memory?.tags : await orKnown(context, name, memory?.tags, () => source.tags(name, arn, signal));
  const stream = table.StreamSpecification?.StreamEnabled === true ? table.StreamSpecification.StreamViewType : undefined;
  return {
    billingMode: billingOf(table),
    ...(stream !== undefined && { stream }),
    ...(ttl !== undefined && { ttl }),
    ...(tags !== undefined && Object.keys(tags).length > 0 && { tags }),
  };
}

async function orKnown<T>(
  context: CrawlContext,
  table: string,
  known: T | undefined,
  ask: () => Promise<T>,
): Promise<T | undefined> {
  context.spend({ gets: 1 });
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof TenonError) || (error.code !== 'SOURCE_DENIED' && error.code !== 'UNSUPPORTED')) throw error;
    if (error.code === 'SOURCE_DENIED') context.log('warn', error.message, { table });
    return known;
  }
}
