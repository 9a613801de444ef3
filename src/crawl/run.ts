import { setMaxListeners } from 'node:events';
import { removeLooseManifests } from '../catalog/loose-manifests.ts';
import type { Config } from '../config.ts';
import type { Connections } from '../connections/connections.ts';
import type { Db, Ground } from '../db/db.ts';
import { scopes } from '../db/tables/crawl.ts';
import { asTenonError, type TenonError } from '../model/errors.ts';
import { reached } from '../model/reached.ts';
import type { Execute, RunContext, RunEnd } from '../work/run.ts';
import type { Parked } from './absence.ts';
import type { CrawlContext, Crawler, Finding } from './crawler.ts';
import { budgetOf, placeToGoOn } from './budget.ts';
import { crawlerOfKind, needCrawler, type CrawlerDefinition } from './crawlers.ts';
import { needClassifiers } from './custom-classifiers.ts';
import { openCrawl, type Crawl } from './crawl.ts';
import { createParsers } from './parsers.ts';
import { Parts } from './parts.ts';
import { decideLook, lookText, type Look } from './recrawl.ts';

export interface CrawlDeps {
  readonly ground: Ground;
  readonly connections: Connections;
  readonly crawlers: readonly Crawler[];
  readonly config: Pick<Config, 'crawl' | 'limits'>;
}

/**
 * What runs for the kind `crawl`; the run's name is the crawler's. Parameters: `acceptRemovals: true` lets a removal
 * through that was parked; `everything: true` looks at everything, whatever the crawler's setting; `budget` is how many
 * requests it may make. SUCCEEDED: all was seen. INCOMPLETE: something is unknown or parked, or the budget is used up, and
 * what was there stays. FAILED: nothing could be listed at all. STOPPED: what was whole is saved.
 */
export function createCrawlRun(deps: CrawlDeps): Execute {
  return async (run) => {
    const { db } = deps.ground;
    const definition = asItRuns(await needCrawler(db, run.principal, run.run.name));
    const crawler = crawlerOfKind(deps.crawlers, definition.kind);
    const options = crawler.parse(definition.options);
    const classifiers = await needClassifiers(db, run.principal, definition);
    const budget = budgetOf(run.run, definition);
    const checkpoint = run.checkpoint ?? (budget === undefined ? null : await placeToGoOn(db, run));
    const parsers = createParsers(deps.config.limits);
    try {
      const crawl = await openCrawl({ ...deps, run: { ...run, checkpoint }, definition, crawler, options, classifiers, parsers });
      crawl.report.budget = budget;
      const end = await follow(deps, crawl, sourceOf(deps, run, definition, crawler, options, crawl));
      if (run.attempt > 1) await tidyUp(deps, run);
      reached('crawl.before-end');
      return end;
    } finally {
      parsers.close();
    }
  };
}

/** An attempt before has died, and may have kept what nothing names. */
async function tidyUp({ ground }: CrawlDeps, run: RunContext): Promise<void> {
  const removed = await removeLooseManifests(ground, run.run.id);
  if (removed > 0) run.log('info', `${removed} lists of files that an attempt before had kept were removed: nothing names them.`);
}

/** Who looks at new folders only sees too little to change or remove anything: as with Glue, that is only told. */
function asItRuns(definition: CrawlerDefinition): CrawlerDefinition {
  const { settings } = definition;
  if (settings.recrawl !== 'new-folders') return definition;
  return { ...definition, settings: { ...settings, updateBehavior: 'log', deleteBehavior: 'log' } };
}

/** What is crawled, and how. */
interface Source {
  readonly findings: (look: Look) => AsyncIterable<Finding>;
  readonly look: () => Promise<Look>;
  /** The address of the scope's root, of a source that is a tree. */
  readonly root: string | undefined;
}

