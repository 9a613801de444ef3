import { z } from 'zod';
import { TenonError } from '../model/errors.ts';

/**
 * What the runner does with findings, whatever the kind of the crawler. All of it may be left out. The names and their
 * meanings are Glue's where Glue has the thing; what differs is said.
 */
const SHAPE = z.strictObject({
  /**
   * How folders become tables. `tenon`: only `key=value` and date-like levels are partitions. `glue`: folders whose schemas are
   * alike (more than 70 %, at most five clusters) are partitions of one table.
   */
  grouping: z.enum(['tenon', 'glue']).default('tenon'),
  /** With `glue`: CombineCompatibleSchemas, the likeness is not asked. */
  combineCompatibleSchemas: z.boolean().default(false),
  /** With `glue`: the absolute level at which tables begin; the bucket is level 1. */
  tableLevel: z.int().min(1).max(100).optional(),
  /** More tables than this, and the crawl fails and writes nothing. */
  tableThreshold: z.int().min(1).optional(),
  /** In front of the names of the tables. */
  prefix: z.string().max(64).default(''),
  /** `listing`: files, bytes and times. `footers`: of Parquet and ORC also rows, and the least and greatest value and the nulls of each column. */
  inventory: z.enum(['listing', 'footers']).default('listing'),
  /** Files that are read in each leaf folder, 1 to 249. Left out: what the configuration says (`crawl.sampleFiles`). */
  sampleFiles: z.int().min(1).max(249).optional(),
  /**
   * Partitions of one table that are read, of those that are new or changed and whose files are named alike; or `all`. Left out:
   * what the configuration says (`crawl.samplePartitions`).
   */
  samplePartitions: z.union([z.literal('all'), z.int().min(2).max(1_000_000)]).optional(),
  /** Names of custom classifiers, in the order in which they are asked, before the built-in ones. */
  classifiers: z.array(z.string().min(1).max(255)).max(100).default([]),
  /** What a changed schema does to a table: `update` it, add new columns only (`merge`), or only be told in the log (`log`). */
  updateBehavior: z.enum(['update', 'merge', 'log']).default('update'),
  /** What becomes of what is gone: it is ended, marked as deprecated, or only told in the log. */
  deleteBehavior: z.enum(['delete', 'deprecate', 'log']).default('delete'),
  /** `inherit`: partitions take format and columns from their table (InheritFromTable). */
  partitionBehavior: z.enum(['own', 'inherit']).default('own'),
  /** What is looked at again: `everything`, only folders that are new, or only what the source's notifications name. */
  recrawl: z.enum(['everything', 'new-folders', 'events']).default('everything'),
  /** Requests to the source (LIST, GET, queries); when they are used up the crawl stops cleanly, and the rest is unknown. */
  budget: z.int().min(1).optional(),
});

export type CrawlSettings = z.output<typeof SHAPE>;

/** Throws BAD_INPUT that names every mistake. */
export function parseSettings(raw: unknown): CrawlSettings {
  const parsed = SHAPE.safeParse(raw ?? {});
  if (parsed.success) return parsed.data;
  const mistakes = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'settings'}: ${message}`);
  throw new TenonError('BAD_INPUT', `The crawler’s settings are not right. ${mistakes.join('; ')}.`, { mistakes });
}
