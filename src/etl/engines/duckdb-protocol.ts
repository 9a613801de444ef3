import type { Description, ParsedQuery, QueryPlan, QueryResult, StepsQuery, WritePlan, Written } from '../engine.ts';
import type { LaidInput } from './duckdb-views.ts';

/** What the child may use, given when it starts. */
export interface ChildSettings {
  readonly memoryLimit: string;
  readonly threads: number;
  /** For what does not fit into memory; inside the run's own folder. */
  readonly temporary: string;
}

/** The verbs of the child, each with what goes in and what comes out. */
export interface Verbs {
  parse: { in: { sql: string }; out: ParsedQuery };
  describe: { in: StepsQuery; out: Description };
  query: { in: Grants & Omit<QueryPlan, 'inputs'> & { readonly inputs: readonly LaidInput[] }; out: QueryResult };
  write: { in: Grants & Omit<WritePlan, 'inputs'> & { readonly inputs: readonly LaidInput[] }; out: Written };
}

/** All that the SQL of a request can reach: what lies in these folders, and these files. DuckDB follows links before it looks. */
export interface Grants {
  readonly folders: readonly string[];
  readonly files: readonly string[];
}

export type Verb = keyof Verbs;

export type Request =
  | { [V in Verb]: { readonly id: number; readonly verb: V; readonly body: Verbs[V]['in'] } }[Verb]
  | { readonly interrupt: true };

export type Reply =
  | { readonly id: number; readonly value: Verbs[Verb]['out'] }
  | { readonly id: number; readonly failure: Failure }
  | { readonly id: number; readonly progress: number };

export interface Failure {
  /** DuckDB's own message: `Binder Error: …`. */
  readonly message: string;
  /** The step whose SQL it is about. */
  readonly step?: string | undefined;
  /** Found while the SQL was read and bound, before any row was. */
  readonly early: boolean;
}
