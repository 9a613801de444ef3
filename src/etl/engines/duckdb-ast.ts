import { foldName } from '../../model/names.ts';
import type { Condition, NamedTable } from '../engine.ts';

/** A node of the parse tree, as `json_serialize_sql` gives it. Only what is looked at is named. */
export type Node = Readonly<Record<string, unknown>>;

/**
 * Functions that may stand in a FROM. The engine's lock already keeps files and the network out of reach; this list also
 * keeps out those that change the session (logging, profiling) or run text as SQL.
 */
const TABLE_FUNCTIONS = new Set(['generate_series', 'json_each', 'json_tree', 'range', 'repeat', 'repeat_row', 'unnest']);
/** Functions with effects beyond their value. */
const REFUSED_FUNCTIONS = new Set(['currval', 'json_execute_serialized_sql', 'nextval', 'setseed', 'write_log']);

/** The name of a function that may not be used, if there is one. */
export function refusedFunction(tree: unknown): string | undefined {
  let refused: string | undefined;
  walk(tree, (node) => {
    if (node['type'] === 'TABLE_FUNCTION') {
      const name = functionName(node['function']);
      if (!TABLE_FUNCTIONS.has(name)) refused ??= name;
    } else if (node['class'] === 'FUNCTION' && REFUSED_FUNCTIONS.has(functionName(node))) {
      refused ??= functionName(node);
    }
  });
  return refused;
}

function functionName(node: unknown): string {
  return isNode(node) ? text(node['function_name']).toLowerCase() : '';
}

/** The tables that a statement names, each once, without the names of its own WITH clauses. */
export function namedTables(tree: unknown): NamedTable[] {
  const withs = new Set<string>();
  walk(tree, (node) => {
    const map = isNode(node['cte_map']) ? node['cte_map']['map'] : undefined;
    for (const entry of Array.isArray(map) ? map : []) if (isNode(entry)) withs.add(foldName(text(entry['key'])));
  });
  const found = new Map<string, NamedTable & { times: number }>();
  const conditions = tableConditions(tree);
  walk(tree, (node) => {
    if (node['type'] !== 'BASE_TABLE') return;
    const schema = text(node['schema_name']);
    const name = text(node['table_name']);
    if (schema === '' && withs.has(foldName(name))) return;
    const key = `${foldName(schema)}\n${foldName(name)}`;
    const times = (found.get(key)?.times ?? 0) + 1;
    found.set(key, { schema, name, times, conditions: times === 1 ? (conditions.get(node) ?? []) : [] });
  });
  return [...found.values()].map(({ schema, name, conditions: all }) => ({ schema, name, conditions: all }));
}

/**
 * What the WHERE of a SELECT says of the tables in its FROM. Only conjuncts that compare a column with constants are
 * taken. They are false for null, so they hold below an outer join as well: a row that loses its partner is dropped anyway.
 */
function tableConditions(tree: unknown): Map<Node, Condition[]> {
  const conditions = new Map<Node, Condition[]>();
  walk(tree, (node) => {
    if (node['type'] !== 'SELECT_NODE') return;
    const tables = fromTables(node['from_table']);
    if (tables === undefined) return;
    for (const conjunct of conjuncts(node['where_clause'])) {
      const compared = comparison(conjunct);
      if (compared === undefined) continue;
      const [table] =
        compared.table === undefined
          ? tables.length === 1
            ? tables
            : []
          : tables.filter((each) => tableAlias(each) === foldName(compared.table ?? ''));
      if (table !== undefined) conditions.set(table, [...(conditions.get(table) ?? []), compared.condition]);
    }
  });
  return conditions;
}

/** The tables of a FROM made of tables and joins only; undefined for any other, where a name may mean something else. */
function fromTables(from: unknown): Node[] | undefined {
  if (!isNode(from)) return undefined;
  if (from['type'] === 'BASE_TABLE')
    return Array.isArray(from['column_name_alias']) && from['column_name_alias'].length > 0 ? undefined : [from];
  if (from['type'] !== 'JOIN') return undefined;
  const left = fromTables(from['left']);
  const right = fromTables(from['right']);
  return left === undefined || right === undefined ? undefined : [...left, ...right];
}

function tableAlias(table: Node): string {
  return foldName(text(table['alias']) || text(table['table_name']));
}

function conjuncts(where: unknown): Node[] {
  if (!isNode(where)) return [];
  if (where['type'] !== 'CONJUNCTION_AND' || !Array.isArray(where['children'])) return [where];
  return where['children'].flatMap(conjuncts);
}

const OPERATORS: Readonly<Record<string, Condition['operator']>> = {
  COMPARE_EQUAL: '=',
  COMPARE_LESSTHAN: '<',
  COMPARE_LESSTHANOREQUALTO: '<=',
  COMPARE_GREATERTHAN: '>',
  COMPARE_GREATERTHANOREQUALTO: '>=',
};
const MIRRORED = { '=': '=', '<': '>', '<=': '>=', '>': '<', '>=': '<=', in: 'in' } as const;

function comparison(node: Node): { table: string | undefined; condition: Condition } | undefined {
  if (node['type'] === 'COMPARE_IN' && Array.isArray(node['children'])) {
    const [column, ...values] = node['children'];
    return compared(column, 'in', values);
  }
  const operator = OPERATORS[text(node['type'])];
  if (operator === undefined) return undefined;
  return compared(node['left'], operator, [node['right']]) ?? compared(node['right'], MIRRORED[operator], [node['left']]);
}

function compared(column: unknown, operator: Condition['operator'], others: readonly unknown[]) {
  const names = isNode(column) && column['type'] === 'COLUMN_REF' ? column['column_names'] : undefined;
  if (!Array.isArray(names) || names.length < 1 || names.length > 2) return undefined;
  const values = others.flatMap((other) => constant(other) ?? []);
  if (values.length !== others.length || values.length === 0) return undefined;
  return { table: names.length === 2 ? text(names[0]) : undefined, condition: { column: text(names.at(-1)), operator, values } };
}

/** A string, an integer, or a string cast to a date. Anything else might compare in another way. */
function constant(node: unknown): string | number | undefined {
  if (!isNode(node)) return undefined;
  if (node['type'] === 'OPERATOR_CAST') {
    return isNode(node['cast_type']) && node['cast_type']['id'] === 'DATE' ? constant(node['child']) : undefined;
  }
  if (node['type'] !== 'VALUE_CONSTANT' || !isNode(node['value']) || node['value']['is_null'] === true) return undefined;
  const { value } = node['value'];
  return typeof value === 'string' || (typeof value === 'number' && Number.isSafeInteger(value)) ? value : undefined;
}

function walk(tree: unknown, visit: (node: Node) => void): void {
  const waiting: unknown[] = [tree];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (Array.isArray(next)) waiting.push(...next.filter((each) => each !== null));
    else if (isNode(next)) {
      visit(next);
      waiting.push(...Object.values(next).filter((each) => typeof each === 'object' && each !== null));
    }
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
