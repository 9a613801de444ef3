import type { Column } from '../model/schema.ts';
import type { ObjectFinding } from './crawler.ts';
import { asList, asNumber, asObject, asText, readExactJson, type Json } from './exact-json.ts';
import { readIcebergFiles, type IcebergFiles } from './iceberg-files.ts';
import { icebergColumns } from './iceberg-schema.ts';
import { readableColumns } from './lake-readable.ts';
import { readWhole, unreadable } from './lake-read.ts';
import type { LakeLimits, LakeRoot, LakeSnapshot } from './lake-root.ts';

/** `00003-<uuid>.metadata.json` of catalogs, `v3.metadata.json` of folders; `.gz` stands in front of or behind `.metadata.json`. */
const METADATA = /^metadata\/(?:v(\d{1,15})|(\d{1,15})-[^/]*?)(?:\.gz)?\.metadata\.json(?:\.gz)?$/;

export function isIcebergMetadata(path: string): boolean {
  return METADATA.test(path);
}

/** The metadata file of the highest version; of several with the same number the one that was written last. */
function newestMetadata({ metadata }: LakeRoot): ObjectFinding | undefined {
  let best: { readonly number: number; readonly object: ObjectFinding } | undefined;
  for (const [path, object] of metadata) {
    const match = METADATA.exec(path);
    if (match === null) continue;
    const number = Number(match[1] ?? match[2]);
    const isNewer =
      best === undefined || number > best.number || (number === best.number && object.modified > best.object.modified);
    if (isNewer) best = { number, object };
  }
  return best?.object;
}

/** What tells one state of a table from another without a read. */
export function icebergVersion(root: LakeRoot): string | undefined {
  const newest = newestMetadata(root);
  return newest === undefined ? undefined : `${newest.path.slice(root.path.length)} ${newest.etag}`;
}

type Metadata = { readonly [name: string]: Json };

/** An Iceberg table as its newest metadata file has it. Throws DATA_UNREADABLE and LIMIT. */
export async function icebergSnapshot(root: LakeRoot, limits: LakeLimits): Promise<LakeSnapshot> {
  const newest = newestMetadata(root);
  if (newest === undefined) throw unreadable(`${root.path}metadata/`, 'has no metadata file');
  const { path } = newest;
  const metadata = asObject(readExactJson(path, (await readWhole(newest, limits.metadataBytes)).toString('utf8')));
  const formatVersion = asNumber(metadata['format-version']);
  if (formatVersion === undefined || formatVersion < 1) throw unreadable(path, 'does not say which version of Iceberg it is');
  const schemas = schemasOf(metadata);
  const schema = schemas.find((one) => (asNumber(one['schema-id']) ?? 0) === (asNumber(metadata['current-schema-id']) ?? 0));
  if (schema === undefined) throw unreadable(path, 'lacks its current schema');
  const columns = icebergColumns(path, schema);
  const spec = currentSpec(metadata);
  const snapshot = currentSnapshot(path, metadata);
  const files = await filesOf(root, metadata, snapshot, limits);
  const keys = keysOf(spec, schema, files);
  const problem = files.unreadable ?? whyUnreadable(formatVersion, schemas, columns, keys);
  const comment = asText(asObject(metadata['properties'])['comment']);
  return {
    format: 'iceberg',
    columns,
    keys: keys.map(({ column }) => column),
    parameters: { table_type: 'ICEBERG', metadata_location: newest.location },
    facts: factsOf(metadata, spec, schema, snapshot),
    ...totalsOf(snapshot),
    ...(comment !== undefined && comment !== '' && { comment }),
    ...(files.files !== undefined && {
      files: files.files.map(({ partition, ...file }) => ({
        ...file,
        values: keys.map(({ field, type }) => keyText(partition.get(field) ?? null, type)),
      })),
    }),
    ...(problem !== undefined && { unreadable: problem }),
  };
}

/** Version 1 may have nothing but the current one, under another name. */
function schemasOf(metadata: Metadata): Metadata[] {
  const all = asList(metadata['schemas']).map(asObject);
  return all.length > 0 ? all : [asObject(metadata['schema'])];
}

