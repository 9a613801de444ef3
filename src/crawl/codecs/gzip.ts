import { constants, createGunzip, createInflateRaw, type Gunzip, type InflateRaw } from 'node:zlib';
import type { Codec, Unpacked } from '../codec.ts';

export const gzip: Codec = {
  name: 'gzip',
  begins: (raw) => raw[0] === 0x1f && raw[1] === 0x8b,
  unpack: (raw, size) => inflateHead(createGunzip({ finishFlush: constants.Z_SYNC_FLUSH }), raw, size),
};

/** Deflate without a frame, as ZIP has it. */
export function inflateRawHead(raw: Uint8Array, size: number): Promise<Unpacked> {
  return inflateHead(createInflateRaw({ finishFlush: constants.Z_SYNC_FLUSH }), raw, size);
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
