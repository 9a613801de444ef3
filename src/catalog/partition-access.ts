import { sql, type SQL } from 'drizzle-orm';
import { partitions } from '../db/tables/catalog.ts';
import { compareBytes } from '../model/predicate.ts';
import type { Column } from '../model/schema.ts';
import { conditionOf, likeRange, textAfter, type Leaf, type Normal } from './partition-sql.ts';
import { arrayLiteral } from './text.ts';

/**
 * One way into the rows of a table. A list of partitions reads its ways one after the other; no partition is on two. The
 * page follows the order of the index that answers: another order means sorting all that the index gives (measured at
 * 10 million partitions: seconds instead of a millisecond).
 */
export interface Access {
  /** `key`: by the whole key, over the index of current rows. A number: by that key, from 0, then by id. */
  readonly order: 'key' | number;
  /** All that must hold, but for the table and the time. */
  readonly where: SQL;
}

/** Only so many keys have an index of their own. */
const INDEXED_KEYS = 4;
/** With more ways than this, one pass over them all is the better one. */
const MAX_BRANCHES = 64;
/** Longer lists are one way: Postgres 17 looks each value up in the order of the index, earlier ones sort what they find. */
const MAX_IN_BRANCHES = 8;

/**
 * The ways to read what a predicate means. OR and IN are split into ways of their own, because no one index order serves
 * two values or two keys; each leaves out what the ways before it give.
 */
export function accessesOf(normal: Normal | undefined, keys: readonly Column[], current: boolean): Access[] {
  if (normal === undefined) return [{ ...choose([], keys, current), where: sql`true` }];
  const branches = split(normal, keys);
  return branches.map((branch, index) => {
    const { order, where } = choose(leavesOf(branch), keys, current);
    const others = branches
      .slice(0, overlap(branches) ? index : 0)
      .map((other) => sql` and (${conditionOf(other, keys)}) is not true`);
    return { order, where: sql`${where} and ${conditionOf(branch, keys)}${sql.join(others)}` };
  });
}

/** The values of one IN never overlap; the parts of an OR may. */
function overlap(branches: readonly Branch[]): boolean {
  return branches.some((branch) => branch.disjoint !== true);
}

type Branch = Normal & { readonly disjoint?: true };

function split(normal: Normal, keys: readonly Column[]): Branch[] {
  const branches = splitOr(normal, keys);
  const fine = branches.length === 1 ? splitIn(normal) : branches.flatMap((branch) => splitIn(branch).map(plain));
  if (fine.length <= MAX_BRANCHES) return fine;
  return branches.length <= MAX_BRANCHES ? branches : [normal];
}

function plain(branch: Branch): Branch {
  const { disjoint: _, ...rest } = branch;
  return rest;
}

/** `(a or b) and c` is `(a and c) or (b and c)`, which is worth it only where `c` has no index to offer. */
function splitOr(normal: Normal, keys: readonly Column[]): Branch[] {
  if (normal.kind === 'or') return [...normal.items];
  if (normal.kind === 'leaf' || leavesOf(normal).some((leaf) => boundOf(leaf, keys) !== undefined)) return [normal];
  const or = normal.items.find((item) => item.kind === 'or');
  if (or?.kind !== 'or') return [normal];
  const rest = normal.items.filter((item) => item !== or);
  return or.items.map((item) => ({ kind: 'and', items: item.kind === 'and' ? [...item.items, ...rest] : [item, ...rest] }));
}

/** Values in the order of their keys. */
function splitIn(normal: Normal): Branch[] {
  const leaves = leavesOf(normal);
  const leaf = leaves.find(({ test, not }) => test.kind === 'in' && !not);
  if (leaf?.test.kind !== 'in' || leaves.some((other) => isEquality(other))) return [normal];
  const { key } = leaf.test;
  const rest = normal.kind === 'and' ? normal.items.filter((item) => item !== leaf) : [];
  const values = new Map(leaf.test.values.map((value) => [value.ordered, value]));
  if (values.size > MAX_IN_BRANCHES) return [normal];
  const sorted = [...values.keys()].sort().flatMap((ordered) => values.get(ordered) ?? []);
  return sorted.map((value) => ({
    kind: 'and',
    items: [{ kind: 'leaf', test: { kind: 'compare', key, operator: '=', value }, not: false }, ...rest],
    disjoint: true,
  }));
}