interface SpecField {
  readonly id: number;
  readonly source: number;
  readonly transform: string;
  readonly name: string;
}

function currentSpec(metadata: Metadata): { readonly id: number; readonly fields: readonly SpecField[] } {
  const id = asNumber(metadata['default-spec-id']) ?? 0;
  const spec = asList(metadata['partition-specs'])
    .map(asObject)
    .find((one) => asNumber(one['spec-id']) === id);
  const fields = spec === undefined ? metadata['partition-spec'] : spec['fields'];
  return {
    id,
    fields: asList(fields).map((json) => {
      const field = asObject(json);
      return {
        id: asNumber(field['field-id']) ?? 0,
        source: asNumber(field['source-id']) ?? asNumber(asList(field['source-ids'])[0]) ?? 0,
        transform: asText(field['transform']) ?? '',
        name: asText(field['name']) ?? '',
      };
    }),
  };
}

function currentSnapshot(path: string, metadata: Metadata): Metadata | undefined {
  const id = asText(metadata['current-snapshot-id']);
  if (id === undefined || id === '-1') return undefined;
  const found = asList(metadata['snapshots'])
    .map(asObject)
    .find((one) => asText(one['snapshot-id']) === id);
  if (found === undefined) throw unreadable(path, 'lacks its current snapshot');
  return found;
}

async function filesOf(
  root: LakeRoot,
  metadata: Metadata,
  snapshot: Metadata | undefined,
  limits: LakeLimits,
): Promise<IcebergFiles> {
  if (snapshot === undefined) return { files: [] };
  const place = { location: asText(metadata['location']) ?? '', list: asText(snapshot['manifest-list']) };
  return readIcebergFiles(root, place, currentSpec(metadata).id, limits);
}

/** Columns that the data are partitioned by as they are. Others (`bucket`, `day` …) stay columns like any other. */
function keysOf(
  { fields }: { readonly fields: readonly SpecField[] },
  schema: Metadata,
  files: IcebergFiles,
): { field: string; column: string; type: string }[] {
  if (files.files === undefined || files.unreadable !== undefined) return [];
  const names = new Map(asList(schema['fields']).map((json) => [asNumber(asObject(json)['id']), asObject(json)]));
  return fields.flatMap(({ transform, source, name }) => {
    const column = names.get(source);
    const isKey =
      transform === 'identity' && column !== undefined && /^(string|int|long|date|boolean)$/.test(asText(column['type']) ?? '');
    return isKey ? [{ field: name, column: asText(column['name']) ?? '', type: asText(column['type']) ?? '' }] : [];
  });
}

/** Dates are kept as days since 1970. */
function keyText(value: string | null, type: string): string | null {
  if (value === null || type !== 'date') return value;
  const at = new Date(Number(value) * 86_400_000);
  return Number.isNaN(at.getTime()) ? value : at.toISOString().slice(0, 10);
}

