import { Readable } from 'node:stream';
import type { MysqlOptions } from '../connections/connections.ts';
import { quoteBackticks } from '../model/names.ts';
import type { Column } from '../model/schema.ts';
import type { Table } from '../model/table.ts';
import type { Staging } from './inputs.ts';

/** Rows are put together to pieces of about so many characters: a write for each would take longer than reading them. */
const PIECE_CHARS = 65_536;

/** The rows of a table of MySQL as Postgres would write them with `format csv`, at the reader's pace. */
export async function copyMysql(table: Table, server: MysqlOptions, { connections, signal }: Staging): Promise<Readable> {
  const { columns } = table.schema;
  const source = await connections.mysql(table.connection, server);
  const options = table.format?.options ?? {};
  const from = `${quoteBackticks(String(options['schema']))}.${quoteBackticks(String(options['table']))}`;
  const rows = source.stream(`select ${columns.map(columnText).join(', ')} from ${from}`, [], signal);
  return Readable.from(pieces(rows, columns));
}

async function* pieces(rows: AsyncIterable<unknown[]>, columns: readonly Column[]): AsyncGenerator<string> {
  let piece = '';
  for await (const row of rows) {
    piece += `${columns.map((column, i) => field(row[i], column)).join(',')}\n`;
    if (piece.length < PIECE_CHARS) continue;
    yield piece;
    piece = '';
  }
  yield piece;
}

/** A float is written with six digits, which is not all of it; a bit is written as a byte. */
function columnText({ name, type }: Column): string {
  const quoted = quoteBackticks(name);
  if (type.kind === 'float') return `${quoted} + 0e0`;
  return type.kind === 'boolean' ? `${quoted} + 0` : quoted;
}

/** Null is nothing at all, and an empty text a pair of quotes. Bytes are written each as `\xAB`, as the engine reads them. */
function field(value: unknown, { type }: Column): string {
  if (!Buffer.isBuffer(value)) return '';
  if (type.kind === 'binary') return `"${value.toString('hex').replaceAll(/../g, String.raw`\x$&`)}"`;
  const text = value.toString();
  return text === '' || /["\n\r,]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}
