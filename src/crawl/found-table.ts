import type { PartitionGroup } from '../catalog/partition-groups.ts';
import { joinAddress } from '../connections/address.ts';
import { simple, type ColumnType } from '../model/types.ts';
import { foldName } from '../model/names.ts';
import { inferKeyType, orderedKeys } from '../model/partition-key.ts';
import { schemaHash, type Column, type Format } from '../model/schema.ts';
import type { PackedManifest, Partition, PartitionDraft, Table, TableDraft } from '../model/table.ts';
import { asTenonError } from '../model/errors.ts';
import { unionSeen } from './blank.ts';
import { LAYOUT, type Known } from './known.ts';
import type { Others } from './looked-at.ts';
import { allow, ownParameters, type TablePolicy } from './policy.ts';
import type { Report } from './report.ts';
import { joinSamples, sampledTable } from './sample.ts';
import type { Unit } from './unit.ts';

/** A unit with its place in its table. */
export interface PlacedUnit {
  readonly values: readonly (string | null)[];
  readonly path: string;
  readonly location: string;
  readonly unit: Unit;
}

/** All of a table that a listing showed, and what it did not show. */
export interface TableParts {
  readonly name: string;
  readonly database: string;
  readonly connection: string | undefined;
  readonly location: string;
  /** Names of the partition keys. */
  readonly keys: readonly string[];
  readonly layout: string | undefined;
  readonly before: Table | undefined;
  readonly units: readonly PlacedUnit[];
  /** Those that were not looked at, and stay. */
  readonly others: Others;
  /** Partitions that the catalog has and the listing has not. */
  readonly absent: readonly Partition[];
  readonly policy: TablePolicy;
  /** All keys are strings, as Glue has them. */
  readonly plainKeys: boolean;
}

/**
 * A table as it is to be recorded. `wide` takes nothing away: it is right whatever else is still unknown. `narrow` is right
 * only once it is sure that nothing was overlooked; undefined where it would be the same.
 */
export interface FoundTable {
  readonly before: Table | undefined;
  readonly wide: TableDraft;
  readonly narrow: TableDraft | undefined;
  readonly partitions: readonly PartitionDraft[];
  /** Seem to be gone; to be ended together with `narrow`, unless they are kept whatever happens. */
  readonly absent: readonly Partition[];
  readonly keepsAbsent: boolean;
  /** What is only told about the source: in any case, and once it is sure that nothing was overlooked. */
  readonly told: { readonly wide: readonly string[]; readonly narrow: readonly string[] };
  readonly partitionCount: number;
  /** Below the scope, for what is said about it. */
  readonly path: string;
  /** The number of the first object in it. */
  readonly first: number;
}

export async function foundTable(
  parts: TableParts,
  at: { path: string; first: number },
  known: Known,
  report: Report,
): Promise<FoundTable> {
  const lists = await columnLists(parts, known);
  const absentLists = await Promise.all(parts.absent.map((partition) => columnsBefore(parts.before, partition, known)));
  const recorded = parts.before?.schema.columns ?? [];
  const wide = withoutKeys(unionSeen([recorded, ...lists, ...absentLists]), parts.keys);
  const keepsAbsent = parts.policy.gone !== 'delete';
  const left = keepsAbsent ? absentLists : [];
  const narrow = inOrderOf(recorded, withoutKeys(unionSeen([...lists, ...left]), parts.keys));
  const format = commonFormatOf(parts);
  const keys = await keyColumns(parts, true);
  const surely = parts.absent.length === 0 ? keys : await keyColumns(parts, keepsAbsent);
  const inAnyCase = allow(parts.policy, parts.before, draftOf(parts, wide, keys, format));
  const whenSure = allow(parts.policy, parts.before, draftOf(parts, narrow, surely, format));
  const isNarrower =
    parts.absent.length > 0 ||
    schemaHash(inAnyCase.draft.schema) !== schemaHash(whenSure.draft.schema) ||
    inAnyCase.told.join() !== whenSure.told.join();
  const sample = joinSamples(parts.units.map(({ unit }) => (unit.kind === 'read' ? unit.sample : undefined)));
  if (sample !== undefined) report.sample(sampledTable(parts.name, unionSeen(lists), sample));
  return {
    before: parts.before,
    wide: inAnyCase.draft,
    narrow: isNarrower ? whenSure.draft : undefined,
    partitions: await partitionDrafts(parts, inAnyCase.draft, report),
    absent: parts.absent,
    keepsAbsent,
    told: { wide: inAnyCase.told, narrow: [...whenSure.told, ...toldOfAbsent(parts)] },
    partitionCount: parts.keys.length === 0 ? 0 : parts.units.length + parts.others.count,
    ...at,
  };
}

