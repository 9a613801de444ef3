import { gunzipSync } from 'node:zlib';
import { decompress as unzstd } from 'fzstd';
import { parquetReadObjects } from 'hyparquet';
import type { ByteSource } from './classifier.ts';
import type { Json } from './exact-json.ts';

/** One entry of a Delta log: `{"add": {…}}`, `{"metaData": {…}}` … */
export type Action = { readonly [name: string]: Json };

/** Reads a checkpoint away from this process: the library for Parquet fails in ways that nobody can catch. */
export type ReadCheckpoint = (source: ByteSource) => Promise<readonly Action[]>;

/** What stands in a checkpoint, as JSON would have it. Throws whatever comes for a broken one. */
export async function checkpointActions(bytes: Uint8Array): Promise<Action[]> {
  const rows = await parquetReadObjects({
    file: Uint8Array.from(bytes).buffer,
    columns: ['protocol', 'metaData', 'add'],
    compressors: {
      ZSTD: (input: Uint8Array, length: number) => unzstd(input, new Uint8Array(length)),
      GZIP: (input: Uint8Array, length: number) => gunzipSync(input, { maxOutputLength: Math.max(1, length) }),
    },
  });
  return rows.map((row) => plain(row) as Action);
}

/** As JSON would have it. */
function plain(value: unknown): Json {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value === undefined || value === null) return null;
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object')
    return Object.fromEntries(Object.entries(value).flatMap(([name, part]) => (part === undefined ? [] : [[name, plain(part)]])));
  return value as Json;
}
