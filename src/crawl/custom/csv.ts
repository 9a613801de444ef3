import { z } from 'zod';
import type { Column, Format } from '../../model/schema.ts';
import { simple, type ColumnType } from '../../model/types.ts';
import { BLANK } from '../blank.ts';
import type { ByteSource, Classification, ClassifyLimits, Reading } from '../classifier.ts';
import { badOptions, parseClassifierShape, type ClassifierKind } from '../classifier-kind.ts';
import { findDialect } from '../csv-dialect.ts';
import { csvHeader, csvNames } from '../csv-header.ts';
import { readRecords, type Dialect, type Records } from '../csv-records.ts';
import { readHead, type Head } from '../head.ts';
import { chooseNull, guessedType, observeText, textGuess, type TextGuess } from '../text-guess.ts';
import { decodeText, type Text } from '../text.ts';

/** Glue's words for types, and what they are here. */
const DATATYPES: Readonly<Record<string, ColumnType>> = {
  BINARY: simple('binary'),
  BOOLEAN: simple('boolean'),
  DATE: simple('date'),
  DECIMAL: { kind: 'decimal', precision: 38, scale: 10 },
  DOUBLE: simple('double'),
  FLOAT: simple('float'),
  INT: simple('int'),
  LONG: simple('bigint'),
  SHORT: simple('smallint'),
  STRING: simple('string'),
  TIMESTAMP: simple('timestamp'),
};

/** One text is a list of one. */
const texts = z.preprocess((raw) => (typeof raw === 'string' ? [raw] : raw), z.array(z.string().min(1).max(255)).max(10_000));

const letter = z.string().regex(/^[^\r\n]$/u, 'must be one character');

const SHAPE = z.strictObject({
  /** Left out, the one of Glue's five that fits is found. */
  delimiter: letter.optional(),
  quote: letter.default('"'),
  /** Whether the first record holds names; UNKNOWN asks Glue's rule. */
  header: z.enum(['UNKNOWN', 'PRESENT', 'ABSENT']).default('UNKNOWN'),
  /** Names of the columns, whatever the header says. */
  names: texts.optional(),
  /** One for each column, in their order. */
  datatypes: texts.transform((words) => words.map((word) => word.toUpperCase())).optional(),
  /** Spaces around a value belong to it. */
  disableValueTrimming: z.boolean().default(false),
  allowSingleColumn: z.boolean().default(false),
  /** OpenCSVSerDe knows nothing but strings. */
  serde: z.enum(['OpenCSVSerDe', 'LazySimpleSerDe', 'None']).default('None'),
});

type CsvOptions = z.output<typeof SHAPE>;

/** Text tables read just as somebody says. What does not fit in every record is left to the next classifier. */
export const csvKind: ClassifierKind<CsvOptions> = {
  kind: 'csv',
  parse,
  classifier: (_name, options) => ({ format: 'csv', classify: (source, limits) => classify(source, limits, options) }),
};

function parse(raw: unknown): CsvOptions {
  const options = parseClassifierShape(SHAPE, raw);
  const { delimiter, quote, names, datatypes } = options;
  const unknown = datatypes?.filter((word) => DATATYPES[word] === undefined) ?? [];
  const mistakes = [
    ...(delimiter === quote ? ['quote: must not be the delimiter'] : []),
    ...(unknown.length > 0 ? [`datatypes: there are ${Object.keys(DATATYPES).join(', ')}`] : []),
    ...(names !== undefined && csvNames(names).some((name, i) => name !== names[i])
      ? ['names: must differ, whatever their case, and have no spaces around them']
      : []),
    ...(names !== undefined && datatypes !== undefined && names.length !== datatypes.length
      ? ['datatypes: must be as many as names']
      : []),
  ];
  if (mistakes.length > 0) throw badOptions(mistakes);
  return options;
}

interface Seen {
  readonly options: CsvOptions;
  readonly dialect: Dialect;
  readonly records: Records;
  readonly head: Head;
  readonly text: Text;
  readonly limits: ClassifyLimits;
}

async function classify(source: ByteSource, limits: ClassifyLimits, options: CsvOptions): Promise<Classification | undefined> {
  const head = await readHead(source, limits.sampleBytes, limits);
  const text = decodeText(head);
  if (text === undefined || text.encoding === 'utf-16be') return undefined;
  const dialect = dialectOf(text.text, head.whole, options);
  if (dialect === undefined) return undefined;
  const records = readRecords(text.text, dialect, limits.sampleRecords + 1, head.whole);
  const seen: Seen = { options, dialect, records, head, text, limits };
  return fits(seen) ? describe(seen) : undefined;
}

