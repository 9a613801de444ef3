import type { DuckDBConnection } from '@duckdb/node-api';
import { foldName } from '../../model/names.ts';
import type { Relation } from '../engine.ts';
import type { Node } from './duckdb-ast.ts';

/**
 * What the optimizer may do while the columns are looked up, tried in turn until the plan can be had. First as little as
 * possible: taking out unused columns, also those of a WITH that nobody asks for. (`build_side_probe_side` only resolves
 * the plan's types anew, without which a plan with a WITH cannot be serialised.) Then all but what would conclude from
 * the empty tables that nothing need be read.
 */
const ATTEMPTS: readonly ((optimizer: string) => boolean)[] = [
  (optimizer) => ['unused_columns', 'build_side_probe_side', 'cte_inlining'].includes(optimizer),
  (optimizer) => !['statistics_propagation', 'empty_result_pullup'].includes(optimizer),
];

/**
 * Which columns of each relation a query reads, as DuckDB's own plan says. The relations must be there as empty tables,
 * and the settings not yet locked. Where no attempt succeeds, the plan as it was before is taken: it may name a column
 * too many (all that a `*` in a subquery stands for), never one too few.
 */
export async function readColumns(
  connection: DuckDBConnection,
  sql: string,
  relations: readonly Relation[],
): Promise<string[][]> {
  const plan = (await optimizedPlan(connection, sql)) ?? (await planOf(connection, sql, false));
  if (plan === undefined) return relations.map((relation) => relation.columns.map((column) => column.name));
  const reads = relations.map(() => new Set<string>());
  for (const scan of scans(plan)) {
    const at = relations.findIndex((relation) => isScanOf(scan, relation));
    for (const name of columnsOf(scan)) reads[at]?.add(name);
  }
  return relations.map((relation, at) => relation.columns.flatMap(({ name }) => (reads[at]?.has(name) ? [name] : [])));
}

async function optimizedPlan(connection: DuckDBConnection, sql: string): Promise<unknown> {
  const reader = await connection.runAndReadAll('select name from duckdb_optimizers()');
  const optimizers = reader.getRowsJS().map(([name]) => String(name));
  for (const isOn of ATTEMPTS) {
    await connection.run(`set disabled_optimizers = '${optimizers.filter((name) => !isOn(name)).join(',')}'`);
    const plan = await planOf(connection, sql, true);
    if (plan !== undefined) return plan;
  }
  return undefined;
}

async function planOf(connection: DuckDBConnection, sql: string, optimize: boolean): Promise<unknown> {
  const reader = await connection.runAndReadAll(
    'select json_serialize_plan($sql::varchar, skip_null := true, skip_empty := true, optimize := $optimize::boolean)',
    { sql, optimize },
  );
  const plan = JSON.parse(String(reader.getRowsJS()[0]?.[0])) as { error?: boolean };
  return plan.error === true ? undefined : plan;
}

function* scans(plan: unknown): Generator<Node> {
  if (typeof plan !== 'object' || plan === null) return;
  const node = plan as Node;
  if (node['type'] === 'LOGICAL_GET') yield node;
  for (const part of Object.values(node)) yield* scans(part);
}

function isScanOf(scan: Node, relation: Relation): boolean {
  const of = scan['function_data'] as Node | undefined;
  return (
    foldName(String(of?.['table'])) === foldName(relation.name) &&
    foldName(String(of?.['schema'])) === foldName(relation.schema ?? 'main')
  );
}

function columnsOf(scan: Node): string[] {
  const names = scan['names'] as readonly string[] | undefined;
  const indexes = (scan['column_indexes'] ?? []) as readonly { readonly index?: number }[];
  // An index beyond the columns is the row's own number, or no column at all, as count(*) needs it. Zero is left out of
  // the JSON by some versions.
  return indexes.flatMap(({ index }) => names?.[index ?? 0] ?? []);
}
