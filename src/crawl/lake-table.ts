import { packManifest } from '../catalog/manifests.ts';
import { joinAddress } from '../connections/address.ts';
import { foldName } from '../model/names.ts';
import { orderedKeys, partitionText } from '../model/partition-key.ts';
import type { Column } from '../model/schema.ts';
import type { ManifestFile, Partition, PartitionDraft, Table, TableDraft } from '../model/table.ts';
import { identityOf, LAYOUT, type Known } from './known.ts';
import type { LakeFile, LakeFormat, LakeRoot, LakeSnapshot } from './lake-root.ts';
import { allow, ownParameters, type TablePolicy } from './policy.ts';
import type { Save } from './save.ts';

export interface LakePlace {
  readonly database: string;
  readonly connection: string | undefined;
  /** The address of the root, with `/` at its end. */
  readonly location: string;
  /** What it is called unless it has a name already. */
  readonly name: string;
  readonly policy: TablePolicy;
}

/** What says which state of a table the catalog has: kept with its details, compared before anything is read. */
export function recordedVersion(table: Table | undefined, format: LakeFormat): string | undefined {
  const source = table?.details?.source?.[format];
  const version = typeof source === 'object' && source !== null ? (source as { state?: unknown }).state : undefined;
  return typeof version === 'string' ? version : undefined;
}

/** How many partitions the last crawl found, for the count of one that reads nothing. */
export function recordedPartitions(table: Table, format: LakeFormat): number {
  const source = table.details?.source?.[format] as { partitions?: unknown } | undefined;
  return typeof source?.partitions === 'number' ? source.partitions : 0;
}

/** A table with more partitions than this is one partition. */
const MOST_PARTITIONS = 100_000;

/**
 * A Delta or Iceberg table as it is to be recorded. What its metadata say is no longer there is gone at once: nobody has to
 * guess from a listing. Its partitions are plain Parquet, unless something keeps them from being read as such.
 */
export async function lakeSave(
  root: LakeRoot,
  snapshot: LakeSnapshot,
  state: string,
  before: Table | undefined,
  place: LakePlace,
  known: Known,
): Promise<Save & { readonly told: readonly string[] }> {
  const parts = partsOf(root, snapshot, place);
  const recorded = before === undefined ? [] : [...(await known.partitionsOf(before)).values()];
  const sameKeys = before?.schema.partitionKeys.length === parts.keys.length;
  const wanted = new Set(parts.drafts.map((draft) => placeOf(draft)));
  const current = new Map(recorded.map((partition) => [placeOf(partition), partition]));
  const { draft, told } = allow(place.policy, before, await draftOf(snapshot, parts, state, before, place, known));
  return {
    path: root.path,
    draft,
    told,
    before,
    partitions: parts.drafts.filter((draft) => !sameKeys || !isSamePartition(draft, current.get(placeOf(draft)))),
    ended: recorded.filter((partition) => !sameKeys || !wanted.has(placeOf(partition))),
  };
}

function placeOf({ values, location }: Pick<Partition, 'values' | 'location'>): string {
  return JSON.stringify([values, location]);
}

function isSamePartition(draft: PartitionDraft, current: Partition | undefined): boolean {
  return (
    current !== undefined &&
    current.manifestHash === draft.manifest.hash &&
    current.rows === draft.rows &&
    current.bytes === draft.manifest.bytes &&
    current.files === draft.manifest.files &&
    current.format?.name === draft.format?.name
  );
}

interface Parts {
  readonly keys: readonly Column[];
  readonly drafts: readonly PartitionDraft[];
  readonly unreadable: string | undefined;
  /** Files that the metadata name and the listing does not: a later listing may. */
  readonly missing: number;
}

