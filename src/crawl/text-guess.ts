import { simple, type ColumnType } from '../model/types.ts';
import { textKind, typeOfKinds, type TextKind } from './infer.ts';

/** Spellings of «no value». The first three can hardly be anything else; the others are also words of somebody's language. */
const CLEAR_NULLS: readonly string[] = ['\\N', 'NULL', 'null'];
/** Written by programs for a number that is not there; in a column of two capital letters `NA` is Namibia. */
const LIKELY_NULLS: readonly string[] = ['NA', 'N/A', 'n/a', '#N/A'];
const NULLS: ReadonlySet<string> = new Set([...CLEAR_NULLS, ...LIKELY_NULLS, 'None', '-']);
const LONGEST_NULL = 4;

/** What was seen in one column of a text table. */
export interface TextGuess {
  readonly kinds: Set<TextKind>;
  /** Spellings of null that were met. */
  readonly nulls: Set<string>;
  /** Values that were neither empty nor a spelling of null. */
  values: number;
  /** Of them, those that are numbers of bank cards by their form and their check digit. */
  cards: number;
  /** Of numbers with a point: the most digits on either side of it. */
  whole: number;
  fraction: number;
  /** All values but spellings of null are two capital letters, like codes of countries. */
  codes: boolean;
  /** The kind that was added last: mostly it is the next one too, and need not be looked for among the others. */
  last: TextKind | undefined;
}

export function textGuess(): TextGuess {
  return { kinds: new Set(), nulls: new Set(), values: 0, cards: 0, whole: 0, fraction: 0, codes: true, last: undefined };
}

export function observeText(guess: TextGuess, text: string): void {
  if (text === '') return;
  if (text.length <= LONGEST_NULL && NULLS.has(text)) {
    guess.nulls.add(text);
    return;
  }
  guess.values += 1;
  if (guess.codes && !/^[A-Z]{2}$/.test(text)) guess.codes = false;
  // Once it is a string, nothing makes it anything else; only spellings of null are still of interest.
  if (guess.last === 'string') return;
  const kind = textKind(text);
  if (kind !== guess.last) {
    guess.kinds.add(kind);
    guess.last = kind;
  }
  if (kind === 'int' || kind === 'long') {
    if (text.length >= 15 && isCard(text)) guess.cards += 1;
  } else if (kind === 'float' || kind === 'exact') measure(guess, text);
}

function measure(guess: TextGuess, text: string): void {
  const plain = text.trim();
  const point = plain.indexOf('.');
  guess.whole = Math.max(guess.whole, point - (plain.startsWith('-') ? 1 : 0));
  guess.fraction = Math.max(guess.fraction, plain.length - point - 1);
}

/** Fifteen or sixteen digits that begin as those of cards do and end with the check digit that belongs to them. */
function isCard(text: string): boolean {
  if (!/^[3-6]\d{14,15}$/.test(text)) return false;
  let sum = 0;
  for (let i = 0; i < text.length; i += 1) {
    const digit = text.charCodeAt(text.length - 1 - i) - 0x30;
    sum += i % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum % 10 === 0;
}

/** One number in ten has a right check digit by chance: so many together have not. */
const MIN_CARDS = 3;

/** What was seen besides nulls; which of them are nulls is decided for the whole file. */
function valuesType(guess: TextGuess): ColumnType {
  if (guess.cards >= MIN_CARDS && guess.cards === guess.values) return simple('string');
  return typeOfKinds(guess.kinds, guess);
}

/** Whether a column has values that are more than a text. */
export function isTyped(guess: TextGuess): boolean {
  return guess.kinds.size > 0 && typeOfKinds(guess.kinds, guess).kind !== 'string';
}

/**
 * Which spelling of null, besides the empty text, the whole file uses. A reader applies it to all columns, so an unclear
 * one (`NA`: also Namibia) counts only when it gives some column a type, and stands in no column of strings where it may be
 * a value like the others.
 */
export function chooseNull(guesses: readonly TextGuess[]): string | undefined {
  const helps = new Map<string, number>();
  const strings = new Set<string>();
  for (const guess of guesses) {
    const typed = isTyped(guess);
    for (const spelling of guess.nulls) {
      if (typed) helps.set(spelling, (helps.get(spelling) ?? 0) + 1);
      else if (guess.kinds.size > 0 && mayBeValue(guess, spelling)) strings.add(spelling);
    }
  }
  const usable = [...helps].filter(([spelling]) => !strings.has(spelling));
  return usable.toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

function mayBeValue({ codes }: TextGuess, spelling: string): boolean {
  if (CLEAR_NULLS.includes(spelling)) return false;
  return codes || !LIKELY_NULLS.includes(spelling);
}

export function guessedType(guess: TextGuess, nullText: string | undefined): ColumnType {
  const others = [...guess.nulls].some((spelling) => spelling !== nullText);
  return others ? simple('string') : valuesType(guess);
}

/** Both together: what a column holds with its first value, which may be a name. */
export function addGuess(to: TextGuess, from: TextGuess): void {
  for (const kind of from.kinds) to.kinds.add(kind);
  if (to.kinds.has('string')) to.last = 'string';
  for (const spelling of from.nulls) to.nulls.add(spelling);
  to.values += from.values;
  to.cards += from.cards;
  to.whole = Math.max(to.whole, from.whole);
  to.fraction = Math.max(to.fraction, from.fraction);
  to.codes &&= from.codes;
}
