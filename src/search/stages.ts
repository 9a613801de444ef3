import type { Meaning } from './dictionary.ts';
import { fullNameMark, inNameMark, joinedMark, nameMark, quoteLexeme, WEIGHTS } from './lexemes.ts';
import type { Stage } from './search-index.ts';

/** What a search looks for: the query as a name, and what each of its words may stand for. */
export interface Sought {
  readonly key: string;
  readonly meanings: readonly Meaning[];
}

const IN_NAME = WEIGHTS.name;
const IN_NAME_OR_PARENTS = WEIGHTS.name + WEIGHTS.parents;
const ANYWHERE = '';

/** The tsquery whose matches are in a stage or in one before it; undefined where the query has nothing for it. */
export function stageQuery(stage: Stage, sought: Sought): string | undefined {
  switch (stage) {
    case 'full name':
      return quoteLexeme(fullNameMark(sought.key));
    case 'name':
      return quoteLexeme(nameMark(sought.key));
    case 'words':
      return allWords(sought, IN_NAME, ({ word }) => [word]);
    case 'prefix':
      return allWords(sought, IN_NAME, ({ word, longer }) => [word, ...longer]);
    case 'typo':
      return allWords(sought, IN_NAME, allMeanings);
    case 'parents':
      return allWords(sought, IN_NAME_OR_PARENTS, allMeanings);
    case 'description':
      return allWords(sought, ANYWHERE, allMeanings);
    case 'some words':
      // With a single word there is nothing less than all of them.
      return sought.meanings.length < 2 ? undefined : `(${eachWord(sought, ANYWHERE).join('|')})`;
  }
}

/** One tsquery for each word. */
export function eachWord(sought: Sought, weights: string = IN_NAME): string[] {
  return sought.meanings.map((meaning) => anyOf(allMeanings(meaning), weights));
}

/** Matches names that consist of the words, each as it was typed or, where it is not known, as it was probably meant. */
export function wholeName({ meanings }: Sought): string {
  const [only, ...others] = meanings;
  if (only !== undefined && others.length === 0)
    return [only.word, ...only.close].map((term) => quoteLexeme(nameMark(term))).join('|');
  return quoteLexeme(joinedMark(meanings.map(({ word, close }) => close[0] ?? word)));
}

function allMeanings({ word, longer, close }: Meaning): string[] {
  return [word, ...longer, ...close];
}

/** Every word in one of its meanings, or names that are all of them written as one: `order items` also finds orderItems. */
function allWords({ meanings }: Sought, weights: string, of: (meaning: Meaning) => string[]): string | undefined {
  if (meanings.length === 0) return undefined;
  const every = meanings.map((meaning) => anyOf(of(meaning), weights)).join('&');
  return `((${every})|${quoteLexeme(joinedMark(meanings.map(({ word }) => word)))})`;
}

function anyOf(terms: readonly string[], weights: string): string {
  if (weights === IN_NAME) return `(${terms.map((term) => quoteLexeme(inNameMark(term))).join('|')})`;
  return `(${terms.map((term) => quoteLexeme(term) + (weights === ANYWHERE ? '' : `:${weights}`)).join('|')})`;
}
