const DATE = /(\d{4})(-|\/(?:month=|m=)?)(\d\d)(-|\/(?:day=|d=)?)(\d\d)(?!\d)/gi;
const DAY_MS = 86_400_000;

/**
 * A key that lies about `times` pages after a page which begins and ends with these: where numbers or dates count up, they are
 * counted on. It need not exist, and where it really lies only the listing shows. Undefined where nothing counts.
 */
export function keyAhead(first: string, last: string, times: number): string | undefined {
  let at = 0;
  while (at < last.length && first.charCodeAt(at) === last.charCodeAt(at)) at += 1;
  return dateAhead(first, last, at, times) ?? numberAhead(first, last, at, times);
}

/** `dt=2026-01-31`, `2026/01/31` and `year=2026/month=01/day=31`. */
function dateAhead(first: string, last: string, at: number, times: number): string | undefined {
  for (const match of last.matchAll(DATE)) {
    const end = match.index + match[0].length;
    if (at < match.index || at >= end) continue;
    const [before] = first.slice(match.index, end).matchAll(DATE);
    const [from, to] = [daysOf(before), daysOf(match)];
    if (from === undefined || to === undefined || to <= from) return undefined;
    const date = new Date((to + (to - from) * times) * DAY_MS).toISOString();
    if (!/^\d{4}-/.test(date)) return undefined;
    const [, , one = '', , two = ''] = match;
    return `${last.slice(0, match.index)}${date.slice(0, 4)}${one}${date.slice(5, 7)}${two}${date.slice(8, 10)}`;
  }
  return undefined;
}

function daysOf(match: RegExpMatchArray | undefined): number | undefined {
  if (match === undefined) return undefined;
  const [, year, , month, , day] = match;
  const time = Date.UTC(Number(year), Number(month) - 1, Number(day));
  return Number.isNaN(time) ? undefined : time / DAY_MS;
}

/** Numbers of one width. One that would grow wider becomes the last of its width, which no key comes after. */
function numberAhead(first: string, last: string, at: number, times: number): string | undefined {
  let start = at;
  while (start > 0 && isDigit(last, start - 1)) start -= 1;
  const width = widthAt(last, start);
  if (!isDigit(last, at) || widthAt(first, start) !== width || width > 15) return undefined;
  const to = Number(last.slice(start, start + width));
  const next = String(to + (to - Number(first.slice(start, start + width))) * times).padStart(width, '0');
  return last.slice(0, start) + (next.length > width ? '9'.repeat(width) : next);
}

function widthAt(text: string, start: number): number {
  let end = start;
  while (isDigit(text, end)) end += 1;
  return end - start;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}
