import { z } from 'zod';
import { compileGlob, type Glob } from './glob.ts';
import { isLike, passes, type Filter } from './like.ts';

/**
 * Which tables of a database a crawler looks at.
 *
 * `include` has paths as Glue has them: `shop/public/orders`, `shop/public/ord%`, `shop/%`. `%` stands for anything, but not
 * in the name of the database; `%` alone at the end for all that is below, so that `shop/%` is every table of every schema.
 * `_` is an ordinary character: it is too frequent in names.
 *
 * `exclude` has globs. One without a slash is compared with the table's name, one with slashes with as many names from the
 * end: `public/tmp_*`, `shop/public/tmp_*`.
 *
 * `schemas` and `tables` are the same by name alone. A table is covered when all of them say so.
 */
export interface TableRules {
  readonly include: readonly string[];
  readonly exclude: readonly string[];
  readonly schemas: Filter;
  readonly tables: Filter;
}

const PATTERNS = z.array(z.string().min(1).max(200)).max(200).default([]);
const FILTER = z.strictObject({ include: PATTERNS, exclude: PATTERNS }).default({ include: [], exclude: [] });

/** One pattern on the command line is a text, several are a list. */
const LIST = (item: z.ZodType<string>) =>
  z.preprocess((value) => (typeof value === 'string' ? [value] : value), z.array(item).max(200).default([]));

/** The options of a crawler of databases. `levels`: 3 for `database/schema/table`, 2 for `database/table`. */
export function rulesShape(levels: 2 | 3) {
  const path = levels === 3 ? 'database/schema/table' : 'database/table';
  const isInclude = (text: string) => {
    const names = text.split('/');
    const ends = names.length === levels || (names.length >= 2 && names.length < levels && names.at(-1) === '%');
    return ends && names.every((name) => name !== '') && !names[0]?.includes('%');
  };
  return {
    include: LIST(z.string().max(600).refine(isInclude, `must be ${path}, with % in schema and table only`)),
    exclude: LIST(z.string().min(1).max(600).refine(isGlob, 'is no pattern')),
    schemas: FILTER,
    tables: FILTER,
  };
}

function isGlob(text: string): boolean {
  try {
    return compileGlob(text) !== undefined;
  } catch {
    return false;
  }
}

/** The databases that the paths name, each once. */
export function includedDatabases({ include }: TableRules): string[] {
  return [...new Set(include.map((path) => path.slice(0, path.indexOf('/'))))];
}

/** Whether a table is covered; `path` is its database, its schema where there are schemas, and its name. */
export function compileRules({ include, exclude, schemas, tables }: TableRules): (path: readonly string[]) => boolean {
  const globs = exclude.map((pattern) => ({ glob: compileGlob(pattern), names: pattern.split('/').length }));
  return (path) => {
    const name = path.at(-1) ?? '';
    const schema = path.at(-2) ?? '';
    if (!passes(schemas, schema) || !passes(tables, name)) return false;
    if (include.length > 0 && !include.some((pattern) => isIncluded(pattern.split('/'), path))) return false;
    return !globs.some(({ glob, names }) => isLeftOut(glob, path.slice(-Math.min(names, path.length))));
  };
}

/** A slash within a name must not look like one between two. */
function isLeftOut(glob: Glob, names: readonly string[]): boolean {
  return glob.matches(names.map((name) => name.replaceAll('/', '\u2215')).join('/'));
}

function isIncluded(pattern: readonly string[], path: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '%' && pattern.length <= path.length;
  if (!isOpen && pattern.length !== path.length) return false;
  return pattern.every((part, i) => (i === 0 ? part === path[0] : isLike(part, path[i] ?? '')));
}
