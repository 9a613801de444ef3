import { TenonError } from '../model/errors.ts';
import { quoteLiteral } from '../model/names.ts';

/** `${NAME}` in a job file. */
const PARAMETER = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;
const MAX_VALUE_CHARS = 10_000;

export type ParameterValues = Readonly<Record<string, string | undefined>>;

/** The names that a text uses, each once. */
export function parametersIn(text: string): string[] {
  return [...new Set([...text.matchAll(PARAMETER)].map((match) => match[1] ?? ''))];
}

/** Puts values in, as they are. Missing ones are left for `parametersIn` to find. */
export function fillText(text: string, values: ParameterValues): string {
  return text.replace(PARAMETER, (whole, name: string) => values[name] ?? whole);
}

/**
 * Puts values into SQL, where they are never anything but text: `where dt >= ${FROM}` becomes `where dt >= '2026-01-01'`,
 * and within a string literal (`'${REGION}-1'`) a value cannot end it. In comments nothing is replaced. Throws BAD_JOB for a
 * parameter where no text can stand: in a quoted name, a dollar-quoted or an escape string.
 */
export function fillSql(sql: string, values: ParameterValues): string {
  return pieces(sql)
    .map(({ kind, text }) => {
      if (kind === 'comment') return text;
      if (kind === 'code') return text.replace(PARAMETER, (whole, name: string) => literal(values[name]) ?? whole);
      if (kind === 'string')
        return text.replace(PARAMETER, (whole, name: string) => literal(values[name])?.slice(1, -1) ?? whole);
      const [name] = parametersIn(text);
      if (name === undefined) return text;
      throw new TenonError('BAD_JOB', `\${${name}} cannot stand inside of ${text.slice(0, 60)}; parameters are values.`, {
        parameter: name,
      });
    })
    .join('');
}

function literal(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  if (value.length > MAX_VALUE_CHARS)
    throw new TenonError('LIMIT', `A parameter may have ${MAX_VALUE_CHARS} characters at most.`);
  return quoteLiteral(value);
}

interface Piece {
  readonly kind: 'code' | 'comment' | 'string' | 'other';
  readonly text: string;
}

/** Comments, string literals and the quoted things that take no parameter, in the order in which they are tried. */
const QUOTED: readonly [Piece['kind'], RegExp][] = [
  ['comment', /--[^\n]*/y],
  ['comment', /\/\*[^]*?(?:\*\/|$)/y],
  ['other', /[eE]'(?:[^'\\]|\\[^]|'')*(?:'|$)/y],
  ['string', /'(?:[^']|'')*(?:'|$)/y],
  ['other', /"(?:[^"]|"")*(?:"|$)/y],
  ['other', /\$([A-Za-z_]\w*)?\$[^]*?(?:\$\1\$|$)/y],
];

function pieces(sql: string): Piece[] {
  const found: Piece[] = [];
  let codeFrom = 0;
  let at = 0;
  while (at < sql.length) {
    const quoted = quotedAt(sql, at);
    if (quoted === undefined) {
      at += 1;
      continue;
    }
    found.push({ kind: 'code', text: sql.slice(codeFrom, at) }, quoted);
    at += quoted.text.length;
    codeFrom = at;
  }
  return [...found, { kind: 'code', text: sql.slice(codeFrom) }];
}

function quotedAt(sql: string, at: number): Piece | undefined {
  if (!/[-/eE'"$]/.test(sql[at] ?? '')) return undefined;
  // The e of `like'x'` belongs to the word before it.
  if (/[eE]/.test(sql[at] ?? '') && /\w/.test(sql[at - 1] ?? '')) return undefined;
  for (const [kind, pattern] of QUOTED) {
    pattern.lastIndex = at;
    const match = pattern.exec(sql);
    if (match !== null) return { kind, text: match[0] };
  }
  return undefined;
}
