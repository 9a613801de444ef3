/** Where the fields of a message stand in its bytes, by their numbers. */
export interface Outline {
  readonly fields: ReadonlyMap<number, { readonly start: number; readonly end: number; readonly items: number }>;
  /** Their numbers rise, each given as the difference to the one before. */
  readonly plain: boolean;
}

/** Nothing in Parquet is nested as deeply. */
const MAX_DEPTH = 24;
const LIST = 9;
const STRUCT = 12;

/**
 * Walks through a message in Thrift's compact form and keeps nothing of it. Lengths that go beyond the bytes, numbers
 * without an end and endless nesting throw here, before a parser makes room for what is not there.
 */
export function outlineThrift(bytes: Uint8Array, from: number, to: number): Outline {
  const walk = new ThriftWalk(bytes, from, to);
  const fields = new Map<number, { start: number; end: number; items: number }>();
  const plain = walk.struct(0, (number, start, end, items) => fields.set(number, { start, end, items }));
  return { fields, plain };
}

type OnField = (number: number, start: number, end: number, items: number) => void;

class ThriftWalk {
  private readonly bytes: Uint8Array;
  private readonly to: number;
  private at: number;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes;
    this.at = from;
    this.to = to;
  }

  /** Whether all of its fields are written as differences. */
  struct(depth: number, onField?: OnField): boolean {
    if (depth > MAX_DEPTH) throw new Error('nested too deeply');
    let number = 0;
    let plain = true;
    for (;;) {
      const start = this.at;
      const head = this.byte();
      const type = head & 15;
      if (type === 0) return plain;
      if (head >> 4 === 0) plain = false;
      number = head >> 4 === 0 ? this.zigzag() : number + (head >> 4);
      const items = this.value(type, depth);
      onField?.(number, start, this.at, items);
    }
  }

  /** Gives the number of items of a list, else 0. */
  private value(type: number, depth: number): number {
    if (type === 1 || type === 2) return 0;
    if (type === 3) this.skip(1);
    else if (type >= 4 && type <= 6) this.varint();
    else if (type === 7) this.skip(8);
    else if (type === 8) this.skip(this.varint());
    else if (type === LIST) return this.list(depth);
    else if (type === STRUCT) this.struct(depth + 1);
    else throw new Error('a type that Parquet does not use');
    return 0;
  }

  private list(depth: number): number {
    const head = this.byte();
    const type = head & 15;
    const items = head >> 4 === 15 ? this.varint() : head >> 4;
    // Each item takes a byte at least.
    if (items > this.to - this.at) throw new Error('a list longer than its bytes');
    for (let i = 0; i < items; i += 1) {
      if (type === 1 || type === 2) this.skip(1);
      else if (type === LIST) {
        if (depth > MAX_DEPTH) throw new Error('nested too deeply');
        this.list(depth + 1);
      } else this.value(type, depth);
    }
    return items;
  }

  private byte(): number {
    const byte = this.at < this.to ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw new Error('cut off');
    this.at += 1;
    return byte;
  }

  private skip(length: number): void {
    if (length > this.to - this.at) throw new Error('a value longer than its bytes');
    this.at += length;
  }

  private varint(): number {
    let value = 0;
    for (let i = 0; i < 10; i += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new Error('a number without an end');
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