function leavesOf(normal: Normal): Leaf[] {
  if (normal.kind === 'leaf') return [normal];
  return normal.kind === 'or' ? [] : normal.items.filter((item) => item.kind === 'leaf');
}

function isEquality(leaf: Leaf): boolean {
  return equalTo(leaf) !== undefined;
}

/**
 * By how many keys the index is narrowed decides: an equality counts twice a range. The current rows' index, on the whole
 * key, takes equalities on the first keys and a range on the next; the others take one key each, and where they do as
 * well they are preferred, because the planner knows from their statistics how many rows they give.
 */
function choose(leaves: readonly Leaf[], keys: readonly Column[], current: boolean): Access {
  let best: { order: Access['order']; where: SQL; score: number } = { order: current ? 'key' : 0, where: sql`true`, score: 0 };
  for (const leaf of leaves) {
    const score = isEquality(leaf) ? 2 : boundOf(leaf, keys) === undefined ? 0 : 1;
    if (leaf.test.key < INDEXED_KEYS && score > best.score) best = { order: leaf.test.key, where: sql`true`, score };
  }
  const prefix = current ? prefixAccess(leaves, keys) : undefined;
  if (prefix !== undefined && prefix.score > best.score) best = prefix;
  return { order: best.order, where: best.where };
}

function prefixAccess(leaves: readonly Leaf[], keys: readonly Column[]): { order: 'key'; where: SQL; score: number } {
  const equal: string[] = [];
  for (let key = 0; key < keys.length; key++) {
    const value = leaves
      .filter(({ test }) => test.key === key)
      .map(equalTo)
      .find((found) => found !== undefined);
    if (value === undefined) break;
    equal.push(value);
  }
  const bounds = leaves.flatMap((leaf) => (leaf.test.key === equal.length ? (boundOf(leaf, keys) ?? []) : []));
  const from = bounds
    .flatMap((bound) => bound.from ?? [])
    .toSorted()
    .at(-1);
  const below = bounds
    .flatMap((bound) => bound.below ?? [])
    .toSorted()
    .at(0);
  const where = sql`${atLeast([...equal, ...(from === undefined ? [] : [from])])}${lessThan(equal, below)}`;
  return { order: 'key', where, score: 2 * equal.length + (bounds.length > 0 ? 1 : 0) };
}

function atLeast(start: readonly string[]): SQL {
  return start.length === 0 ? sql`true` : sql`${partitions.key} >= ${arrayLiteral(start)}::text[]`;
}

function lessThan(equal: readonly string[], below: string | undefined): SQL {
  const last = equal.at(-1);
  const end = below !== undefined ? [...equal, below] : last === undefined ? [] : [...equal.slice(0, -1), textAfter(last)];
  return end.length === 0 ? sql`` : sql` and ${partitions.key} < ${arrayLiteral(end)}::text[]`;
}

function equalTo({ test, not }: Leaf): string | undefined {
  if (test.kind === 'isNull' && !not) return '';
  return test.kind === 'compare' && test.operator === (not ? '!=' : '=') ? test.value.ordered : undefined;
}

/** From where, and up to but without what, the keys lie that a comparison lets through; undefined when anywhere. */
function boundOf(leaf: Leaf, keys: readonly Column[]): { from?: string; below?: string | undefined } | undefined {
  const { test, not } = leaf;
  const equal = equalTo(leaf);
  if (equal !== undefined) return { from: equal, below: textAfter(equal) };
  if (test.kind === 'like' && !not) return likeRange(test, keys);
  if (test.kind === 'between' && !not) return { from: test.low.ordered, below: textAfter(test.high.ordered) };
  if (test.kind === 'in' && !not) {
    const values = test.values.map(({ ordered }) => ordered).sort(compareBytes);
    return { from: values[0] ?? '', below: textAfter(values.at(-1) ?? '') };
  }
  if (test.kind !== 'compare') return undefined;
  const { ordered } = test.value;
  switch (test.operator) {
    case '<':
      return not ? { from: ordered } : { from: textAfter(''), below: ordered };
    case '<=':
      return not ? { from: textAfter(ordered) } : { from: textAfter(''), below: textAfter(ordered) };
    case '>':
      return not ? { from: textAfter(''), below: textAfter(ordered) } : { from: textAfter(ordered) };
    case '>=':
      return not ? { from: textAfter(''), below: ordered } : { from: ordered };
    default:
      return undefined;
  }
}