function dialectOf(text: string, whole: boolean, { delimiter, quote, allowSingleColumn }: CsvOptions): Dialect | undefined {
  if (delimiter !== undefined) return { delimiter, quote, escape: quote };
  const found = findDialect(text, whole);
  if (!('problem' in found)) return { delimiter: found.dialect.delimiter, quote, escape: quote };
  return allowSingleColumn ? { delimiter: ',', quote, escape: quote } : undefined;
}

/** Every record as wide as the first, and something in it besides a header. */
function fits({ records, options, limits }: Seen): boolean {
  const { rows, malformed, unclosed } = records;
  const width = rows[0]?.length ?? 0;
  if (malformed !== undefined || (unclosed !== undefined && rows.length === 0)) return false;
  if (width < (options.allowSingleColumn ? 1 : 2) || width > limits.columns) return false;
  if (rows.length < (options.header === 'PRESENT' ? 2 : 1)) return false;
  if ((options.names ?? options.datatypes)?.length !== ((options.names ?? options.datatypes) ? width : undefined)) return false;
  return rows.every((row) => row.length === width);
}

function describe(seen: Seen): Classification {
  const { options, records, limits } = seen;
  const header = hasHeader(options, records, limits);
  const nullText = chooseNull(guess(seen, header));
  const format = formatOf(seen, header, nullText);
  return {
    format,
    ...reading(seen, header, nullText),
    confidence: 1,
    as: (other) => (readsAs(format, other) ? reading(seen, header, textOption(other, 'null')) : undefined),
  };
}

function hasHeader(options: CsvOptions, records: Records, limits: ClassifyLimits): boolean {
  if (options.header !== 'UNKNOWN') return options.header === 'PRESENT';
  const rest = (records.rows[0] ?? []).map((_, i) => {
    const column = textGuess();
    for (const row of records.rows.slice(1)) observeText(column, row[i] ?? '');
    return column;
  });
  return csvHeader(records.rows[0] ?? [], rest, limits);
}

function guess({ records, options }: Seen, header: boolean): TextGuess[] {
  return (records.rows[0] ?? []).map((_, i) => {
    const column = textGuess();
    for (const row of header ? records.rows.slice(1) : records.rows) {
      const cell = row[i] ?? '';
      // A value with spaces around it that belong to it is nothing but a text.
      if (options.disableValueTrimming && cell.trim() !== cell && cell.trim() !== '') column.kinds.add('string');
      else observeText(column, cell);
    }
    return column;
  });
}

function reading(seen: Seen, header: boolean, nullText: string | undefined): Reading {
  const { records, head, options } = seen;
  const first = records.rows[0] ?? [];
  const names = options.names ?? csvNames(header ? first : first.map(() => ''));
  const columns = guess(seen, header).map((column, i): Column => {
    const name = names[i] ?? '';
    const given = DATATYPES[options.datatypes?.[i] ?? ''];
    if (given !== undefined) return { name, type: given };
    if (options.serde === 'OpenCSVSerDe') return { name, type: simple('string') };
    const blank = column.kinds.size === 0 && [...column.nulls].every((spelling) => spelling === nullText);
    return { name, type: guessedType(column, nullText), ...(blank && { sourceType: BLANK }) };
  });
  return { columns, ...(records.complete && head.whole && { rows: BigInt(records.rows.length - (header ? 1 : 0)) }) };
}

function formatOf({ dialect, head, text, records, options }: Seen, header: boolean, nullText: string | undefined): Format {
  const ends = [...records.lineEnds];
  // Where the names are given, the header is a line that readers pass over.
  const passOver = header && options.names !== undefined;
  const lines = passOver ? (records.rows[0] ?? []).reduce((sum, cell) => sum + cell.split(/\r\n|\r|\n/).length - 1, 1) : 0;
  const skip = records.blankLines + lines;
  return {
    name: 'csv',
    ...(head.compression !== undefined && { compression: head.compression }),
    options: {
      ...dialect,
      header: header && !passOver,
      encoding: text.encoding,
      ...(skip > 0 && { skip }),
      ...(nullText !== undefined && options.serde !== 'OpenCSVSerDe' && { null: nullText }),
      ...(ends.length > 1 && { lineEnd: 'mixed' }),
      ...(ends.length === 1 && ends[0] === '\r' && { lineEnd: '\r' }),
      ...(options.serde !== 'None' && { serde: options.serde }),
    },
  };
}

/** Another file of the same classifier may spell null, or end its lines, in another way. */
function readsAs(own: Format, other: Format): boolean {
  const same = ['delimiter', 'quote', 'escape', 'header', 'encoding', 'skip', 'serde'];
  return (
    other.name === own.name &&
    other.compression === own.compression &&
    same.every((option) => own.options?.[option] === other.options?.[option])
  );
}

function textOption({ options }: Format, name: string): string | undefined {
  const value = options?.[name];
  return typeof value === 'string' ? value : undefined;
}
