/**
 * What a source declares about a table besides its columns, as plain data: it is compared whole, and kept as JSON. Fields that
 * a source does not know are left out. Estimates (rows, bytes) do not belong here: they move with every write, and a table
 * would change with them.
 */
export interface TableDetails {
  readonly primaryKey?: readonly string[];
  readonly uniqueKeys?: readonly (readonly string[])[];
  readonly foreignKeys?: readonly ForeignKey[];
  readonly indexes?: readonly Index[];
  /** By column: how its value is made, in the source's own words. */
  readonly generated?: Readonly<Record<string, string>>;
  /** By the source's type text: the values of an enumeration. */
  readonly enums?: Readonly<Record<string, readonly string[]>>;
  /** The query of a view, in the source's own words. */
  readonly definition?: string;
  /** How a partitioned table of a database is cut: `RANGE (created_at)`. */
  readonly partitionedBy?: string;
  /** What belongs to one kind of source only: `{dynamodb: {ttl, stream, tags, entityTypes …}}`. */
  readonly source?: Readonly<Record<string, unknown>>;
}

export interface ForeignKey {
  readonly name: string;
  readonly columns: readonly string[];
  /** As the source calls it: `schema.table`. */
  readonly table: string;
  readonly references: readonly string[];
}

export interface Index {
  readonly name: string;
  /** Columns, or expressions in the source's own words. */
  readonly columns: readonly string[];
  readonly unique: boolean;
  /** `btree`, `gin`, `global`, `local` … */
  readonly method?: string;
}
