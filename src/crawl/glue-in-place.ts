import type { PartitionGroup } from '../catalog/partition-groups.ts';
import type { Column, Format } from '../model/schema.ts';
import type { Partition, Table } from '../model/table.ts';
import type { CollectContext } from './collect.ts';
import { folderAddress, foundTable, type FoundTable, type PlacedUnit } from './found-table.ts';
import { placeBelow } from './glue-grouping.ts';
import type { SeenFolder } from './glue-look.ts';
import { lookedAtOf, type LookedAt } from './looked-at.ts';
import { isOfFormat } from './new-folders-rule.ts';
import type { Recorded } from './recorded.ts';
import type { Unit } from './unit.ts';

/** A table of which some folders are looked at. */
interface Touched {
  readonly table: Table;
  readonly root: string;
  readonly folders: SeenFolder[];
}

/**
 * Where a crawl looks at a few folders, and they leave all tables where they are: those tables, without a look at anything
 * else. That is sure when all partitions of a table have columns of the same names, before and after, and some stay that are
 * not looked at: then the table is one whatever its number of partitions, and the same to the folders above. Undefined: it is
 * not sure, so all folders have to be grouped.
 */
export async function tablesInPlace(
  context: CollectContext,
  catalog: Recorded,
  seen: readonly SeenFolder[],
): Promise<FoundTable[] | undefined> {
  const byPath = new Map(seen.map((folder) => [folder.path, folder]));
  const touched = new Map<string, Touched>();
  for (const path of context.fewFolders() ?? []) {
    const folder = byPath.get(path);
    if (context.report.isUnknownAt(path)) return undefined;
    const place = placeOf(catalog, path);
    if (place === 'unsure' || (place === undefined && folder !== undefined)) return undefined;
    if (place === undefined) continue;
    const one = touched.get(place.table.id) ?? { ...place, folders: [] };
    touched.set(place.table.id, one);
    if (folder !== undefined) one.folders.push(folder);
  }
  const found: FoundTable[] = [];
  for (const one of touched.values()) {
    const recorded = await lookedAtOf(context, one.table, one.root);
    if (!(await staysOne(context, one, recorded))) return undefined;
    found.push(await tableInPlace(context, one, recorded));
  }
  return found;
}

/** The one table that a folder can only be a partition of; undefined: there is no table there. */
function placeOf(catalog: Recorded, path: string): { table: Table; root: string } | 'unsure' | undefined {
  if (catalog.isApart(path) || catalog.hasTablesBelow(path) || catalog.hasTableAt(path)) return 'unsure';
  const [place, ...more] = catalog
    .tablesOver(path)
    .filter(({ table, root }) => placeBelow(root, path).keys.join('/') === keysOf(table).join('/'));
  if (place === undefined) return undefined;
  return more.length > 0 || catalog.hasTablesBetween(place.root, path) ? 'unsure' : place;
}

function keysOf({ schema }: Table): string[] {
  return schema.partitionKeys.map(({ name }) => name);
}

async function staysOne(
  { known }: CollectContext,
  { table, folders }: Touched,
  { partitions, others, namesakes }: LookedAt,
): Promise<boolean> {
  if (others.count === 0 || namesakes.length > 0) return false;
  const names = async (one: Pick<Partition, 'schemaHash'>): Promise<Set<string>> => namesOf(await known.columnsOf(table, one));
  const [first] = others.groups;
  if (first === undefined) return false;
  const all = await names(first);
  const isSame = (some: ReadonlySet<string>): boolean => some.size === all.size && isWithin(some, all);
  const isPlain = async (group: PartitionGroup): Promise<boolean> => isOfKind(table, group.format) && isSame(await names(group));
  for (const group of others.groups) if (!(await isPlain(group))) return false;
  for (const one of partitions.values()) if (!isOfKind(table, one.format) || !isWithin(await names(one), all)) return false;
  return folders.every(
    ({ unit, format, columns }) => unit.kind !== 'unknown' && isOfKind(table, format) && isSame(namesOf(columns)),
  );
}

/** A partition without a format of its own has its table's. */
function isOfKind(table: Table, format: Format | undefined): boolean {
  return format === undefined || isOfFormat(table, format);
}

function namesOf(columns: readonly Column[]): Set<string> {
  return new Set(columns.map(({ name }) => name.toLowerCase()));
}

function isWithin(some: ReadonlySet<string>, all: ReadonlySet<string>): boolean {
  return [...some].every((name) => all.has(name));
}

function tableInPlace(
  context: CollectContext,
  { table, root, folders }: Touched,
  { partitions, others }: LookedAt,
): Promise<FoundTable> {
  const { database, connection, policy, known, report } = context;
  const absent = new Map(partitions);
  const units = folders.map(({ path, unit }): PlacedUnit => {
    const location = folderAddress(context.base(), path);
    const before = absent.get(location);
    absent.delete(location);
    return { values: placeBelow(root, path).values, path, location, unit: withPartition(unit, before) };
  });
  const parts = {
    name: table.name,
    database,
    connection,
    location: folderAddress(context.base(), root),
    keys: keysOf(table),
    layout: undefined,
    before: table,
    units,
    others,
    absent: [...absent.values()],
    policy,
    plainKeys: true,
  };
  return foundTable(parts, { path: root, first: 0 }, known, report);
}

function withPartition(unit: Unit, partition: Partition | undefined): Unit {
  return unit.kind === 'read' ? { ...unit, partition } : unit;
}
