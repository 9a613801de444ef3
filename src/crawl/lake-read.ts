import { gunzipSync } from 'node:zlib';
import { TenonError } from '../model/errors.ts';
import type { ObjectFinding } from './crawler.ts';

/** A whole object, if it is within `limit` bytes; gzip is unpacked within the same. Throws LIMIT and DATA_UNREADABLE. */
export async function readWhole(object: ObjectFinding, limit: number): Promise<Buffer> {
  if (object.size > limit) throw tooLarge(object.path, object.size, limit);
  const bytes = await object.read(0, object.size);
  if (bytes.length < object.size) throw unreadable(object.path, 'is shorter than its listing says');
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (raw[0] !== 0x1f || raw[1] !== 0x8b) return raw;
  try {
    return gunzipSync(raw, { maxOutputLength: limit });
  } catch (cause) {
    throw unreadable(object.path, 'cannot be unpacked', cause);
  }
}

export function tooLarge(path: string, size: number, limit: number): TenonError {
  return new TenonError('LIMIT', `${path} has ${size} bytes; ${limit} are the limit (tableMetadataBytes).`, {
    path,
    limit: 'tableMetadataBytes',
  });
}

export function unreadable(path: string, what: string, cause?: unknown): TenonError {
  return new TenonError('DATA_UNREADABLE', `${path === '' ? 'The table' : path} ${what}.`, { path }, { cause });
}
