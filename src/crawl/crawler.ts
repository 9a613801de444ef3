import type { TenonError } from '../model/errors.ts';
import type { Column, Format } from '../model/schema.ts';
import type { TableDetails } from '../model/table-details.ts';
import type { Connections } from '../connections/connections.ts';

/** A source of findings. One file in `crawlers/` for each; it lists and reads, and never groups, classifies or stores. */
export interface Crawler<Options = unknown> {
  /** The word in a definition and, where it has one, the scheme of its URLs: `file`, `s3`, `postgres`. */
  readonly kind: string;
  /** Reads options from a definition. Throws BAD_INPUT that names every mistake. Must not touch the source. */
  parse(raw: unknown): Options;
  /** Options for a URL that a person typed, or undefined when the URL is not this crawler's. Without any secret. */
  fromUrl(url: URL): { options: Record<string, unknown>; secret?: string } | undefined;
  /** What this definition covers, as text that stays the same while the definition does. Rows outside of it are out of scope. */
  scope(options: Options): string;
  /** Whether the definition covers a location that some earlier one recorded: only what it covers can be found missing. */
  covers(options: Options, location: string): boolean;
  /** Yields findings until there are no more. Objects come in byte order of their paths, so that a left folder is complete. */
  crawl(options: Options, context: CrawlContext): AsyncIterable<Finding>;
  /**
   * Whether an object whose path fits lies below a folder of the scope. Of sources of objects, for what a listing in order
   * shows too late; `folder` ends with `/`.
   */
  peek?(options: Options, context: CrawlContext, folder: string, fits: (path: string) => boolean): Promise<boolean>;
  /** For a source that is a tree of folders: then a crawl may look at a part of it only (`new-folders`, `events`). */
  readonly tree?: SourceTree<Options>;
}

export interface SourceTree<Options = unknown> {
  /** The address of the scope's root: what the path of a finding lies below. */
  root(options: Options): string;
  /** The folders that lie directly in a folder (`sales/`; the empty one is the scope), without those that are left out. */
  folders(options: Options, context: CrawlContext, folder: string): Promise<string[]>;
}

/** A folder to look at: the files that lie directly in it, or all that is below it. */
export interface Part {
  /** With `/` at its end; the empty one is the scope. */
  readonly folder: string;
  readonly below: boolean;
}

/** What a crawl costs. Requests (`lists`, `gets`, `queries`) are told before they are made: the budget may not allow them. `rows`: what was read of a table; `capacityUnits`: as DynamoDB counts them. */
export type Cost = Partial<Record<'lists' | 'gets' | 'bytes' | 'queries' | 'rows' | 'capacityUnits', number>>;

export interface CrawlContext {
  readonly connections: Connections;
  /** The name of the connection in the definition, if it names one. */
  readonly connection: string | undefined;
  readonly signal: AbortSignal;
  /** The cursor of the last checkpoint that was saved: go on after it. Undefined: from the start. */
  readonly cursor: string | undefined;
  /**
   * Only these, in byte order of their folders; undefined: everything. Only for crawlers with a `tree`. A complete checkpoint
   * then says that all of these were seen, and there are no others: who goes on begins at the beginning.
   */
  readonly parts?: readonly Part[] | undefined;
  log(level: 'info' | 'warn', message: string, fields?: Record<string, unknown>): void;
  /** What the catalog has of a table that this crawler recorded under this location: where a source is only sampled, what a sample does not show may still be there. */
  previous(location: string): PreviousTable | undefined;
  /** Adds to the bill of the crawl. Throws BUDGET when a request may not be made any more: let it pass. */
  spend(cost: Cost): void;
}

export interface PreviousTable {
  readonly columns: readonly Column[];
  readonly details?: TableDetails | undefined;
}

export type Finding = ObjectFinding | ObjectsFinding | TableFinding | UnknownFinding | CheckpointFinding;

/** Bytes of unknown shape. The runner groups paths into tables and partitions, and classifies. */
export interface ObjectFinding {
  readonly kind: 'object';
  /** Below the root of the scope, with `/` between folders and none in front. Any Unicode, as the source has it. */
  readonly path: string;
  /** The whole address: `s3://bucket/key`, `file:///dir/name`. */
  readonly location: string;
  readonly size: number;
  /** Changes when the bytes change. */
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
  /** Bytes `start` to `end`, `end` not included, fewer where the object ends. */
  read(start: number, end: number): Promise<Uint8Array>;
}

/** Many objects at once, as a source lists them: the same as each of them alone, for who has a million of them. */
export interface ObjectsFinding {
  readonly kind: 'objects';
  readonly objects: readonly ObjectFinding[];
}

/** A table whose columns the source itself declares. */
export interface TableFinding {
  readonly kind: 'table';
  /** Under which name it is to be recorded; the runner makes it a valid one. */
  readonly name: string;
  readonly type: 'table' | 'view' | 'materialized view' | 'foreign table';
  /** `postgres://host:5432/db/schema/table`, never with a user or a password. */
  readonly location: string;
  readonly format: Format;
  readonly columns: readonly Column[];
  readonly comment?: string;
  readonly parameters?: Readonly<Record<string, string>>;
  /** Keys, indexes and the like. */
  readonly details?: TableDetails;
  readonly rows?: number;
  readonly bytes?: number;
}

/** What could not be read: neither seen nor absent. Nothing at or below `path` is ever removed by this crawl. */
export interface UnknownFinding {
  readonly kind: 'unknown';
  /** As in an object's path, or a table's name; empty for the whole scope. */
  readonly path: string;
  readonly error: TenonError;
}

/** All findings before it may be saved together. */
export interface CheckpointFinding {
  readonly kind: 'checkpoint';
  /** Handed back as `context.cursor` when the crawl has to go on. */
  readonly cursor: string;
  /** «You have now seen all there is in this scope, but for what I said is unknown.» Only then may absence count. */
  readonly complete: boolean;
}
