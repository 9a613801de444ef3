import type { Format } from '../model/schema.ts';
import type { ColumnType } from '../model/types.ts';

/** Runs SQL over files, away from this process. One engine serves many sessions; a session serves one run. */
export interface Engine {
  readonly name: string;
  /**
   * Starts an engine for one run. Returns at once: the start goes on meanwhile, and the first verb waits for it. Whoever
   * opens a session closes it.
   */
  open(options: SessionOptions): EngineSession;
}

export interface SessionOptions {
  /** A folder of this run alone; the engine keeps its scratch files in it. It exists, and is removed by the caller. */
  readonly folder: string;
  /** As `512MB` or `4GB`: of the engine's own buffers. */
  readonly memoryLimit: string;
  readonly threads: number;
  /** All verbs of the session together may take this long; then TIMEOUT. */
  readonly timeoutMs: number;
  /** Interrupts the verb under way, which then throws STOPPED. */
  readonly signal?: AbortSignal;
}

/** The five verbs of a session. Only `query` and `write` read data; SQL that is not one SELECT is refused with BAD_SQL. */
export interface EngineSession {
  /** The tables that a statement names, with what its WHERE says of them; nothing is resolved. */
  parse(sql: string): Promise<ParsedQuery>;
  /** Binds steps over empty relations: what comes out, and which columns they read. */
  describe(query: StepsQuery): Promise<Description>;
  query(plan: QueryPlan): Promise<QueryResult>;
  /** Writes the rows of the last step as Parquet. Fails whole: what was written must then be thrown away. */
  write(plan: WritePlan, onProgress?: (percent: number) => void): Promise<Written>;
  /** Ends the engine, by force where it has to. Never throws. */
  close(): Promise<void>;
}

/** A named set of rows: an input of a job, or a table of a query when it has a schema. Partition keys stand last. */
export interface Relation {
  readonly schema?: string | undefined;
  readonly name: string;
  readonly columns: readonly RelationColumn[];
}

export interface RelationColumn {
  readonly name: string;
  readonly type: ColumnType;
}

export interface Step {
  readonly name: string;
  readonly sql: string;
}

/** Steps may name relations and the steps before them; the last one is the result. */
export interface StepsQuery {
  readonly relations: readonly Relation[];
  readonly steps: readonly Step[];
}

export interface Description {
  readonly columns: readonly ResultColumn[];
  /** For each relation, in their order, the names of the columns that the steps read. */
  readonly reads: readonly (readonly string[])[];
}

export interface ResultColumn {
  readonly name: string;
  /** What the catalog calls it; undefined for a type that it has no word for. */
  readonly type: ColumnType | undefined;
  /** The engine's own words. */
  readonly engineType: string;
}

export interface ParsedQuery {
  readonly tables: readonly NamedTable[];
}

export interface NamedTable {
  readonly schema: string;
  readonly name: string;
  /** Conditions that every row that counts fulfils: all of them must hold. Empty where the table is named twice. */
  readonly conditions: readonly Condition[];
}

/** `column op value`, that a predicate on partition keys may be made of. */
export interface Condition {
  readonly column: string;
  readonly operator: '=' | '<' | '<=' | '>' | '>=' | 'in';
  readonly values: readonly (string | number)[];
}

/** A relation with the files that hold its rows. */
export interface Input extends Relation {
  /** How many of its columns, counted from the end, are partition keys: their values come with the files. */
  readonly keys: number;
  readonly groups: readonly FileGroup[];
}

/** Files that are read in the same way. */
export interface FileGroup {
  readonly format: Format;
  /** The columns that stand in these files, in their order where the format has no names. May lack some of the relation's. */
  readonly columns: readonly string[];
  readonly files: readonly InputFile[];
}

export interface InputFile {
  /** What to call it in an error. */
  readonly address: string;
  /** Where it can be read. */
  readonly path: string;
  /** One for each partition key. */
  readonly values: readonly (string | null)[];
}

export interface QueryPlan {
  readonly inputs: readonly Input[];
  readonly steps: readonly Step[];
  readonly maxRows: number;
  readonly maxBytes: number;
}

export interface QueryResult {
  readonly columns: readonly ResultColumn[];
  /** JSON values: integers beyond 2^53 and decimals as text, dates and times in ISO 8601, binary in base64. */
  readonly rows: readonly (readonly unknown[])[];
  /** There were more rows than were asked for. */
  readonly truncated: boolean;
}

export interface WritePlan {
  readonly inputs: readonly Input[];
  readonly steps: readonly Step[];
  /** An existing folder, which the files go into. */
  readonly folder: string;
  /** Unique to this attempt, for the name of the file where there are no partitions. */
  readonly fileId: string;
  /** What every column becomes. */
  readonly columns: readonly RelationColumn[];
  readonly partitionBy: readonly string[];
  /** Stamped into every file. */
  readonly runId: string;
}

export interface Written {
  readonly rows: bigint;
  readonly files: readonly WrittenFile[];
}

export interface WrittenFile {
  readonly path: string;
  /** One for each of `partitionBy`. */
  readonly values: readonly (string | null)[];
  readonly rows: bigint;
  readonly bytes: bigint;
}
