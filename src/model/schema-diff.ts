import { formatPath, type PathStep } from './column-path.ts';
import type { Column, Schema } from './schema.ts';
import { movedPairs } from './sequence-moves.ts';
import { formatType, sameType, type ColumnType } from './types.ts';

/**
 * One difference between two schemas, as plain JSON. `before` and `after` are, by kind:
 * - `added`, `removed`: the type, on its side only;
 * - `retyped`: the types;
 * - `nullability`: whether null is allowed;
 * - `sourceType`, `comment`: the texts, left out where there is none;
 * - `moved`: the places, counted from 1.
 */
export interface SchemaChange {
  readonly kind: 'added' | 'removed' | 'retyped' | 'nullability' | 'sourceType' | 'comment' | 'moved';
  /** See `formatPath`. Of nested types it names the innermost thing that differs: `address.street`, `items[].price`. */
  readonly path: string;
  readonly before?: string | number | boolean;
  readonly after?: string | number | boolean;
  /** Set when the path begins among the partition keys instead of the columns. */
  readonly partitionKey?: true;
  /** Of `added` and `removed`: the place, counted from 1. */
  readonly ordinal?: number;
  /** Of `added` and `removed`: what else the column said. */
  readonly column?: ColumnNotes;
}

type ColumnNotes = Pick<Column, 'nullable' | 'sourceType' | 'comment'>;

/**
 * What leads from `a` to `b`, in the order of the columns, outer before inner. Names are compared as written, so a column
 * that changed its case is removed and added. For any two: `applyDiff(a, diffSchemas(a, b))` has the hash of `b`, and
 * `diffSchemas(b, a)` is `invertDiff(diffSchemas(a, b))`.
 */
export function diffSchemas(a: Schema, b: Schema): SchemaChange[] {
  const columns = diffLists([], a.columns, b.columns);
  const keys = diffLists([], a.partitionKeys, b.partitionKeys);
  return [...columns, ...keys.map((change): SchemaChange => ({ ...change, partitionKey: true }))];
}

/** The way back. */
export function invertDiff(changes: readonly SchemaChange[]): SchemaChange[] {
  return changes.map(({ before, after, ...rest }) => ({
    ...rest,
    kind: rest.kind === 'added' ? 'removed' : rest.kind === 'removed' ? 'added' : rest.kind,
    ...(after !== undefined && { before: after }),
    ...(before !== undefined && { after: before }),
  }));
}

/** A column in its list. `key` is its name, made unique among columns of the very same name. */
export interface Listed {
  readonly key: string;
  readonly step: PathStep;
  readonly column: Column;
  readonly index: number;
}

export function listed(columns: readonly Column[]): Listed[] {
  const counts = new Map<string, number>();
  return columns.map((column, index) => {
    const nth = counts.get(column.name) ?? 0;
    counts.set(column.name, nth + 1);
    const step = { name: column.name, nth };
    return { key: stepKey(step), step, column, index };
  });
}

/** Two steps are the same when their keys are. */
export function stepKey(step: PathStep): string {
  return typeof step === 'string' ? step : `${step.nth} ${step.name}`;
}

interface Sides {
  readonly key: string;
  readonly step: PathStep;
  readonly a?: Listed;
  readonly b?: Listed;
}

function diffLists(parent: readonly PathStep[], a: readonly Column[], b: readonly Column[]): SchemaChange[] {
  const sides = bothSides(listed(a), listed(b));
  const pairs = sides.flatMap(({ key, a: from, b: to }) => (from && to ? [{ name: key, from: from.index, to: to.index }] : []));
  const moved = new Set(movedPairs(pairs).map((pair) => pair.name));
  return sides.flatMap(({ key, step, a: from, b: to }) => {
    const path = [...parent, step];
    if (to === undefined) return from === undefined ? [] : [oneSided('removed', path, from)];
    if (from === undefined) return [oneSided('added', path, to)];
    const places = moved.has(key) ? [between('moved', path, from.index + 1, to.index + 1)] : [];
    return [...places, ...diffNotes(path, from.column, to.column), ...diffTypes(path, from.column.type, to.column.type)];
  });
}

/** Sorted by the earlier of the two places, then by name: the same order whichever side is called `a`. */
function bothSides(a: readonly Listed[], b: readonly Listed[]): Sides[] {
  const sides = new Map<string, Sides>();
  for (const item of a) sides.set(item.key, { key: item.key, step: item.step, a: item });
  for (const item of b) sides.set(item.key, { key: item.key, step: item.step, ...sides.get(item.key), b: item });
  const place = (side: Sides): number => Math.min(side.a?.index ?? Infinity, side.b?.index ?? Infinity);
  return [...sides.values()].sort((x, y) => place(x) - place(y) || (x.key < y.key ? -1 : 1));
}

function diffTypes(path: readonly PathStep[], a: ColumnType, b: ColumnType): SchemaChange[] {
  if (sameType(a, b)) return [];
  if (a.kind === 'struct' && b.kind === 'struct') return diffLists(path, a.fields, b.fields);
  if (a.kind === 'array' && b.kind === 'array') return diffTypes([...path, 'element'], a.element, b.element);
  if (a.kind === 'map' && b.kind === 'map') {
    return [...diffTypes([...path, 'key'], a.key, b.key), ...diffTypes([...path, 'value'], a.value, b.value)];
  }
  return [between('retyped', path, formatType(a), formatType(b))];
}

function diffNotes(path: readonly PathStep[], a: Column, b: Column): SchemaChange[] {
  const left = columnNotes(a);
  const right = columnNotes(b);
  const changes: SchemaChange[] = [];
  if (left.nullable !== right.nullable) changes.push(between('nullability', path, left.nullable ?? true, right.nullable ?? true));
  if (left.sourceType !== right.sourceType) changes.push(between('sourceType', path, left.sourceType, right.sourceType));
  if (left.comment !== right.comment) changes.push(between('comment', path, left.comment, right.comment));
  return changes;
}

/** Only what deviates from a nullable column that says nothing else: as the schema's hash sees it. */
function columnNotes(column: Column): ColumnNotes {
  return {
    ...(column.nullable === false && { nullable: false }),
    ...(column.sourceType && { sourceType: column.sourceType }),
    ...(column.comment && { comment: column.comment }),
  };
}

type Side = string | number | boolean | undefined;

function between(kind: SchemaChange['kind'], path: readonly PathStep[], before: Side, after: Side): SchemaChange {
  return {
    kind,
    path: formatPath(path),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
  };
}

function oneSided(kind: 'added' | 'removed', path: readonly PathStep[], { column, index }: Listed): SchemaChange {
  const type = formatType(column.type);
  const notes = columnNotes(column);
  return {
    kind,
    path: formatPath(path),
    ...(kind === 'added' ? { after: type } : { before: type }),
    ordinal: index + 1,
    ...(Object.keys(notes).length > 0 && { column: notes }),
  };
}
