import { inflateRawSync } from 'node:zlib';
import { Output } from './codec.ts';
import { zstd } from './codecs/zstd.ts';
import { unpackSnappy } from './lz-blocks.ts';
import { asList, asObject, asText, type Json } from './exact-json.ts';

/** So many values at most come out of one file: an array of a billion nulls takes up three bytes. */
const MOST_VALUES = 5_000_000;
const MAX_DEPTH = 64;
const SYNC_BYTES = 16;

type Record = { readonly [name: string]: Json };

/**
 * The records of an Avro file that is in memory, as JSON would have them; integers that no number holds come as their
 * digits, bytes as text of Latin-1. Throws for what is no such file: to the caller it is one that cannot be read.
 */
export async function readAvroRecords(bytes: Uint8Array, mostBytes: number): Promise<Record[]> {
  const file = new Bytes(bytes);
  if (file.take(4).toString('latin1') !== 'Obj\x01') throw new Error('It does not begin as Avro does.');
  const header = asObject(decode(file, { type: 'map', values: 'bytes' }, new Map(), 0));
  const sync = file.take(SYNC_BYTES);
  const schema = JSON.parse(Buffer.from(asText(header['avro.schema']) ?? '', 'latin1').toString('utf8')) as Json;
  const names = new Map<string, Json>();
  const found: Record[] = [];
  let left = mostBytes;
  while (file.left > 0) {
    const count = file.count();
    const block = new Bytes(await unpack(asText(header['avro.codec']) ?? 'null', file.take(file.count()), left));
    left -= block.left;
    for (let i = 0; i < count; i += 1) {
      file.spend();
      found.push(asObject(decode(block, schema, names, 0)));
    }
    if (!file.take(SYNC_BYTES).equals(sync)) throw new Error('A block does not end where it should.');
  }
  return found;
}

async function unpack(codec: string, packed: Buffer, most: number): Promise<Uint8Array> {
  switch (codec) {
    case 'null':
      return packed;
    case 'deflate':
      return inflateRawSync(packed, { maxOutputLength: Math.max(1, most) });
    case 'snappy': {
      // Four bytes of a checksum follow.
      const output = new Output(most);
      unpackSnappy(packed.subarray(0, -4), output, most);
      return output.unpacked(true, packed.length).bytes;
    }
    case 'zstandard':
      return (await zstd.unpack(packed, most)).bytes;
    default:
      throw new Error(`It is packed in a way «${codec.slice(0, 50)}» that is not known.`);
  }
}

function decode(from: Bytes, schema: Json | undefined, names: Map<string, Json>, depth: number): Json {
  from.spend();
  if (depth > MAX_DEPTH) throw new Error('It is nested too deep.');
  if (Array.isArray(schema)) return decode(from, asList(schema)[from.count()], names, depth + 1);
  if (typeof schema === 'string') return decodeNamed(from, schema, names, depth);
  const type = asObject(schema);
  const name = asText(type['name']);
  if (name !== undefined) {
    names.set(name, type);
    const space = asText(type['namespace']);
    if (space !== undefined) names.set(`${space}.${name}`, type);
  }
  switch (type['type']) {
    case 'record':
      return Object.fromEntries(
        asList(type['fields']).map((field) => [
          asText(asObject(field)['name']) ?? '',
          decode(from, asObject(field)['type'], names, depth + 1),
        ]),
      );
    case 'array':
      return decodeBlocks(from, () => decode(from, type['items'], names, depth + 1));
    case 'map':
      return Object.fromEntries(
        decodeBlocks(from, (): [string, Json] => [from.text('utf8'), decode(from, type['values'], names, depth + 1)]),
      );
    case 'enum':
      return asList(type['symbols'])[from.count()] ?? null;
    case 'fixed':
      return from.take(Number(type['size'])).toString('latin1');
    default:
      return decode(from, type['type'], names, depth + 1);
  }
}

function decodeNamed(from: Bytes, name: string, names: Map<string, Json>, depth: number): Json {
  switch (name) {
    case 'null':
      return null;
    case 'boolean':
      return from.take(1)[0] === 1;
    case 'int':
    case 'long': {
      const value = from.long();
      return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
    }
    case 'float':
      return from.take(4).readFloatLE();
    case 'double':
      return from.take(8).readDoubleLE();
    case 'bytes':
      return from.text('latin1');
    case 'string':
      return from.text('utf8');
    default: {
      const known = names.get(name);
      if (known === undefined) throw new Error(`It has a type «${name.slice(0, 50)}» that is not known.`);
      return decode(from, known, names, depth + 1);
    }
  }
}

function decodeBlocks<T>(from: Bytes, item: () => T): T[] {
  const items: T[] = [];
  for (let count = from.long(); count !== 0n; count = from.long()) {
    // A negative count has the size of the block behind it.
    if (count < 0n) from.long();
    for (let i = count < 0n ? -count : count; i > 0n; i -= 1n) {
      from.spend();
      items.push(item());
    }
  }
  return items;
}

class Bytes {
  private readonly bytes: Buffer;
  private at = 0;
  private values = MOST_VALUES;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.length - this.at;
  }

  spend(): void {
    this.values -= 1;
    if (this.values < 0) throw new Error('It holds too many values.');
  }

  take(length: number): Buffer {
    if (!(length >= 0) || length > this.left) throw new Error('It ends too early.');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text(encoding: 'utf8' | 'latin1'): string {
    return this.take(this.count()).toString(encoding);
  }

  count(): number {
    const value = Number(this.long());
    if (!Number.isSafeInteger(value) || value < 0) throw new Error('It has a length that cannot be.');
    return value;
  }

  /** Seven bits a byte, the lowest first, and the sign in the last bit. */
  long(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0] ?? 0;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n);
    }
    throw new Error('It has a number without an end.');
  }
}
