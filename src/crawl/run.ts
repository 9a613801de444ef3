import type { Config } from '../config.ts';
import type { Connections } from '../connections/connections.ts';
import type { Db, Ground } from '../db/db.ts';
import { scopes } from '../db/tables/crawl.ts';
import { asTenonError, type TenonError } from '../model/errors.ts';
import { reached } from '../model/reached.ts';
import type { Execute, RunContext, RunEnd } from '../work/run.ts';
import type { Parked } from './absence.ts';
import type { CrawlContext, Crawler, Finding } from './crawler.ts';
import { crawlerOfKind, needCrawler, type CrawlerDefinition } from './crawlers.ts';
import { needClassifiers } from './custom-classifiers.ts';
import { openCrawl, type Crawl } from './crawl.ts';

export interface CrawlDeps {
  readonly ground: Ground;
  readonly connections: Connections;
  readonly crawlers: readonly Crawler[];
  readonly config: Pick<Config, 'crawl' | 'limits'>;
}

/**
 * What runs for the kind `crawl`; the run's name is the crawler's. Parameters: `acceptRemovals: true` lets a removal
 * through that was parked. SUCCEEDED: all was seen. INCOMPLETE: something is unknown or parked, and what was there stays.
 * FAILED: nothing could be listed at all. STOPPED: what was whole is saved; another attempt of the run goes on from there.
 */
export function createCrawlRun(deps: CrawlDeps): Execute {
  return async (run) => {
    const definition = await needCrawler(deps.ground.db, run.principal, run.run.name);
    const crawler = crawlerOfKind(deps.crawlers, definition.kind);
    const options = crawler.parse(definition.options);
    const classifiers = await needClassifiers(deps.ground.db, run.principal, definition);
    const crawl = await openCrawl({ ...deps, run, definition, crawler, options, classifiers });
    const end = await follow(deps, crawl, findings(deps, run, definition, crawler, options, crawl));
    reached('crawl.before-end');
    return end;
  };
}

function findings(
  deps: CrawlDeps,
  run: RunContext,
  { connection }: CrawlerDefinition,
  crawler: Crawler,
  options: unknown,
  crawl: Crawl,
): AsyncIterable<Finding> {
  const context: CrawlContext = {
    connections: deps.connections,
    connection,
    signal: run.signal,
    cursor: crawl.cursor,
    log: (level, message, fields) => run.log(level, message, fields),
    previous: (location) => crawl.previous(location),
    spend: (cost) => crawl.report.spend(cost),
  };
  return crawler.crawl(options, context);
}

/** Takes findings to the end, and turns whatever ends them into the end of the run. */
async function follow(deps: CrawlDeps, crawl: Crawl, all: AsyncIterable<Finding>): Promise<RunEnd> {
  const iterator = all[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pull(crawl, iterator);
      if (next === undefined) break;
      await crawl.take(next);
      if (crawl.run.signal.aborted) return await stop(crawl);
    }
  } catch (error) {
    // A stop may reach a read in the middle; what was whole before it is saved.
    if (!crawl.run.signal.aborted) throw error;
  } finally {
    await iterator.return?.();
  }
  if (crawl.run.signal.aborted) return stop(crawl);
  if (crawl.failure !== undefined && crawl.isUntouched()) return failed(crawl, crawl.failure);
  const parked = await crawl.finish((tx) => saveSeen(deps, crawl, tx));
  return ended(crawl, parked);
}

/** The next finding. An error of the source ends the listing; what comes after it is unknown, not absent. */
async function pull(crawl: Crawl, iterator: AsyncIterator<Finding>): Promise<Finding | undefined> {
  try {
    const next = await iterator.next();
    return next.done === true ? undefined : next.value;
  } catch (error) {
    if (!crawl.run.signal.aborted) crawl.failure = asTenonError(error);
    return undefined;
  }
}

async function stop(crawl: Crawl): Promise<RunEnd> {
  await crawl.saveClosed();
  return { state: 'STOPPED', result: crawl.result(undefined) };
}

function failed(crawl: Crawl, { code, message, details }: TenonError): RunEnd {
  return { state: 'FAILED', result: crawl.result(undefined), error: { code, message, details } };
}

function ended(crawl: Crawl, parked: Parked | undefined): RunEnd {
  const whole = crawl.complete && parked === undefined && crawl.report.unknownCount === 0;
  const { failure } = crawl;
  const error = failure !== undefined && { error: { code: failure.code, message: failure.message, details: failure.details } };
  return { state: whole ? 'SUCCEEDED' : 'INCOMPLETE', result: crawl.result(parked), ...error };
}

async function saveSeen({ ground }: CrawlDeps, crawl: Crawl, tx: Db): Promise<void> {
  const row = { crawlerId: crawl.definition.id, scope: crawl.scope, seenAt: ground.clock(), runId: crawl.run.run.id };
  const { seenAt, runId } = row;
  await tx
    .insert(scopes)
    .values(row)
    .onConflictDoUpdate({ target: [scopes.crawlerId, scopes.scope], set: { seenAt, runId } });
}
