import type { PostgresSnapshot, PostgresSource } from '../src/connections/connections.ts';
import { databaseKindOf, parseDatabaseUrl } from '../src/connections/database-url.ts';
import type { CrawlContext, Crawler, Finding } from '../src/crawl/crawler.ts';
import { TenonError } from '../src/model/errors.ts';
import { databaseShape, TABLES_A_CHECKPOINT } from './database-options.ts';
import { parseShape } from './objects.ts';
import { completeTypes, describe, listRelations, type Relation } from './postgres-catalog.ts';
import { tableFinding, tableNameOf } from './postgres-table.ts';
import type { PgType } from './postgres-types.ts';
import { crawlRedshift } from './redshift.ts';
import { isRedshift } from './redshift-catalog.ts';
import { compileRules, includedDatabases } from './table-paths.ts';
import { cursorOf, isAfter } from './table-cursor.ts';
import { coversTable, tableScope, type TableCrawl } from './table-scope.ts';

const SHAPE = databaseShape(3);

/**
 * The tables that a Postgres declares. A table of the schema `public` keeps its name, one of another schema gets the
 * schema in front of it (`sales_orders`); the runner keeps names apart that then meet.
 */
export const postgresCrawler: Crawler<TableCrawl> = {
  kind: 'postgres',
  parse: (raw) => withDatabase(parseShape<TableCrawl>(SHAPE, raw)),
  fromUrl(url) {
    if (databaseKindOf(url) !== 'postgres') return undefined;
    const { options, secret } = parseDatabaseUrl(url);
    const schemas = url.searchParams.getAll('schema');
    const filter = schemas.length > 0 && { schemas: { include: schemas, exclude: [] } };
    return { options: { ...options, ...filter }, ...(secret !== undefined && { secret }) };
  },
  scope: (options) => tableScope('postgres', options),
  covers: (options, location) => coversTable('postgres', 3, options, location),
  async *crawl(crawl, context) {
    const { schemas: _, tables: __, include: ___, exclude: ____, ...options } = crawl;
    context.signal.throwIfAborted();
    const source = await context.connections.postgres(context.connection, options);
    const snapshot = await source.snapshot();
    try {
      yield* crawlSnapshot(source, snapshot, crawl, context);
    } finally {
      await snapshot.close();
    }
  },
};

/** A session sees one database: that of the paths, where the definition names no other. */
function withDatabase(crawl: TableCrawl): TableCrawl {
  const [named, ...more] = includedDatabases(crawl);
  if (named === undefined) return crawl;
  if (more.length === 0 && (crawl.database ?? named) === named) return { ...crawl, database: named };
  throw new TenonError(
    'BAD_INPUT',
    'include: the paths must all begin with the one database that is crawled; make a crawler for each.',
  );
}

async function* crawlSnapshot(
  source: PostgresSource,
  snapshot: PostgresSnapshot,
  crawl: TableCrawl,
  context: CrawlContext,
): AsyncGenerator<Finding> {
  context.spend({ queries: 2 });
  const covers = compileRules(crawl);
  if (await isRedshift(snapshot)) return yield* crawlRedshift(source.address, snapshot, covers, context);
  const database = decodeURIComponent(source.address.split('/')[3] ?? '');
  const relations = (await listRelations(snapshot, crawl.schemas, crawl.tables)).filter(
    (relation) => covers([database, relation.schema, relation.name]) && isAfter(relation, context.cursor),
  );
  const types = new Map<number, PgType>();
  let cursor = context.cursor ?? '';
  for (const part of parts(relations)) {
    context.signal.throwIfAborted();
    for (const finding of await findingsOf(source, snapshot, part, types, context)) {
      context.signal.throwIfAborted();
      yield finding;
    }
    context.signal.throwIfAborted();
    cursor = cursorOf(part.at(-1));
    yield { kind: 'checkpoint', cursor, complete: false };
  }
  context.signal.throwIfAborted();
  yield { kind: 'checkpoint', cursor, complete: true };
}

/** The list of names was read, so what fails here is there and only unknown. A lost connection ends the crawl. */
async function findingsOf(
  source: PostgresSource,
  snapshot: PostgresSnapshot,
  relations: readonly Relation[],
  types: Map<number, PgType>,
  context: CrawlContext,
): Promise<Finding[]> {
  try {
    const description = await describe(snapshot, relations);
    const used = [...description.attributes.values()].flatMap((all) => all.map(({ type }) => type));
    const queries = await completeTypes(snapshot, types, used);
    context.spend({ queries: 4 + queries });
    return relations.map((relation): Finding => {
      const error = description.unknown.get(relation.oid);
      if (error !== undefined) return { kind: 'unknown', path: tableNameOf(relation), error };
      return tableFinding(source.address, relation, description, types);
    });
  } catch (error) {
    if (!(error instanceof TenonError) || error.code === 'SOURCE_UNAVAILABLE') throw error;
    return relations.map((relation) => ({ kind: 'unknown', path: tableNameOf(relation), error }));
  }
}

/** Never two schemas in one part, so that a schema that cannot be read makes no other unknown. */
function parts(relations: readonly Relation[]): Relation[][] {
  const made: Relation[][] = [];
  for (const relation of relations) {
    const last = made.at(-1);
    if (last !== undefined && last.length < TABLES_A_CHECKPOINT && last[0]?.schema === relation.schema) last.push(relation);
    else made.push([relation]);
  }
  return made;
}
