import { TenonError } from './errors.ts';

/** `word` is a key or a keyword, `name` a quoted key, `text` a quoted literal. `at` counts characters from 1. */
export interface Token {
  readonly kind: 'word' | 'name' | 'text' | 'number' | 'sign' | 'end';
  readonly text: string;
  readonly at: number;
}

/** Longer predicates are refused. Glue takes 2,048 characters. */
const MAX_PREDICATE_CHARS = 16_384;

const TOKEN =
  /\s+|(?<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?![\p{L}\p{N}_]))|(?<word>[\p{L}_][\p{L}\p{N}_]*)|'(?<text>(?:[^']|'')*)'|"(?<double>(?:[^"]|"")*)"|`(?<tick>(?:[^`]|``)*)`|(?<sign><=|>=|<>|!=|==|[=<>(),])/iuy;

export function tokensOf(text: string): Token[] {
  if (text.length > MAX_PREDICATE_CHARS) {
    throw new TenonError('BAD_PREDICATE', `The predicate has more than ${MAX_PREDICATE_CHARS} characters.`);
  }
  const tokens: Token[] = [];
  const pattern = new RegExp(TOKEN);
  while (pattern.lastIndex < text.length) {
    const at = pattern.lastIndex + 1;
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) throw badPredicate(`has «${String.fromCodePoint(text.codePointAt(at - 1) ?? 0)}»`, at);
    const token = tokenOf(groups, at);
    if (token !== undefined) tokens.push(token);
  }
  tokens.push({ kind: 'end', text: '', at: text.length + 1 });
  return tokens;
}

function tokenOf(groups: Record<string, string | undefined>, at: number): Token | undefined {
  const { number, word, text, double, tick, sign } = groups;
  if (number !== undefined) return { kind: 'number', text: number, at };
  if (word !== undefined) return { kind: 'word', text: word, at };
  if (text !== undefined) return { kind: 'text', text: text.replaceAll("''", "'"), at };
  if (double !== undefined) return { kind: 'name', text: double.replaceAll('""', '"'), at };
  if (tick !== undefined) return { kind: 'name', text: tick.replaceAll('``', '`'), at };
  return sign === undefined ? undefined : { kind: 'sign', text: sign, at };
}

export function badPredicate(what: string, at: number): TenonError {
  return new TenonError('BAD_PREDICATE', `The predicate ${what} at character ${at}.`, { position: at });
}
