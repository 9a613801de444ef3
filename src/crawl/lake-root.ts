import type { Column } from '../model/schema.ts';
import type { ObjectFinding } from './crawler.ts';
import type { FileList } from './file-list.ts';

/** Tables that say themselves what they are made of: in `_delta_log/`, or in `metadata/*.metadata.json`. */
export type LakeFormat = 'delta' | 'iceberg';

/** A folder that is one such table, with what a listing showed of it. */
export interface LakeRoot {
  /** Below the scope, with `/` at its end; empty for the scope itself. */
  readonly path: string;
  /** The number of the first object in it that was met after it was known to be one. */
  readonly first: number;
  /** What tells about the table, by path below the root. */
  readonly metadata: ReadonlyMap<string, ObjectFinding>;
  /** Everything else. */
  readonly data: FileList;
}

/** What a table's own metadata say about it, as of its current version or snapshot. */
export interface LakeSnapshot {
  readonly format: LakeFormat;
  readonly columns: readonly Column[];
  /** Columns of which each file has one value, in order: they become partition keys. */
  readonly keys: readonly string[];
  readonly comment?: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** For `details.source`, under the format's name. */
  readonly facts: Readonly<Record<string, unknown>>;
  readonly rows?: bigint;
  readonly bytes?: bigint;
  readonly fileCount?: number;
  /** Undefined: the metadata do not tell them, or they are too many. */
  readonly files?: readonly LakeFile[];
  /** Why its files cannot be read as the Parquet files that they are. */
  readonly unreadable?: string;
}

export interface LakeFile {
  /** Below the root. */
  readonly path: string;
  readonly size: number;
  /** One for each key. */
  readonly values: readonly (string | null)[];
  readonly rows?: bigint;
}

export interface LakeLimits {
  /** Of one table's metadata that are read, in bytes, unpacked. */
  readonly metadataBytes: number;
  readonly columns: number;
  readonly files: number;
}
