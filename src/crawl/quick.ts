import type { ByteSource, ClassifyLimits } from './classifier.ts';
import { readHead } from './head.ts';

/** Text of this size is gone over a few times in some hundredths of a second, whatever is in it. */
const TEXT_BYTES = 1024 * 1024;
/** As much is unpacked by our own decoders, or read as a footer, in a few milliseconds. */
const SMALL_BYTES = 128 * 1024;
const ZSTD = 0xfd2fb528;
/** Unpacked by Node's own zlib, which stops where it is told to. */
const NATIVE: ReadonlySet<string | undefined> = new Set([undefined, 'gzip', 'zip']);

/**
 * How far a file may be classified in this process: as a `whole`, by its `head`, or not at all, since its parser may take long
 * or much. Parsers of text are our own and bounded by the bytes that they are given; of other parsers only little is asked.
 */
export async function quickPart(source: ByteSource, limits: ClassifyLimits): Promise<'whole' | 'head' | undefined> {
  if (/\.orc$/i.test(source.path)) return undefined;
  if (/\.(parquet|parq|pq)$/i.test(source.path)) return ofFooter(source);
  const size = Math.min(limits.sampleBytes, TEXT_BYTES);
  // Another sample is wanted than this one: it would be read twice.
  if (size < limits.sampleBytes && source.size > size) return undefined;
  const bytes = viewOf(await source.read(0, Math.min(size, source.size)));
  const mark = bytes.subarray(0, 4).toString('latin1');
  if (mark === 'PAR1') return ofFooter(source);
  // A few bytes can keep the decoder of zstd busy for minutes; ORC may be packed by it inside.
  if (mark.startsWith('ORC') || (bytes.length >= 4 && bytes.readUInt32LE(0) === ZSTD)) return undefined;
  try {
    const small = await readHead(source, SMALL_BYTES, limits);
    if (small.whole) return 'whole';
    if (!NATIVE.has(small.compression)) return undefined;
    return (await readHead(source, size, limits)).whole ? 'whole' : 'head';
  } catch {
    return undefined;
  }
}

/** By the tail that the classifier of Parquet will read as well. */
async function ofFooter(source: ByteSource): Promise<'whole' | undefined> {
  const tail = viewOf(await source.read(Math.max(0, source.size - SMALL_BYTES), source.size));
  return tail.length < 8 || tail.readUInt32LE(tail.length - 8) + 8 <= tail.length ? 'whole' : undefined;
}

/** Not a copy. */
function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
