import type { Document, DocumentKind, SearchQuery } from './search-index.ts';
import { foldText, joinWords, splitNames, wordsAndWholes, wordsOf } from './words.ts';

/**
 * What stands in the tsvector of a document. Words carry the weight of their field: A for the name, B for its parents, C
 * for the description. Marks carry none; they begin with a sign that no word has, and are matched whole:
 * `==lake.orders.price` the full name, `=price` and `=orders.price` its endings, `@lake` the database, `#column` the kind, and
 * `~customerid` what is also found when it is written as one word. Those are no words, because there are as many of them as
 * names: the dictionary would be ten times as large, and looking for typos in it as slow. `-customer` is a word of the name
 * once more: an index knows no weights, so for the weight alone each column of a table named customer would have to be read.
 */
export const WEIGHTS = { name: 'A', parents: 'B', description: 'C' } as const;

/** A place for each weight: Postgres keeps a weight only beside a position. */
const POSITIONS = { A: 1, B: 2, C: 3 } as const;
const MAX_MARK_CHARS = 400;
/** Of one description; the first ones. */
const MAX_DESCRIPTION_WORDS = 200;

export interface Words {
  readonly name: readonly string[];
  readonly parents: readonly string[];
  readonly description: readonly string[];
}

export function documentWords(document: Document): Words {
  return {
    name: unique(wordsOf(document.path.at(-1) ?? '')),
    parents: unique(document.path.slice(0, -1).flatMap(wordsOf)),
    description: unique(wordsAndWholes(document.description ?? '')).slice(0, MAX_DESCRIPTION_WORDS),
  };
}

/** The text of the tsvector. */
export function documentVector(document: Document, words: Words): string {
  const places = new Map<string, string[]>();
  for (const field of ['name', 'parents', 'description'] as const) {
    const weight = WEIGHTS[field];
    for (const word of words[field]) places.set(word, [...(places.get(word) ?? []), `${POSITIONS[weight]}${weight}`]);
  }
  const weighted = [...places].map(([word, at]) => `${quoteLexeme(word)}:${at.join(',')}`);
  return [...weighted, ...documentMarks(document).map(quoteLexeme)].join(' ');
}

function documentMarks({ kind, path }: Document): string[] {
  const names = path.map(nameKey);
  const endings = names.map((_, i) => nameMark(names.slice(i).join('.')));
  const own = path.at(-1) ?? '';
  const joined = [wordsOf(own), ...splitNames(own)].filter((words) => words.length > 1).map(joinedMark);
  return unique([
    fullNameMark(names.join('.')),
    ...endings,
    ...joined,
    ...wordsOf(own).map(inNameMark),
    databaseMark(names[0] ?? ''),
    kindMark(kind),
  ]);
}

/** How a name is compared: folded, and without what only tells its parts apart, as in `items[].price` or `"odd name"`. */
export function nameKey(text: string): string {
  return foldText(text)
    .replace(/\[\]|\{key\}|\{value\}|["`\0]/g, '')
    .trim();
}

export function isMark(lexeme: string): boolean {
  return /^[=@#~-]/.test(lexeme);
}

export function fullNameMark(key: string): string {
  return `==${key}`.slice(0, MAX_MARK_CHARS);
}

export function nameMark(key: string): string {
  return `=${key}`.slice(0, MAX_MARK_CHARS);
}

export function joinedMark(words: readonly string[]): string {
  return `~${joinWords(words)}`;
}

export function inNameMark(word: string): string {
  return `-${word}`;
}

function databaseMark(key: string): string {
  return `@${key}`.slice(0, MAX_MARK_CHARS);
}

function kindMark(kind: DocumentKind): string {
  return `#${kind}`;
}

/** The conditions of a query's filters, as parts of a tsquery. */
export function filterMarks(query: Pick<SearchQuery, 'database'>, kinds: readonly DocumentKind[]): string[] {
  const database = query.database === undefined ? [] : [quoteLexeme(databaseMark(nameKey(query.database)))];
  return [...database, `(${kinds.map((kind) => quoteLexeme(kindMark(kind))).join('|')})`];
}

/** For tsvector and tsquery alike: inside quotes only the quote and the backslash mean something. */
export function quoteLexeme(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
