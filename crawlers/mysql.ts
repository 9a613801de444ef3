import { compareBytes } from '../src/connections/byte-order.ts';
import type { MysqlSource, MysqlSnapshot } from '../src/connections/connections.ts';
import { databaseKindOf, parseDatabaseUrl } from '../src/connections/database-url.ts';
import type { CrawlContext, Crawler, Finding } from '../src/crawl/crawler.ts';
import { TenonError } from '../src/model/errors.ts';
import {
  describe,
  DESCRIBE_QUERIES,
  hasExpressions,
  listDatabases,
  listGrants,
  listRelations,
  type Relation,
} from './mysql-catalog.ts';
import { seesWhole, type Grants } from './mysql-grants.ts';
import { tableFinding, whyUnreadable } from './mysql-table.ts';
import { databaseShape, TABLES_A_CHECKPOINT } from './database-options.ts';
import { parseShape } from './objects.ts';
import { compileRules, includedDatabases } from './table-paths.ts';
import { cursorOf, isAfter } from './table-cursor.ts';
import { coversTable, tableScope, type TableCrawl } from './table-scope.ts';

const SHAPE = databaseShape(2);

/**
 * The tables and views that a MySQL or MariaDB declares: of one database, of those that `include` names, or of all. Where it is
 * one that the definition names, tables keep their names; else they get the database in front (`shop_orders`).
 */
export const mysqlCrawler: Crawler<TableCrawl> = {
  kind: 'mysql',
  parse: (raw) => parseShape<TableCrawl>(SHAPE, raw),
  fromUrl(url) {
    if (databaseKindOf(url) !== 'mysql') return undefined;
    const { options, secret } = parseDatabaseUrl(url);
    return { options: { ...options }, ...(secret !== undefined && { secret }) };
  },
  scope: (options) => tableScope('mysql', options),
  covers: (options, location) => coversTable('mysql', 2, options, location),
  async *crawl(crawl, context) {
    context.signal.throwIfAborted();
    const { schemas: _, tables: __, include: ___, exclude: ____, ...options } = crawl;
    const source = await context.connections.mysql(context.connection, options);
    const snapshot = await source.snapshot();
    try {
      yield* crawlSnapshot({ source, snapshot, crawl, context });
    } finally {
      await snapshot.close();
    }
  },
};

interface Crawling {
  readonly source: MysqlSource;
  readonly snapshot: MysqlSnapshot;
  readonly crawl: TableCrawl;
  readonly context: CrawlContext;
}

async function* crawlSnapshot(crawling: Crawling): AsyncGenerator<Finding> {
  const { snapshot, crawl, context } = crawling;
  const grants = await listGrants(snapshot);
  const expressions = await hasExpressions(snapshot);
  const databases = await databasesOf(crawling);
  context.spend({ queries: 3 });
  const one = databaseOf(crawl, crawling.source);
  if (one === undefined) yield* hiddenDatabases(crawl, grants);
  const covers = compileRules(crawl);
  let cursor = context.cursor ?? '';
  for (const database of databases) {
    if (!seesWhole(grants, database)) yield hiddenTables(database, one);
    const list = async () => {
      context.spend({ queries: 1 });
      return (await listRelations(snapshot, database)).filter((relation) => covers([database, relation.name])).sort(byName);
    };
    const all = await list();
    const relations = all.filter((relation) => isAfter(relation, context.cursor));
    for (let at = 0; at < relations.length; at += TABLES_A_CHECKPOINT) {
      const part = relations.slice(at, at + TABLES_A_CHECKPOINT);
      yield* described(crawling, database, part, expressions);
      cursor = cursorOf(part.at(-1));
      yield { kind: 'checkpoint', cursor, complete: false };
    }
    // The list is no snapshot: a table that is renamed meanwhile (as tools do that change large ones) may not be in it.
    const known = new Set(all.map(({ name }) => name));
    const late = (await list()).filter(({ name }) => !known.has(name));
    if (late.length > 0) yield* described(crawling, database, late, expressions);
  }
  context.signal.throwIfAborted();
  yield { kind: 'checkpoint', cursor, complete: true };
}

async function* described(
  crawling: Crawling,
  database: string,
  relations: readonly Relation[],
  expressions: boolean,
): AsyncGenerator<Finding> {
  const { signal } = crawling.context;
  signal.throwIfAborted();
  for (const finding of await findingsOf(crawling, database, relations, expressions)) {
    signal.throwIfAborted();
    yield finding;
  }
  signal.throwIfAborted();
}

async function databasesOf({ source, snapshot, crawl }: Crawling): Promise<string[]> {
  const all = await listDatabases(snapshot);
  const one = databaseOf(crawl, source);
  const named = one === undefined ? includedDatabases(crawl) : [one];
  const missing = named.find((name) => !all.includes(name));
  // Gone, renamed or hidden: which of them cannot be told, so nothing is taken for removed.
  if (missing !== undefined) {
    throw new TenonError(
      'SOURCE_UNAVAILABLE',
      `${source.address}: there is no database «${missing.slice(0, 200)}», or it may not be seen.`,
    );
  }
  return (named.length > 0 ? named : all).toSorted(compareBytes);
}

/** What the definition names, or else its connection. */
function databaseOf({ database }: TableCrawl, { address }: MysqlSource): string | undefined {
  const [, , , named] = address.split('/');
  return database ?? (named === undefined ? undefined : decodeURIComponent(named));
}

function* hiddenDatabases(crawl: TableCrawl, grants: Grants): Generator<Finding> {
  if (grants.everything || includedDatabases(crawl).length > 0) return;
  const why =
    'Databases without a privilege are not shown, so none can be found missing; grant something on *.*, or name a database.';
  yield { kind: 'unknown', path: '', error: new TenonError('SOURCE_DENIED', why) };
}

function hiddenTables(database: string, one: string | undefined): Finding {
  const why = `Tables of «${database}» without a privilege are not shown, so none can be found missing; grant select on the whole database.`;
  return { kind: 'unknown', path: one === database ? '' : database, error: new TenonError('SOURCE_DENIED', why) };
}

/** The list of names was read, so what fails here is there and only unknown. A lost connection ends the crawl. */
async function findingsOf(
  { source, snapshot, crawl, context }: Crawling,
  database: string,
  relations: readonly Relation[],
  expressions: boolean,
): Promise<Finding[]> {
  const server = mysqlServer(source);
  const nameOf = (relation: Relation) =>
    databaseOf(crawl, source) === database ? relation.name : `${database}_${relation.name}`;
  try {
    const names = relations.map(({ name }) => name);
    const described = await describe(snapshot, database, names, expressions);
    context.spend({ queries: DESCRIBE_QUERIES });
    return relations.map((relation): Finding => {
      const why = whyUnreadable(relation, described);
      if (why === undefined) return tableFinding(server, relation, nameOf(relation), described);
      const error = new TenonError('SOURCE_UNAVAILABLE', `${server}: «${relation.name}» is there, but ${why}.`);
      return { kind: 'unknown', path: nameOf(relation), error };
    });
  } catch (error) {
    if (!(error instanceof TenonError) || error.code === 'SOURCE_UNAVAILABLE') throw error;
    return relations.map((relation) => ({ kind: 'unknown', path: nameOf(relation), error }));
  }
}

/** Without the database, which stands in front of each table. */
function mysqlServer({ address }: MysqlSource): string {
  return address.split('/').slice(0, 3).join('/');
}

function byName(a: Relation, b: Relation): number {
  return compareBytes(a.name, b.name);
}
