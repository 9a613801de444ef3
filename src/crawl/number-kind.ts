/**
 * Kinds of numbers in text. `int`: an integer that a double holds exactly; `long`: one that a bigint surely holds; `float`: what a
 * double keeps digit for digit, or was printed from one; `exact`: more digits than that behind a point; `scientific`: with a point
 * and an exponent; `exponent`: without a point (`12E4`: it may also be a code).
 */
export type NumberKind = 'int' | 'long' | 'float' | 'exact' | 'scientific' | 'exponent';

/** More digits than this are no number but a code, if there is no point in them: not every such number is a bigint. */
const MAX_LONG_DIGITS = 18;
/** So many significant digits a double keeps, whichever they are. */
const DOUBLE_DIGITS = 15;

const SPACE = 0x20;
const POINT = 0x2e;
const MINUS = 0x2d;
const ZERO = 0x30;

/**
 * What number a text is, if any: spaces around it, a minus sign, no plus, no leading zeros. By hand, since this is asked of every
 * value of every sample.
 */
export function numberKind(text: string): NumberKind | undefined {
  let at = 0;
  let end = text.length;
  while (at < end && text.charCodeAt(at) === SPACE) at += 1;
  while (end > at && text.charCodeAt(end - 1) === SPACE) end -= 1;
  if (text.charCodeAt(at) === MINUS) at += 1;
  const whole = digitsEnd(text, at, end);
  const wholeDigits = whole - at;
  if (wholeDigits > 1 && text.charCodeAt(at) === ZERO) return undefined;
  if (whole === end) return wholeDigits === 0 ? undefined : integerKind(text, at, end);
  if (text.charCodeAt(whole) !== POINT) return isExponent(text, whole, end) && isCodeLike(text, at, end) ? 'exponent' : undefined;
  const fraction = digitsEnd(text, whole + 1, end);
  if (wholeDigits + fraction - whole - 1 === 0) return undefined;
  if (fraction < end) return isExponent(text, fraction, end) ? 'scientific' : undefined;
  return wholeDigits + fraction - whole - 1 <= DOUBLE_DIGITS || isPrintOfDouble(text.slice(at, end)) ? 'float' : 'exact';
}

function digitsEnd(text: string, from: number, end: number): number {
  let at = from;
  while (at < end) {
    const code = text.charCodeAt(at);
    if (code < ZERO || code > 0x39) break;
    at += 1;
  }
  return at;
}

function integerKind(text: string, at: number, end: number): NumberKind | undefined {
  if (end - at <= DOUBLE_DIGITS) return 'int';
  if (end - at > MAX_LONG_DIGITS) return undefined;
  return Number(text.slice(at, end)) > Number.MAX_SAFE_INTEGER ? 'long' : 'int';
}

/** `e`, a sign or none, and one to three digits up to the end. */
function isExponent(text: string, at: number, end: number): boolean {
  return (text.charCodeAt(at) | 0x20) === 0x65 && end - at <= 5 && /^e[+-]?\d{1,3}$/i.test(text.slice(at, end));
}

/** Without a point there are no spaces around it, and no zero in front. */
function isCodeLike(text: string, at: number, end: number): boolean {
  const start = at > 0 && text.charCodeAt(at - 1) === MINUS ? at - 1 : at;
  return start === 0 && end === text.length && text.charCodeAt(at) !== ZERO;
}

/** More digits than a double keeps, but those that a double prints with (`0.30000000000000004`): no digit is lost in one. */
function isPrintOfDouble(text: string): boolean {
  // As most programs print it: the shortest text from which the same double comes.
  if (String(Number(text)) === text) return true;
  const significant = text.replace('.', '').replace(/^0+/, '');
  if (significant.length <= DOUBLE_DIGITS) return true;
  if (significant.length > 100) return false;
  return (
    Number(text)
      .toExponential(significant.length - 1)
      .replace('.', '')
      .split('e')[0] === significant
  );
}
