import { readFileSync } from 'node:fs';
import type { ByteSource } from '../../src/crawl/classifier.ts';

/** Bytes in memory as a source, with a count of what was read of them. */
export function sourceOf(
  path: string,
  bytes: Uint8Array | string,
): ByteSource & { readonly reads: { start: number; end: number }[] } {
  const all = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  const reads: { start: number; end: number }[] = [];
  return {
    path,
    size: all.length,
    reads,
    read(start, end) {
      reads.push({ start, end });
      return Promise.resolve(all.subarray(start, end));
    },
  };
}

export function sourceOfFile(file: string): ReturnType<typeof sourceOf> {
  return sourceOf(file, readFileSync(file));
}
