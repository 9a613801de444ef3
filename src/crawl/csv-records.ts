/** How a text table separates and quotes. An empty `quote` means that quotes are letters like any other. */
export interface Dialect {
  readonly delimiter: string;
  readonly quote: string;
  readonly escape: string;
}

export interface Records {
  readonly rows: readonly string[][];
  /** Some field was quoted. */
  readonly quoted: boolean;
  /** The line, from 1, on which a quoted field goes on after its closing quote; reading stopped there. */
  readonly malformed?: number;
  /** The line on which a quote was opened that the text does not close, and the characters since the record began. */
  readonly unclosed?: { readonly line: number; readonly length: number };
  readonly lineEnds: ReadonlySet<'\n' | '\r\n' | '\r'>;
  /** Empty lines in front of the first record. */
  readonly blankLines: number;
  /** The line, from 0, on which each of the first records begins: where a table begins behind a title, that many are to be skipped. */
  readonly lines: readonly number[];
  /** There are empty lines behind the first record. */
  readonly gaps: boolean;
  /** All of the text was read, and `rows` are all of its records. */
  readonly complete: boolean;
}

/**
 * Reads records as RFC 4180 has them (quotes count only where they open a field; a doubled one, or an escaped one,
 * stands for itself; line ends inside of quotes belong to the value), up to `limit` of them. Without `whole` the last
 * record may be cut, and is left out. Empty lines are no records, as DuckDB has it.
 */
export function readRecords(text: string, dialect: Dialect, limit: number, whole: boolean): Records {
  const reader = new RecordReader(text, dialect);
  while (reader.rows.length < limit && reader.record(whole));
  return reader.result();
}

/** Titles and comments in front of a table take no more records than this. */
const LINES_KEPT = 32;

const NEW_LINE = 0x0a;
const RETURN = 0x0d;

class RecordReader {
  readonly rows: string[][] = [];
  private readonly lines: number[] = [];
  private readonly text: string;
  private readonly dialect: Dialect;
  private readonly delimiterCode: number;
  /** No number where nothing quotes. */
  private readonly quoteCode: number;
  private readonly lineEnds = new Set<'\n' | '\r\n' | '\r'>();
  private lastEnd = '';
  private at = 0;
  private line = 1;
  private quoted = false;
  private blankLines = 0;
  private gaps = false;
  private malformed: number | undefined;
  private unclosed: { line: number; length: number } | undefined;

  constructor(text: string, dialect: Dialect) {
    this.text = text;
    this.dialect = dialect;
    this.delimiterCode = dialect.delimiter.charCodeAt(0);
    this.quoteCode = dialect.quote.charCodeAt(0);
  }

  result(): Records {
    return {
      rows: this.rows,
      quoted: this.quoted,
      lineEnds: this.lineEnds,
      blankLines: this.blankLines,
      gaps: this.gaps,
      lines: this.lines,
      complete: this.at >= this.text.length && this.malformed === undefined && this.unclosed === undefined,
      ...(this.malformed !== undefined && { malformed: this.malformed }),
      ...(this.unclosed !== undefined && { unclosed: this.unclosed }),
    };
  }

  /** Reads one record. False when there is none, or it is cut or broken; then `at` is where it began. */
  record(whole: boolean): boolean {
    this.skipBlankLines();
    const start = this.at;
    const startLine = this.line;
    if (start >= this.text.length) return false;
    const fields: string[] = [];
    for (;;) {
      const field = this.field(start);
      if (field === undefined) return this.giveBack(start, startLine);
      fields.push(field);
      if (this.at >= this.text.length) {
        if (!whole) return this.giveBack(start, startLine);
        break;
      }
      if (this.text.charCodeAt(this.at) !== this.delimiterCode) break;
      this.at += 1;
    }
    // A `\r` at the very end of a cut text may be half of a `\r\n`.
    if (!whole && this.text.charCodeAt(this.at) === RETURN && this.at + 1 === this.text.length)
      return this.giveBack(start, startLine);
    this.lineEnd();
    if (this.rows.length < LINES_KEPT) this.lines.push(startLine - 1);
    this.rows.push(fields);
    return true;
  }

  private giveBack(start: number, line: number): false {
    this.at = start;
    this.line = line;
    return false;
  }

  private skipBlankLines(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== NEW_LINE && code !== RETURN) return;
      this.lineEnd();
      if (this.rows.length === 0) this.blankLines += 1;
      else this.gaps = true;
    }
  }

  private lineEnd(): void {
    const code = this.text.charCodeAt(this.at);
    if (code !== NEW_LINE && code !== RETURN) return;
    const end = code === NEW_LINE ? '\n' : this.text.charCodeAt(this.at + 1) === NEW_LINE ? '\r\n' : '\r';
    if (end !== this.lastEnd) this.lineEnds.add(end);
    this.lastEnd = end;
    this.at += end.length;
    this.line += 1;
  }

  private field(recordStart: number): string | undefined {
    const { text, delimiterCode } = this;
    const start = this.at;
    if (text.charCodeAt(start) === this.quoteCode) return this.quotedField(recordStart);
    let end = start;
    // By hand: most fields are a few characters long, and a pattern costs more than they do.
    while (end < text.length) {
      const code = text.charCodeAt(end);
      if (code === delimiterCode || code === NEW_LINE || code === RETURN) break;
      end += 1;
    }
    this.at = end;
    return text.slice(start, end);
  }

  private quotedField(recordStart: number): string | undefined {
    const { quote, escape, delimiter } = this.dialect;
    const openedAt = this.line;
    let value = '';
    let from = this.at + 1;
    for (let i = from; i < this.text.length; i += 1) {
      const sign = this.text[i];
      if (sign === escape && (this.text[i + 1] === quote || (escape !== quote && this.text[i + 1] === escape))) {
        value += this.text.slice(from, i);
        from = i + 1;
        i += 1;
      } else if (sign === quote) {
        this.at = i + 1;
        const next = this.text[i + 1];
        if (next !== undefined && next !== delimiter && next !== '\n' && next !== '\r') {
          this.malformed = this.line;
          return undefined;
        }
        this.quoted = true;
        return value + this.text.slice(from, i);
      } else if (sign === '\n') this.line += 1;
    }
    this.unclosed = { line: openedAt, length: this.text.length - recordStart };
    return undefined;
  }
}
