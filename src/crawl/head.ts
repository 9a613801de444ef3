import { TenonError } from '../model/errors.ts';
import type { ByteSource, ClassifyLimits } from './classifier.ts';
import type { Codec, Unpacked } from './codec.ts';
import { bzip2 } from './codecs/bzip2.ts';
import { gzip } from './codecs/gzip.ts';
import { hadoopSnappy } from './codecs/hadoop-snappy.ts';
import { lz4 } from './codecs/lz4.ts';
import { snappy } from './codecs/snappy.ts';
import { holdsOneFile, zip } from './codecs/zip.ts';
import { zstd } from './codecs/zstd.ts';

/** The first bytes of a source, unpacked if they were packed. */
export interface Head {
  readonly bytes: Uint8Array;
  /** Nothing comes after them. */
  readonly whole: boolean;
  readonly compression?: string;
}

const CODECS: readonly Codec[] = [gzip, zstd, bzip2, snappy, lz4, zip, hadoopSnappy];
/** Endings that packers add; what counts is the content. */
const PACKED = /\.(gz|gzip|bz2|zst|zstd|snappy|sz|lz4|zip)$/i;
const XZ = [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00];
/** The end of a ZIP archive is as long, with a short comment. */
const ZIP_END_BYTES = 1024;

const heads = new WeakMap<ByteSource, Map<number, Promise<Head>>>();

/** A path without the ending that its packer added, so that `a.csv.gz` is seen to be named like a text table. */
export function plainPath(path: string): string {
  return path.replace(PACKED, '');
}

/** Reads at most `size` bytes, and unpacks at most `size` bytes from them. Whoever asks again gets the same head. */
export function readHead(source: ByteSource, size: number, limits: ClassifyLimits): Promise<Head> {
  const known = heads.get(source) ?? new Map<number, Promise<Head>>();
  heads.set(source, known);
  const head = known.get(size) ?? headFrom(known, source, size, limits);
  known.set(size, head);
  return head;
}

/** A shorter head that is whole is this one as well. */
async function headFrom(
  known: ReadonlyMap<number, Promise<Head>>,
  source: ByteSource,
  size: number,
  limits: ClassifyLimits,
): Promise<Head> {
  for (const [shorter, made] of known) {
    const head = shorter < size ? await made.catch(() => undefined) : undefined;
    if (head?.whole === true) return head;
  }
  return makeHead(source, size, limits);
}

async function makeHead(source: ByteSource, size: number, limits: ClassifyLimits): Promise<Head> {
  const raw = await source.read(0, Math.min(size, source.size));
  const plain = { bytes: raw, whole: raw.length >= source.size };
  if (XZ.every((byte, i) => raw[i] === byte)) throw unsupported(source, 'is packed by xz');
  const codec = CODECS.find(({ begins }) => begins(raw));
  if (codec === undefined || (codec === zip && !(await isSingle(source)))) return plain;
  const { bytes, ended, used } = await unpack(source, codec, raw, size);
  if (bytes.length >= size && bytes.length > used * limits.unpackRatio) {
    throw new TenonError(
      'DATA_UNREADABLE',
      `${source.path} unpacks to more than ${limits.unpackRatio} times its size; it looks like a bomb.`,
      { path: source.path, limit: 'unpackRatio' },
    );
  }
  if (bytes.length === 0 && !ended && plain.whole) throw broken(source);
  return { bytes, whole: ended && plain.whole, compression: codec.name };
}

async function isSingle(source: ByteSource): Promise<boolean> {
  return holdsOneFile(await source.read(Math.max(0, source.size - ZIP_END_BYTES), source.size));
}

async function unpack(source: ByteSource, codec: Codec, raw: Uint8Array, size: number): Promise<Unpacked> {
  try {
    return await codec.unpack(raw, size);
  } catch (cause) {
    if (cause instanceof TenonError) throw new TenonError(cause.code, `${source.path}: ${cause.message}`, { path: source.path });
    throw broken(source, cause);
  }
}

function broken({ path }: ByteSource, cause?: unknown): TenonError {
  return new TenonError('DATA_UNREADABLE', `${path} is not whole: it cannot be unpacked.`, { path }, { cause });
}

function unsupported({ path }: ByteSource, what: string): TenonError {
  const names = CODECS.map(({ name }) => name).join(', ');
  return new TenonError('UNSUPPORTED', `${path} ${what}; supported are ${names}.`, { path });
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
