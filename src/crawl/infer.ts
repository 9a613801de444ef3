import { simple, type ColumnType } from '../model/types.ts';

/**
 * What a text may be read as without a loss and without a doubt. Everything doubtful is `string`: a code with leading
 * zeros, a telephone number, more digits than a bigint surely holds. The engine casts silently (it rounds 5.7 to 6), so a
 * wrong guess here would be a wrong number there.
 */
export type TextKind =
  | 'int'
  | 'long'
  | 'float'
  | 'exponent'
  | 'special'
  | 'boolean'
  | 'date'
  | 'timestamp'
  | 'timestamptz'
  | 'string';

const INT = /^ *-?(?:0|[1-9]\d{0,17}) *$/;
const FLOAT = /^ *-?(?:0|[1-9]\d*)?\.\d+(?:e[+-]?\d{1,3})? *$|^ *-?(?:0|[1-9]\d*)\.(?:e[+-]?\d{1,3})? *$/i;
const EXPONENT = /^-?[1-9]\d*e[+-]?\d{1,3}$/i;
const SPECIAL = /^(?:nan|[+-]?inf(?:inity)?)$/i;
const BOOLEAN = /^(?:true|false)$/i;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIMESTAMP =
  /^(\d{4}-\d\d-\d\d)[ T]([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6}0*)?)?(Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$/;

export function textKind(text: string): TextKind {
  const first = text.charCodeAt(0);
  // Letters but e, f, i, n, t can only start a string: the common case, decided without a pattern.
  if (first > 0x7a || (first > 0x39 && !/^[einft]/i.test(text))) return 'string';
  if (INT.test(text)) return Math.abs(Number(text)) > Number.MAX_SAFE_INTEGER ? 'long' : 'int';
  if (FLOAT.test(text)) return 'float';
  if (isDate(text)) return 'date';
  const time = TIMESTAMP.exec(text);
  if (time !== null && isDate(time[1] ?? '')) return time[3] === undefined ? 'timestamp' : 'timestamptz';
  if (BOOLEAN.test(text)) return 'boolean';
  if (EXPONENT.test(text)) return 'exponent';
  return SPECIAL.test(text) ? 'special' : 'string';
}

function isDate(text: string): boolean {
  const match = DATE.exec(text);
  if (match === null || match[1] === '0000') return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.getUTCDate() === Number(match[3]);
}

/** The type that holds every one of these kinds exactly. Nothing seen is a string: it promises least. */
export function typeOfKinds(kinds: ReadonlySet<TextKind>): ColumnType {
  const only = (...allowed: TextKind[]): boolean => kinds.size > 0 && [...kinds].every((kind) => allowed.includes(kind));
  if (only('int', 'long')) return simple('bigint');
  // `12E4` alone may be a code, and `nan` a name: both count as numbers only among numbers.
  if (only('int', 'float', 'exponent', 'special') && (kinds.has('float') || (kinds.has('int') && !kinds.has('exponent'))))
    return simple('double');
  if (only('boolean')) return simple('boolean');
  if (only('date')) return simple('date');
  if (only('date', 'timestamp')) return simple('timestamp');
  if (only('timestamptz')) return simple('timestamptz');
  return simple('string');
}

/** Spellings of «no value». The first three can hardly be anything else; the others are also words of somebody's language. */
const CLEAR_NULLS: readonly string[] = ['\\N', 'NULL', 'null'];
const NULLS: ReadonlySet<string> = new Set([...CLEAR_NULLS, 'NA', 'N/A', 'n/a', '#N/A', 'None', '-']);

/** What was seen in one column of a text table. */
export interface TextGuess {
  readonly kinds: Set<TextKind>;
  /** Spellings of null that were met. */
  readonly nulls: Set<string>;
}

export function textGuess(): TextGuess {
  return { kinds: new Set(), nulls: new Set() };
}

export function observeText(guess: TextGuess, text: string): void {
  if (text === '') return;
  if (NULLS.has(text)) guess.nulls.add(text);
  // Once it is a string, nothing makes it anything else; only spellings of null are still of interest.
  else if (!guess.kinds.has('string')) guess.kinds.add(textKind(text));
}

/**
 * Which spelling of null, besides the empty text, the whole file uses. A reader applies it to all columns, so an unclear
 * one (`NA`: also Namibia) counts only when it gives some column a type and stands in no column of strings.
 */
export function chooseNull(guesses: readonly TextGuess[]): string | undefined {
  const helps = new Map<string, number>();
  const strings = new Set<string>();
  for (const guess of guesses) {
    const typed = guess.kinds.size > 0 && typeOfKinds(guess.kinds).kind !== 'string';
    for (const spelling of guess.nulls) {
      if (typed) helps.set(spelling, (helps.get(spelling) ?? 0) + 1);
      else if (guess.kinds.size > 0 && !CLEAR_NULLS.includes(spelling)) strings.add(spelling);
    }
  }
  const usable = [...helps].filter(([spelling]) => !strings.has(spelling));
  return usable.toSorted((a, b) => b[1] - a[1])[0]?.[0];
}

export function guessedType(guess: TextGuess, nullText: string | undefined): ColumnType {
  const others = [...guess.nulls].some((spelling) => spelling !== nullText);
  return others ? simple('string') : typeOfKinds(guess.kinds);
}
