/** Cells that are wider are cut, so that one long value does not push the others off the screen. */
const MAX_CELL = 60;

/** Rows under their headings, columns aligned; numbers to the right. Control characters are shown, not sent to the terminal. */
export function textTable(headings: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cells = rows.map((row) => headings.map((_, index) => cellText(row[index])));
  const numeric = headings.map((_, index) => rows.length > 0 && rows.every((row) => row[index] === null || isNumber(row[index])));
  const widths = headings.map((heading, index) => Math.max(width(heading), ...cells.map((row) => width(row[index] ?? ''))));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => pad(cell, widths[index] ?? 0, numeric[index] ?? false))
      .join('  ')
      .trimEnd();
  return [line(headings), line(widths.map((length) => '─'.repeat(length))), ...cells.map(line)].join('\n');
}

function isNumber(value: unknown): boolean {
  return typeof value === 'number' || (typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value));
}

export function cellText(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  const shown = plain(text);
  return [...shown].length > MAX_CELL ? `${[...shown].slice(0, MAX_CELL - 1).join('')}…` : shown;
}

/** Names and values come from outside; an escape sequence in one must not reach the terminal. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (sign) => {
    const short = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }[sign];
    return short ?? `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`;
  });
}

function width(text: string): number {
  return [...text].length;
}

function pad(text: string, to: number, right: boolean): string {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  return right ? space + text : text + space;
}
