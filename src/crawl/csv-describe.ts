import type { Column, Format } from '../model/schema.ts';
import { BLANK } from './blank.ts';
import type { Classification, ClassifyLimits, Reading } from './classifier.ts';
import type { Found } from './csv-dialect.ts';
import { canBeHeader, csvNames, likelyHeader } from './csv-header.ts';
import type { Records } from './csv-records.ts';
import type { Head } from './head.ts';
import type { Text } from './text.ts';
import { addGuess, chooseNull, guessedType, observeText, textGuess, type TextGuess } from './text-guess.ts';

/** A text table as far as it was read. */
export interface SeenCsv {
  readonly path: string;
  readonly head: Head;
  readonly text: Text;
  readonly found: Found;
  readonly records: Records;
  readonly named: boolean;
  readonly limits: ClassifyLimits;
}

/** What the columns hold: below the first record, and with it. Found out once, as every value is looked at for it. */
interface Guesses {
  readonly below: readonly TextGuess[];
  readonly all: readonly TextGuess[];
}

/** Columns, types and options of a text table, by its records. */
export function describeCsv(seen: SeenCsv): Classification {
  const { records, text, path, limits } = seen;
  const guesses = guessColumns(records.rows);
  const header = likelyHeader(records.rows[0] ?? [], guesses.below, records.rows.slice(1), limits);
  const nullText = chooseNull(header ? guesses.below : guesses.all);
  return {
    format: formatOf(seen, header, nullText),
    ...reading(seen, guesses, header, nullText),
    confidence: seen.named ? 0.9 : 0.5,
    ...(text.mark && text.encoding === 'utf-8' && { notes: [`${path} begins with a byte order mark.`] }),
    as: (format) => readAs(seen, guesses, header, format),
  };
}

function guessColumns(rows: readonly (readonly string[])[]): Guesses {
  const below = (rows[0] ?? []).map(textGuess);
  for (let i = 1; i < rows.length; i += 1) {
    const row = rows[i] ?? [];
    for (let column = 0; column < row.length; column += 1) {
      const guess = below[column];
      if (guess !== undefined) observeText(guess, row[column] ?? '');
    }
  }
  const all = below.map((guess, column) => {
    const one = textGuess();
    observeText(one, rows[0]?.[column] ?? '');
    addGuess(one, guess);
    return one;
  });
  return { below, all };
}

function reading(seen: SeenCsv, guesses: Guesses, header: boolean, nullText: string | undefined): Reading {
  const { records, head } = seen;
  const first = records.rows[0] ?? [];
  const names = csvNames(header ? first : first.map(() => ''));
  const seenBelow = header ? guesses.below : guesses.all;
  const columns = seenBelow.map((column, i) => columnOf(names[i] ?? '', column, nullText));
  const sampled = { rows: records.rows.length - (header ? 1 : 0), values: seenBelow.map(({ values }) => values) };
  // Rows beyond the sample are not counted, and neither is a file of which only a head was read. Of a single column an empty line
  // is a value to some readers.
  const counted = records.complete && head.whole && !(first.length === 1 && records.gaps);
  return { columns, sampled, ...(counted && { rows: BigInt(sampled.rows) }) };
}

function columnOf(name: string, guess: TextGuess, nullText: string | undefined): Column {
  const blank = guess.kinds.size === 0 && [...guess.nulls].every((spelling) => spelling === nullText);
  return { name, type: guessedType(guess, nullText), ...(blank && { sourceType: BLANK }) };
}

function readAs(seen: SeenCsv, guesses: Guesses, header: boolean, format: Format): Reading | undefined {
  const { found, records, text, head } = seen;
  const options = format.options ?? {};
  if (format.name !== 'csv' || format.compression !== head.compression) return undefined;
  if (found.width > 1 && options['delimiter'] !== found.dialect.delimiter) return undefined;
  if ((options['skip'] ?? 0) !== records.blankLines) return undefined;
  const sameQuotes = options['quote'] === found.dialect.quote && options['escape'] === found.dialect.escape;
  if (!sameQuotes && (records.quoted || found.dialect.quote === '')) return undefined;
  if (!readsEncoded(text, String(options['encoding']))) return undefined;
  const wanted = options['header'] === true;
  if (wanted !== header && (header || !canBeHeader(records.rows[0] ?? [], seen.limits))) return undefined;
  const nullText = options['null'];
  return reading(seen, guesses, wanted, typeof nullText === 'string' ? nullText : undefined);
}

/** ASCII is the same in all of them, and Latin-1 a part of what Windows writes. */
function readsEncoded(text: Text, wanted: string): boolean {
  if (wanted === text.encoding) return true;
  if (wanted === 'windows-1252') return text.ascii || text.encoding === 'latin-1';
  return wanted === 'latin-1' && text.ascii;
}

function formatOf({ found, head, text, records }: SeenCsv, header: boolean, nullText: string | undefined): Format {
  const ends = [...records.lineEnds];
  const short = found.short || records.rows.some((row) => row.length < found.width);
  return {
    name: 'csv',
    ...(head.compression !== undefined && { compression: head.compression }),
    options: {
      ...found.dialect,
      header,
      encoding: text.encoding,
      ...(records.blankLines > 0 && { skip: records.blankLines }),
      ...(nullText !== undefined && { null: nullText }),
      ...(short && { padding: true }),
      ...(ends.length > 1 && { lineEnd: 'mixed' }),
      ...(ends.length === 1 && ends[0] === '\r' && { lineEnd: '\r' }),
    },
  };
}
