import { constants, createGunzip, createInflateRaw, gunzipSync, type Gunzip, type InflateRaw } from 'node:zlib';
import type { Codec, Unpacked } from '../codec.ts';

export const gzip: Codec = {
  name: 'gzip',
  begins: (raw) => raw[0] === 0x1f && raw[1] === 0x8b,
  unpack: (raw, size) => inflateSmall(raw, size) ?? inflateHead(createGunzip(CUT), raw, size),
};

/** What is cut off is no fault. */
const CUT = { finishFlush: constants.Z_SYNC_FLUSH };
/** So little is unpacked in less time than a stream takes to be made. */
const SMALL_BYTES = 32 * 1024;

/** Undefined: it is not small, or becomes more than what is wanted of it. */
function inflateSmall(raw: Uint8Array, size: number): Unpacked | undefined {
  if (raw.length > SMALL_BYTES) return undefined;
  try {
    const bytes = gunzipSync(raw, { ...CUT, maxOutputLength: size });
    return { bytes, ended: true, used: raw.length };
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw error;
  }
}

/** Deflate without a frame, as ZIP has it. */
export function inflateRawHead(raw: Uint8Array, size: number): Promise<Unpacked> {
  return inflateHead(createInflateRaw(CUT), raw, size);
}

function inflateHead(stream: Gunzip | InflateRaw, raw: Uint8Array, size: number): Promise<Unpacked> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let length = 0;
    const finish = (ended: boolean): void => {
      const used = Math.max(1, stream.bytesWritten);
      stream.destroy();
      resolve({ used, bytes: Buffer.concat(parts).subarray(0, size), ended: ended && length <= size });
    };
    stream.on('data', (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length > size) finish(false);
    });
    stream.on('end', () => finish(true));
    stream.on('error', reject);
    stream.end(raw);
  });
}
