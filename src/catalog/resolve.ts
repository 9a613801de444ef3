import { authorize } from '../access/authorize.ts';
import type { Db } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import { parseTableName } from '../model/names.ts';
import type { Predicate } from '../model/predicate.ts';
import type { Principal } from '../model/principal.ts';
import type { Column } from '../model/schema.ts';
import type { ManifestFile, Partition, Table, Version } from '../model/table.ts';
import { findManifests } from './manifests.ts';
import { streamPartitions, type PartitionFilter } from './partitions.ts';
import { readTableByName } from './table-rows.ts';
import { findSchema, findVersion } from './versions.ts';
import { pinned, type AsOf } from './visible.ts';

export interface ResolvedPartition {
  readonly partition: Partition;
  /** From its manifest, sorted by address; never from a listing. */
  readonly files: ManifestFile[];
  /** The columns of its own files, where they were read; they may be fewer than the table's, or narrower. */
  readonly columns: readonly Column[] | undefined;
}

export interface Resolved {
  readonly table: Table;
  readonly version: Version;
  /** A few at a time. Begins anew for everyone who iterates it, with the same content. */
  readonly partitions: AsyncIterable<ResolvedPartition>;
}

/**
 * The one way to read a table's files. Table, version and partitions are those of one position, so what is published
 * meanwhile does not mix in. Throws NOT_FOUND, BAD_INPUT for what is no name, and BAD_PREDICATE with the first partition.
 */
export async function resolve(
  db: Db,
  as: Principal,
  name: string,
  options: AsOf & { readonly predicate?: string | Predicate | undefined } = {},
): Promise<Resolved> {
  const { database, table: folded } = parseTableName(name);
  authorize(as, 'read', `the table ${database}.${folded}`);
  const asOf = await pinned(db, options.asOf);
  const table = (await readTableByName(db, database, folded, asOf))?.table;
  const version = table && (await findVersion(db, as, table.id, table.version));
  if (table === undefined || version === undefined) {
    throw new TenonError('NOT_FOUND', `There is no table ${database}.${folded}.`, { table: `${database}.${folded}` });
  }
  const filter = { predicate: options.predicate, asOf, batch: PARTITIONS_AT_ONCE };
  return { table, version, partitions: { [Symbol.asyncIterator]: () => withFiles(db, as, table, filter) } };
}

/** So many manifests are unpacked at once. */
const PARTITIONS_AT_ONCE = 100;

async function* withFiles(
  db: Db,
  as: Principal,
  table: Table,
  filter: PartitionFilter & { readonly batch: number },
): AsyncGenerator<ResolvedPartition> {
  const known = new Map<string, readonly Column[] | undefined>();
  let batch: Partition[] = [];
  for await (const partition of streamPartitions(db, as, table, filter)) {
    batch.push(partition);
    if (batch.length < filter.batch) continue;
    yield* filesOf(db, batch, known);
    batch = [];
  }
  yield* filesOf(db, batch, known);
}

async function* filesOf(
  db: Db,
  partitions: readonly Partition[],
  known: Map<string, readonly Column[] | undefined>,
): AsyncGenerator<ResolvedPartition> {
  const files = await findManifests(
    db,
    partitions.flatMap(({ manifestHash }) => manifestHash ?? []),
  );
  for (const partition of partitions) {
    yield {
      partition,
      files: manifestOf(partition, files),
      columns: partition.schemaHash === undefined ? undefined : await columnsOf(db, partition.schemaHash, known),
    };
  }
}

function manifestOf(partition: Partition, files: ReadonlyMap<string, ManifestFile[]>): ManifestFile[] {
  const found = partition.manifestHash === undefined ? [] : files.get(partition.manifestHash);
  if (found !== undefined) return found;
  // Reading it as no files would make a job lose rows without a word.
  const message = `The files of the partition ${partition.location} are not in the catalog any more.`;
  throw new TenonError('INTERNAL', message, { location: partition.location, manifest: partition.manifestHash });
}

/** Partitions share few schemas. */
async function columnsOf(
  db: Db,
  hash: string,
  known: Map<string, readonly Column[] | undefined>,
): Promise<readonly Column[] | undefined> {
  if (!known.has(hash)) known.set(hash, (await findSchema(db, hash))?.columns);
  return known.get(hash);
}
