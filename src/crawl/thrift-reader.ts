/** A value of a message in Thrift's compact form. Integers beyond 2^53 are not exact. */
export type ThriftValue = number | boolean | Uint8Array | ThriftStruct | readonly ThriftValue[];
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/**
 * Reads values of a message through which `outlineThrift` has walked before: there, lengths and nesting were found to be
 * right, so that nothing here asks for them again.
 */
export class ThriftReader {
  private readonly bytes: Uint8Array;
  private at: number;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  /** The structs of a list whose field begins here, one after the other, so that none is held longer than it is needed. */
  *structs(): Generator<ThriftStruct> {
    if (this.byte() >> 4 === 0) this.varint();
    const { items, type } = this.listHead();
    if (type !== 12) return;
    for (let i = 0; i < items; i += 1) yield this.struct();
  }

  private struct(): ThriftStruct {
    const fields = new Map<number, ThriftValue>();
    for (let number = 0; ;) {
      const head = this.byte();
      const type = head & 15;
      if (type === 0) return fields;
      number = head >> 4 === 0 ? this.zigzag() : number + (head >> 4);
      fields.set(number, this.value(type));
    }
  }

  private value(type: number): ThriftValue {
    switch (type) {
      case 1:
      case 2:
        return type === 1;
      case 3:
        return this.byte();
      case 4:
      case 5:
      case 6:
        return this.zigzag();
      case 7:
        return this.take(8);
      case 8:
        return this.take(this.varint());
      case 9:
        return this.list();
      case 12:
        return this.struct();
      default:
        throw new Error('a type that Parquet does not use');
    }
  }

  private list(): ThriftValue[] {
    const { items, type } = this.listHead();
    const values: ThriftValue[] = [];
    for (let i = 0; i < items; i += 1) values.push(type === 1 || type === 2 ? this.byte() === 1 : this.value(type));
    return values;
  }

  private listHead(): { items: number; type: number } {
    const head = this.byte();
    return { type: head & 15, items: head >> 4 === 15 ? this.varint() : head >> 4 };
  }

  private byte(): number {
    const byte = this.bytes[this.at];
    if (byte === undefined) throw new Error('cut off');
    this.at += 1;
    return byte;
  }

  private take(length: number): Uint8Array {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private varint(): number {
    let value = 0;
    for (let i = 0; ; i += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
  }

  private zigzag(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }
}
