import type { ObjectFinding } from './crawler.ts';
import { readAvroRecords } from './avro-records.ts';
import { asNumber, asObject, asText, type Json } from './exact-json.ts';
import { readWhole, unreadable } from './lake-read.ts';
import type { LakeFile, LakeLimits, LakeRoot } from './lake-root.ts';

/** The data files of a snapshot. Undefined where they were not read. */
export interface IcebergFiles {
  readonly files?: readonly IcebergFile[];
  /** Why a reader of plain Parquet files would get something else than the table. */
  readonly unreadable?: string;
}

interface IcebergFile extends Omit<LakeFile, 'values'> {
  /** By the name of the partition field. */
  readonly partition: ReadonlyMap<string, string | null>;
}

export interface IcebergPlace {
  /** Where the table says that it lies. It may have been copied since, with all that is below it. */
  readonly location: string;
  /** The address of the manifest list. */
  readonly list: string | undefined;
}

const DELETES = 1;
const DELETED = 2;

type Entry = { readonly [name: string]: Json };

/** Reads the manifests of a snapshot as far as they are within the limits. Throws DATA_UNREADABLE for broken ones. */
export async function readIcebergFiles(
  root: LakeRoot,
  place: IcebergPlace,
  spec: number,
  limits: LakeLimits,
): Promise<IcebergFiles> {
  if (place.list === undefined) return { unreadable: 'its snapshot has no manifest list' };
  const list = objectAt(root, place, place.list);
  if (list === undefined) return { unreadable: 'its manifest list lies elsewhere or is gone' };
  const manifests = await records(list, limits);
  const deletes = manifests.filter((one) => asNumber(one['content']) === DELETES);
  if (deletes.some(isAlive)) return { unreadable: 'some of its rows are deleted by delete files' };
  const data = manifests.filter((one) => asNumber(one['content']) !== DELETES && isAlive(one));
  const other = data.some((one) => (asNumber(one['partition_spec_id']) ?? 0) !== spec);
  const size = data.reduce((sum, one) => sum + (asNumber(one['manifest_length']) ?? 0), 0);
  if (size > limits.metadataBytes) return { unreadable: `its manifests have ${size} bytes, more than tableMetadataBytes` };
  const files: IcebergFile[] = [];
  let strange: string | undefined;
  for (const manifest of data) {
    const object = objectAt(root, place, asText(manifest['manifest_path']) ?? '');
    if (object === undefined) return { unreadable: 'one of its manifests lies elsewhere or is gone' };
    for (const entry of await records(object, limits)) {
      if (asNumber(entry['status']) === DELETED) continue;
      const file = asObject(entry['data_file']);
      const path = pathBelow(place.location, asText(file['file_path']) ?? '');
      if ((asText(file['file_format']) ?? '').toLowerCase() !== 'parquet') strange ??= 'not all of its files are Parquet';
      if (path === undefined) strange ??= 'some of its files lie elsewhere';
      else files.push(fileOf(path, file));
      if (files.length > limits.files) return { unreadable: `it has more than ${limits.files} files (partitionFiles)` };
    }
  }
  if (other) strange ??= 'its files are partitioned in several ways';
  return { files, ...(strange !== undefined && { unreadable: strange }) };
}

/** Counts may be left out by old writers. */
function isAlive(manifest: Entry): boolean {
  const counts = ['added_files_count', 'existing_files_count', 'added_data_files_count', 'existing_data_files_count'];
  const known = counts.flatMap((name) => asNumber(manifest[name]) ?? []);
  return known.length === 0 || known.some((count) => count > 0);
}

async function records(object: ObjectFinding, limits: LakeLimits): Promise<Entry[]> {
  const bytes = await readWhole(object, limits.metadataBytes);
  try {
    return await readAvroRecords(bytes, limits.metadataBytes * 4);
  } catch (cause) {
    throw unreadable(object.path, 'is a broken manifest', cause);
  }
}

function objectAt(root: LakeRoot, { location }: IcebergPlace, address: string): ObjectFinding | undefined {
  const path = pathBelow(location, address);
  return path === undefined ? undefined : root.metadata.get(path);
}

/** `s3a://b/t/data/x` and `s3://b/t/data/x` are one place, and so are `file:/t`, `file:///t` and `/t`. */
function pathBelow(location: string, address: string): string | undefined {
  const [root, whole] = [plainAddress(location).replace(/\/+$/, ''), plainAddress(address)];
  return whole.startsWith(`${root}/`) ? whole.slice(root.length + 1) : undefined;
}

function plainAddress(address: string): string {
  return address.replace(/^s3[an]:/i, 's3:').replace(/^file:\/*/i, '/');
}

function fileOf(path: string, file: Entry): IcebergFile {
  const rows = asText(file['record_count']);
  const partition = new Map(Object.entries(asObject(file['partition'])).map(([name, value]) => [name, valueText(value)]));
  return {
    path,
    size: Number(asText(file['file_size_in_bytes']) ?? 0),
    partition,
    ...(rows !== undefined && { rows: BigInt(rows) }),
  };
}

function valueText(value: Json): string | null {
  if (typeof value === 'boolean') return String(value);
  return asText(value) ?? null;
}
