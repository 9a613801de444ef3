import { orderedKeys } from './partition-key.ts';
import type { Column } from './schema.ts';

/**
 * A condition on the partition keys of a table, as `parsePredicate` reads it. `key` is the key's place among them,
 * counted from 0. `not in` and the like are `not` around the plain one. Logic is SQL's, with three values: a comparison
 * with null is unknown, and so is its negation.
 */
export type Predicate =
  | { readonly kind: 'compare'; readonly key: number; readonly operator: Operator; readonly value: Literal }
  | { readonly kind: 'in'; readonly key: number; readonly values: readonly Literal[] }
  | { readonly kind: 'between'; readonly key: number; readonly low: Literal; readonly high: Literal }
  /** On the text of the value: `%` any characters, `_` one, `\` takes the next as it is. */
  | { readonly kind: 'like'; readonly key: number; readonly pattern: string }
  | { readonly kind: 'isNull'; readonly key: number }
  | { readonly kind: 'and'; readonly items: readonly Predicate[] }
  | { readonly kind: 'or'; readonly items: readonly Predicate[] }
  | { readonly kind: 'not'; readonly item: Predicate };

export type Operator = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** `ordered` compares with the ordered keys of the partitions; see `orderedKey`. It is never null's. */
export interface Literal {
  readonly text: string;
  readonly ordered: string;
}

/** Whether a partition with these values is meant. Unknown counts as no. */
export function matches(predicate: Predicate, values: readonly (string | null)[], keys: readonly Column[]): boolean {
  return evaluate(predicate, values, orderedKeys(values, keys)) === true;
}

/** Undefined is SQL's unknown. */
function evaluate(predicate: Predicate, values: readonly (string | null)[], ordered: readonly string[]): boolean | undefined {
  if (predicate.kind === 'and' || predicate.kind === 'or') return evaluateAll(predicate, values, ordered);
  if (predicate.kind === 'not') {
    const inner = evaluate(predicate.item, values, ordered);
    return inner === undefined ? undefined : !inner;
  }
  const value = values[predicate.key] ?? null;
  const key = ordered[predicate.key] ?? '';
  if (predicate.kind === 'isNull') return value === null;
  if (value === null) return undefined;
  switch (predicate.kind) {
    case 'compare':
      return compare(compareBytes(key, predicate.value.ordered), predicate.operator);
    case 'in':
      return predicate.values.some((literal) => literal.ordered === key);
    case 'between':
      return compareBytes(predicate.low.ordered, key) <= 0 && compareBytes(key, predicate.high.ordered) <= 0;
    case 'like':
      return isLike(value, predicate.pattern);
  }
}

function evaluateAll(
  { kind, items }: Extract<Predicate, { kind: 'and' | 'or' }>,
  values: readonly (string | null)[],
  ordered: readonly string[],
): boolean | undefined {
  const decisive = kind === 'or';
  let result: boolean | undefined = !decisive;
  for (const item of items) {
    const outcome = evaluate(item, values, ordered);
    if (outcome === decisive) return decisive;
    if (outcome === undefined) result = undefined;
  }
  return result;
}

function compare(order: number, operator: Operator): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/** By UTF-8 bytes, as Postgres compares under collation C. JavaScript's `<` goes by UTF-16 and differs beyond U+FFFF. */
export function compareBytes(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/**
 * SQL's LIKE by greedy matching with one place to come back to (Krauss 2008): at most length × pattern steps, where a
 * regular expression with many `%` would take exponential time.
 */
function isLike(text: string, pattern: string): boolean {
  const signs = likeSigns(pattern);
  const chars = [...text];
  let at = 0;
  let sign = 0;
  let lastAny = -1;
  let retryAt = 0;
  while (at < chars.length) {
    const current = signs[sign];
    if (current === 'any') {
      lastAny = sign++;
      retryAt = at;
    } else if (current === 'one' || (typeof current === 'object' && current.char === chars[at])) {
      sign += 1;
      at += 1;
    } else if (lastAny >= 0) {
      sign = lastAny + 1;
      at = ++retryAt;
    } else return false;
  }
  while (signs[sign] === 'any') sign += 1;
  return sign === signs.length;
}

function likeSigns(pattern: string): ('any' | 'one' | { char: string })[] {
  const chars = [...pattern];
  const signs: ('any' | 'one' | { char: string })[] = [];
  for (let at = 0; at < chars.length; at += 1) {
    const char = chars[at] ?? '';
    if (char === '\\' && at + 1 < chars.length) signs.push({ char: chars[++at] ?? '' });
    else if (char === '%') signs.push('any');
    else signs.push(char === '_' ? 'one' : { char });
  }
  return signs;
}
