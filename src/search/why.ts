import type { Meaning } from './dictionary.ts';
import type { Words } from './lexemes.ts';
import type { Stage, Why } from './search-index.ts';

const FIELDS = ['name', 'parents', 'description'] as const;

/** What a reader wants to know of a hit: for each word of the query, where it was found and as what. */
export function explain(stage: Stage, name: string, words: Words, meanings: readonly Meaning[]): Why[] {
  if (stage === 'full name' || stage === 'name') return [{ field: 'name', reason: `is exactly «${name}»` }];
  const found = meanings.map((meaning) => explainWord(words, meaning));
  // The words of the query, written as one: that has no word of its own in the document.
  const joined = stage !== 'some words' && found.some(({ field }) => field === 'query');
  return joined ? [{ field: 'name', reason: `is «${meanings.map(({ word }) => word).join('')}», written as one word` }] : found;
}

function explainWord(words: Words, meaning: Meaning): Why {
  for (const field of FIELDS) {
    const reason = match(new Set(words[field]), meaning);
    if (reason !== undefined) return { field, reason };
  }
  return { field: 'query', reason: `«${meaning.word}» was not found here` };
}

function match(words: ReadonlySet<string>, { word, longer, close }: Meaning): string | undefined {
  if (words.has(word)) return `has «${word}»`;
  const begun = longer.find((term) => words.has(term));
  if (begun !== undefined) return `«${begun}» begins with «${word}»`;
  const meant = close.find((term) => words.has(term));
  return meant === undefined ? undefined : `«${word}» is close to «${meant}»`;
}
