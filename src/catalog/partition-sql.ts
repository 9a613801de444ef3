import { sql, type SQL } from 'drizzle-orm';
import { partitions } from '../db/tables/catalog.ts';
import type { Operator, Predicate } from '../model/predicate.ts';
import type { Column } from '../model/schema.ts';
import { checkText } from './text.ts';

/** One comparison; `not` stands on nothing bigger, so that the answer «unknown» need not be told from «no». */
export interface Leaf {
  readonly kind: 'leaf';
  readonly test: Exclude<Predicate, { readonly kind: 'and' | 'or' | 'not' }>;
  readonly not: boolean;
}

export type Normal = Leaf | { readonly kind: 'and' | 'or'; readonly items: readonly Normal[] };

/** Moves every NOT down to the comparisons, which keeps the meaning under SQL's logic with three values. */
export function normalise(predicate: Predicate, not = false): Normal {
  switch (predicate.kind) {
    case 'not':
      return normalise(predicate.item, !not);
    case 'and':
    case 'or': {
      const kind = (predicate.kind === 'and') === not ? 'or' : 'and';
      return {
        kind,
        items: flatten(
          kind,
          predicate.items.map((item) => normalise(item, not)),
        ),
      };
    }
    default:
      return { kind: 'leaf', test: predicate, not };
  }
}

function flatten(kind: 'and' | 'or', items: readonly Normal[]): Normal[] {
  return items.flatMap((item) => (item.kind === kind ? item.items : [item]));
}

/**
 * The condition on rows of `partitions` that means the predicate. Comparisons are on the ordered keys, so that the index
 * on (table, key[i]) answers them; null's key is the empty text, which no literal has. LIKE is on the values as written.
 */
export function conditionOf(normal: Normal, keys: readonly Column[]): SQL {
  if (normal.kind === 'leaf') return leafCondition(normal, keys);
  const items = normal.items.map((item) => conditionOf(item, keys));
  return sql`(${sql.join(items, sql.raw(` ${normal.kind} `))})`;
}

function leafCondition({ test, not }: Leaf, keys: readonly Column[]): SQL {
  const key = keyAt(test.key);
  switch (test.kind) {
    case 'isNull':
      return not ? sql`${key} > ''` : sql`${key} < ${textAfter('')}`;
    case 'in': {
      const values = sql.param(test.values.map(({ ordered }) => ordered));
      return not ? sql`(${key} <> all(${values}::text[]) and ${key} > '')` : sql`${key} = any(${values}::text[])`;
    }
    case 'between':
      return not
        ? sql`((${key} < ${test.low.ordered} and ${key} > '') or ${key} > ${test.high.ordered})`
        : sql`(${key} >= ${test.low.ordered} and ${key} <= ${test.high.ordered})`;
    case 'like':
      return likeCondition(test, not, keys);
    case 'compare':
      return comparison(key, not ? NEGATED[test.operator] : test.operator, test.value.ordered);
  }
}

const NEGATED: Readonly<Record<Operator, Operator>> = { '=': '!=', '!=': '=', '<': '>=', '<=': '>', '>': '<=', '>=': '<' };

/**
 * Equality is written as a range that holds one value. Written with `=` the planner knows that all rows have the same key,
 * takes «by key, then by id» for «by id», and walks along the primary key through the partitions of all tables.
 */
function comparison(key: SQL, operator: Operator, value: string): SQL {
  if (operator === '=') return sql`(${key} >= ${value} and ${key} < ${textAfter(value)})`;
  const condition = sql`${key} ${sql.raw(operator === '!=' ? '<>' : operator)} ${value}`;
  return operator.startsWith('>') ? condition : sql`(${condition} and ${key} > '')`;
}

/** The text right after this one, under collation C: a text of Postgres has no NUL, so none lies between. */
export function textAfter(text: string): string {
  return `${text}\u0001`;
}

/**
 * Asked of the ordered key where that is the text itself: the index answers a pattern that begins with plain text, and the
 * planner knows from its statistics how much any pattern gives. A date is its text always, a string but for what begins
 * with U+0001 or is empty.
 */
function likeCondition(test: Extract<Predicate, { kind: 'like' }>, not: boolean, keys: readonly Column[]): SQL {
  const like = sql`${sql.raw(not ? 'not like' : 'like')} ${sqlPattern(test.pattern)}`;
  const key = keyAt(test.key);
  if (keys[test.key]?.type.kind === 'date') return sql`(${key} ${like} and ${key} > '')`;
  if (!not && likeRange(test, keys) !== undefined) return sql`${key} ${like}`;
  return sql`${partitions.values}[${sql.raw(String(test.key + 1))}] ${like}`;
}

/** A backslash at the very end stands for itself; Postgres would refuse it. */
function sqlPattern(pattern: string): string {
  checkText(pattern, 'pattern of LIKE');
  const slashes = /\\*$/.exec(pattern)?.[0].length ?? 0;
  return slashes % 2 === 1 ? `${pattern}\\` : pattern;
}

/** The keys that a LIKE can match, where the key is a string or a date and the pattern begins with plain text. */
export function likeRange(
  test: Extract<Predicate, { kind: 'like' }>,
  keys: readonly Column[],
): { from: string; below: string | undefined } | undefined {
  if (!['string', 'date'].includes(keys[test.key]?.type.kind ?? '')) return undefined;
  const start = (/^(?:[^%_\\]|\\.)*/su.exec(test.pattern)?.[0] ?? '').replace(/\\(.)/gsu, '$1');
  // Strings that begin with U+0001 have it doubled in their ordered form.
  if (start === '' || start.startsWith('\u0001')) return undefined;
  return { from: start, below: afterPrefix(start) };
}

/** The first text, in the order of code points, that comes after all that begin with this one. */
function afterPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((char) => char.codePointAt(0) ?? 0);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  return String.fromCodePoint(...points, last + 1 === 0xd800 ? 0xe000 : last + 1);
}

/** `key[i]` as the indexes have it; `index` counts from 0. */
export function keyAt(index: number): SQL {
  return sql`${partitions.key}[${sql.raw(String(index + 1))}]`;
}
