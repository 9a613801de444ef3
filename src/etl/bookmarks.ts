import { and, eq, ne, sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import { findManifests, mergeManifests, packManifest, saveManifests, subtractManifests } from '../catalog/manifests.ts';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { bookmarks } from '../db/tables/etl.ts';
import { TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import type { ManifestFile } from '../model/table.ts';

/** Whose bookmark: one for each input of a job, and for each identity of the table behind it. */
export interface BookmarkOf {
  readonly job: string;
  readonly input: string;
  readonly tableId: string;
}

/**
 * What a job has read of one table, exactly: for each partition the hash of the manifest of all files that its published
 * runs have consumed. A file is new when its address, etag and size are not in there; no times are compared, so a late
 * file, one with an old time, and one that was overwritten are all found, and none is found twice.
 */
export interface Bookmark {
  readonly of: BookmarkOf;
  /** By `partitionOf`. */
  readonly hashes: ReadonlyMap<string, string>;
}

/** The name of a partition in a bookmark: its values as written, which stay when a key gets another type or name. */
function partitionOf(values: readonly (string | null)[]): string {
  return JSON.stringify(values);
}

export async function findBookmark(db: Db, of: BookmarkOf): Promise<Bookmark> {
  const rows = await db.select({ partition: bookmarks.partition, hash: bookmarks.manifestHash }).from(bookmarks).where(isOf(of));
  return { of, hashes: new Map(rows.map(({ partition, hash }) => [partition, hash])) };
}

/** A partition as it is now, of which the hash says whether there can be anything new. */
export interface PartitionFiles {
  readonly values: readonly (string | null)[];
  readonly manifestHash: string | undefined;
  readonly files: readonly ManifestFile[];
}

/**
 * Leaves in each partition only the files that are new to the bookmark. Files of partitions that are no more count as read
 * too: when a table is grouped anew, the same file stands under other values.
 */
export async function newFiles<P extends PartitionFiles>(db: Db, bookmark: Bookmark, partitions: readonly P[]): Promise<P[]> {
  const changed = partitions.filter(
    ({ values, manifestHash }) => manifestHash === undefined || bookmark.hashes.get(partitionOf(values)) !== manifestHash,
  );
  if (changed.length === 0 || bookmark.hashes.size === 0) return changed.filter(({ files }) => files.length > 0);
  const present = new Set(partitions.map(({ values }) => partitionOf(values)));
  const gone = [...bookmark.hashes].flatMap(([partition, hash]) => (present.has(partition) ? [] : [hash]));
  const before = [...(await findManifests(db, gone)).values()].flat();
  const consumed = await findManifests(
    db,
    changed.flatMap(({ values }) => bookmark.hashes.get(partitionOf(values)) ?? []),
  );
  return changed.flatMap((partition) => {
    const read = consumed.get(bookmark.hashes.get(partitionOf(partition.values)) ?? '') ?? [];
    const files = subtractManifests(subtractManifests(partition.files, read), before);
    return files.length === 0 ? [] : [{ ...partition, files }];
  });
}

/**
 * Notes that these files are read, in the transaction that publishes what came of them. Throws CONFLICT when the bookmark
 * is no longer the one that the run began with, since then somebody has reset it.
 */
export async function advanceBookmark(
  w: Write,
  bookmark: Bookmark,
  read: readonly PartitionFiles[],
  runId: string,
): Promise<void> {
  const now = await findBookmark(w.tx, bookmark.of);
  if (!sameEntries(now.hashes, bookmark.hashes)) {
    throw new TenonError('CONFLICT', `The bookmark of the job ${bookmark.of.job} was moved while it ran; run it again.`, {
      job: bookmark.of.job,
    });
  }
  // A table that was dropped and made anew is another one: what was read of the old one counts no more.
  const { job, input, tableId } = bookmark.of;
  await w.tx.delete(bookmarks).where(and(eq(bookmarks.jobName, job), eq(bookmarks.input, input), ne(bookmarks.tableId, tableId)));
  if (read.length === 0) return;
  const consumed = await findManifests(
    w.tx,
    [...now.hashes.values()].length === 0 ? [] : read.flatMap(({ values }) => now.hashes.get(partitionOf(values)) ?? []),
  );
  const packed = read.map(({ values, files }) =>
    packManifest(mergeManifests(consumed.get(now.hashes.get(partitionOf(values)) ?? '') ?? [], files)),
  );
  await saveManifests(w.tx, packed);
  const rows = read.map(({ values }, index) => ({
    jobName: job,
    input,
    tableId,
    partition: partitionOf(values),
    manifestHash: packed[index]?.hash ?? '',
    runId,
    at: w.at,
  }));
  for (let from = 0; from < rows.length; from += 1_000) {
    await w.tx
      .insert(bookmarks)
      .values(rows.slice(from, from + 1_000))
      .onConflictDoUpdate({
        target: [bookmarks.jobName, bookmarks.input, bookmarks.tableId, bookmarks.partition],
        set: { manifestHash: sql`excluded.manifest_hash`, runId: sql`excluded.run_id`, at: sql`excluded.at` },
      });
  }
}

/** Lets the next run of a job read everything again. What earlier runs published stays, so an appending job will repeat it. */
export async function resetBookmark(db: Db, as: Principal, job: string): Promise<{ removed: number }> {
  authorize(as, 'write', `the bookmark of the job ${job}`);
  const removed = await db.delete(bookmarks).where(eq(bookmarks.jobName, job)).returning({ partition: bookmarks.partition });
  return { removed: removed.length };
}

function isOf({ job, input, tableId }: BookmarkOf) {
  return and(eq(bookmarks.jobName, job), eq(bookmarks.input, input), eq(bookmarks.tableId, tableId));
}

function sameEntries(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([name, value]) => b.get(name) === value);
}
