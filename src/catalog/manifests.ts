import { hash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { inArray, sql } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { manifests } from '../db/tables/catalog.ts';
import { TenonError } from '../model/errors.ts';
import type { ManifestFile, PackedManifest } from '../model/table.ts';
import { ByteReader, ByteWriter } from './bytes.ts';

/** The first byte of what is packed, so that a better way of packing can come later. */
const DEFLATED = 1;
const PLAIN = 2;
/** To deflate so little takes longer than all the rest of a crawl, and saves a third of it. */
const PLAIN_BYTES = 1_024;
const HEX_ETAG = 1;
const OTHER_ETAG = 0;
/** Twice the difference of two such times is still exact as a number. */
const MAX_TIME = 2 ** 50;

/**
 * The files of a partition, sorted by address, in few bytes: an address as what differs from the one before it, an etag
 * that is an MD5 as its 16 bytes, each kind of field in a stretch of its own, all of it deflated. About 30 bytes a file.
 *
 * The hash is that of the content before it was deflated, so another version of zlib makes no other manifests. The same
 * files in any order have the same hash. Throws BAD_INPUT when a size or a time is not a whole number.
 */
export function packManifest(files: readonly ManifestFile[]): PackedManifest {
  const content = encode(inOrder(files));
  let bytes = 0;
  let more = 0n;
  for (const { size } of files) {
    if (bytes + size > Number.MAX_SAFE_INTEGER) {
      more += BigInt(bytes);
      bytes = 0;
    }
    bytes += size;
  }
  return { hash: hashOf(content.subarray(1)), packed: pack(content), files: files.length, bytes: more + BigInt(bytes) };
}

/** The hash that the manifest of these files has. */
export function hashManifest(files: readonly ManifestFile[]): string {
  return hashOf(encode(inOrder(files)).subarray(1));
}

function hashOf(content: Uint8Array): string {
  return hash('sha256', content, 'hex').slice(0, 32);
}

/** With what was encoded, which begins with PLAIN. */
function pack(content: Uint8Array): Uint8Array {
  return content.length > PLAIN_BYTES ? Buffer.concat([Buffer.of(DEFLATED), deflateRawSync(content.subarray(1))]) : content;
}

/** As a listing has them, mostly. */
function inOrder(files: readonly ManifestFile[]): readonly ManifestFile[] {
  for (let i = 1; i < files.length; i += 1) {
    const [a, b] = [files[i - 1], files[i]];
    if (a === undefined || b === undefined || !(a.address < b.address)) return [...files].sort(compareFiles);
  }
  return files;
}

/** Exactly the files that were packed, in the order of their addresses. */
export function unpackManifest(packed: Uint8Array): ManifestFile[] {
  if (packed[0] === PLAIN) return decode(Buffer.from(packed.buffer, packed.byteOffset + 1, packed.byteLength - 1));
  if (packed[0] !== DEFLATED) throw new TenonError('INTERNAL', `A manifest is packed in a way ${packed[0]} that is not known.`);
  return decode(inflateRawSync(packed.subarray(1)));
}

/** Files in both stand once; the same address with another etag or size is another file. */
export function mergeManifests(a: readonly ManifestFile[], b: readonly ManifestFile[]): ManifestFile[] {
  return [...a, ...subtractManifests(b, a)].sort(compareFiles);
}

/** The files of `a` that are not in `b`, by address, etag and size. Times are not compared. */
export function subtractManifests(a: readonly ManifestFile[], b: readonly ManifestFile[]): ManifestFile[] {
  const known = new Set(b.map(identity));
  return a.filter((file) => !known.has(identity(file)));
}

/** With the length of the etag, so that no two files share a text. */
function identity({ address, etag, size }: ManifestFile): string {
  return `${size}\n${etag.length}\n${etag}${address}`;
}

/** Keeps manifests by their hashes; those that are there already cost nothing. */
export async function saveManifests(tx: Db, packed: readonly PackedManifest[]): Promise<void> {
  const unique = [...new Map(packed.map((manifest) => [manifest.hash, manifest])).values()].filter(isWhole);
  if (unique.length === 0) return;
  const hashes = sql.param(unique.map(({ hash }) => hash));
  const contents = sql.param(
    unique.map(({ packed: content }) => Buffer.from(content.buffer, content.byteOffset, content.byteLength)),
  );
  await tx.execute(sql`
    insert into ${manifests} (hash, packed)
    select * from unnest(${hashes}::text[], ${contents}::bytea[])
    on conflict do nothing`);
}

/** Who keeps manifests before anything names them, and who removes those that nothing names, do not do so at the same time. */
export const LOOSE_LOCK = 7_310_005;

/**
 * Keeps manifests before what will name them, so that much of it need not be held. Only for a run of a crawl: while one
 * is under way, what nothing names yet is not removed; see `loose-manifests.ts`.
 */
export async function keepManifests(db: Db, packed: readonly PackedManifest[]): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock_shared(${LOOSE_LOCK})`);
    await saveManifests(tx, packed);
  });
}

/** One that is kept already may come without its content. */
function isWhole({ packed }: PackedManifest): boolean {
  return packed.length > 0;
}

export async function findManifest(db: Db, hash: string): Promise<ManifestFile[] | undefined> {
  return (await findManifests(db, [hash])).get(hash);
}

/** The files of many manifests, by their hashes. What is not there is left out. */
export async function findManifests(db: Db, hashes: readonly string[]): Promise<Map<string, ManifestFile[]>> {
  const wanted = [...new Set(hashes)];
  if (wanted.length === 0) return new Map();
  const rows = await db.select().from(manifests).where(inArray(manifests.hash, wanted));
  return new Map(rows.map(({ hash, packed }) => [hash, unpackManifest(packed)]));
}

function compareFiles(a: ManifestFile, b: ManifestFile): number {
  return order(a.address, b.address) || order(a.etag, b.etag) || a.size - b.size || a.modified - b.modified;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function encode(files: readonly ManifestFile[]): Buffer {
  const { head, addresses, sizes, times, etags } = WRITERS;
  for (const writer of [head, addresses, sizes, times, etags]) writer.begin();
  let address = '';
  let etag = NOTHING.etag;
  let modified = 0;
  for (const file of files) {
    checkNumbers(file);
    writeAddress(addresses, address, file.address);
    sizes.number(file.size);
    times.signed(file.modified - modified);
    etag = writeEtag(etags, etag, file.etag);
    ({ address, modified } = file);
  }
  const parts = [addresses, sizes, times, etags].map((writer) => writer.end());
  head.number(PLAIN);
  for (const number of [files.length, ...parts.map((part) => part.length)]) head.number(number);
  return Buffer.concat([head.end(), ...parts]);
}

/** Kept from one manifest to the next: a lake has a hundred thousand small ones. */
const WRITERS = {
  head: new ByteWriter(),
  addresses: new ByteWriter(),
  sizes: new ByteWriter(),
  times: new ByteWriter(),
  etags: new ByteWriter(),
};

// oxlint-disable-next-line no-control-regex -- the bounds of ASCII
const NOT_ASCII = /[^\u0000-\u007f]/;

/** Where all is ASCII, bytes and characters are the same thing. */
function writeAddress(out: ByteWriter, before: string, address: string): void {
  if (NOT_ASCII.test(address)) return void writeRest(out, Buffer.from(before), Buffer.from(address));
  const most = Math.min(before.length, address.length);
  let shared = 0;
  while (shared < most && before.charCodeAt(shared) === address.charCodeAt(shared)) shared++;
  out.number(shared);
  out.number(address.length - shared);
  out.ascii(address, shared);
}

const NOTHING: { address: Buffer; etag: Buffer; modified: number } = {
  address: Buffer.alloc(0),
  etag: Buffer.alloc(0),
  modified: 0,
};

function decode(content: Buffer): ManifestFile[] {
  const reader = new ByteReader(content);
  const count = reader.number();
  const lengths = [reader.number(), reader.number(), reader.number(), reader.number()];
  const [addresses, sizes, times, etags] = lengths.map((length) => new ByteReader(reader.raw(length)));
  if (addresses === undefined || sizes === undefined || times === undefined || etags === undefined) throw new RangeError();
  const files: ManifestFile[] = [];
  let { address, etag, modified } = NOTHING;
  for (let i = 0; i < count; i++) {
    address = readRest(addresses, address);
    modified += times.signed();
    const read = readEtag(etags, etag);
    etag = read.before;
    files.push({ address: address.toString(), size: sizes.number(), etag: read.etag, modified });
  }
  return files;
}

function checkNumbers(file: ManifestFile): void {
  if (Number.isSafeInteger(file.size) && file.size >= 0 && Number.isInteger(file.modified) && Math.abs(file.modified) <= MAX_TIME)
    return;
  const message = `The size and the time of «${file.address}» must be whole numbers.`;
  throw new TenonError('BAD_INPUT', message, { address: file.address, size: file.size, modified: file.modified });
}

function writeRest(out: ByteWriter, before: Buffer, bytes: Buffer): void {
  const shared = sharedStart(before, bytes);
  out.number(shared);
  out.number(bytes.length - shared);
  out.raw(bytes.subarray(shared));
}

function readRest(from: ByteReader, before: Buffer): Buffer {
  const start = before.subarray(0, from.number());
  return Buffer.concat([start, from.raw(from.number())]);
}

function sharedStart(a: Buffer, b: Buffer): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a[same] === b[same]) same++;
  return same;
}

/** What S3 gives for an object in one part is an MD5 in hex; other etags are kept as text. Returns what the next one may share. */
function writeEtag(out: ByteWriter, before: Buffer, etag: string): Buffer {
  if (etag.length === 32 && out.hex(HEX_ETAG, etag)) return before;
  const bytes = Buffer.from(etag);
  out.number(OTHER_ETAG);
  writeRest(out, before, bytes);
  return bytes;
}

function readEtag(from: ByteReader, before: Buffer): { etag: string; before: Buffer } {
  if (from.number() === HEX_ETAG) return { etag: from.raw(16).toString('hex'), before };
  const bytes = readRest(from, before);
  return { etag: bytes.toString(), before: bytes };
}
