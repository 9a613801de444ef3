import { foldName } from '../model/names.ts';
import type { ClassifyLimits } from './classifier.ts';
import { textKind, typeOfKinds, type TextGuess } from './infer.ts';

/**
 * Glue's rule: the first row is a header when each of its cells is a text, shorter than 150 characters and fit for a
 * name (an empty one only if pandas wrote its index there, or a delimiter trails), and some later row has a value that is
 * more than a text. A table of texts alone has no header that one could tell. A file of one row has nothing but names.
 */
export function csvHeader(first: readonly string[], guesses: readonly TextGuess[], limits: ClassifyLimits): boolean {
  if (!canBeHeader(first, limits)) return false;
  if (guesses.every((guess) => guess.kinds.size === 0 && guess.nulls.size === 0)) return first.some((cell) => cell !== '');
  return guesses.some((guess) => guess.kinds.size > 0 && typeOfKinds(guess.kinds).kind !== 'string');
}

export function canBeHeader(first: readonly string[], limits: ClassifyLimits): boolean {
  return first.every((cell, i) => isName(cell, i, first.length, limits));
}

function isName(cell: string, at: number, width: number, limits: ClassifyLimits): boolean {
  if (cell === '') return at === 0 || at === width - 1;
  return cell.length < limits.headerLength && textKind(cell) === 'string' && !/\p{Cc}/u.test(cell);
}

/** Names of columns: as they stand there but for spaces around them, `col0`, `col1` … for none, and never the same twice, whatever its case. */
export function csvNames(cells: readonly string[]): string[] {
  const used = new Set<string>();
  return cells.map((cell, i) => {
    const wanted = cell.trim() === '' ? `col${i}` : cell.trim();
    let name = wanted;
    for (let n = 1; used.has(foldName(name)); n += 1) name = `${wanted}_${n}`;
    used.add(foldName(name));
    return name;
  });
}
