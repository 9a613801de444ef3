import { TenonError } from '../model/errors.ts';
import { tableNameFrom } from '../model/names.ts';
import type { Cost } from './crawler.ts';
import type { SampledTable } from './sample.ts';

/** What a crawl has cost. */
export type Bill = Required<Cost>;

export interface Unknown {
  readonly path: string;
  readonly status: 'unknown';
  readonly code: string;
  readonly message: string;
}

/** As much of a report as a checkpoint keeps, so that a crawl that goes on ends with the report of the whole. */
export interface SavedReport {
  readonly counts: Counts;
  readonly unknowns: readonly Unknown[];
  readonly unknownCount: number;
  readonly skipped: readonly { path: string; reason: string }[];
  readonly sampled: readonly SampledTable[];
  readonly bill: Bill;
  readonly seconds: number;
}

/** Of tables: made, changed in whatever way, and gone. Of partitions: the same. */
export interface Counts {
  added: number;
  changed: number;
  removed: number;
  partitionsAdded: number;
  partitionsChanged: number;
  partitionsRemoved: number;
  /** Tables of whose source something was only told in the log, because the settings say so. */
  logged: number;
}

const BILLED = ['lists', 'gets', 'bytes', 'queries', 'rows', 'capacityUnits'] as const;
const MAX_CHARS = 500;
/** A checkpoint holds them too. */
const SAMPLED_TABLES = 200;

function requestsIn({ lists = 0, gets = 0, queries = 0 }: Cost): number {
  return lists + gets + queries;
}

/** What a crawl has to tell in the end. What could not be read is kept by its path, as it protects all that is there. */
export class Report {
  readonly counts: Counts = {
    added: 0,
    changed: 0,
    removed: 0,
    partitionsAdded: 0,
    partitionsChanged: 0,
    partitionsRemoved: 0,
    logged: 0,
  };
  readonly bill: Bill = { lists: 0, gets: 0, bytes: 0, queries: 0, rows: 0, capacityUnits: 0 };
  /** So many requests may be made. */
  budget: number | undefined;
  private readonly unknowns = new Map<string, Unknown>();
  private readonly unlistedFolders = new Set<string>();
  private readonly skips = new Map<string, string>();
  private readonly samples = new Map<string, SampledTable>();
  private readonly limit: number;
  /** More paths are unknown than are kept: then every path may be one of them. */
  private overflow = 0;
  private secondsBefore = 0;

  constructor(limit: number, saved?: SavedReport) {
    this.limit = limit;
    if (saved === undefined) return;
    Object.assign(this.counts, saved.counts);
    Object.assign(this.bill, saved.bill);
    for (const unknown of saved.unknowns) this.unknowns.set(unknown.path, unknown);
    for (const { path, reason } of saved.skipped) this.skips.set(path, reason);
    for (const sampled of saved.sampled) this.samples.set(sampled.table, sampled);
    this.overflow = saved.unknownCount - saved.unknowns.length;
    this.secondsBefore = saved.seconds;
  }

  unknown(path: string, { code, message }: Pick<TenonError, 'code' | 'message'>): void {
    if (this.unknowns.has(path)) return;
    if (this.unknowns.size >= this.limit) this.overflow += 1;
    else this.unknowns.set(path, { path, status: 'unknown', code, message: message.slice(0, MAX_CHARS) });
  }

  /** What a listing could not tell of: unknown, and with it which files lie in its folder. */
  unlisted(path: string, error: Pick<TenonError, 'code' | 'message'>): void {
    this.unknown(path, error);
    if (this.unlistedFolders.size < this.limit) this.unlistedFolders.add(path.slice(0, path.lastIndexOf('/') + 1));
  }

  /** Whether the listing has not shown all that lies directly in a folder. */
  hasUnlisted(folder: string): boolean {
    return this.unlistedFolders.size >= this.limit || this.unlistedFolders.has(folder);
  }

  skip(path: string, reason: string): void {
    if (this.skips.size < this.limit) this.skips.set(path, reason);
  }

  /** What was inferred and from how much, for tables of which something was read. It is no part of a table: it changes with each crawl. */
  sample(sampled: SampledTable): void {
    if (this.samples.size < SAMPLED_TABLES) this.samples.set(sampled.table, sampled);
  }

  /** Requests that are not allowed are not counted. Throws BUDGET. */
  spend(cost: Cost): void {
    if (this.budget !== undefined && requestsIn(cost) > 0 && requestsIn(this.bill) + requestsIn(cost) > this.budget) {
      throw new TenonError('BUDGET', `The budget of ${this.budget} requests is used up.`, { budget: this.budget });
    }
    for (const key of BILLED) this.bill[key] += cost[key] ?? 0;
  }

  /** Whether something at, above or below a path is unknown. A folder's path ends with `/`; the empty one is the scope. */
  isUnknownAt(path: string): boolean {
    if (this.overflow > 0) return true;
    if (path === '') return this.unknowns.size > 0;
    for (const unknown of this.unknowns.keys()) {
      if (unknown === '' || unknown === path || `${unknown}/` === path) return true;
      if (path.startsWith(unknown.endsWith('/') ? unknown : `${unknown}/`)) return true;
      if (path.endsWith('/') && unknown.startsWith(path)) return true;
    }
    return false;
  }

  /** The same for a table that a source declares; findings call it as the source does. */
  isUnknownTable(name: string): boolean {
    if (this.overflow > 0) return true;
    for (const unknown of this.unknowns.keys()) {
      if (unknown === '' || name === tableNameFrom(unknown) || name.startsWith(`${tableNameFrom(unknown)}_`)) return true;
    }
    return false;
  }

  get unknownCount(): number {
    return this.unknowns.size + this.overflow;
  }

  save(seconds: number): SavedReport {
    return {
      counts: { ...this.counts },
      unknowns: [...this.unknowns.values()],
      unknownCount: this.unknownCount,
      sampled: [...this.samples.values()],
      skipped: [...this.skips].map(([path, reason]) => ({ path, reason })),
      bill: { ...this.bill },
      seconds: this.secondsBefore + seconds,
    };
  }
}
