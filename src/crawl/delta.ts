import type { Column } from '../model/schema.ts';
import type { ReadCheckpoint } from './delta-checkpoint.ts';
import { findDeltaLog, readDeltaLog, type DeltaLog, type DeltaState } from './delta-log.ts';
import { deltaColumns } from './delta-schema.ts';
import { asList, asNumber, asObject, asText, readExactJson, type Json } from './exact-json.ts';
import { readableColumns } from './lake-readable.ts';
import { unreadable } from './lake-read.ts';
import type { LakeFile, LakeLimits, LakeRoot, LakeSnapshot } from './lake-root.ts';

/** What tells one version of a table from another without a read: the last commit, and the checkpoint before it. */
export function deltaVersion(root: LakeRoot): string | undefined {
  const log = findDeltaLog(root);
  if (log === undefined) return undefined;
  const last = log.commits.at(-1) ?? log.checkpoint.at(-1);
  return `${log.version} ${last?.etag ?? ''}`;
}

/** A Delta table as its log has it. Throws DATA_UNREADABLE and LIMIT. */
export async function deltaSnapshot(root: LakeRoot, limits: LakeLimits, readCheckpoint: ReadCheckpoint): Promise<LakeSnapshot> {
  const log = findDeltaLog(root);
  if (log === undefined) throw unreadable(`${root.path}_delta_log/`, 'has no commits');
  const state = await readDeltaLog(root, log, limits, readCheckpoint);
  const where = `${root.path}_delta_log/`;
  const schema = asText(state.metaData['schemaString']);
  if (schema === undefined) throw unreadable(where, 'has no schema');
  const fields = readExactJson(where, schema);
  const columns = deltaColumns(where, fields);
  const keys = asList(state.metaData['partitionColumns']).flatMap((name) => asText(name) ?? []);
  if (keys.some((key) => !columns.some(({ name }) => name === key)))
    throw unreadable(where, 'is partitioned by a column that it does not have');
  const physical = physicalNames(fields);
  const isMapped = [...physical].some(([name, other]) => name !== other);
  const files = state.adds.map((add): LakeFile => {
    const values = keys.map((key) => add.partitionValues.get(physical.get(key) ?? key) ?? add.partitionValues.get(key) ?? null);
    return { path: decode(add.path), size: add.size, values, ...(add.rows !== undefined && { rows: add.rows }) };
  });
  const problem = whyUnreadable(state, columns, keys, isMapped);
  return {
    format: 'delta',
    columns,
    keys,
    files,
    ...texts(state),
    ...totals(files),
    facts: factsOf(log, state),
    ...(problem !== undefined && { unreadable: problem }),
  };
}

function texts({ metaData }: DeltaState): Pick<LakeSnapshot, 'comment' | 'parameters'> {
  const comment = asText(metaData['description']);
  return { parameters: { table_type: 'DELTA' }, ...(comment !== undefined && comment !== '' && { comment }) };
}

function totals(files: readonly LakeFile[]): Pick<LakeSnapshot, 'rows' | 'bytes' | 'fileCount'> {
  const rows = files.reduce<bigint | undefined>(
    (sum, file) => (sum === undefined || file.rows === undefined ? undefined : sum + file.rows),
    0n,
  );
  const bytes = files.reduce((sum, { size }) => sum + BigInt(size), 0n);
  return { bytes, fileCount: files.length, ...(rows !== undefined && { rows }) };
}

function factsOf({ version }: DeltaLog, { protocol, metaData, committedAt }: DeltaState): Record<string, unknown> {
  const features = [...asList(protocol['readerFeatures']), ...asList(protocol['writerFeatures'])].flatMap(
    (one) => asText(one) ?? [],
  );
  const properties = propertiesOf(metaData['configuration']);
  return {
    version,
    id: asText(metaData['id']),
    name: asText(metaData['name']),
    minReaderVersion: asNumber(protocol['minReaderVersion']),
    minWriterVersion: asNumber(protocol['minWriterVersion']),
    ...(features.length > 0 && { features: [...new Set(features)].toSorted() }),
    partitionColumns: asList(metaData['partitionColumns']),
    ...(committedAt !== undefined && { committedAt: new Date(committedAt).toISOString() }),
    ...(Object.keys(properties).length > 0 && { properties }),
  };
}

const MOST_PROPERTIES = 200;

function propertiesOf(json: Json | undefined): Record<string, string> {
  const pairs = Array.isArray(json)
    ? asList(json).map((pair) => [asText(asObject(pair)['key']) ?? '', asObject(pair)['value']] as const)
    : Object.entries(asObject(json));
  return Object.fromEntries(
    pairs
      .slice(0, MOST_PROPERTIES)
      .flatMap(([name, value]) => (asText(value) === undefined ? [] : [[name, asText(value) ?? '']])),
  );
}

/** By logical name; where columns are not mapped, a column's name is its own. */
function physicalNames(schema: Json): Map<string, string> {
  return new Map(
    asList(asObject(schema)['fields']).map((json) => {
      const field = asObject(json);
      const name = asText(field['name']) ?? '';
      return [name, asText(asObject(field['metadata'])['delta.columnMapping.physicalName']) ?? name];
    }),
  );
}

/** What a reader of plain Parquet files gets right whether it knows of it or not. */
const HARMLESS = new Set([
  'columnMapping',
  'deletionVectors',
  'timestampNtz',
  'v2Checkpoint',
  'vacuumProtocolCheck',
  'typeWidening',
  'typeWidening-preview',
]);

function whyUnreadable(
  { protocol, adds, metaData }: DeltaState,
  columns: readonly Column[],
  keys: readonly string[],
  isMapped: boolean,
): string | undefined {
  const strange = asList(protocol['readerFeatures']).find((feature) => !HARMLESS.has(asText(feature) ?? ''));
  if (strange !== undefined) return `it needs a reader that knows ${asText(strange) ?? 'a feature without a name'}`;
  if ((asNumber(protocol['minReaderVersion']) ?? 1) > 3) return 'it needs a reader of a later version';
  if (isMapped) return 'its columns have other names in its files (column mapping)';
  if (adds.some(({ deletionVector }) => deletionVector)) return 'some of its rows are deleted by deletion vectors';
  const provider = asText(asObject(metaData['format'])['provider']);
  if (provider !== undefined && provider !== 'parquet') return `its files are ${provider}`;
  if (adds.some(({ path }) => /^[a-z][a-z0-9+.-]*:/i.test(path) || path.startsWith('/')))
    return 'some of its files lie elsewhere';
  return readableColumns(columns, keys);
}

/** Paths in a log are percent-encoded, once more than the folder's name is. */
function decode(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