function sourceOf(
  deps: CrawlDeps,
  run: RunContext,
  definition: CrawlerDefinition,
  crawler: Crawler,
  options: unknown,
  crawl: Crawl,
): Source {
  // Each read that is under way waits for it, and there may be many.
  setMaxListeners(0, run.signal);
  const context: CrawlContext = {
    connections: deps.connections,
    connection: definition.connection,
    signal: run.signal,
    cursor: crawl.cursor,
    log: (level, message, fields) => run.log(level, message, fields),
    previous: (location) => crawl.known.previous(location),
    spend: (cost) => crawl.report.spend(cost),
  };
  const { peek } = crawler;
  if (peek !== undefined) crawl.listed.peek = (folder, fits) => peek.call(crawler, options, context, folder, fits);
  const { eventsACrawl } = deps.config.crawl;
  const { scope, known } = crawl;
  const { db } = deps.ground;
  return {
    look: () => decideLook({ db, run: run.run, definition, crawler, options, scope, known, eventsACrawl }, context),
    findings: ({ parts }) => crawler.crawl(options, { ...context, parts }),
    root: crawler.tree?.root(options),
  };
}

/** Takes findings to the end, and turns whatever ends them into the end of the run. */
async function follow(deps: CrawlDeps, crawl: Crawl, source: Source): Promise<RunEnd> {
  const look = await lookAround(crawl, source);
  if (look?.parts?.length === 0) return { state: 'SUCCEEDED', result: crawl.result(undefined) };
  if (look !== undefined) await takeAll(crawl, source.findings(look));
  if (crawl.run.signal.aborted) return stop(crawl);
  if (crawl.failure !== undefined && crawl.failure.code !== 'BUDGET' && crawl.isUntouched()) return failed(crawl, crawl.failure);
  if (crawl.over !== undefined) return failed(crawl, crawl.over);
  const parked = await crawl.finish((tx, removals) => saveSeen(deps, crawl, look, tx, removals));
  if (crawl.over !== undefined) return failed(crawl, crawl.over);
  return ended(crawl, parked);
}

/** Finds out what is to be looked at. Undefined when the source does not tell. */
async function lookAround(crawl: Crawl, source: Source): Promise<Look | undefined> {
  try {
    const look = await source.look();
    crawl.run.log('info', lookText(look));
    crawl.mode = look.mode;
    if (look.parts !== undefined && source.root !== undefined) await crawl.listed.lookOnlyAt(new Parts(look.parts), source.root);
    return look;
  } catch (error) {
    if (!crawl.run.signal.aborted) crawl.failure = asTenonError(error);
    return undefined;
  }
}

async function takeAll(crawl: Crawl, all: AsyncIterable<Finding>): Promise<void> {
  const iterator = all[Symbol.asyncIterator]();
  try {
    while (!crawl.run.signal.aborted && crawl.over === undefined) {
      const next = await pull(crawl, iterator);
      if (next === undefined) break;
      await crawl.take(next);
    }
  } catch (error) {
    // A stop may reach a read in the middle; what was whole before it is saved.
    if (!crawl.run.signal.aborted) throw error;
  } finally {
    await iterator.return?.();
    await crawl.quiet();
  }
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

/** What has been seen whole, and events that are made good; while a removal is parked they have to be looked at again. */
async function saveSeen(
  { ground }: CrawlDeps,
  crawl: Crawl,
  look: Look | undefined,
  tx: Db,
  parked: Parked | undefined,
): Promise<void> {
  if (parked === undefined) await look?.events?.done(tx, (folder) => crawl.report.isUnknownAt(folder));
  if (look?.parts !== undefined) return;
  const row = { crawlerId: crawl.definition.id, scope: crawl.scope, seenAt: ground.clock(), runId: crawl.run.run.id };
  const { seenAt, runId } = row;
  await tx
    .insert(scopes)
    .values(row)
    .onConflictDoUpdate({ target: [scopes.crawlerId, scopes.scope], set: { seenAt, runId } });
}
