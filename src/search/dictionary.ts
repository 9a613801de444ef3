import { sql } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { terms } from '../db/tables/search.ts';
import { allowedTypos, typosBetween } from './words.ts';

/** Terms that one word of a query may stand for, by how they differ from it. */
export interface Meaning {
  readonly word: string;
  /** In how many documents the word itself stands; 0 for one that is not in the dictionary. */
  readonly documents: number;
  /** Terms that begin with it, the most frequent first. */
  readonly longer: readonly string[];
  /** Terms that are a typo away. Empty until `findTypos` has looked. */
  readonly close: readonly string[];
}

const MAX_LONGER = 30;
const MAX_CLOSE = 10;
/** Terms that share enough letters to be compared letter by letter. */
const MAX_COMPARED = 300;
/**
 * The least share of trigrams that a word of so many letters keeps when two of them are swapped, which costs the most of all
 * single typos: «hvie» has a ninth in common with «hive». A higher one would miss typos, a lower one compare half the dictionary.
 */
const SIMILARITY: Readonly<Record<number, number>> = { 4: 0.1, 5: 0.19, 6: 0.25, 7: 0.3 };
/** Long enough for two typos, most pairs of which leave so much. */
const SIMILARITY_OF_LONG = 0.25;
/** Sorts after every continuation of a prefix. */
const LAST = '\u{10FFFF}';

interface Found extends Record<string, unknown> {
  readonly word: string;
  readonly term: string;
  readonly documents: number;
}

export async function findMeanings(db: Db, words: readonly string[]): Promise<Meaning[]> {
  const { rows } = await db.execute<Found>(sql`
    select asked.word, found.term, found.documents
    from unnest(${sql.param(words)}::text[]) asked (word) cross join lateral (
      (select term, documents from ${terms} where term = asked.word)
      union all
      (select term, documents from ${terms}
       where term ~>~ asked.word and term ~<~ (asked.word || ${LAST})
       order by documents desc, term collate "C" limit ${MAX_LONGER})) found`);
  return words.map((word) => {
    const found = rows.filter((row) => row.word === word);
    return {
      word,
      documents: found.find(({ term }) => term === word)?.documents ?? 0,
      longer: found.flatMap(({ term }) => (term === word ? [] : [term])),
      close: [],
    };
  });
}

/** Looks for typos in the words that the dictionary does not have; a word that it has is taken to be meant. */
export async function findTypos(db: Db, meanings: readonly Meaning[]): Promise<Meaning[]> {
  const unknown = meanings.filter(({ word, documents }) => documents === 0 && allowedTypos(word) > 0).map(({ word }) => word);
  if (unknown.length === 0) return [...meanings];
  const rows = await similarTerms(db, unknown);
  return meanings.map((meaning) => ({ ...meaning, close: closest(meaning, rows) }));
}

function similarTerms(db: Db, words: readonly string[]): Promise<readonly Found[]> {
  const threshold = Math.min(...words.map((word) => SIMILARITY[word.length] ?? SIMILARITY_OF_LONG));
  return db.transaction(async (tx) => {
    await tx.execute(sql`select set_config('pg_trgm.similarity_threshold', ${String(threshold)}, true)`);
    const { rows } = await tx.execute<Found>(sql`
      select asked.word, found.term, found.documents
      from unnest(${sql.param(words)}::text[], ${sql.param(words.map(allowedTypos))}::int[]) asked (word, typos) cross join lateral (
        select term, documents from ${terms}
        where term % asked.word and length(term) between length(asked.word) - typos and length(asked.word) + typos
        order by similarity(term, asked.word) desc, term collate "C" limit ${MAX_COMPARED}) found`);
    return rows;
  });
}

/** Only the nearest: where a term is one typo away, those that are two away are not meant. */
function closest({ word, longer }: Meaning, found: readonly Found[]): string[] {
  const known = new Set(longer);
  const most = allowedTypos(word);
  const compared = found
    .filter((row) => row.word === word && !known.has(row.term))
    .map(({ term, documents }) => ({ term, documents, typos: typosBetween(word, term, most) }))
    .filter(({ typos }) => typos > 0 && typos <= most);
  const nearest = Math.min(...compared.map(({ typos }) => typos));
  return compared
    .filter(({ typos }) => typos === nearest)
    .sort((a, b) => b.documents - a.documents || (a.term < b.term ? -1 : 1))
    .slice(0, MAX_CLOSE)
    .map(({ term }) => term);
}
