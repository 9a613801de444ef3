/** Bytes that grow at their end. Numbers are unsigned LEB128, seven bits a byte, up to 2^53. */
export class ByteWriter {
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  private length = 0;

  number(value: number): void {
    this.reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.bytes[this.length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.bytes[this.length++] = rest;
  }

  /** Small differences of either sign take few bytes: 0, -1, 1, -2 … become 0, 1, 2, 3 … */
  signed(value: number): void {
    this.number(value < 0 ? -2 * value - 1 : 2 * value);
  }

  raw(part: Uint8Array): void {
    this.reserve(part.length);
    this.bytes.set(part, this.length);
    this.length += part.length;
  }

  /** Where a text goes on, how much of it is left, and that as bytes. Writes nothing where that is not ASCII. */
  rest(from: number, text: string): boolean {
    const begin = this.length;
    this.number(from);
    this.number(text.length - from);
    this.reserve(text.length - from);
    const { bytes } = this;
    let at = this.length;
    for (let i = from; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code > 0x7f) {
        this.length = begin;
        return false;
      }
      bytes[at++] = code;
    }
    this.length = at;
    return true;
  }

  /** A number below 128 and then hexadecimal digits in lower case, two a byte. Writes nothing where there are others. */
  hex(mark: number, digits: string): boolean {
    this.reserve(1 + digits.length / 2);
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = mark;
    for (let i = 0; i < digits.length; i += 2) {
      const [high, low] = [DIGITS[digits.charCodeAt(i)] ?? -1, DIGITS[digits.charCodeAt(i + 1)] ?? -1];
      if (high < 0 || low < 0) return false;
      bytes[at++] = (high << 4) | low;
    }
    this.length = at;
    return true;
  }

  /** Forgets what was written, and keeps its room. */
  begin(): void {
    this.length = 0;
    if (this.bytes.length > KEPT_BYTES) this.bytes = Buffer.allocUnsafe(FIRST_BYTES);
  }

  /** What was written; overwritten after the next `begin`. */
  end(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.bytes.length * 2, this.length + more));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }
}

const FIRST_BYTES = 256;
const KEPT_BYTES = 64 * 1024;

/** By their codes; negative where a character is none. */
const DIGITS = Int8Array.from({ length: 128 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code)));

/** Reads what `ByteWriter` wrote. Throws RangeError at the end of the bytes. */
export class ByteReader {
  private readonly bytes: Buffer;
  private at = 0;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }

  number(): number {
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw new RangeError('The bytes end too early.');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  signed(): number {
    const value = this.number();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  raw(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new RangeError('The bytes end too early.');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}
