import { TenonError } from '../model/errors.ts';

/**
 * Refuses text that Postgres cannot keep exactly: the character NUL, and halves of surrogate pairs (which would come back
 * as another character). Everything else is kept as it is. `what` is for the message: `name of a column`.
 */
export function checkText(text: string, what: string): string {
  if (!/[\0\p{Cs}]/u.test(text)) return text;
  throw new TenonError('BAD_INPUT', `The ${what} contains NUL or half a character.`, { what, text: text.slice(0, 200) });
}

/** The same for every text in plain data: keys of objects and what they hold. */
export function checkTexts(data: unknown, what: string): void {
  if (typeof data === 'string') checkText(data, what);
  if (typeof data !== 'object' || data === null) return;
  for (const [key, value] of Object.entries(data)) {
    checkText(key, what);
    checkTexts(value, what);
  }
}

/** One element for a `text[]` parameter that is to be cast to `text[]` itself: Postgres has no arrays of arrays. */
export function arrayLiteral(values: readonly (string | null)[]): string {
  const quoted = values.map((value) => (value === null ? 'NULL' : `"${value.replace(/["\\]/g, '\\$&')}"`));
  return `{${quoted.join(',')}}`;
}
