import { createHash } from 'node:crypto';
import { TenonError } from '../model/errors.ts';
import type { SchemaAge } from './migrations.ts';

/**
 * A backup is one gzip stream of frames: a letter, the length of what follows (4 bytes, big-endian), and that. `H` is
 * the header; then for each table `T` (its name and columns), any number of `D` (lines of COPY's text format, cut
 * anywhere) and `E` (its count of rows); then `S`, the sequences; `F` ends it with the SHA-256 of all bytes before it.
 */
export type Frame =
  | { readonly kind: 'H'; readonly value: Header }
  | { readonly kind: 'T'; readonly value: { readonly table: string; readonly columns: readonly string[] } }
  | { readonly kind: 'D'; readonly value: Buffer }
  | { readonly kind: 'E'; readonly value: { readonly rows: number } }
  | { readonly kind: 'S'; readonly value: Readonly<Record<string, string>> }
  | { readonly kind: 'F'; readonly value: { readonly sha256: string } };

export interface Header {
  readonly format: 'tenon-backup';
  readonly formatVersion: number;
  /** How old the schema of the rows is. */
  readonly migration: SchemaAge;
  /** The program that wrote it, for people. */
  readonly tenon: string;
  readonly at: string;
}

export const FORMAT_VERSION = 1;

const HEAD_BYTES = 5;
/** No frame is longer: a damaged length must not have us fill the memory. */
const MAX_FRAME_BYTES = 1024 * 1024;

/** Frames as bytes, with the closing hash added. */
export async function* encode(frames: AsyncIterable<Frame>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256');
  for await (const frame of frames) {
    for (const bytes of frameBytes(frame)) {
      hash.update(bytes);
      yield bytes;
    }
  }
  yield* frameBytes({ kind: 'F', value: { sha256: hash.digest('hex') } });
}

function* frameBytes(frame: Frame): Generator<Buffer> {
  const payload = frame.kind === 'D' ? frame.value : Buffer.from(JSON.stringify(frame.value));
  for (let at = 0; at < payload.length; at += MAX_FRAME_BYTES) {
    const part = payload.subarray(at, at + MAX_FRAME_BYTES);
    const head = Buffer.alloc(HEAD_BYTES);
    head.write(frame.kind, 'latin1');
    head.writeUInt32BE(part.length, 1);
    yield Buffer.concat([head, part]);
  }
}

/** Bytes as frames. Returns only if the closing hash is there and right, else throws DATA_UNREADABLE. */
export async function* decode(bytes: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const hash = createHash('sha256');
  let rest: Buffer = Buffer.alloc(0);
  let closed = false;
  for await (const chunk of bytes) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (let length = frameLength(rest); length !== undefined; length = frameLength(rest)) {
      if (closed) throw damaged('there is something behind its end');
      const whole = rest.subarray(0, length);
      rest = rest.subarray(length);
      const frame = parseFrame(whole);
      if (frame.kind === 'F') {
        closed = true;
        if (frame.value.sha256 !== hash.digest('hex')) throw damaged('its checksum is wrong');
      } else {
        hash.update(whole);
        yield frame;
      }
    }
  }
  if (!closed || rest.length > 0) throw damaged('its end is missing');
}

/** Of the whole frame that the bytes begin with, or undefined while it is not whole. */
function frameLength(bytes: Buffer): number | undefined {
  if (bytes.length < HEAD_BYTES) return undefined;
  const length = bytes.readUInt32BE(1);
  if (length > MAX_FRAME_BYTES) throw damaged('a length in it is impossible');
  return bytes.length < HEAD_BYTES + length ? undefined : HEAD_BYTES + length;
}

function parseFrame(whole: Buffer): Frame {
  const kind = whole.toString('latin1', 0, 1);
  const payload = whole.subarray(HEAD_BYTES);
  if (kind === 'D') return { kind, value: payload };
  if (!'HTESF'.includes(kind)) throw damaged('it has a part of an unknown kind');
  try {
    return { kind, value: JSON.parse(payload.toString()) as unknown } as Frame;
  } catch (cause) {
    throw damaged('a part of it cannot be read', cause);
  }
}

export function damaged(why: string, cause?: unknown): TenonError {
  return new TenonError('DATA_UNREADABLE', `The file is not a whole backup of Tenon: ${why}.`, {}, { cause });
}
