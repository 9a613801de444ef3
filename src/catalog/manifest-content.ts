import { TenonError } from '../model/errors.ts';
import type { ManifestFile } from '../model/table.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/** The first byte of a content that is not deflated. */
export const PLAIN = 2;
const HEX_ETAG = 1;
const OTHER_ETAG = 0;
/** Twice the difference of two such times is still exact as a number. */
const MAX_TIME = 2 ** 50;

type File = Omit<ManifestFile, 'address'>;

/**
 * Writes the files of a manifest as they come: an address as what differs from the one before it, an etag that is an MD5 as
 * its 16 bytes, each kind of field in a stretch of its own. Throws BAD_INPUT when a size or a time is not a whole number.
 */
export class ManifestWriter {
  files = 0;
  /** Each address came after the one before it. Only then is the content that of the manifest. */
  isInOrder = true;
  private bytes = 0;
  private more = 0n;
  private address = '';
  private isAscii = true;
  private etag = Buffer.alloc(0);
  private modified = 0;
  private readonly head = new ByteWriter();
  private readonly addresses = new ByteWriter();
  private readonly sizes = new ByteWriter();
  private readonly times = new ByteWriter();
  private readonly etags = new ByteWriter();

  add(address: string, file: File): void {
    const { size, etag, modified } = file;
    checkNumbers(address, file);
    this.writeAddress(address);
    this.sizes.number(size);
    this.times.signed(modified - this.modified);
    this.modified = modified;
    this.writeEtag(etag);
    if (this.bytes + size > Number.MAX_SAFE_INTEGER) {
      this.more += BigInt(this.bytes);
      this.bytes = 0;
    }
    this.bytes += size;
    this.files += 1;
  }

  /** The bytes of all files. */
  sum(): bigint {
    return this.more + BigInt(this.bytes);
  }

  content(): Buffer {
    const parts = [this.addresses, this.sizes, this.times, this.etags].map((writer) => writer.end());
    this.head.begin();
    this.head.number(PLAIN);
    this.head.number(this.files);
    for (const { length } of parts) this.head.number(length);
    return Buffer.concat([this.head.end(), ...parts]);
  }

  /** Forgets everything, and keeps its room. */
  begin(): void {
    for (const writer of [this.addresses, this.sizes, this.times, this.etags]) writer.begin();
    [this.files, this.bytes, this.more, this.modified] = [0, 0, 0n, 0];
    [this.address, this.isAscii, this.isInOrder, this.etag] = ['', true, true, this.etag.subarray(0, 0)];
  }

  /** Where all is ASCII, bytes and characters are the same thing. */
  private writeAddress(address: string): void {
    const { address: before, addresses } = this;
    this.address = address;
    const most = Math.min(before.length, address.length);
    let shared = 0;
    while (shared < most && before.charCodeAt(shared) === address.charCodeAt(shared)) shared += 1;
    if (this.files > 0) this.isInOrder &&= isAfter(before, address, shared);
    if (this.isAscii && addresses.rest(shared, address)) return;
    this.isAscii = NOT_ASCII.test(address) === false;
    writeRest(addresses, Buffer.from(before), Buffer.from(address));
  }

  /** What S3 gives for an object in one part is an MD5 in hex; other etags are kept as text. */
  private writeEtag(etag: string): void {
    if (etag.length === 32 && this.etags.hex(HEX_ETAG, etag)) return;
    const bytes = Buffer.from(etag);
    this.etags.number(OTHER_ETAG);
    writeRest(this.etags, this.etag, bytes);
    this.etag = bytes;
  }
}

// oxlint-disable-next-line no-control-regex -- the bounds of ASCII
const NOT_ASCII = /[^\u0000-\u007f]/;

function isAfter(before: string, address: string, shared: number): boolean {
  if (shared === before.length) return address.length > shared;
  return address.charCodeAt(shared) > before.charCodeAt(shared);
}

function checkNumbers(address: string, { size, modified }: File): void {
  if (Number.isSafeInteger(size) && size >= 0 && Number.isInteger(modified) && Math.abs(modified) <= MAX_TIME) return;
  const message = `The size and the time of «${address}» must be whole numbers.`;
  throw new TenonError('BAD_INPUT', message, { address, size, modified });
}

function writeRest(out: ByteWriter, before: Buffer, bytes: Buffer): void {
  const shared = sharedStart(before, bytes);
  out.number(shared);
  out.number(bytes.length - shared);
  out.raw(bytes.subarray(shared));
}

function sharedStart(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a[same] === b[same]) same++;
  return same;
}

/** What `ManifestWriter` wrote, without its first byte. */
export function readContent(content: Buffer): ManifestFile[] {
  const reader = new ByteReader(content);
  const count = reader.number();
  const lengths = [reader.number(), reader.number(), reader.number(), reader.number()];
  const [addresses, sizes, times, etags] = lengths.map((length) => new ByteReader(reader.raw(length)));
  if (addresses === undefined || sizes === undefined || times === undefined || etags === undefined) throw new RangeError();
  const files: ManifestFile[] = [];
  let address = Buffer.alloc(0);
  let etag = Buffer.alloc(0);
  let modified = 0;
  for (let i = 0; i < count; i++) {
    address = readRest(addresses, address);
    modified += times.signed();
    const read = readEtag(etags, etag);
    etag = read.before;
    files.push({ address: address.toString(), size: sizes.number(), etag: read.etag, modified });
  }
  return files;
}

function readRest(from: ByteReader, before: Buffer): Buffer<ArrayBuffer> {
  const start = before.subarray(0, from.number());
  return Buffer.concat([start, from.raw(from.number())]);
}

function readEtag(from: ByteReader, before: Buffer<ArrayBuffer>): { etag: string; before: Buffer<ArrayBuffer> } {
  if (from.number() === HEX_ETAG) return { etag: from.raw(16).toString('hex'), before };
  const bytes = readRest(from, before);
  return { etag: bytes.toString(), before: bytes };
}
