import { TenonError } from './errors.ts';
import { foldName } from './names.ts';
import { orderedKey, orderedNumber } from './ordered-value.ts';
import { badPredicate, tokensOf, type Token } from './predicate-tokens.ts';
import type { Literal, Operator, Predicate } from './predicate.ts';
import type { Column } from './schema.ts';
import { simple, type ColumnType } from './types.ts';

/** Deeper nesting of parentheses and NOT is refused, so that walks over a predicate may be recursive. */
const MAX_DEPTH = 64;
/** So many values may stand in one IN. */
const MAX_IN_VALUES = 2_000;

const OPERATORS: Readonly<Record<string, Operator>> = {
  '=': '=',
  '==': '=',
  '!=': '!=',
  '<>': '!=',
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
};
const MIRRORED: Readonly<Record<Operator, Operator>> = { '=': '=', '!=': '!=', '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

/**
 * Reads a condition on partition keys: `dt >= '2026-01-01' AND (region IN ('eu', 'us') OR n BETWEEN 1 AND 5)`. Keys are
 * plain, in double quotes or in backticks, in any case; literals are checked against the type of their key. A key that
 * is a string is compared as a string, also with a number. Throws BAD_PREDICATE with `details.position`, from 1.
 */
export function parsePredicate(text: string, keys: readonly Column[]): Predicate {
  return new PredicateParser(tokensOf(text), keys).whole();
}

class PredicateParser {
  private readonly tokens: readonly Token[];
  private readonly keys: readonly Column[];
  private next = 0;

  constructor(tokens: readonly Token[], keys: readonly Column[]) {
    this.tokens = tokens;
    this.keys = keys;
  }

  whole(): Predicate {
    const predicate = this.any(0);
    if (this.token.kind !== 'end') throw this.unexpected('AND, OR or its end');
    return predicate;
  }

  private any(depth: number): Predicate {
    if (depth > MAX_DEPTH) throw badPredicate(`is nested deeper than ${MAX_DEPTH} levels`, this.token.at);
    const items = [this.all(depth)];
    while (this.skipWord('OR')) items.push(this.all(depth));
    return join('or', items);
  }

  private all(depth: number): Predicate {
    const items = [this.negated(depth)];
    while (this.skipWord('AND')) items.push(this.negated(depth));
    return join('and', items);
  }

  private negated(depth: number): Predicate {
    let odd = false;
    while (this.skipWord('NOT')) odd = !odd;
    return negatedIf(odd, this.condition(depth));
  }

  private condition(depth: number): Predicate {
    if (this.skipSign('(')) {
      const inner = this.any(depth + 1);
      this.expectSign(')');
      return inner;
    }
    return this.startsLiteral() ? this.mirrored() : this.onKey(this.key());
  }

  /** `'2026' = year` */
  private mirrored(): Predicate {
    const at = this.next;
    this.next += this.token.kind === 'word' && this.peek?.kind === 'text' ? 2 : 1;
    const operator = this.operator();
    const key = this.key();
    const end = this.next;
    this.next = at;
    const value = this.literal(key);
    this.next = end;
    return { kind: 'compare', key, operator: MIRRORED[operator], value };
  }

  private onKey(key: number): Predicate {
    if (this.skipWord('IS')) {
      const not = this.skipWord('NOT');
      this.expectWord('NULL');
      return negatedIf(not, { kind: 'isNull', key });
    }
    const not = this.skipWord('NOT');
    if (this.skipWord('IN')) return negatedIf(not, { kind: 'in', key, values: this.list(key) });
    if (this.skipWord('LIKE')) return negatedIf(not, { kind: 'like', key, pattern: this.pattern() });
    if (this.skipWord('BETWEEN')) {
      const low = this.literal(key);
      this.expectWord('AND');
      return negatedIf(not, { kind: 'between', key, low, high: this.literal(key) });
    }
    if (not) throw this.unexpected('IN, LIKE or BETWEEN');
    return { kind: 'compare', key, operator: this.operator(), value: this.literal(key) };
  }

  private list(key: number): Literal[] {
    this.expectSign('(');
    const values = [this.literal(key)];
    while (this.skipSign(',')) {
      if (values.length === MAX_IN_VALUES) throw badPredicate(`lists more than ${MAX_IN_VALUES} values`, this.token.at);
      values.push(this.literal(key));
    }
    this.expectSign(')');
    return values;
  }

  private key(): number {
    const token = this.token;
    if (token.kind !== 'word' && token.kind !== 'name') throw this.unexpected('a partition key');
    const index = this.keys.findIndex(({ name }) => foldName(name) === foldName(token.text));
    if (index < 0) {
      const known = this.keys.map(({ name }) => name).join(', ');
      throw badPredicate(`names «${token.text.slice(0, 100)}», but the partition keys are (${known.slice(0, 500)}),`, token.at);
    }
    this.next += 1;
    return index;
  }

  private operator(): Operator {
    const operator = this.token.kind === 'sign' ? OPERATORS[this.token.text] : undefined;
    if (operator === undefined) throw this.unexpected('a comparison');
    this.next += 1;
    return operator;
  }

  private pattern(): string {
    const token = this.token;
    if (token.kind !== 'text') throw this.unexpected('a text in single quotes');
    this.next += 1;
    return token.text;
  }

  private literal(key: number): Literal {
    if (!this.startsLiteral()) {
      if (this.isWord('NULL')) throw badPredicate('compares with NULL, which is never true; write IS NULL,', this.token.at);
      throw this.unexpected('a number or a text in single quotes');
    }
    // DATE '2026-01-01': the key's own type decides.
    if (this.token.kind === 'word' && this.peek?.kind === 'text') this.next += 1;
    const { text, at } = this.token;
    this.next += 1;
    const type = this.keys[key]?.type ?? simple('string');
    return { text, ordered: orderedLiteral(text, type, at) };
  }

  private startsLiteral(): boolean {
    const { kind } = this.token;
    if (kind === 'text' || kind === 'number') return true;
    if (this.isWord('DATE') || this.isWord('TIMESTAMP')) return this.peek?.kind === 'text';
    return (
      (this.isWord('TRUE') || this.isWord('FALSE')) && !this.keys.some(({ name }) => foldName(name) === foldName(this.token.text))
    );
  }

  private get token(): Token {
    return this.tokens[this.next] ?? { kind: 'end', text: '', at: 0 };
  }

  private get peek(): Token | undefined {
    return this.tokens[this.next + 1];
  }

  private isWord(word: string): boolean {
    return this.token.kind === 'word' && this.token.text.toUpperCase() === word;
  }

  private skipWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.next += 1;
    return true;
  }

  private expectWord(word: string): void {
    if (!this.skipWord(word)) throw this.unexpected(word);
  }

  private skipSign(sign: string): boolean {
    if (this.token.kind !== 'sign' || this.token.text !== sign) return false;
    this.next += 1;
    return true;
  }

  private expectSign(sign: string): void {
    if (!this.skipSign(sign)) throw this.unexpected(`«${sign}»`);
  }

  private unexpected(wanted: string): TenonError {
    const found = this.token.kind === 'end' ? 'ends' : `has «${this.token.text.slice(0, 100)}»`;
    return badPredicate(`${found} where ${wanted} is expected,`, this.token.at);
  }
}

function negatedIf(not: boolean, item: Predicate): Predicate {
  return not ? { kind: 'not', item } : item;
}

function join(kind: 'and' | 'or', items: readonly Predicate[]): Predicate {
  const [only, ...rest] = items;
  return only !== undefined && rest.length === 0 ? only : { kind, items };
}

/** A literal may say more than a value of the key can: `n < 5.5` for an integer, a time of day for a date. */
function orderedLiteral(text: string, type: ColumnType, at: number): string {
  const ordered = ['tinyint', 'smallint', 'int', 'bigint', 'decimal'].includes(type.kind) ? orderedNumber(text) : undefined;
  if (ordered !== undefined) return ordered;
  try {
    return orderedKey(text, type.kind === 'date' ? simple('timestamp') : type);
  } catch (error) {
    if (!(error instanceof TenonError)) throw error;
    throw badPredicate(`compares with something unfit: ${error.message.replace(/\.$/, '')},`, at);
  }
}
