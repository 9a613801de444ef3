import { ensureDatabase } from '../catalog/databases.ts';
import { recordLineage } from '../catalog/lineage.ts';
import { findManifests, mergeManifests, packManifest } from '../catalog/manifests.ts';
import { currentByKey, type PartitionRow } from '../catalog/partition-rows.ts';
import { recordPartitions } from '../catalog/partitions.ts';
import { findTable, recordTable } from '../catalog/tables.ts';
import { findSchema } from '../catalog/versions.ts';
import { write, type Write } from '../changes/write.ts';
import type { Db, Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { orderedKeys } from '../model/partition-key.ts';
import { parseTableName } from '../model/names.ts';
import type { Principal } from '../model/principal.ts';
import { reached } from '../model/reached.ts';
import type { Column } from '../model/schema.ts';
import type { ManifestFile, PartitionDraft, Table } from '../model/table.ts';
import { unionColumns } from '../model/type-union.ts';
import type { RunContext, RunEnd } from '../work/run.ts';
import { advanceBookmark, type Bookmark, type PartitionFiles } from './bookmarks.ts';
import type { ResultColumn } from './engine.ts';
import { savePins, type Pin } from './gate.ts';
import type { Job } from './job.ts';
import { fileColumns, outputSchema } from './output-schema.ts';
import type { OutputFile } from './upload.ts';

/** All that a run has to make visible at once. */
export interface Publication {
  readonly jobId: string;
  readonly job: Job;
  readonly columns: readonly ResultColumn[];
  readonly files: readonly OutputFile[];
  /** The ids of the tables that were read. */
  readonly from: readonly string[];
  readonly pins: readonly Pin[];
  readonly bookmarks: readonly { readonly bookmark: Bookmark; readonly read: readonly PartitionFiles[] }[];
  /** How the run ends, once the partitions are known. */
  end(published: { readonly partitions: number }): RunEnd;
}

/**
 * Makes the files of an attempt part of the output table, in one transaction with the schema's version, the lineage, the
 * bookmarks, the pins and the run's end. Before it, only files that nobody knows of are there; after it, everything. The
 * run's epoch is checked first, with its row locked: a zombie publishes nothing.
 */
export async function publish(
  ground: Ground,
  context: RunContext,
  publication: Publication,
  maxPartitions: number,
): Promise<RunEnd> {
  const drafts = groupByValues(publication.files);
  if (drafts.length > maxPartitions) {
    throw new TenonError(
      'LIMIT',
      `The run writes ${drafts.length} partitions; ${maxPartitions} at a time are the limit (transactionRows).`,
      { limit: 'transactionRows' },
    );
  }
  const name = parseTableName(publication.job.output.table);
  const before = await outputTable(ground.db, context.principal, publication.job);
  const owner = before === undefined ? `job:${publication.job.name}` : writerOf(before, publication.job);
  const end = await write(ground, { principal: context.principal, owner, runId: context.run.id }, async (w) => {
    await context.hold(w.tx);
    await ensureDatabase(w, name.database);
    const table = await recordOutput(w, publication);
    await recordPartitions(w, table, await partitionDrafts(w, table, publication, drafts));
    await recordLineage(w, { from: publication.from, to: table.id, producer: `job:${publication.job.name}` });
    reached('bookmark.before-advance');
    for (const { bookmark, read } of publication.bookmarks) await advanceBookmark(w, bookmark, read, context.run.id);
    await savePins(w.tx, publication.jobId, publication.pins, w.at);
    const ended = publication.end({ partitions: drafts.length });
    await context.end(w.tx, ended);
    reached('publish.before-commit');
    return ended;
  });
  reached('publish.after-commit');
  return end;
}

/** The output as it is now. Throws ALREADY_EXISTS when it is not this job's to write. */
export async function outputTable(db: Db, as: Principal, job: Job): Promise<Table | undefined> {
  const { database, table: name } = parseTableName(job.output.table);
  const table = await findTable(db, as, { database, name });
  if (table !== undefined) writerOf(table, job);
  return table;
}

/**
 * In whose name the job writes. Its own tables belong to it. To the table of another job it may append, and then writes as
 * that job, so that the table keeps one owner; a crawler's or a person's table is not touched.
 */
function writerOf(table: Table, job: Job): string {
  const own = `job:${job.name}`;
  if (table.owner === own || (table.owner.startsWith('job:') && job.output.mode === 'append')) return table.owner;
  throw new TenonError(
    'ALREADY_EXISTS',
    `The table ${table.database}.${table.name} belongs to ${table.owner}; ${own} may not change it.`,
    { owner: table.owner, by: own },
  );
}

/** Once more with the table as it is in this transaction: another job may have added columns since. */
async function recordOutput(w: Write, { job, columns }: Publication): Promise<Table> {
  const { database, table: name } = parseTableName(job.output.table);
  const current = await findTable(w.tx, w.by.principal, { database, name });
  const { schema } = outputSchema(current, columns, job.output.partitionBy);
  const { table } = await recordTable(w, {
    database,
    name,
    type: 'table',
    location: job.output.location,
    format: { name: 'parquet' },
    ...(job.output.connection !== undefined && { connection: job.output.connection }),
    ...(current === undefined && job.description !== undefined && { description: job.description }),
    schema,
  });
  return table;
}

interface Written {
  readonly values: readonly (string | null)[];
  readonly files: readonly OutputFile[];
}

function groupByValues(files: readonly OutputFile[]): Written[] {
  const groups = new Map<string, OutputFile[]>();
  for (const file of files) {
    const key = JSON.stringify(file.values);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [file]);
    else group.push(file);
  }
  return [...groups.values()].map((group) => ({ values: group[0]?.values ?? [], files: group }));
}

