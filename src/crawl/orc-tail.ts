import { brotliDecompressSync, inflateRawSync } from 'node:zlib';
import { TenonError } from '../model/errors.ts';
import { Output, type Codec } from './codec.ts';
import { zstd } from './codecs/zstd.ts';
import { unpackLz4, unpackSnappy } from './lz-blocks.ts';
import { numberOf, readMessage, textOf } from './protobuf.ts';

export const ORC_MARK = 'ORC';

/** The last message of an ORC file: how long its footer is, and how it is packed. */
export interface Postscript {
  readonly footerLength: number;
  readonly compression: number;
  /** What one chunk unpacks to at most. */
  readonly chunkBytes: number;
  /** Which faults of earlier writers its own had no more; 0 is the first. */
  readonly writerVersion: number;
}

/** By number, as the postscript has them. LZO has no decoder here. */
const COMPRESSIONS = ['none', 'zlib', 'snappy', 'lzo', 'lz4', 'zstd', 'brotli'];
const SUPPORTED = 'none, zlib, snappy, lz4, zstd and brotli';
const MAX_CHUNK_BYTES = 8 * 1024 * 1024;

export function readPostscript(bytes: Uint8Array): Postscript {
  const fields = readMessage(bytes);
  const mark = fields.get(8000)?.at(-1);
  if (mark === undefined || textOf(mark) !== ORC_MARK) throw new Error('no mark in the postscript');
  const footerLength = numberOf(fields, 1);
  if (footerLength === undefined) throw new Error('no length of a footer');
  const chunkBytes = numberOf(fields, 3) ?? 256 * 1024;
  return { footerLength, compression: numberOf(fields, 2) ?? 0, chunkBytes, writerVersion: numberOf(fields, 6) ?? 0 };
}

/** Unpacks a footer, which is a row of chunks with their lengths in front. `most`: bytes that it may come to. */
export async function unpackFooter(path: string, raw: Uint8Array, postscript: Postscript, most: number): Promise<Uint8Array> {
  const { compression, chunkBytes } = postscript;
  if (compression === 0) return raw;
  const output = new Output(most + 1);
  for (let at = 0; at < raw.length;) {
    const word = (raw[at] ?? 0) | ((raw[at + 1] ?? 0) << 8) | ((raw[at + 2] ?? 0) << 16);
    const length = word >>> 1;
    if (at + 3 + length > raw.length) throw new Error('a chunk that ends behind the footer');
    const chunk = raw.subarray(at + 3, at + 3 + length);
    if ((word & 1) === 1) output.add(chunk);
    else await unpackChunk(path, chunk, compression, Math.min(chunkBytes, MAX_CHUNK_BYTES), output);
    if (output.length > most) {
      throw new TenonError('LIMIT', `${path} has a footer that unpacks to more than ${most} bytes (footerBytes).`, {
        path,
        limit: 'footerBytes',
      });
    }
    at += 3 + length;
  }
  return output.unpacked(true, raw.length).bytes;
}

async function unpackChunk(path: string, chunk: Uint8Array, compression: number, most: number, output: Output): Promise<void> {
  switch (COMPRESSIONS[compression]) {
    case 'zlib':
      return output.add(inflateRawSync(chunk, { maxOutputLength: most }));
    case 'snappy':
      return unpackSnappy(chunk, output, most);
    case 'lz4':
      return unpackLz4(chunk, output, most);
    case 'zstd':
      return output.add(await unpackWhole(zstd, chunk, most));
    case 'brotli':
      return output.add(brotliDecompressSync(chunk, { maxOutputLength: most }));
    default:
      throw new TenonError(
        'UNSUPPORTED',
        `${path} is packed by ${COMPRESSIONS[compression] ?? `method ${compression}`}; supported in ORC are ${SUPPORTED}.`,
        { path },
      );
  }
}

async function unpackWhole(codec: Codec, chunk: Uint8Array, most: number): Promise<Uint8Array> {
  if (!codec.begins(chunk)) throw new Error('a chunk that is not packed as the postscript says');
  const { bytes, ended } = await codec.unpack(chunk, most);
  if (!ended) throw new Error('a chunk that is not whole');
  return bytes;
}
