/** What came out of the head of something packed. */
export interface Unpacked {
  readonly bytes: Uint8Array;
  /** The packed stream came to its own end. Input that ends earlier is normal, as only a head is read. */
  readonly ended: boolean;
  /** Bytes of input that it took. */
  readonly used: number;
}

/** A way of packing bytes; one file in `codecs/` for each. */
export interface Codec {
  /** As `format.compression` says it. */
  readonly name: string;
  /** By the first bytes; no name of a file counts. */
  begins(raw: Uint8Array): boolean;
  /**
   * Unpacks until `size` bytes are there, then stops, and holds little more than that in memory. Throws what is wrong with
   * the bytes; what is only cut off is no fault.
   */
  unpack(raw: Uint8Array, size: number): Unpacked | Promise<Unpacked>;
}

/** Bytes that grow up to a little more than what is wanted. */
export class Output {
  length = 0;
  private bytes: Uint8Array;
  private readonly wanted: number;

  constructor(wanted: number) {
    this.wanted = wanted;
    this.bytes = new Uint8Array(Math.min(wanted, 64 * 1024));
  }

  get full(): boolean {
    return this.length >= this.wanted;
  }

  /** The bytes so far, with room for `more` of them behind. */
  room(more: number): Uint8Array {
    if (this.length + more <= this.bytes.length) return this.bytes;
    const grown = new Uint8Array(Math.max(this.length + more, Math.min(this.bytes.length * 2, this.wanted)));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    return grown;
  }

  add(part: Uint8Array): void {
    this.room(part.length).set(part, this.length);
    this.length += part.length;
  }

  unpacked(ended: boolean, used: number): Unpacked {
    return {
      bytes: this.bytes.subarray(0, Math.min(this.length, this.wanted)),
      ended: ended && this.length <= this.wanted,
      used,
    };
  }
}