/** Whether the columns of all files can be found by their names, though Iceberg goes by their ids. */
function whyUnreadable(
  formatVersion: number,
  schemas: readonly Metadata[],
  columns: readonly Column[],
  keys: readonly { column: string }[],
): string | undefined {
  if (formatVersion > 3) return `it is of version ${formatVersion} of Iceberg`;
  const names = new Map<string, string>();
  const ids = new Map<string, string>();
  for (const { id, name, field } of schemas.flatMap((schema) => allFields(schema, ''))) {
    if (field['initial-default'] !== undefined) return `its column «${name}» has a default for files that lack it`;
    if ((names.get(id) ?? name) !== name) return `its column «${name}» had another name before`;
    if ((ids.get(name) ?? id) !== id) return `its column «${name}» was dropped and added anew`;
    names.set(id, name);
    ids.set(name, id);
  }
  const numbers = schemas.map((schema) => asNumber(schema['schema-id']) ?? 0);
  if (Math.max(...numbers) !== numbers.length - 1) return 'what its columns were called before is not in its metadata any more';
  // Writers change such names in their files.
  const odd = columns.find(({ name }) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  if (odd !== undefined) return `its column «${odd.name.slice(0, 100)}» may have another name in its files`;
  return readableColumns(
    columns,
    keys.map(({ column }) => column),
  );
}

interface FieldOfAny {
  readonly id: string;
  /** With those of the structures around it. */
  readonly name: string;
  readonly field: Metadata;
}

function allFields(type: Json | undefined, prefix: string, depth = 0): FieldOfAny[] {
  if (depth > 64) return [];
  const of = asObject(type);
  const below = (part: string): FieldOfAny[] =>
    of[part] === undefined
      ? []
      : [
          { id: asText(of[`${part}-id`]) ?? '', name: `${prefix}.${part}`, field: {} },
          ...allFields(of[part], `${prefix}.${part}`, depth + 1),
        ];
  return [
    ...asList(of['fields']).flatMap((json): FieldOfAny[] => {
      const field = asObject(json);
      const name = prefix === '' ? (asText(field['name']) ?? '') : `${prefix}.${asText(field['name']) ?? ''}`;
      return [{ id: asText(field['id']) ?? '', name, field }, ...allFields(field['type'], name, depth + 1)];
    }),
    ...below('element'),
    ...below('key'),
    ...below('value'),
  ];
}

function totalsOf(snapshot: Metadata | undefined): Pick<LakeSnapshot, 'rows' | 'bytes' | 'fileCount'> {
  if (snapshot === undefined) return { rows: 0n, bytes: 0n, fileCount: 0 };
  const summary = asObject(snapshot['summary']);
  const count = (name: string): bigint | undefined => {
    const text = asText(summary[name]) ?? '';
    return /^\d{1,18}$/.test(text) ? BigInt(text) : undefined;
  };
  const [rows, bytes, files] = [count('total-records'), count('total-files-size'), count('total-data-files')];
  // Rows that a delete file takes away are still counted.
  const exact = (count('total-delete-files') ?? 0n) === 0n;
  return {
    ...(rows !== undefined && exact && { rows }),
    ...(bytes !== undefined && { bytes }),
    ...(files !== undefined && { fileCount: Number(files) }),
  };
}

const MOST_PROPERTIES = 200;

function factsOf(
  metadata: Metadata,
  spec: { readonly fields: readonly SpecField[] },
  schema: Metadata,
  snapshot: Metadata | undefined,
): Record<string, unknown> {
  const names = new Map(allFields(schema, '').map(({ id, name }) => [id, name]));
  const properties = Object.entries(asObject(metadata['properties'])).slice(0, MOST_PROPERTIES);
  const at = asNumber(snapshot?.['timestamp-ms']);
  const identifier = asList(schema['identifier-field-ids']).flatMap((id) => names.get(asText(id) ?? '') ?? []);
  const docs = allFields(schema, '').flatMap(({ name, field }) =>
    name.includes('.') && asText(field['doc']) ? [[name, asText(field['doc'])]] : [],
  );
  return {
    formatVersion: asNumber(metadata['format-version']),
    uuid: asText(metadata['table-uuid']),
    schemaId: asNumber(metadata['current-schema-id']) ?? 0,
    ...(snapshot !== undefined && { snapshotId: asText(snapshot['snapshot-id']) }),
    ...(at !== undefined && { snapshotAt: new Date(at).toISOString() }),
    ...(asText(asObject(snapshot?.['summary'])['operation']) !== undefined && {
      operation: asText(asObject(snapshot?.['summary'])['operation']),
    }),
    partitionedBy: spec.fields.map(({ transform, source }) =>
      spelled(transform, names.get(String(source)) ?? `column ${source}`),
    ),
    ...(identifier.length > 0 && { identifier }),
    ...(docs.length > 0 && { docs: Object.fromEntries(docs) as Record<string, string> }),
    ...(properties.length > 0 && { properties: Object.fromEntries(properties) }),
  };
}

/** `bucket[16]` of `id` as Spark writes it: `bucket(16, id)`. */
function spelled(transform: string, column: string): string {
  if (transform === 'identity') return column;
  const match = /^(\w+)\[(\d+)\]$/.exec(transform);
  return match === null ? `${transform}(${column})` : `${match[1] ?? ''}(${match[2] ?? ''}, ${column})`;
}
