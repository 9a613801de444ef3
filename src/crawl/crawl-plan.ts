import type { Config } from '../config.ts';
import type { Ground } from '../db/db.ts';
import type { RunContext } from '../work/run.ts';
import type { AbsenceContext } from './absence.ts';
import { classifyLimits } from './classifier.ts';
import type { ClassifierSpec } from './classifier-kind.ts';
import type { CollectContext } from './collect.ts';
import type { Crawler } from './crawler.ts';
import { ownerOf, type CrawlerDefinition } from './crawlers.ts';
import type { Dismissed, SavedDismissed } from './dismissed.ts';
import { folderAddress } from './found-table.ts';
import type { Gate } from './gate.ts';
import type { Known } from './known.ts';
import type { LakeContext } from './lake-tables.ts';
import type { Layout } from './layout.ts';
import type { LookedAtContext } from './looked-at.ts';
import type { Parsers } from './parsers.ts';
import { readLayout, type ReadingRules, type ReadLayout } from './read-layout.ts';
import type { TablePolicy } from './policy.ts';
import type { Report, SavedReport } from './report.ts';
import type { SaveContext } from './save.ts';
import type { SavedPlace } from './whereabouts.ts';

/** All that a crawl is made of before it begins. */
export interface CrawlPlan {
  readonly ground: Ground;
  readonly config: Pick<Config, 'crawl' | 'limits'>;
  readonly run: RunContext;
  readonly definition: CrawlerDefinition;
  readonly crawler: Crawler;
  readonly options: unknown;
  /** Custom ones, in the order in which they are asked. */
  readonly classifiers: readonly ClassifierSpec[];
  readonly parsers: Parsers;
  /** What earlier crawls found to be no tables. */
  readonly dismissed: Dismissed;
}

/** What a run's checkpoint holds. */
export interface SavedCrawl extends SavedPlace {
  readonly report: SavedReport;
  /** Once the crawl has come to its end. */
  readonly dismissed?: SavedDismissed | undefined;
}

type OfCrawl = 'known' | 'report' | 'policy';

/** How a plan's collector works; what only the crawl under way knows comes from there. */
export function collectContext(
  { config, run, definition, classifiers, parsers, dismissed }: CrawlPlan,
  { gate, ...crawl }: Pick<CollectContext, OfCrawl | keyof LookedAtContext | 'base' | 'nameFrom'> & { readonly gate: Gate },
): CollectContext {
  const columnStats = definition.settings.inventory === 'footers';
  const limits = { ...classifyLimits(config.limits), columnStats };
  return {
    ...crawl,
    partitionFiles: config.limits.partitionFiles,
    partitionsAtOnce: config.crawl.parallelReads,
    samplePartitions: partitionsToRead(definition, config.crawl.samplePartitions),
    read: (layout) => readUnlessDismissed(layout, dismissed, { limits, gate, custom: classifiers, parsers, signal: run.signal }),
    log: (level, message) => run.log(level, message),
    database: definition.database,
    connection: definition.connection,
  };
}

async function readUnlessDismissed(layout: Layout, dismissed: Dismissed, rules: ReadingRules): Promise<ReadLayout> {
  if (dismissed.has(layout)) return { layout, files: [], bad: [] };
  const read = await readLayout(layout, rules);
  if (read.files.length === 0 && read.bad.length === 0) dismissed.add(layout);
  return read;
}

/** With footers, or where it is told so, no partition is taken to be like others. */
function partitionsToRead({ settings: { inventory, samplePartitions } }: CrawlerDefinition, preset: number): number {
  if (inventory === 'footers' || samplePartitions === 'all') return Number.POSITIVE_INFINITY;
  return samplePartitions ?? preset;
}

/** The same for Delta and Iceberg tables; `base` is the address of the scope's root. */
export function lakeContext(
  { config: { limits }, run, definition, parsers }: CrawlPlan,
  { base, ...crawl }: Pick<LakeContext, OfCrawl | 'gate' | 'peek' | 'nameOf'> & { readonly base: string },
): LakeContext {
  return {
    ...crawl,
    addressOf: (path) => folderAddress(base, path),
    signal: run.signal,
    readCheckpoint: (source) => parsers.checkpoint(source),
    limits: { metadataBytes: limits.tableMetadataBytes, columns: limits.columns, files: limits.partitionFiles },
    database: definition.database,
    connection: definition.connection,
  };
}

/** What decides about what was not found; what only the crawl knows comes from there. */
export function absenceContext(
  { ground, config: { crawl }, run, crawler, options }: CrawlPlan,
  {
    isHere,
    policy,
    ...rest
  }: Pick<AbsenceContext, 'known' | 'report' | 'isLookedAt' | 'isUnknown' | 'wasSeen'> & {
    readonly policy: TablePolicy;
    readonly isHere: (location: string) => boolean;
  },
): AbsenceContext {
  return {
    ...rest,
    db: ground.db,
    as: run.principal,
    covers: (location) => isHere(location) && crawler.covers(options, location),
    keeps: policy.gone !== 'delete',
    accept: run.run.params['acceptRemovals'] === true,
    removalShare: crawl.removalShare,
    removalAtLeast: crawl.removalAtLeast,
  };
}

export function saveContext(
  { ground, run, definition, config }: CrawlPlan,
  known: Known,
  report: Report,
  checkpoint: SaveContext['checkpoint'],
): SaveContext {
  return {
    ground,
    by: { principal: run.principal, owner: ownerOf(definition), runId: run.run.id },
    database: definition.database,
    known,
    report,
    rows: config.limits.transactionRows,
    hold: (tx) => run.hold(tx),
    checkpoint,
  };
}
