import { open } from 'node:fs/promises';
import { constants, gunzipSync } from 'node:zlib';
import { Decompress } from 'fzstd';
import { TenonError } from '../model/errors.ts';
import { foldName } from '../model/names.ts';
import type { Format } from '../model/schema.ts';

/** A header must end within this many bytes. */
const MAX_HEAD_BYTES = 1_048_576;
const FIRST_HEAD_BYTES = 8_192;

/**
 * The columns of one CSV file in their order. DuckDB takes columns that are given to it by their place, so a file whose
 * header has another order than the others of its partition would be misread without a word. Names are made as the csv
 * classifier makes them. Throws DATA_UNREADABLE when the header has none of the columns that the catalog knows.
 */
export async function csvColumns(
  path: string,
  address: string,
  format: Format,
  known: readonly string[],
): Promise<readonly string[]> {
  if (format.options?.['header'] === false) return known;
  const names = columnNames(await firstRecord(path, format));
  const folded = new Set(known.map(foldName));
  if (names.some((name) => folded.has(foldName(name)))) return names;
  throw new TenonError(
    'DATA_UNREADABLE',
    `The header of ${address} has none of the columns that the catalog knows; crawl again.`,
    { file: address },
  );
}

async function firstRecord(path: string, format: Format): Promise<string[]> {
  const handle = await open(path, 'r');
  try {
    for (let bytes = FIRST_HEAD_BYTES; ; bytes *= 16) {
      const buffer = Buffer.alloc(Math.min(bytes, MAX_HEAD_BYTES));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      const whole = bytesRead < buffer.length || bytes >= MAX_HEAD_BYTES;
      const record = recordIn(textOf(buffer.subarray(0, bytesRead), format), format, whole);
      if (record !== undefined) return record;
      if (whole) return [];
    }
  } finally {
    await handle.close();
  }
}

function textOf(bytes: Uint8Array, format: Format): string {
  const plain = unpack(bytes, format.compression);
  const encoding = String(format.options?.['encoding'] ?? 'utf-8');
  const label = encoding === 'utf-16' ? 'utf-16le' : encoding === 'latin-1' ? 'latin1' : 'utf-8';
  return new TextDecoder(label).decode(plain);
}

/** What a part of a packed file unpacks to; it may end anywhere. */
function unpack(bytes: Uint8Array, compression: string | undefined): Uint8Array {
  if (compression === 'gzip') return gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH });
  if (compression !== 'zstd') return bytes;
  const parts: Uint8Array[] = [];
  new Decompress((part) => parts.push(part)).push(bytes);
  return Buffer.concat(parts);
}

/** The fields of the first record after the lines to skip; undefined when the text ends before it does. */
function recordIn(text: string, format: Format, whole: boolean): string[] | undefined {
  const options = format.options ?? {};
  const delimiter = String(options['delimiter'] ?? ',');
  const quote = String(options['quote'] ?? '"');
  const escape = String(options['escape'] ?? '"');
  let at = 0;
  for (let skip = Number(options['skip'] ?? 0); skip > 0; skip--) {
    at = text.indexOf('\n', at) + 1;
    if (at === 0) return undefined;
  }
  const fields: string[] = [];
  let field = '';
  let quoted = false;
  for (; at < text.length; at++) {
    const char = text[at] ?? '';
    if (quoted) {
      if (char === escape && text[at + 1] === quote) field += text[++at] ?? '';
      else if (char === quote) quoted = false;
      else field += char;
    } else if (char === quote && quote !== '' && field === '') quoted = true;
    else if (char === delimiter) {
      fields.push(field);
      field = '';
    } else if (char === '\n' || char === '\r') return [...fields, field];
    else field += char;
  }
  return whole ? [...fields, field] : undefined;
}

/** As the csv classifier names columns: trimmed, `col0` … for none, and none twice. */
function columnNames(cells: readonly string[]): string[] {
  const used = new Set<string>();
  return cells.map((cell, index) => {
    const wanted = cell.trim() === '' ? `col${index}` : cell.trim();
    let name = wanted;
    for (let n = 1; used.has(foldName(name)); n++) name = `${wanted}_${n}`;
    used.add(foldName(name));
    return name;
  });
}
