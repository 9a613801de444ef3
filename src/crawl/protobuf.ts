/** A number, or the bytes of a text, a message or packed numbers. */
export type WireValue = number | Uint8Array;

/** A view of two bytes takes a hundred. */
const MAX_VALUES = 500_000;

/**
 * The fields of one Protocol Buffers message, by their numbers, in the order in which they stand there. It is bytes from
 * outside: what ends too early or has an unknown kind of value throws, and nothing is kept but views of what was given.
 */
export function readMessage(bytes: Uint8Array): Map<number, WireValue[]> {
  const reader = new WireReader(bytes);
  const fields = new Map<number, WireValue[]>();
  for (let values = 0; !reader.done; values += 1) {
    if (values >= MAX_VALUES) throw new Error('more values than a footer has');
    const tag = reader.varint();
    const number = Math.floor(tag / 8);
    const value = reader.value(tag % 8);
    const known = fields.get(number);
    if (known === undefined) fields.set(number, [value]);
    else known.push(value);
  }
  return fields;
}

export function numberOf(fields: ReadonlyMap<number, WireValue[]>, field: number): number | undefined {
  const value = fields.get(field)?.at(-1);
  if (value instanceof Uint8Array) throw new Error(`bytes where field ${field} should be a number`);
  return value;
}

export function textOf(value: WireValue): string {
  return new TextDecoder('utf-8', { fatal: true }).decode(bytesOf(value));
}

export function bytesOf(value: WireValue): Uint8Array {
  if (typeof value === 'number') throw new Error('a number where bytes should be');
  return value;
}

/** Numbers of a repeated field, whether they are packed or not. */
export function numbersOf(values: readonly WireValue[]): number[] {
  return values.flatMap((value) => {
    if (typeof value === 'number') return value;
    const reader = new WireReader(value);
    const numbers: number[] = [];
    while (!reader.done) numbers.push(reader.varint());
    return numbers;
  });
}

/** A field of the kind that has signs (`sint64`), whole: as a number it would lose digits. Undefined: there is none. */
export function signedOf(bytes: Uint8Array, field: number): bigint | undefined {
  const reader = new WireReader(bytes);
  let found: bigint | undefined;
  while (!reader.done) {
    const tag = reader.varint();
    if (tag === field * 8) found = reader.long();
    else reader.value(tag % 8);
  }
  return found === undefined ? undefined : (found >> 1n) ^ -(found & 1n);
}

class WireReader {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  get done(): boolean {
    return this.at >= this.bytes.length;
  }

  value(kind: number): WireValue {
    if (kind === 0) return this.varint();
    if (kind === 1) return this.take(8);
    if (kind === 2) return this.take(this.varint());
    if (kind === 5) return this.take(4);
    throw new Error(`a value of the unknown kind ${kind}`);
  }

  varint(): number {
    let value = 0;
    for (let i = 0; i < 10; i += 1) {
      const byte = this.bytes[this.at];
      if (byte === undefined) break;
      this.at += 1;
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Error('a number without an end');
  }

  /** The 64 bits of a number. */
  long(): bigint {
    let value = 0n;
    for (let i = 0n; i < 10n; i += 1n) {
      const byte = this.bytes[this.at];
      if (byte === undefined) break;
      this.at += 1;
      value |= BigInt(byte & 0x7f) << (7n * i);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw new Error('a number without an end');
  }

  private take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new Error('a value that ends behind its message');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