async function partitionDrafts(
  w: Write,
  table: Table,
  { job, columns }: Publication,
  written: readonly Written[],
): Promise<PartitionDraft[]> {
  const own = fileColumns(outputSchema(table, columns, job.output.partitionBy));
  const keys = table.schema.partitionKeys;
  const isAppend = job.output.mode === 'append';
  const current = isAppend
    ? await currentByKey(
        w.tx,
        table.id,
        written.map(({ values }) => orderedKeys(values, keys)),
      )
    : new Map<number, PartitionRow>();
  const manifests = await findManifests(
    w.tx,
    [...current.values()].flatMap((row) => row.manifestHash ?? []),
  );
  const united = await unitedColumns(w, table, own, current);
  return written.map(({ values, files }, index): PartitionDraft => {
    const before = current.get(index);
    const rows = files.reduce((sum, file) => sum + file.rows, 0n);
    const added = files.map(({ file }) => file);
    const location = files[0]?.location ?? job.output.location;
    if (before === undefined) return { values, location, columns: own, rows, manifest: packManifest(added) };
    return merged(before, {
      columns: united.get(before.schemaHash) ?? own,
      rows,
      files: mergeManifests(manifests.get(before.manifestHash ?? '') ?? [], added),
    });
  });
}

/**
 * A partition with files of several runs. Its location stays that of its first files: only readers that take their files
 * from the catalog see all of them, and they see them all at once.
 */
function merged(
  before: PartitionRow,
  now: { columns: readonly Column[]; rows: bigint; files: readonly ManifestFile[] },
): PartitionDraft {
  return {
    values: before.values,
    location: before.location,
    ...(before.format !== null && { format: before.format }),
    columns: now.columns,
    ...(before.rows !== null && { rows: before.rows + now.rows }),
    manifest: packManifest(now.files),
  };
}

/** The columns that partitions have together with what is added to them, by what they had. Partitions share few schemas. */
async function unitedColumns(
  w: Write,
  table: Table,
  own: readonly Column[],
  current: ReadonlyMap<number, PartitionRow>,
): Promise<Map<string | null, readonly Column[]>> {
  const united = new Map<string | null, readonly Column[]>();
  for (const { schemaHash } of current.values()) {
    if (united.has(schemaHash)) continue;
    const had = schemaHash === null ? undefined : (await findSchema(w.tx, schemaHash))?.columns;
    united.set(schemaHash, unionColumns([had ?? table.schema.columns, own]));
  }
  return united;
}
