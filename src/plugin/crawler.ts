/**
 * `tenon/crawler`: what a crawler in a package of its own is made of. It exports `crawler`, one object of this shape, or a list
 * of them as `crawlers`; the configuration names the package.
 */
export type {
  CheckpointFinding,
  CrawlContext,
  Crawler,
  Finding,
  ObjectFinding,
  PreviousTable,
  TableFinding,
  UnknownFinding,
} from '../crawl/crawler.ts';
export { TenonError, type ErrorCode } from '../model/errors.ts';
export type { Column, Format } from '../model/schema.ts';
export type { TableDetails } from '../model/table-details.ts';
export { formatType, parseType, type ColumnType } from '../model/types.ts';
