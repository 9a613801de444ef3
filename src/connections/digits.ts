/** Numbers and times as they stand in ASCII bytes, without a text made of them. What is none is NaN. */
const ZERO = 48;
/** The longest that are all exact. */
const MAX_DIGITS = 15;

/** From one place to another there are digits and nothing else. */
export function readDigits(bytes: Uint8Array, from: number, to: number): number {
  if (to <= from || to - from > MAX_DIGITS) return Number.NaN;
  let value = 0;
  for (let at = from; at < to; at += 1) {
    const digit = (bytes[at] ?? 0) - ZERO;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** `2026-11-20T12:00:00.000Z`, or without the milliseconds, in milliseconds since 1970. Another way of writing it is NaN. */
export function readTime(bytes: Uint8Array, from: number, to: number): number {
  const hasMs = to - from === 24;
  if ((!hasMs && to - from !== 20) || bytes[to - 1] !== ZULU || bytes[from + 10] !== TIME) return Number.NaN;
  if (bytes[from + 4] !== DASH || bytes[from + 7] !== DASH) return Number.NaN;
  if (bytes[from + 13] !== COLON || bytes[from + 16] !== COLON || (hasMs && bytes[from + 19] !== DOT)) return Number.NaN;
  const day = dayOf(readDigits(bytes, from, from + 4), two(bytes, from + 5), two(bytes, from + 8));
  const hour = two(bytes, from + 11);
  const minute = two(bytes, from + 14);
  const second = two(bytes, from + 17);
  if (hour > 23 || minute > 59 || second > 59) return Number.NaN;
  return day + ((hour * 60 + minute) * 60 + second) * 1_000 + (hasMs ? readDigits(bytes, from + 20, from + 23) : 0);
}

const DASH = 45;
const DOT = 46;
const COLON = 58;
const TIME = 84;
const ZULU = 90;

function two(bytes: Uint8Array, from: number): number {
  return readDigits(bytes, from, from + 2);
}

/** The days of a listing repeat. */
const lastDay = { number: Number.NaN, time: Number.NaN };

function dayOf(year: number, month: number, day: number): number {
  const number = (year * 100 + month) * 100 + day;
  if (number === lastDay.number) return lastDay.time;
  const date = new Date(Date.UTC(year, month - 1, day));
  const isDay = date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  lastDay.number = number;
  lastDay.time = isDay ? date.getTime() : Number.NaN;
  return lastDay.time;
}
