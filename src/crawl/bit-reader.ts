/** The input ended in the middle of something. */
export class Cut extends Error {}

/** Reads bits from bytes, the highest of each first. */
export class BitReader {
  /** The next byte that is not begun. */
  at = 0;
  private readonly bytes: Uint8Array;
  private held = 0;
  private count = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** Bits that are left. */
  get left(): number {
    return (this.bytes.length - this.at) * 8 + this.count;
  }

  /** 24 of them at most. */
  read(bits: number): number {
    while (this.count < bits) {
      const byte = this.bytes[this.at];
      if (byte === undefined) throw new Cut('cut off');
      this.held = ((this.held & 0xffffff) << 8) | byte;
      this.at += 1;
      this.count += 8;
    }
    this.count -= bits;
    return (this.held >>> this.count) & ((1 << bits) - 1);
  }

  /** Leaves the rest of the byte that is begun. */
  align(): void {
    this.count -= this.count % 8;
  }
}
