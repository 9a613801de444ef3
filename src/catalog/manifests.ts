import { hash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { inArray, sql } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { manifests } from '../db/tables/catalog.ts';
import { TenonError } from '../model/errors.ts';
import type { ManifestFile, PackedManifest } from '../model/table.ts';
import { ManifestWriter, PLAIN, readContent } from './manifest-content.ts';

/** The first byte of what is packed, so that a better way of packing can come later. Or PLAIN. */
const DEFLATED = 1;
/** To deflate so little takes longer than all the rest of a crawl, and saves a third of it. */
const PLAIN_BYTES = 1_024;

/**
 * The files of a partition, sorted by address, in few bytes: what `ManifestWriter` makes of them, deflated. About 30 bytes a
 * file.
 *
 * The hash is that of the content before it was deflated, so another version of zlib makes no other manifests. The same
 * files in any order have the same hash. Throws BAD_INPUT when a size or a time is not a whole number.
 */
export function packManifest(files: readonly ManifestFile[]): PackedManifest {
  const { content, bytes } = contentOf(files);
  return packContent(content, { files: files.length, bytes });
}

/** Of files that were written in order. */
export function packContent(content: Buffer, sums: { readonly files: number; readonly bytes: bigint }): PackedManifest {
  return { hash: hashContent(content), packed: pack(content), ...sums };
}

/** The hash that the manifest of these files has. */
export function hashManifest(files: readonly ManifestFile[]): string {
  return hashContent(contentOf(files).content);
}

export function hashContent(content: Buffer): string {
  return hash('sha256', content.subarray(1), 'hex').slice(0, 32);
}

/** Kept from one manifest to the next. */
const writer = new ManifestWriter();

function contentOf(files: readonly ManifestFile[]): { content: Buffer; bytes: bigint } {
  write(files);
  // As a listing has them, mostly.
  if (!writer.isInOrder) write(files.toSorted(compareFiles));
  return { content: writer.content(), bytes: writer.sum() };
}

function write(files: readonly ManifestFile[]): void {
  writer.begin();
  for (const file of files) writer.add(file.address, file);
}

/** With a content that begins with PLAIN. */
function pack(content: Buffer): Uint8Array {
  return content.length > PLAIN_BYTES ? Buffer.concat([Buffer.of(DEFLATED), deflateRawSync(content.subarray(1))]) : content;
}

/** Exactly the files that were packed, in the order of their addresses. */
export function unpackManifest(packed: Uint8Array): ManifestFile[] {
  if (packed[0] === PLAIN) return readContent(Buffer.from(packed.buffer, packed.byteOffset + 1, packed.byteLength - 1));
  if (packed[0] !== DEFLATED) throw new TenonError('INTERNAL', `A manifest is packed in a way ${packed[0]} that is not known.`);
  return readContent(inflateRawSync(packed.subarray(1)));
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
