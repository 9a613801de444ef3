import { TenonError } from '../model/errors.ts';
import { MAX_ROWS, type ByteSource, type ClassifyLimits } from './classifier.ts';

/** What an Avro object container file says in front of its blocks. */
export interface AvroHeader {
  readonly schema: unknown;
  readonly codec: string;
  /** Stands behind each block. */
  readonly sync: Uint8Array;
  /** Where the first block begins. */
  readonly end: number;
}

const AVRO_MARK = Buffer.from('Obj\x01', 'latin1');
const SYNC_BYTES = 16;

/** The head was too short for what is in it. */
export class AvroCut extends Error {}

/** Reads numbers and bytes as Avro writes them. */
class AvroReader {
  at: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** A zigzag number. None that stands for a length or a count is beyond 2^53. */
  long(): number {
    let value = 0;
    for (let i = 0; i < 10; i += 1) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new AvroCut();
      this.at += 1;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte >= 0x80) continue;
      return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
    }
    throw new Error('a number of more than ten bytes');
  }

  take(length: number): Uint8Array {
    if (length < 0 || !Number.isSafeInteger(length)) throw new Error('a negative length');
    if (this.at + length > this.bytes.length) throw new AvroCut();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

/** Reads the header, in a second read if a long schema does not fit into the first. Undefined: it is no Avro file. */
export async function readAvroHeader(source: ByteSource, limits: ClassifyLimits): Promise<AvroHeader | undefined> {
  for (const size of [limits.sampleBytes, Math.max(limits.recordBytes, limits.sampleBytes)]) {
    const bytes = await source.read(0, Math.min(size, source.size));
    if (!AVRO_MARK.every((byte, i) => bytes[i] === byte)) return undefined;
    try {
      return parseHeader(bytes);
    } catch (cause) {
      if (!(cause instanceof AvroCut)) throw broken(source, cause);
      if (bytes.length >= source.size) throw broken(source, cause);
    }
  }
  throw new TenonError('LIMIT', `${source.path} has an Avro header of more than ${limits.recordBytes} bytes (recordBytes).`, {
    path: source.path,
    limit: 'recordBytes',
  });
}

function parseHeader(bytes: Uint8Array): AvroHeader {
  const reader = new AvroReader(bytes, AVRO_MARK.length);
  const metadata = new Map<string, Uint8Array>();
  for (let count = reader.long(); count !== 0; count = reader.long()) {
    // A negative count is followed by the size of its block.
    if (count < 0) reader.long();
    for (let i = Math.abs(count); i > 0; i -= 1) {
      const name = Buffer.from(reader.take(reader.long())).toString();
      metadata.set(name, reader.take(reader.long()));
    }
  }
  const schema = metadata.get('avro.schema');
  if (schema === undefined) throw new Error('no schema');
  const sync = reader.take(SYNC_BYTES);
  return {
    schema: JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(schema)) as unknown,
    codec: Buffer.from(metadata.get('avro.codec') ?? Buffer.from('null')).toString(),
    sync,
    end: reader.at,
  };
}

/** How many rows there are, counted by the heads of the blocks; only for a file that is here as a whole. */
export function countRows(bytes: Uint8Array, { sync, end }: AvroHeader): bigint {
  const reader = new AvroReader(bytes, end);
  let rows = 0;
  while (reader.at < bytes.length) {
    const count = reader.long();
    if (count < 0 || count > MAX_ROWS) throw new Error('an impossible count of rows');
    reader.take(reader.long());
    if (!Buffer.from(reader.take(SYNC_BYTES)).equals(sync)) throw new Error('a block without its mark');
    rows += count;
  }
  if (rows > MAX_ROWS) throw new Error('an impossible count of rows');
  return BigInt(rows);
}

export function broken({ path }: ByteSource, cause: unknown): TenonError {
  return new TenonError('DATA_UNREADABLE', `${path} is a broken Avro file.`, { path }, { cause });
}
