import { MAX_DECIMAL_PRECISION, simple, type ColumnType } from '../model/types.ts';
import { numberKind, type NumberKind } from './number-kind.ts';

/**
 * What a text may be read as without a loss and without a doubt. Everything doubtful is `string`: a code with leading
 * zeros, a telephone number, more digits than a bigint surely holds. The engine casts silently (it rounds 5.7 to 6), so a
 * wrong guess here would be a wrong number there.
 */
export type TextKind = NumberKind | 'special' | 'boolean' | 'date' | 'timestamp' | 'timestamptz' | 'string';

const SPECIAL = /^(?:nan|[+-]?inf(?:inity)?)$/i;
const BOOLEAN = /^(?:true|false)$/i;
const TIMESTAMP =
  /^(\d{4}-\d\d-\d\d)[ T]([01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6}0*)?)?(Z|[+-](?:0\d|1[0-4])(?::?[0-5]\d)?)?$/;
const MINUS = 0x2d;

export function textKind(text: string): TextKind {
  const first = text.charCodeAt(0);
  if (first <= 0x39) return digitKind(text, first);
  // Of the letters only those of true, false, nan and inf can start anything but a string: decided without a pattern.
  if (!isTelling(first) || text.length > 9) return 'string';
  if (BOOLEAN.test(text)) return 'boolean';
  return SPECIAL.test(text) ? 'special' : 'string';
}

function isTelling(code: number): boolean {
  const letter = code | 0x20;
  return letter === 0x74 || letter === 0x66 || letter === 0x6e || letter === 0x69;
}

function digitKind(text: string, first: number): TextKind {
  const number = numberKind(text);
  if (number !== undefined) return number;
  if (text.charCodeAt(4) === MINUS && text.charCodeAt(7) === MINUS && first >= 0x30) {
    if (text.length === 10) return isDate(text) ? 'date' : 'string';
    const time = TIMESTAMP.exec(text);
    if (time !== null && isDate(time[1] ?? '')) return time[3] === undefined ? 'timestamp' : 'timestamptz';
  }
  return (first === 0x2b || first === MINUS) && SPECIAL.test(text) ? 'special' : 'string';
}

const MONTH_DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** Ten characters with a minus at the fifth and the eighth place: a day that there was? */
function isDate(text: string): boolean {
  const year = digitsAt(text, 0, 4);
  const month = digitsAt(text, 5, 7);
  const day = digitsAt(text, 8, 10);
  // What is no digit has made one of them no number, and no comparison with that is true.
  if (!(year > 0 && month > 0 && day > 0)) return false;
  if (day > (MONTH_DAYS[month - 1] ?? 0)) return false;
  return month !== 2 || day < 29 || (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0));
}

/** Digits of numbers with a point, as many as any of them has on either side of it. */
export interface Digits {
  readonly whole: number;
  readonly fraction: number;
}

function digitsAt(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Any bigint fits in front of the point of a decimal, so that a file with larger whole numbers does not change the type. */
const WHOLE_DIGITS = 19;

/** The type that holds every one of these kinds exactly. Nothing seen is a string: it promises least. */
export function typeOfKinds(kinds: ReadonlySet<TextKind>, digits?: Digits): ColumnType {
  const only = (...allowed: TextKind[]): boolean => kinds.size > 0 && [...kinds].every((kind) => allowed.includes(kind));
  if (only('int', 'long')) return simple('bigint');
  // `12E4` alone may be a code, and `nan` a name: both count as numbers only among numbers.
  if (only('int', 'float', 'scientific', 'exponent', 'special')) {
    const clear = kinds.has('float') || kinds.has('scientific') || (kinds.has('int') && !kinds.has('exponent'));
    return simple(clear ? 'double' : 'string');
  }
  if (only('int', 'long', 'float', 'exact')) return exactType(digits);
  if (only('boolean')) return simple('boolean');
  if (only('date')) return simple('date');
  if (only('date', 'timestamp')) return simple('timestamp');
  if (only('timestamptz')) return simple('timestamptz');
  return simple('string');
}

/** A double would lose digits of some value; a decimal keeps them, where one is long enough for all. */
function exactType(digits: Digits | undefined): ColumnType {
  if (digits === undefined) return simple('string');
  const precision = Math.max(digits.whole, WHOLE_DIGITS) + digits.fraction;
  return precision > MAX_DECIMAL_PRECISION ? simple('string') : { kind: 'decimal', precision, scale: digits.fraction };
}
