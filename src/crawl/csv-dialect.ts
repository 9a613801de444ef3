import { preambleRecords, separatorLine } from './csv-preamble.ts';
import { readRecords, type Dialect, type Records } from './csv-records.ts';

/** Glue's five, in the order in which a tie is decided. */
const DELIMITERS = [',', '\t', '|', ';', '\x01'];
/** How many records decide. A dialect that is wrong shows itself early. */
const TRIAL_RECORDS = 200;

export interface Found {
  readonly dialect: Dialect;
  readonly width: number;
  /** Some record has fewer fields than the first. */
  readonly short: boolean;
  /** Records in front of the table's first: titles, comments. */
  readonly start: number;
  /** All records of the text, where so few decide that they were all read. */
  readonly records?: Records;
}

/** What kept every dialect from fitting, for the message. */
export interface Misfit {
  readonly problem: 'unclosed' | 'malformed' | 'ragged';
  readonly line: number;
}

/**
 * The way of separating and quoting under which most fields line up: all records of one width, two at least. Of several,
 * the one in which nothing needed an exception, then the one with most fields. Titles and comments in front of the records are
 * the last exception that is made.
 */
export function findDialect(text: string, whole: boolean): Found | Misfit {
  const found: { trial: Found; score: number }[] = [];
  let misfit: Misfit | undefined;
  for (const delimiter of delimitersIn(text)) {
    for (const [penalty, dialect] of dialectsOf(delimiter, text).entries()) {
      const trial = tryDialect(text, whole, dialect);
      if ('problem' in trial) misfit ??= trial;
      else {
        found.push({ trial, score: scoreOf(trial, penalty) });
        break;
      }
    }
  }
  const best = found.toSorted((a, b) => b.score - a.score)[0];
  if (best !== undefined) return best.trial;
  return misfit ?? { problem: 'ragged', line: 1 };
}

function scoreOf({ width, short, start }: Found, penalty: number): number {
  return width - penalty * 0.1 + (short ? 0 : 20_000) - (start > 0 ? 30_000 : 0);
}

function delimitersIn(text: string): string[] {
  const said = separatorLine(text);
  if (said !== undefined && DELIMITERS.includes(said)) return [said];
  const head = text.slice(0, 64 * 1024);
  return DELIMITERS.filter((delimiter) => head.includes(delimiter));
}

/** The dialects of a delimiter, the usual first; the next is tried only where one breaks. */
function dialectsOf(delimiter: string, text: string): Dialect[] {
  const dialects: Dialect[] = [
    { delimiter, quote: '"', escape: '"' },
    { delimiter, quote: '"', escape: '\\' },
  ];
  if (!text.includes('"') && text.includes(`'${delimiter}`) && text.includes(`${delimiter}'`))
    dialects.unshift({ delimiter, quote: "'", escape: "'" });
  // Tools that separate by tab or bar often know no quotes. With commas a lone quote is a broken file.
  if (delimiter !== ',' && delimiter !== ';') dialects.push({ delimiter, quote: '', escape: '' });
  return dialects;
}

function tryDialect(text: string, whole: boolean, dialect: Dialect): Found | Misfit {
  const records = readRecords(text, dialect, TRIAL_RECORDS, whole);
  const problem = brokenQuote(records, whole, text.length);
  if (problem !== undefined) return problem;
  const start = separatorLine(text) === dialect.delimiter ? 1 : preambleRecords(records.rows);
  const rows = start === 0 ? records.rows : records.rows.slice(start);
  const width = rows[0]?.length ?? 0;
  const ragged = rows.findIndex((row) => row.length > width);
  if (width < 2 || ragged >= 0) return { problem: 'ragged', line: start + ragged + 1 };
  const short = rows.filter((row) => row.length < width).length;
  return short * 5 > rows.length
    ? { problem: 'ragged', line: start + 1 + rows.findIndex((row) => row.length < width) }
    : { dialect, width, short: short > 0, start, ...(records.complete && { records }) };
}

/** A cut sample may well end inside of a quoted field; it is broken only where that record is longer than all before it. */
function brokenQuote(records: Records, whole: boolean, length: number): Misfit | undefined {
  if (records.malformed !== undefined) return { problem: 'malformed', line: records.malformed };
  if (records.unclosed === undefined) return undefined;
  return whole || records.unclosed.length * 2 > length ? { problem: 'unclosed', line: records.unclosed.line } : undefined;
}