function partsOf(root: LakeRoot, snapshot: LakeSnapshot, place: LakePlace): Parts {
  const { files } = snapshot;
  if (files === undefined) return whole(root, snapshot, place, snapshot.unreadable ?? 'its files are not known');
  const keys = snapshot.columns.filter(({ name }) => snapshot.keys.includes(name));
  const ordered = snapshot.keys.flatMap((name) => keys.find((key) => key.name === name) ?? []);
  const listed = new Map(root.data.all().map((file) => [file.address, file]));
  const { groups, missing } = grouped(files, listed, place.location);
  const problem = missing > 0 ? `${missing} of its files are not where its metadata say` : undefined;
  const unreadable = snapshot.unreadable ?? problem;
  if (groups.size > MOST_PARTITIONS) return whole(root, snapshot, place, `it has more than ${MOST_PARTITIONS} partitions`);
  if (!fitKeys(groups, ordered))
    return whole(root, snapshot, place, 'a value of a partition key is too long or does not fit its type');
  if (ordered.length === 0 && groups.size === 0) groups.set('[]', { values: [], found: [], rows: 0n, bytes: 0n, files: 0 });
  const drafts = [...groups.values()].map(({ values, found, rows, bytes, files: count }): PartitionDraft => ({
    values,
    location: ordered.length === 0 ? place.location : `${joinAddress(place.location, partitionText(ordered, values))}/`,
    manifest: { ...packManifest(found), bytes, files: count },
    ...(rows !== undefined && { rows }),
    ...(unreadable === undefined && { format: { name: 'parquet' } }),
  }));
  return { keys: ordered, drafts, unreadable, missing };
}

interface Group {
  readonly values: readonly (string | null)[];
  readonly found: ManifestFile[];
  rows: bigint | undefined;
  bytes: bigint;
  files: number;
}

function grouped(
  files: readonly LakeFile[],
  listed: ReadonlyMap<string, ManifestFile>,
  location: string,
): { groups: Map<string, Group>; missing: number } {
  const groups = new Map<string, Group>();
  let missing = 0;
  for (const { path, size, values, rows } of files) {
    const key = JSON.stringify(values);
    const group = groups.get(key) ?? { values, found: [], rows: 0n, bytes: 0n, files: 0 };
    groups.set(key, group);
    const file = listed.get(addressOf(location, path));
    if (file === undefined) missing += 1;
    else group.found.push(file);
    group.rows = group.rows === undefined || rows === undefined ? undefined : group.rows + rows;
    group.bytes += BigInt(size);
    group.files += 1;
  }
  return { groups, missing };
}

/** A path that leads out of its folder is the path of no file. */
function addressOf(location: string, path: string): string {
  return path.split('/').some((name) => name === '.' || name === '..') ? '' : joinAddress(location, path);
}

function fitKeys(groups: ReadonlyMap<string, Group>, keys: readonly Column[]): boolean {
  try {
    for (const { values } of groups.values()) orderedKeys(values, keys);
    return true;
  } catch {
    return false;
  }
}

/** All of it as one partition, without keys: with the counts that the metadata tell, and with the metadata as its files. */
function whole({ metadata }: LakeRoot, snapshot: LakeSnapshot, { location }: LakePlace, unreadable: string): Parts {
  const files = [...metadata.values()].map(({ location: address, size, etag, modified }) => ({ address, size, etag, modified }));
  const manifest = packManifest(files);
  const draft: PartitionDraft = {
    values: [],
    location,
    manifest: { ...manifest, files: snapshot.fileCount ?? manifest.files, bytes: snapshot.bytes ?? manifest.bytes },
    ...(snapshot.rows !== undefined && { rows: snapshot.rows }),
  };
  return { keys: [], drafts: [draft], unreadable, missing: 0 };
}

async function draftOf(
  snapshot: LakeSnapshot,
  { keys, drafts, unreadable, missing }: Parts,
  state: string,
  before: Table | undefined,
  { database, connection, location, name, policy }: LakePlace,
  known: Known,
): Promise<TableDraft> {
  const { format, columns, comment, facts } = snapshot;
  const isKey = new Set(keys.map((key) => foldName(key.name)));
  const details = {
    ...facts,
    ...(keys.length > 0 && { partitions: drafts.length }),
    ...(unreadable !== undefined && { unreadable }),
    // Without it the next crawl looks again.
    ...(missing === 0 && { state }),
  };
  return {
    database,
    name: before?.name ?? (await known.nameFor(identityOf(location, [], format), name)),
    type: 'table',
    location,
    format: { name: format },
    ...(comment !== undefined && { description: comment }),
    ...(connection !== undefined && { connection }),
    parameters: { ...parametersOf(before, policy), ...snapshot.parameters },
    details: { source: { [format]: details } },
    schema: { columns: columns.filter((column) => !isKey.has(foldName(column.name))), partitionKeys: keys },
  };
}

/** Without what is said anew, or was said when it was a table of another kind. */
function parametersOf(before: Table | undefined, policy: TablePolicy): Record<string, string> {
  const { [LAYOUT]: _layout, table_type: _type, metadata_location: _location, ...others } = ownParameters(before, policy);
  return others;
}
