import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { TextDecoder } from 'node:util';
import { createGunzip } from 'node:zlib';
import { errnoOf, fileError } from '../connections/file-errors.ts';
import { TenonError } from '../model/errors.ts';
import type { Format } from '../model/schema.ts';

/** Of the encodings that the catalog knows, those that the engine does not read, by the names that decoders have for them. */
const DECODERS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  csv: { 'utf-16be': 'utf-16be', 'windows-1252': 'windows-1252' },
  json: { 'utf-16': 'utf-16le', 'utf-16be': 'utf-16be', 'latin-1': 'windows-1252', 'windows-1252': 'windows-1252' },
};

/** Whether files of this format are read as a copy in UTF-8. */
export function isReadAsCopy(format: Format): boolean {
  return decoderOf(format) !== undefined && (format.compression === undefined || format.compression === 'gzip');
}

function decoderOf({ name, options }: Format): string | undefined {
  return DECODERS[name]?.[String(options?.['encoding'])];
}

/** A file, the format that it has, and the address that its owner knows it by. */
interface Staged {
  readonly path: string;
  readonly address: string;
  readonly format: Format;
}

/**
 * The same text in UTF-8 and not packed, in a file of its own in `folder`; memory does not grow with it. Throws
 * DATA_UNREADABLE for bytes that are no text in their encoding, DISK_FULL.
 */
export async function copyAsUtf8({ path, address, format }: Staged, folder: string, signal?: AbortSignal): Promise<Staged> {
  const decoder = new TextDecoder(decoderOf(format), { fatal: true });
  const copy = join(folder, `utf8-${randomUUID()}`);
  const decode = (source: AsyncIterable<Uint8Array>): AsyncGenerator<string> => decoded(source, decoder);
  const read = createReadStream(path);
  const write = createWriteStream(copy);
  const options = { ...(signal !== undefined && { signal }) };
  try {
    if (format.compression === 'gzip') await pipeline(read, createGunzip(), decode, write, options);
    else await pipeline(read, decode, write, options);
  } catch (error) {
    signal?.throwIfAborted();
    throw isUnreadable(error) ? unreadable(address, String(format.options?.['encoding']), error) : fileError(error, copy);
  }
  const { encoding: _, ...others } = format.options ?? {};
  return { path: copy, address, format: { name: format.name, options: others } };
}

async function* decoded(source: AsyncIterable<Uint8Array>, decoder: TextDecoder): AsyncGenerator<string> {
  for await (const bytes of source) yield decoder.decode(bytes, { stream: true });
  yield decoder.decode();
}

function isUnreadable(error: unknown): boolean {
  const code = errnoOf(error);
  return code === 'ERR_ENCODING_INVALID_ENCODED_DATA' || code.startsWith('Z_');
}

function unreadable(address: string, encoding: string, cause: unknown): TenonError {
  return new TenonError('DATA_UNREADABLE', `${address} is not whole, or no text in ${encoding}.`, { file: address }, { cause });
}
