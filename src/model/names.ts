import { createHash } from 'node:crypto';
import { TenonError } from './errors.ts';

/** A name may be this long, in characters. */
const MAX_NAME_CHARS = 255;
/** Names that we make from folders and files are at most this long, as Glue's crawlers make them. */
const MAX_MADE_NAME_CHARS = 128;

/** The spelling under which a name is kept and compared: lower case, as in Glue. */
export function foldName(text: string): string {
  return text.toLowerCase();
}

/**
 * Refuses what cannot be a name of a database, table, crawler, job, connection or principal; `what` says which, for the
 * message. Column names are not checked by this: sources have any, with dots too.
 */
export function checkName(text: string, what: string): string {
  const problem = nameProblem(text);
  if (problem === undefined) return text;
  throw new TenonError('BAD_INPUT', `The name of a ${what} ${problem}.`, { what, name: text.slice(0, MAX_NAME_CHARS) });
}

function nameProblem(text: string): string | undefined {
  if (text === '') return 'cannot be empty';
  if (text.length > MAX_NAME_CHARS) return `may have ${MAX_NAME_CHARS} characters at most`;
  // Control characters, halves of surrogate pairs, and the marks that make text read in another order than it is.
  if (/[\p{Cc}\p{Cs}\u200e\u200f\u202a-\u202e\u2066-\u2069]/u.test(text)) return 'cannot contain control characters';
  if (/[./]/.test(text)) return 'cannot contain «.» or «/»';
  if (text.trim() !== text) return 'cannot begin or end with a space';
  return undefined;
}

/**
 * A table's name from a folder's or a file's: only `a-z`, `0-9` and `_`, at most 128 long. What loses all of its letters,
 * or its end, gets a few characters of a hash, so that different sources keep different names. A prefix may also begin with `_`.
 */
export function tableNameFrom(text: string, prefix = ''): string {
  const name = madeName(text);
  const whole = foldName(prefix).replace(/[^a-z0-9_]/g, '_') + name;
  if (whole.length <= MAX_MADE_NAME_CHARS) return whole;
  return `${whole.slice(0, MAX_MADE_NAME_CHARS - 9)}_${shortHash(text)}`;
}

function madeName(text: string): string {
  const plain = text
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '');
  if (plain === '') return `table_${shortHash(text)}`;
  if (plain.length <= MAX_MADE_NAME_CHARS) return plain;
  return `${plain.slice(0, MAX_MADE_NAME_CHARS - 9)}_${shortHash(text)}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

/** `lake.sales` as a person types it. Both parts come back folded. */
export function parseTableName(text: string): { database: string; table: string } {
  const [database, table, ...rest] = text.split('.');
  if (database === undefined || table === undefined || rest.length > 0) {
    const shown = text.slice(0, MAX_NAME_CHARS);
    throw new TenonError('BAD_INPUT', `«${shown}» is not a table's name; write it as database.table.`, { name: shown });
  }
  return { database: foldName(checkName(database, 'database')), table: foldName(checkName(table, 'table')) };
}

/** A name as standard SQL quotes it. Postgres and DuckDB read it the same. */
export function quoteIdentifier(name: string): string {
  return `"${withoutNul(name).replaceAll('"', '""')}"`;
}

/** A name as MySQL quotes it, whatever its sql_mode. */
export function quoteBackticks(name: string): string {
  return `\`${withoutNul(name).replaceAll('`', '``')}\``;
}

/** A text as a literal of standard SQL (no backslash escapes), for statements that take no parameters. */
export function quoteLiteral(text: string): string {
  return `'${withoutNul(text).replaceAll("'", "''")}'`;
}

function withoutNul(text: string): string {
  if (text.includes('\0')) throw new TenonError('BAD_INPUT', 'A name or a text for SQL cannot contain the character NUL.');
  return text;
}
