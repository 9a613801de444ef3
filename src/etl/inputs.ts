import type { Connections } from '../connections/connections.ts';
import type { ResolvedPartition } from '../catalog/resolve.ts';
import { TenonError } from '../model/errors.ts';
import type { Column, Format } from '../model/schema.ts';
import type { ManifestFile, Table } from '../model/table.ts';
import { csvColumns } from './csv-head.ts';
import type { FileGroup, InputFile } from './engine.ts';
import type { Stage } from './stage.ts';
import { copyAsUtf8, isReadAsCopy } from './utf8-copy.ts';

/** So many files are checked or downloaded at once. */
const PARALLEL_FILES = 16;
const FORMATS = new Set(['csv', 'json', 'parquet']);
/** How text may be packed. What packs the pages inside of a Parquet file is Parquet's own affair. */
const COMPRESSIONS = new Set([undefined, 'gzip', 'zstd']);

/** How text may be encoded for the engine; what a format leaves out is UTF-8. */
const ENCODINGS: Readonly<Record<string, readonly unknown[]>> = { csv: ['utf-8', 'utf-16', 'latin-1'], json: ['utf-8'] };

/** Files of one partition that a run reads. */
export interface PartitionInput {
  readonly values: readonly (string | null)[];
  readonly manifestHash: string | undefined;
  readonly format: Format;
  readonly columns: readonly Column[];
  readonly files: readonly ManifestFile[];
}

/** What of a table's partitions a reader needs. Throws UNSUPPORTED for a format that the engine does not read. */
export async function partitionInputs(table: Table, partitions: AsyncIterable<ResolvedPartition>): Promise<PartitionInput[]> {
  const found: PartitionInput[] = [];
  for await (const { partition, files, columns } of partitions) {
    const format = partition.format ?? table.format;
    if (format === undefined || !FORMATS.has(format.name)) {
      throw new TenonError(
        'UNSUPPORTED',
        `${table.database}.${table.name} has the format ${format?.name ?? 'unknown'}${reasonOf(table, format)}; jobs and SQL read csv, json and parquet.`,
        { format: format?.name },
      );
    }
    if (format.options?.['layout'] === 'path') {
      throw new TenonError(
        'UNSUPPORTED',
        `The rows of ${table.database}.${table.name} lie at ${String(format.options['path'])} in its documents; jobs and SQL read JSON in lines, in one array, or one object after another.`,
        { format: format.name },
      );
    }
    if (!COMPRESSIONS.has(format.compression)) {
      throw new TenonError(
        'UNSUPPORTED',
        `${table.database}.${table.name} is packed by ${format.compression}; jobs and SQL read gzip, zstd and what is not packed.`,
        { compression: format.compression },
      );
    }
    checkEncoding(table, format);
    found.push({
      values: partition.values,
      manifestHash: partition.manifestHash,
      format,
      columns: columns ?? table.schema.columns,
      files,
    });
  }
  return found;
}

/** A Delta or Iceberg table is read as the Parquet files that it is made of, unless something keeps it from that. */
function reasonOf({ details }: Table, format: Format | undefined): string {
  const source = details?.source?.[format?.name ?? ''];
  const reason = typeof source === 'object' && source !== null ? (source as { unreadable?: unknown }).unreadable : undefined;
  return typeof reason === 'string' ? `, and ${reason}` : '';
}

function checkEncoding(table: Table, format: Format): void {
  const known = ENCODINGS[format.name];
  const encoding = format.options?.['encoding'] ?? 'utf-8';
  if (known === undefined || known.includes(encoding) || isReadAsCopy(format)) return;
  const packed = format.compression === undefined ? '' : `, packed by ${format.compression}`;
  throw new TenonError(
    'UNSUPPORTED',
    `${table.database}.${table.name} is ${format.name} in ${String(encoding)}${packed}; jobs and SQL read that only where it is not packed, or by gzip.`,
    { encoding },
  );
}

export interface Staging {
  readonly connections: Connections;
  readonly stage: Stage;
  /** Of the run; keeps links to cached files, and copies. */
  readonly folder: string;
  readonly signal?: AbortSignal;
}

/** Makes sure that the files are here and are the ones that the catalog knows, and puts together those that are read alike. */
export async function stageFiles(table: Table, partitions: readonly PartitionInput[], staging: Staging): Promise<FileGroup[]> {
  const groups = new Map<string, { format: Format; columns: readonly string[]; files: InputFile[] }>();
  const all = partitions.flatMap((partition) => partition.files.map((file) => ({ partition, file })));
  const staged = await inParallel(all, async ({ partition, file }) => {
    staging.signal?.throwIfAborted();
    // An empty text file has no rows, and no header either.
    if (file.size === 0 && partition.format.name !== 'parquet') return undefined;
    const store = await staging.connections.objectStore(file.address, table.connection);
    const placed = {
      path: await staging.stage.place(store, file, staging.folder, staging.signal),
      address: file.address,
      format: partition.format,
    };
    const { path, format } = isReadAsCopy(placed.format) ? await copyAsUtf8(placed, staging.folder, staging.signal) : placed;
    const known = partition.columns.map(({ name }) => name);
    const columns = format.name === 'csv' ? await csvColumns(path, file.address, format, known) : known;
    return { format, columns, file: { address: file.address, path, values: partition.values } };
  });
  for (const one of staged) {
    if (one === undefined) continue;
    const key = JSON.stringify([one.format, one.columns]);
    const group = groups.get(key) ?? { format: one.format, columns: one.columns, files: [] };
    group.files.push(one.file);
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Results in the order of the items. The first failure ends it; what is under way is waited for. */
export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  let failed = false;
  const worker = async (): Promise<void> => {
    while (next < items.length && !failed) {
      const at = next++;
      try {
        results[at] = await work(items[at] as T);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const settled = await Promise.allSettled(Array.from({ length: Math.min(PARALLEL_FILES, items.length) }, worker));
  for (const outcome of settled) if (outcome.status === 'rejected') throw outcome.reason;
  return results;
}
