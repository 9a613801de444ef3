import { TenonError } from '../../model/errors.ts';
import type { ByteSource, Classification, Classifier, ClassifyLimits } from '../classifier.ts';
import { findDialect, type Found } from '../csv-dialect.ts';
import { recordsFrom, sparseRecords } from '../csv-preamble.ts';
import { readRecords, type Records } from '../csv-records.ts';
import { describeCsv } from '../csv-describe.ts';
import { plainPath, readHead, type Head } from '../head.ts';
import { decodeText, type Text } from '../text.ts';

/**
 * Text tables: separated by comma, tab, bar, semicolon or \x01. What its options mean, for whoever reads the bytes:
 * `delimiter`, `quote` and `escape` (empty: none), `header` (the first record holds names), `encoding` (`utf-8`, `utf-16`
 * little-endian, `latin-1`, and `utf-16be` and `windows-1252`, which jobs read as a copy), and only where they are needed:
 * `skip` (lines in front of the first record), `null` (a spelling of null besides the empty text), `padding` (records may lack
 * fields at their end), `lineEnd` (`mixed`, or `\r` alone).
 */
export const csvClassifier: Classifier = { format: 'csv', classify };

const EXTENSION = /\.(csv|tsv|tab|psv)$/i;

async function classify(source: ByteSource, limits: ClassifyLimits): Promise<Classification | undefined> {
  const named = EXTENSION.test(plainPath(source.path));
  let head = await readHead(source, limits.sampleBytes, limits);
  let text = textOf(source, head, named);
  if (text === undefined || text.text.trimStart().startsWith('<')) return undefined;
  if (!head.whole && cutInLongField(text)) {
    head = await readHead(source, limits.recordBytes, limits);
    text = textOf(source, head, named);
    if (text === undefined) return undefined;
  }
  const found = dialectOf(source, text, head, named);
  if (found === undefined) return undefined;
  const all = found.records ?? readRecords(text.text, found.dialect, limits.sampleRecords + 1 + found.start, head.whole);
  const start = found.start > 0 || !named ? found.start : sparseRecords(all.rows, limits);
  const records = recordsFrom(all, start);
  checkRecords(source, records, found, head, limits);
  if (records.rows.length === 0 || (!named && !looksLikeTable(records, found))) return undefined;
  const classification = describeCsv({ path: source.path, head, text, found, records, named, limits });
  return named || isLikely(classification, found) ? classification : undefined;
}

function textOf(source: ByteSource, head: Head, named: boolean): Text | undefined {
  const text = decodeText(head);
  if (text === undefined) {
    if (named) throw unreadable(source, 'is named like a text table, but holds binary data');
    return undefined;
  }
  return text;
}

/** More than half of the sample is one unfinished record: is it long, or does its quote never close? */
function cutInLongField({ text }: Text): boolean {
  if (!text.includes('"')) return false;
  for (const delimiter of [',', '\t', '|', ';']) {
    if (!text.includes(delimiter)) continue;
    const { unclosed } = readRecords(text, { delimiter, quote: '"', escape: '"' }, Infinity, false);
    return unclosed !== undefined && unclosed.length * 2 > text.length;
  }
  return false;
}

function dialectOf(source: ByteSource, text: Text, head: Head, named: boolean): Found | undefined {
  const found = findDialect(text.text, head.whole);
  if (!('problem' in found)) return found;
  if (!named) return undefined;
  if (found.problem === 'unclosed') throw unclosedError(source, found.line, head);
  if (found.problem === 'malformed') throw unreadable(source, `has a quote inside of a quoted field on line ${found.line}`);
  // No delimiter fits. One column is a table only if the name says so, and no line could be taken for several.
  const dialect = { delimiter: /\.(tsv|tab)$/i.test(plainPath(source.path)) ? '\t' : ',', quote: '"', escape: '"' };
  const single = readRecords(text.text, dialect, 200, head.whole);
  if (
    single.rows.every((row) => row.length === 1) &&
    single.malformed === undefined &&
    (single.unclosed === undefined || !head.whole)
  ) {
    return { dialect, width: 1, short: false, start: 0 };
  }
  if (single.unclosed !== undefined) throw unclosedError(source, single.unclosed.line, head);
  throw unreadable(source, `has records of different lengths; record ${found.line} is the first that differs`);
}

function checkRecords(source: ByteSource, records: Records, found: Found, head: Head, limits: ClassifyLimits): void {
  const { unclosed, malformed } = records;
  if (records.rows.length === 0 && !head.whole)
    throw unreadable(source, `has a first record of more than ${head.bytes.length} bytes`);
  if (malformed !== undefined) throw unreadable(source, `has a quote inside of a quoted field on line ${malformed}`);
  if (unclosed !== undefined && (head.whole || unclosed.length > limits.recordBytes / 2))
    throw unclosedError(source, unclosed.line, head);
  if (found.width > limits.columns) {
    throw new TenonError('LIMIT', `${source.path} has ${found.width} columns; ${limits.columns} are the limit (columns).`, {
      path: source.path,
      limit: 'columns',
    });
  }
  const long = records.rows.findIndex((row) => row.length > found.width);
  if (long >= 0) throw unreadable(source, `has more fields in record ${long + 1} than in its first`);
}

/** For files whose name says nothing: two columns and two rows of values at least, and not a single exception. */
function looksLikeTable(records: Records, found: Found): boolean {
  return (
    found.width >= 2 &&
    found.start === 0 &&
    !found.short &&
    records.rows.length >= 3 &&
    records.rows.every((row) => row.length === found.width)
  );
}

/** Commas stand in letters too: without a name that says so, a table has more in it than texts. */
function isLikely({ columns }: Classification, found: Found): boolean {
  return !/[,;]/.test(found.dialect.delimiter) || columns.some((column) => column.type.kind !== 'string');
}

function unclosedError(source: ByteSource, line: number, head: Head): TenonError {
  const where = head.whole ? 'up to its end' : `within ${head.bytes.length} bytes`;
  return unreadable(source, `opens a quote on line ${line} that is not closed ${where}`);
}

function unreadable(source: ByteSource, what: string): TenonError {
  return new TenonError('DATA_UNREADABLE', `${source.path} ${what}.`, { path: source.path });
}
