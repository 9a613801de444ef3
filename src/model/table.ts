import type { Position } from './change.ts';
import type { PartitionStats } from './partition-stats.ts';
import type { Column, Format, Schema } from './schema.ts';
import type { TableDetails } from './table-details.ts';

export interface Database {
  readonly id: string;
  readonly name: string;
  readonly description?: string | undefined;
  readonly owner: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** `table` and the kinds that a source may declare. */
export type TableType = 'table' | 'view' | 'materialized view' | 'foreign table';

/** A table as it is, or was at a position. Its names are lower case, as in Glue. */
export interface Table {
  readonly id: string;
  readonly database: string;
  readonly name: string;
  readonly type: TableType;
  readonly location?: string | undefined;
  readonly format?: Format | undefined;
  readonly description?: string | undefined;
  readonly owner: string;
  readonly connection?: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly details?: TableDetails | undefined;
  readonly version: number;
  readonly schema: Schema;
}

/** A table as a crawler, a job or a person wants it recorded. */
export interface TableDraft {
  readonly database: string;
  readonly name: string;
  readonly type: TableType;
  readonly location?: string;
  readonly format?: Format;
  /** Left out: the description stays as it is. */
  readonly description?: string;
  readonly connection?: string;
  /** Replaces all parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Left out: they stay. */
  readonly details?: TableDetails;
  readonly schema: Schema;
}

/** An immutable schema of a table. */
export interface Version {
  readonly tableId: string;
  readonly number: number;
  readonly hash: string;
  readonly schema: Schema;
  readonly at: Date;
  readonly added: Position;
  readonly runId?: string | undefined;
}

/** A file of a partition, as the listing told. */
export interface ManifestFile {
  /** The whole address. */
  readonly address: string;
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

export interface Partition {
  readonly id: bigint;
  readonly tableId: string;
  /** One for each partition key, as written in the source; null is Hive's default partition. */
  readonly values: readonly (string | null)[];
  readonly location: string;
  /** Undefined where it is the table's own. */
  readonly format?: Format | undefined;
  /** Its own columns, where they were read; they may be fewer than the table's, or narrower. */
  readonly schemaHash?: string | undefined;
  readonly owner: string;
  readonly rows?: bigint | undefined;
  readonly bytes?: bigint | undefined;
  readonly stats?: PartitionStats | undefined;
  readonly files: number;
  readonly manifestHash?: string | undefined;
}

export interface PartitionDraft {
  readonly values: readonly (string | null)[];
  readonly location: string;
  readonly format?: Format;
  readonly columns?: readonly Column[];
  /** It has no columns of its own, also if it had some: those of the table. */
  readonly inherits?: true;
  readonly rows?: bigint;
  readonly stats?: PartitionStats;
  /** The partition, perhaps of another table, that the same files were: what is known of their columns stays. */
  readonly movedFrom?: bigint;
  /** Packed by `packManifest`; sums of files and bytes come with it. */
  readonly manifest: PackedManifest;
}

/** The files of a partition, sorted by address and compressed, with the hash of what they are. */
export interface PackedManifest {
  readonly hash: string;
  readonly packed: Uint8Array;
  readonly files: number;
  readonly bytes: bigint;
}
