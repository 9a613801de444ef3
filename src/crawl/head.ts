import { createGunzip, constants } from 'node:zlib';
import { TenonError } from '../model/errors.ts';
import type { ByteSource, ClassifyLimits } from './classifier.ts';

/** The first bytes of a source, unpacked if they were packed. */
export interface Head {
  readonly bytes: Uint8Array;
  /** Nothing comes after them. */
  readonly whole: boolean;
  readonly compression?: 'gzip';
}

/** Reads at most `size` bytes, and unpacks at most `size` bytes from them. */
export async function readHead(source: ByteSource, size: number, limits: ClassifyLimits): Promise<Head> {
  const raw = await source.read(0, Math.min(size, source.size));
  if (raw[0] !== 0x1f || raw[1] !== 0x8b) return { bytes: raw, whole: raw.length >= source.size };
  const { bytes, ended, used } = await unpack(source.path, raw, size);
  if (bytes.length >= size && bytes.length > used * limits.unpackRatio) {
    throw new TenonError(
      'DATA_UNREADABLE',
      `${source.path} unpacks to more than ${limits.unpackRatio} times its size; it looks like a bomb.`,
      {
        path: source.path,
        limit: 'unpackRatio',
      },
    );
  }
  return { bytes, whole: ended && raw.length >= source.size, compression: 'gzip' };
}

/**
 * Unpacks until `size` bytes are there, then stops. Input that ends early is normal, as we read only a head: it is an
 * error for whoever reads the whole. `ended`: the packed stream came to its own end; `used`: bytes of input that it took.
 */
function unpack(path: string, raw: Uint8Array, size: number): Promise<{ bytes: Uint8Array; ended: boolean; used: number }> {
  return new Promise((resolve, reject) => {
    const stream = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
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
    stream.on('error', (cause) => {
      reject(new TenonError('DATA_UNREADABLE', `${path} is not whole: it cannot be unpacked.`, { path }, { cause }));
    });
    stream.end(raw);
  });
}

/** A source that asks for the same bytes only once, as each classifier looks at the same head. */
export function remember(source: ByteSource): ByteSource {
  const kept: { start: number; bytes: Uint8Array }[] = [];
  return {
    path: source.path,
    size: source.size,
    async read(start, end) {
      const stop = Math.min(end, source.size);
      const found = kept.find((part) => part.start <= start && stop <= part.start + part.bytes.length);
      if (found !== undefined) return found.bytes.subarray(start - found.start, stop - found.start);
      const bytes = await source.read(start, stop);
      kept.push({ start, bytes });
      return bytes;
    },
  };
}
