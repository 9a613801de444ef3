import { parsePath, type PathStep } from './column-path.ts';
import { TenonError } from './errors.ts';
import type { Column, Schema } from './schema.ts';
import { listed, stepKey, type SchemaChange } from './schema-diff.ts';
import { parseType, type ColumnType } from './types.ts';

/** Changes by the steps of their paths. */
interface Node {
  readonly step: PathStep;
  readonly changes: SchemaChange[];
  readonly below: Map<string, Node>;
}

/** The schema that `changes` lead to from `a`. Throws BAD_INPUT when they belong to another schema than `a`. */
export function applyDiff(a: Schema, changes: readonly SchemaChange[]): Schema {
  const columns = treeOf(changes.filter((change) => change.partitionKey !== true));
  const keys = treeOf(changes.filter((change) => change.partitionKey === true));
  return { columns: applyToList(a.columns, columns), partitionKeys: applyToList(a.partitionKeys, keys) };
}

function treeOf(changes: readonly SchemaChange[]): Node {
  const root: Node = { step: 'element', changes: [], below: new Map() };
  for (const change of changes) {
    let node = root;
    for (const step of parsePath(change.path)) {
      const next: Node = node.below.get(stepKey(step)) ?? { step, changes: [], below: new Map() };
      node.below.set(stepKey(step), next);
      node = next;
    }
    node.changes.push(change);
  }
  return root;
}

/** What stays keeps its order; what was added or moved goes to its place, in the order of places. */
function applyToList(columns: readonly Column[], node: Node): Column[] {
  const open = new Map(node.below);
  const staying: Column[] = [];
  const placed = new Map<number, Column>();
  for (const { key, column } of listed(columns)) {
    const child = open.get(key);
    open.delete(key);
    if (child === undefined) staying.push(column);
    else if (!child.changes.some(({ kind }) => kind === 'removed')) settle(applyToColumn(column, child), child, staying, placed);
  }
  for (const child of open.values()) {
    const added = child.changes.find(({ kind }) => kind === 'added');
    if (added?.ordinal === undefined || typeof child.step === 'string') throw misfit(child);
    placed.set(added.ordinal, { name: child.step.name, type: parseType(String(added.after)), ...added.column });
  }
  return merge(staying, placed);
}

function settle(column: Column, node: Node, staying: Column[], placed: Map<number, Column>): void {
  const place = node.changes.find(({ kind }) => kind === 'moved')?.after;
  if (place === undefined) staying.push(column);
  else placed.set(Number(place), column);
}

function merge(staying: readonly Column[], placed: ReadonlyMap<number, Column>): Column[] {
  const result: Column[] = [];
  let next = 0;
  for (let place = 1; place <= staying.length + placed.size; place += 1) {
    const column = placed.get(place) ?? staying[next++];
    if (column === undefined) throw new TenonError('BAD_INPUT', 'The diff does not fit the schema: a place is beyond the end.');
    result.push(column);
  }
  return result;
}

function applyToColumn(column: Column, node: Node): Column {
  let { nullable, sourceType, comment } = column;
  for (const { kind, after } of node.changes) {
    if (kind === 'added') throw misfit(node);
    if (kind === 'nullability') nullable = after === true;
    if (kind === 'sourceType') sourceType = after === undefined ? undefined : String(after);
    if (kind === 'comment') comment = after === undefined ? undefined : String(after);
  }
  return {
    name: column.name,
    type: applyToType(column.type, node),
    ...(nullable === false && { nullable }),
    ...(sourceType !== undefined && { sourceType }),
    ...(comment !== undefined && { comment }),
  };
}

function applyToType(type: ColumnType, node: Node | undefined): ColumnType {
  if (node === undefined) return type;
  const retyped = node.changes.find(({ kind }) => kind === 'retyped');
  if (retyped !== undefined) return parseType(String(retyped.after));
  if (node.below.size === 0) return type;
  if (type.kind === 'struct') {
    return { kind: 'struct', fields: applyToList(type.fields, node).map((field) => ({ name: field.name, type: field.type })) };
  }
  if (type.kind === 'array' && node.below.has('element')) {
    return { kind: 'array', element: applyToType(type.element, node.below.get('element')) };
  }
  if (type.kind === 'map' && (node.below.has('key') || node.below.has('value'))) {
    return {
      kind: 'map',
      key: applyToType(type.key, node.below.get('key')),
      value: applyToType(type.value, node.below.get('value')),
    };
  }
  throw misfit(node);
}

function misfit(node: Node): TenonError {
  const name = typeof node.step === 'string' ? node.step : node.step.name;
  return new TenonError('BAD_INPUT', `The diff does not fit the schema at «${name.slice(0, 200)}».`);
}