function toldOfAbsent({ absent, policy, database, name }: TableParts): string[] {
  if (absent.length === 0 || policy.gone === 'delete') return [];
  return [`${absent.length} partitions of ${database}.${name} are gone from the source, and stay.`];
}

async function columnLists({ before, units, others }: TableParts, known: Known): Promise<(readonly Column[])[]> {
  const lists = new Set<readonly Column[]>();
  for (const group of others.groups) lists.add(await columnsBefore(before, group, known));
  for (const { unit } of units) {
    const columns = unit.kind === 'read' ? unit.columns : await columnsBefore(before, unit.partition, known);
    if (columns !== undefined) lists.add(columns);
  }
  return [...lists];
}

async function columnsBefore(
  before: Table | undefined,
  partition: Pick<Partition, 'schemaHash'>,
  known: Known,
): Promise<readonly Column[]> {
  return before === undefined ? [] : known.columnsOf(before, partition);
}

/** A file may repeat the key that its folder tells. The folder's counts. */
function withoutKeys(columns: readonly Column[], keys: readonly string[]): Column[] {
  return columns.filter((column) => !keys.includes(foldName(column.name)));
}

/** What was there keeps its place, so that a crawl that finds the files in another order makes no new version. */
function inOrderOf(recorded: readonly Column[], columns: readonly Column[]): Column[] {
  const places = new Map(recorded.map((column, place) => [foldName(column.name), place]));
  const place = (column: Column): number => places.get(foldName(column.name)) ?? recorded.length;
  return columns.toSorted((a, b) => place(a) - place(b));
}

async function keyColumns({ keys, units, others, absent, plainKeys }: TableParts, withAbsent: boolean): Promise<Column[]> {
  if (plainKeys) return keys.map((name) => ({ name, type: simple('string') }));
  const rows = [...units.map(({ values }) => values), ...(withAbsent ? absent.map(({ values }) => values) : [])];
  const column = async (name: string, level: number): Promise<Column> => {
    const values = new Set(await others.keyValues(level));
    for (const row of rows) values.add(row[level] ?? null);
    return { name, type: keyType(name, [...values]) };
  };
  return Promise.all(keys.map(column));
}

/** Parts of a date in two digits are strings from the first: else a table changed its key's type when the `09` follows the `10`. */
function keyType(name: string, values: readonly (string | null)[]): ColumnType {
  const isPart = /^(month|day|hour)$/.test(name) && values.every((value) => value !== null && /^\d\d$/.test(value));
  return isPart ? simple('string') : inferKeyType(values);
}

/** The format of most partitions; of several, the one of the later. */
function commonFormatOf({ before, units, others }: TableParts): Format | undefined {
  const counts = new Map<string, { format: Format | undefined; count: number }>();
  const add = (format: Format | undefined, count: number): void => {
    const key = formatKey(format);
    counts.set(key, { format, count: (counts.get(key)?.count ?? 0) + count });
  };
  for (const { format, count } of others.groups) add(format ?? before?.format, count);
  for (const { unit } of units) add(unit.kind === 'read' ? unit.format : (unit.partition.format ?? before?.format), 1);
  const sorted = [...counts.values()].toReversed().toSorted((a, b) => b.count - a.count);
  return sorted[0]?.format ?? before?.format;
}

/** Formats come back from the database with their keys in another order. */
function formatKey(format: Format | undefined): string {
  if (format === undefined) return '';
  const key = formatKeys.get(format) ?? makeFormatKey(format);
  formatKeys.set(format, key);
  return key;
}

/** A hundred thousand partitions share a few formats. */
const formatKeys = new WeakMap<Format, string>();

