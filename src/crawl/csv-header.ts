import { foldName } from '../model/names.ts';
import type { ClassifyLimits } from './classifier.ts';
import { textKind } from './infer.ts';
import { isTyped, type TextGuess } from './text-guess.ts';

/**
 * Glue's rule: the first row is a header when each of its cells is a text, shorter than 150 characters and fit for a
 * name (an empty one only if pandas wrote its index there, or a delimiter trails), and some later row has a value that is
 * more than a text. A file of one row has nothing but names.
 */
export function csvHeader(first: readonly string[], guesses: readonly TextGuess[], limits: ClassifyLimits): boolean {
  if (!canBeHeader(first, limits)) return false;
  if (guesses.every((guess) => guess.values === 0 && guess.nulls.size === 0)) return first.some((cell) => cell !== '');
  return guesses.some(isTyped);
}

/**
 * Glue's rule and what it misses: years as names, a name that is missing in the middle, and a table of texts alone whose
 * first row has another form than all others. `rows` are those after the first.
 */
export function likelyHeader(
  first: readonly string[],
  guesses: readonly TextGuess[],
  rows: readonly (readonly string[])[],
  limits: ClassifyLimits,
): boolean {
  if (csvHeader(first, guesses, limits)) return true;
  if (!first.every((cell, i) => isName(cell, i, first.length, limits) || cell === '' || isYear(cell, guesses[i]))) return false;
  if (first.some((cell, i) => cell !== '' && !isYear(cell, guesses[i]) && isTypedAt(guesses, i))) return true;
  if (hasYears(first, guesses)) return true;
  return isOfOtherForm(first, rows);
}

export function canBeHeader(first: readonly string[], limits: ClassifyLimits): boolean {
  return first.every((cell, i) => isName(cell, i, first.length, limits));
}

function isName(cell: string, at: number, width: number, limits: ClassifyLimits): boolean {
  if (cell === '') return at === 0 || at === width - 1;
  return cell.length < limits.headerLength && textKind(cell) === 'string' && !/\p{Cc}/u.test(cell);
}

function isTypedAt(guesses: readonly TextGuess[], at: number): boolean {
  const guess = guesses[at];
  return guess !== undefined && isTyped(guess);
}

/** A year above values of another kind than whole numbers, or above none. */
function isYear(cell: string, guess: TextGuess | undefined): boolean {
  return /^(19|20)\d\d$/.test(cell) && guess !== undefined && !guess.kinds.has('int');
}

/** Years that follow one another, beside at least one name. */
function hasYears(first: readonly string[], guesses: readonly TextGuess[]): boolean {
  const years = first.filter((cell, i) => isYear(cell, guesses[i])).map(Number);
  const rising = years.every((year, i) => i === 0 || year > (years[i - 1] ?? 0));
  return years.length >= 2 && rising && years.length < first.length;
}

/** Fewer rows may have something in common by chance. */
const MIN_ROWS = 3;
/** What texts may have in them that names of columns rarely have. */
const FORMS: readonly RegExp[] = [/\d/, /\s/, /^\p{Lu}/u, /^\P{Ll}+$/u, /[^\p{L}\p{N}_\s]/u];

/**
 * A table of texts shows its header only by its form: names that differ, of which none is met below, and most columns have
 * something in every value (a digit, a space, a capital) that their name has not.
 */
function isOfOtherForm(first: readonly string[], rows: readonly (readonly string[])[]): boolean {
  if (rows.length < MIN_ROWS || new Set(first.map(foldName)).size < first.length) return false;
  if (!first.every((cell) => /^[\p{L}_][\p{L}\p{N}_ .#/()-]*$/u.test(cell) && cell.length <= 60)) return false;
  let other = 0;
  for (const [i, name] of first.entries()) {
    const values = rows.flatMap((row) => (row[i] === undefined || row[i] === '' ? [] : [row[i]]));
    if (values.includes(name)) return false;
    if (values.length >= MIN_ROWS && FORMS.some((form) => !form.test(name) && values.every((value) => form.test(value))))
      other += 1;
  }
  return other * 2 > first.length || other === first.length;
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
