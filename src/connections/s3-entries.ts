import { s3Address } from './address.ts';
import { readDigits, readTime } from './digits.ts';
import { BadAnswer } from './s3-body.ts';
import { decodeKey, unescape } from './s3-text.ts';

export interface ListedKey {
  readonly address: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** Milliseconds since 1970. */
  readonly modified: number;
}

const TAG = 0x3c;
const END_OF_TAG = 0x3e;
const SLASH = 0x2f;
const AND = 0x26;
const PERCENT = 0x25;
const PLUS = 0x2b;
const SPACE = 0x20;
const ASCII = 0x7f;

const OPEN = Buffer.from('<Contents>');
const CLOSE = Buffer.from('/Contents>');
const KEY = Buffer.from('Key>');
const TIME = Buffer.from('LastModified>');
const ETAG = Buffer.from('ETag>');
const SIZE = Buffer.from('Size>');
const QUOTES = ['&quot;', '"', '&#34;'].map((quote) => Buffer.from(quote));

/** `2026-11-20T12:00:00.000Z` */
const TIME_LENGTH = 24;

/** Room for an address; a longer one takes longer. */
const ROOM = Buffer.alloc(4_096);
const HEX = Int8Array.from({ length: 256 }, (_, code) => '0123456789abcdef'.indexOf(String.fromCharCode(code).toLowerCase()));

/**
 * The entries of a listing, read where they stand in the bytes of the page: to make texts of all of them first, and look into
 * those, takes a few times as long. What is kept is a copy, so that who has a key does not keep all of its page.
 */
export function readEntries(bytes: Buffer, bucket: string, encoded: boolean): ListedKey[] {
  const entries = new Entries(bytes, s3Address(bucket, ''), encoded);
  const found: ListedKey[] = [];
  for (let entry = entries.next(); entry !== undefined; entry = entries.next()) found.push(entry);
  return found;
}

class Entries {
  private readonly bytes: Buffer;
  /** What all addresses begin with. */
  private readonly root: string;
  /** Keys are percent-encoded. */
  private readonly encoded: boolean;
  private at = 0;

  constructor(bytes: Buffer, root: string, encoded: boolean) {
    this.bytes = bytes;
    this.root = root;
    this.encoded = encoded;
    ROOM.write(root, 'latin1');
  }

  next(): ListedKey | undefined {
    if (!this.opens(OPEN) && !this.skipTo(OPEN)) return undefined;
    let address: string | undefined;
    let etag: string | undefined;
    let size = Number.NaN;
    let modified = Number.NaN;
    for (;;) {
      this.at = this.end() + 1;
      if (this.opens(KEY)) address = this.address();
      else if (this.opens(TIME)) modified = this.time();
      else if (this.opens(ETAG)) etag = this.etag();
      else if (this.opens(SIZE)) size = this.size();
      else if (this.opens(CLOSE)) break;
      else this.pass();
    }
    if (address === undefined || etag === undefined || Number.isNaN(size + modified)) {
      throw new BadAnswer('BadPage', 'An entry of the listing lacks its key, size, etag or time.');
    }
    return { address, key: address.slice(this.root.length), size, etag, modified };
  }

  /** Moves behind a word if it stands here. */
  private opens(word: Buffer): boolean {
    if (!isAt(this.bytes, this.at, word)) return false;
    this.at += word.length;
    return true;
  }

  private skipTo(word: Buffer): boolean {
    const place = this.bytes.indexOf(word, this.at);
    if (place >= 0) this.at = place + word.length;
    return place >= 0;
  }

  /** Where the text ends that begins here. */
  private end(sign = TAG): number {
    const { bytes } = this;
    for (let at = this.at; at < bytes.length; at += 1) if (bytes[at] === sign) return at;
    throw new BadAnswer('TruncatedPage', 'An entry of the listing breaks off.');
  }

  /** Moves behind the tag that closes a value. */
  private close(end: number, name: Buffer): void {
    this.at = end + 2;
    if (this.bytes[end + 1] === SLASH && this.opens(name)) return;
    throw new BadAnswer('BadPage', 'An entry of the listing has something else where a value ends.');
  }

  /** Leaves out an element that says nothing of use, and all that is in it. */
  private pass(): void {
    for (let depth = 0; ;) {
      const end = this.end(END_OF_TAG);
      if (this.bytes[this.at] === SLASH) depth -= 1;
      else if (this.bytes[end - 1] !== SLASH) depth += 1;
      if (depth < 0) throw new BadAnswer('BadPage', 'An entry of the listing closes what it did not open.');
      this.at = end + 1;
      if (depth === 0) return;
      this.at = this.end() + 1;
    }
  }

  private text(name: Buffer): string {
    const { at } = this;
    const end = this.end();
    this.close(end, name);
    return this.bytes.toString('utf8', at, end);
  }

  private address(): string {
    const { bytes, encoded } = this;
    let { length } = this.root;
    let all = 0;
    let at = this.at;
    for (; at < bytes.length; at += 1) {
      let byte = bytes[at] ?? TAG;
      if (byte === TAG) break;
      if (byte === AND) return this.root + this.unusualKey();
      if (encoded && byte === PERCENT) {
        // What are no hexadecimal digits comes out negative.
        byte = ((HEX[bytes[at + 1] ?? 0] ?? -1) << 4) | (HEX[bytes[at + 2] ?? 0] ?? -1);
        at += 2;
      } else if (encoded && byte === PLUS) byte = SPACE;
      all |= byte;
      ROOM[length++] = byte;
    }
    if (all < 0 || all > ASCII || length > ROOM.length) return this.root + this.unusualKey();
    this.close(at, KEY);
    return ROOM.toString('latin1', 0, length);
  }

  /** One that is not ASCII, very long, or escaped. */
  private unusualKey(): string {
    const text = unescape(this.text(KEY));
    return this.encoded ? decodeKey(text) : text;
  }

  private etag(): string {
    const { bytes, at } = this;
    const end = this.end();
    this.close(end, ETAG);
    const opening = QUOTES.find((quote) => isAt(bytes, at, quote));
    if (opening === undefined) return bytes.toString('latin1', at, end);
    const isClosed = isAt(bytes, end - opening.length, opening);
    return bytes.toString('latin1', at + opening.length, isClosed ? end - opening.length : end);
  }

  private size(): number {
    const { bytes, at } = this;
    const end = this.end();
    this.close(end, SIZE);
    return readDigits(bytes, at, end);
  }

  private time(): number {
    const { bytes, at } = this;
    // No `<` is in a time that can be read.
    const usual = readTime(bytes, at, at + TIME_LENGTH);
    const end = Number.isNaN(usual) ? this.end() : at + TIME_LENGTH;
    this.close(end, TIME);
    if (!Number.isNaN(usual)) return usual;
    const short = readTime(bytes, at, end);
    return Number.isNaN(short) ? Date.parse(bytes.toString('latin1', at, end)) : short;
  }
}

function isAt(bytes: Buffer, place: number, word: Buffer): boolean {
  for (let i = 0; i < word.length; i += 1) if (bytes[place + i] !== word[i]) return false;
  return true;
}