function makeFormatKey(format: Format): string {
  const options = Object.entries(format.options ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([format.name, format.compression, options]);
}

function draftOf(
  parts: TableParts,
  columns: readonly Column[],
  partitionKeys: readonly Column[],
  format: Format | undefined,
): TableDraft {
  const { before, layout, connection } = parts;
  const { [LAYOUT]: _layout, ...others } = ownParameters(before, parts.policy);
  return {
    database: parts.database,
    name: parts.name,
    type: 'table',
    location: parts.location,
    ...(format !== undefined && { format }),
    ...(connection !== undefined && { connection }),
    parameters: { ...others, ...(layout !== undefined && { [LAYOUT]: layout }) },
    schema: { columns, partitionKeys },
  };
}

/** Those that differ from what the catalog has. A unit keeps its format only where it is not the table's. */
async function partitionDrafts(parts: TableParts, draft: TableDraft, report: Report): Promise<PartitionDraft[]> {
  const common = formatKey(draft.format);
  const formatMoved = parts.before !== undefined && formatKey(parts.before.format) !== common;
  // What was not looked at changes only by what becomes of the table as a whole.
  const isOut = ({ schemaHash: own, format }: PartitionGroup): boolean =>
    parts.policy.inherit ? own !== undefined || format !== undefined : formatMoved && format === undefined;
  const others = parts.others.groups.some(isOut) ? await parts.others.read() : [];
  return [...others, ...parts.units].flatMap(({ values, path, location, unit }) => {
    if (parts.policy.inherit) return hasKeys(values, draft, path, report) ? inheritingDraft(values, location, unit) : [];
    if (unit.kind !== 'read' && !(formatMoved && unit.partition.format === undefined)) return [];
    if (!hasKeys(values, draft, path, report)) return [];
    if (unit.kind !== 'read') return keptDraft(parts, unit.partition);
    const own = formatKey(unit.format) !== common;
    return [
      {
        values,
        location,
        ...(unit.columns !== undefined && { columns: unit.columns }),
        manifest: unit.manifest,
        ...(own && { format: unit.format }),
        ...(unit.rows !== undefined && { rows: unit.rows }),
        ...(unit.stats !== undefined && { stats: unit.stats }),
        ...(unit.movedFrom !== undefined && { movedFrom: unit.movedFrom }),
      },
    ];
  });
}

/** Without anything of its own; one that has something gives it up. */
function inheritingDraft(values: PartitionDraft['values'], location: string, unit: Unit): PartitionDraft[] {
  const { rows } = unit.kind === 'read' ? unit : unit.partition;
  const { stats, movedFrom } = unit.kind === 'read' ? unit : {};
  const told = {
    ...(rows !== undefined && { rows }),
    ...(stats !== undefined && { stats }),
    ...(movedFrom !== undefined && { movedFrom }),
  };
  const draft = { values, location, inherits: true, ...told } as const;
  if (unit.kind === 'read') return [{ ...draft, manifest: unit.manifest }];
  const { partition } = unit;
  const hasOwn = partition.format !== undefined || partition.schemaHash !== undefined;
  const manifest = manifestOf(partition);
  return hasOwn && manifest !== undefined ? [{ ...draft, manifest }] : [];
}

/** The one that the catalog has, by its hash. */
function manifestOf({ manifestHash, files, bytes }: Partition): PackedManifest | undefined {
  return manifestHash === undefined ? undefined : { hash: manifestHash, packed: new Uint8Array(), files, bytes: bytes ?? 0n };
}

/** A partition that had the table's format keeps it when the table takes another. */
function keptDraft({ before }: TableParts, partition: Partition): PartitionDraft[] {
  const { values, location, rows } = partition;
  const manifest = manifestOf(partition);
  if (before?.format === undefined || manifest === undefined) return [];
  return [{ values, location, format: before.format, manifest, ...(rows !== undefined && { rows }) }];
}

/** A value may be too long to be kept as a key. Then this partition is unknown, and the others are saved. */
function hasKeys(values: readonly (string | null)[], draft: TableDraft, path: string, report: Report): boolean {
  try {
    orderedKeys(values, draft.schema.partitionKeys);
    return true;
  } catch (error) {
    report.unknown(path, asTenonError(error));
    return false;
  }
}

/** The address of a folder below the scope, with `/` at its end. */
export function folderAddress(base: string, path: string): string {
  const address = path === '' ? base : joinAddress(base, path);
  return address.endsWith('/') ? address : `${address}/`;
}
