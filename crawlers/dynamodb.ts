import { compareBytes } from '../src/connections/byte-order.ts';
import type { DynamodbSource } from '../src/connections/dynamodb.ts';
import type { CrawlContext, Crawler, Finding } from '../src/crawl/crawler.ts';
import { TenonError } from '../src/model/errors.ts';
import { REAL_CLOCK, type Clock } from './dynamodb-budget.ts';
import { coversTable, passes, SHAPE, tableScope, type DynamodbCrawl } from './dynamodb-options.ts';
import { readTable, type TableDeps } from './dynamodb-table.ts';
import { parseShape } from './objects.ts';

/** An account has 2,500 tables a region, or 10,000 when it asks. */
const MAX_TABLES = 100_000;

/** The tables of a region: `dynamodb://eu-west-1`, `dynamodb://eu-west-1/orders%`. */
export function createDynamodbCrawler({
  clock = REAL_CLOCK,
  random = Math.random,
}: { readonly clock?: Clock; readonly random?: () => number } = {}): Crawler<DynamodbCrawl> {
  return {
    kind: 'dynamodb',
    parse: (raw) => parseShape<DynamodbCrawl>(SHAPE, raw),
    fromUrl,
    scope: tableScope,
    covers: coversTable,
    async *crawl(options, context) {
      context.signal.throwIfAborted();
      const region = options.region === undefined ? {} : { region: options.region };
      const source = await context.connections.dynamodb(context.connection, region);
      yield* crawlTables({ source, options, context, clock, random });
    },
  };
}

export const dynamodbCrawler = createDynamodbCrawler();

function fromUrl(url: URL): { options: Record<string, unknown> } | undefined {
  if (url.protocol !== 'dynamodb:') return undefined;
  const pattern = url.pathname.replace(/^\/+|\/+$/g, '');
  return {
    options: {
      ...(url.hostname !== '' && { region: url.hostname }),
      ...(pattern !== '' && { tables: { include: [pattern.replaceAll('%25', '%')], exclude: [] } }),
    },
  };
}

async function* crawlTables(deps: TableDeps): AsyncGenerator<Finding> {
  const { source, options, context } = deps;
  const all = await listTables(source, context);
  const names = all.filter((name) => passes(options.tables, name)).sort(compareBytes);
  let cursor = context.cursor ?? '';
  for (const name of names) {
    if (compareBytes(name, cursor) <= 0) continue;
    context.signal.throwIfAborted();
    yield await findingOf(name, deps);
    context.signal.throwIfAborted();
    cursor = name;
    yield { kind: 'checkpoint', cursor, complete: false };
  }
  context.signal.throwIfAborted();
  yield { kind: 'checkpoint', cursor, complete: true };
}

async function listTables(source: DynamodbSource, { signal, spend }: CrawlContext): Promise<string[]> {
  const names: string[] = [];
  let after: string | undefined;
  do {
    const page = await source.listTables(after, signal);
    spend({ lists: 1 });
    names.push(...page.names);
    if (names.length > MAX_TABLES || (page.next !== undefined && page.next === after))
      throw new TenonError('LIMIT', `The list of tables has no end: more than ${MAX_TABLES}.`);
    after = page.next;
  } while (after !== undefined);
  return names;
}

/**
 * Its name was listed, so a table that an answer denies is there and only unknown. Where nobody answers any more the crawl is
 * over: the error has no HTTP status then.
 */
async function findingOf(name: string, deps: TableDeps): Promise<Finding> {
  const before = deps.source.bytes();
  try {
    return await readTable(name, deps);
  } catch (error) {
    if (!(error instanceof TenonError) || (error.code === 'SOURCE_UNAVAILABLE' && error.details['status'] === undefined))
      throw error;
    if (deps.context.signal.aborted) throw error;
    return { kind: 'unknown', path: name, error };
  } finally {
    deps.context.spend({ bytes: deps.source.bytes() - before });
  }
}
