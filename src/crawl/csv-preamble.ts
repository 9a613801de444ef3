import type { ClassifyLimits } from './classifier.ts';
import { csvHeader } from './csv-header.ts';
import type { Records } from './csv-records.ts';
import { observeText, textGuess } from './text-guess.ts';

/** Titles and comments take no more records than this. */
const MAX_RECORDS = 30;

/** Excel's own first line: `sep=;`. */
export function separatorLine(text: string): string | undefined {
  return /^sep=(.)\r?\n/i.exec(text.slice(0, 8))?.[1];
}

/**
 * How many records stand in front of the table: titles, comments, the date of an export. They are shorter than half of what
 * most records have, or begin as comments do; a header that lacks a name is not among them.
 */
export function preambleRecords(rows: readonly (readonly string[])[]): number {
  const longest = rows.reduce((most, row) => Math.max(most, row.length), 0);
  if (rows[0]?.length === longest) return 0;
  const width = commonWidth(rows);
  const start = rows.findIndex((row) => row.length === width);
  if (width < 2 || start < 1 || start > MAX_RECORDS || rows.length - start < 2) return 0;
  const isTitle = (row: readonly string[]): boolean =>
    row.length === 1 || row.length * 2 <= width || /^\s*[#%]/.test(row[0] ?? '');
  return rows.slice(0, start).every(isTitle) && rows.slice(start).every((row) => row.length <= width) ? start : 0;
}

function commonWidth(rows: readonly (readonly string[])[]): number {
  const counts = new Map<number, number>();
  for (const { length } of rows) counts.set(length, (counts.get(length) ?? 0) + 1);
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? 0;
}

/**
 * The same for what a spreadsheet exports, where titles are as wide as the table and mostly empty. They are titles only if the
 * first full record is a header for what follows: a table without one may well begin with gaps.
 */
export function sparseRecords(rows: readonly (readonly string[])[], limits: ClassifyLimits): number {
  const width = rows[0]?.length ?? 0;
  if (width < 3 || !isSparse(rows[0] ?? [])) return 0;
  const start = rows.findIndex((row) => !isSparse(row));
  if (start < 1 || start > MAX_RECORDS || rows[start]?.includes('') !== false) return 0;
  const guesses = (rows[start] ?? []).map((_, i) => {
    const guess = textGuess();
    for (const row of rows.slice(start + 1)) observeText(guess, row[i] ?? '');
    return guess;
  });
  return rows.length - start > 2 && csvHeader(rows[start] ?? [], guesses, limits) ? start : 0;
}

function isSparse(row: readonly string[]): boolean {
  return row.filter((cell) => cell === '').length * 2 >= row.length;
}

/** The records from one on; the lines before it are to be skipped. */
export function recordsFrom(records: Records, start: number): Records {
  return start === 0 ? records : { ...records, rows: records.rows.slice(start), blankLines: records.lines[start] ?? 0 };
}
