import { TenonError } from '../model/errors.ts';
import type { Partition, Table } from '../model/table.ts';
import { areCompatible, commonFormat } from './formats.ts';
import { folderAddress, foundTable, type FoundTable } from './found-table.ts';
import type { Closed, ClosedFolder, ClosedPartition } from './grouping.ts';
import { identityOf } from './known.ts';
import { tableStem, type Layout } from './layout.ts';
import { lookedAtOf, NO_OTHERS, type LookedAtContext, type Others } from './looked-at.ts';
import { admitUnits } from './new-folders-rule.ts';
import type { TablePolicy } from './policy.ts';
import type { ReadLayout } from './read-layout.ts';
import { lookAtUnit, unitOf, type Unit } from './unit.ts';
import { createUnits, type Units, type UnitsContext } from './units.ts';

export interface CollectContext extends UnitsContext, LookedAtContext {
  readonly database: string;
  readonly connection: string | undefined;
  /** The address of the scope's root. */
  readonly base: () => string;
  readonly policy: TablePolicy;
  /** A table's name from a folder's or a file's. */
  readonly nameFrom: (text: string) => string;
}

export interface Collector {
  /** Takes what a listing closed, and gives the tables that are whole with it. Undefined: none, and it does not take its time. */
  take(closed: Closed): Promise<readonly FoundTable[]> | undefined;
  /** A table of which no looked-at partition has a file any more. Undefined: nothing of it is left. */
  emptied(folder: ClosedFolder, keys: readonly string[]): Promise<FoundTable | undefined>;
  /** There is no more. Unless it is `sure` that all was listed, nothing that the catalog has is put together anew. */
  finish(sure: boolean): Promise<FoundTable[]>;
  /** The number of the first object in what was taken and is in no table yet. */
  firstOpen(): number | undefined;
  /** What has to be known of the folders on the way to an object's path by who goes on after it; `number` objects come before. */
  splitAt(path: string, number: number): string[];
  /** Whether what the catalog has was put together anew, so that a table that was not found is none any more. */
  accountsForAll(): boolean;
  /** Gives up what was taken of a folder: it belongs to something else. */
  forget(path: string): void;
}

const NOTHING: readonly FoundTable[] = [];

/** The partitions of one root that have the same keys. */
interface OpenTable {
  readonly keys: readonly string[];
  readonly before: Table | undefined;
  /** Of what is looked at, by location; what the listing shows is taken out. */
  readonly absent: Map<string, Partition>;
  readonly others: Others;
  readonly values: Set<string>;
  readonly units: Units;
}

/**
 * Puts together what belongs to one table. Partitions are looked at as they close, so that of an open root only sums are
 * kept: for each partition its columns, its manifest if it has changed, or only the row that it has in the catalog.
 */
export function createCollector(context: CollectContext): Collector {
  const roots = new Map<string, readonly OpenTable[]>();

  function openTable(root: string, keys: readonly string[]): Promise<OpenTable> | OpenTable {
    const tables = roots.get(root);
    return tables?.find((table) => isSame(table.keys, keys)) ?? newTable(root, keys);
  }

  async function newTable(root: string, keys: readonly string[]): Promise<OpenTable> {
    const before = context.known.tables.get(identityOf(folderAddress(context.base(), root), keys, undefined));
    const recorded = before && (await lookedAtOf(context, before, root));
    const absent = new Map(recorded?.partitions);
    const values = new Set(recorded?.namesakes.map((partition) => JSON.stringify(partition.values)));
    const others = recorded?.others ?? NO_OTHERS;
    const opened: OpenTable = { keys, before, absent, others, values, units: createUnits(context) };
    roots.set(root, [...(roots.get(root) ?? []), opened]);
    return opened;
  }

  function takePartition({ path, levels, layouts }: ClosedPartition, table: OpenTable): Promise<void> | undefined {
    const values = levels.map(({ value }) => value);
    const location = folderAddress(context.base(), path);
    const partition = table.absent.get(location);
    table.absent.delete(location);
    const text = JSON.stringify(values);
    if (table.values.has(text)) {
      context.report.unknown(
        path,
        new TenonError('BAD_INPUT', `The folder ${path} has the same partition values as another one.`),
      );
      return undefined;
    }
    table.values.add(text);
    return table.units.add({ path, layouts, before: partition }, { values, path, location });
  }

  async function takeFolder(folder: ClosedFolder): Promise<FoundTable[]> {
    const found: FoundTable[] = [];
    const tables = roots.get(folder.path) ?? [];
    roots.delete(folder.path);
    const ordered = tables.toSorted((a, b) => (a.keys.join('/') < b.keys.join('/') ? -1 : 1));
    for (const [i, table] of ordered.entries()) {
      const made = await partitionedTable(context, folder, table, i === 0);
      if (made !== undefined) found.push(made);
    }
    if (folder.layouts.length > 0) found.push(...(await flatTables(context, folder)));
    return found;
  }

  return {
    take(closed) {
      if (closed.kind === 'folder') return takeFolder(closed);
      const table = openTable(
        closed.root,
        closed.levels.map(({ key }) => key),
      );
      const taken =
        table instanceof Promise ? table.then((opened) => takePartition(closed, opened)) : takePartition(closed, table);
      return taken?.then(() => NOTHING);
    },
    async emptied(folder, keys) {
      return partitionedTable(context, folder, await openTable(folder.path, keys), true);
    },
    forget(path) {
      roots.delete(path);
    },
    // A listing tells when a table is whole.
    finish: () => Promise.resolve([]),
    firstOpen: () => undefined,
    splitAt: () => [],
    accountsForAll: () => false,
  };
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  return some.length === others.length && some.every((one, i) => one === others[i]);
}

async function partitionedTable(
  context: CollectContext,
  folder: ClosedFolder,
  open: OpenTable,
  first: boolean,
): Promise<FoundTable | undefined> {
  const all = await open.units.finish();
  const units = open.before !== undefined && context.isOnlyNew() ? admitUnits(open.before, all, context) : all;
  if (units.length + open.others.count === 0) return undefined;
  const location = folderAddress(context.base(), folder.path);
  const identity = identityOf(location, open.keys, undefined);
  // Of several key sets below one folder, the first takes its name, unless they have names already.
  const wanted = first ? folderName(context, folder.path) : `${folderName(context, folder.path)}_${open.keys.join('_')}`;
  const name = open.before?.name ?? (await context.known.nameFor(identity, context.nameFrom(wanted)));
  const { database, connection, policy } = context;
  const parts = { ...open, name, database, connection, location, layout: undefined, units, policy, plainKeys: false };
  return foundTable(
    { ...parts, absent: [...open.absent.values()] },
    { path: folder.path, first: folder.first },
    context.known,
    context.report,
  );
}

export function folderName(context: Pick<CollectContext, 'base'>, path: string): string {
  const folder = folderAddress(context.base(), path).split('/').at(-2) ?? '';
  try {
    return decodeURIComponent(folder);
  } catch {
    return folder;
  }
}

/**
 * The files that lie in a folder. They are one table, named after it, if all that are of a known format go together; else
 * each layout is a table. What the catalog has already stays as it is: a stray file makes no table fall apart.
 */
export async function flatTables(context: CollectContext, folder: ClosedFolder): Promise<FoundTable[]> {
  const location = folderAddress(context.base(), folder.path);
  const whole = context.known.tables.get(identityOf(location, [], undefined));
  const isOwn = (layout: Layout): boolean => context.known.tables.has(identityOf(location, [], layout.name));
  const others = folder.layouts.filter((layout) => !isOwn(layout));
  const apart = folder.layouts.filter(isOwn);
  const found: FoundTable[] = [];
  if (whole !== undefined) {
    const strays = await wholeTable(context, folder, whole, others, found);
    for (const read of strays) found.push(...(await layoutTable(context, folder, read.layout, read)));
  } else if (apart.length === 0 && !folder.partitioned) {
    found.push(...(await newTables(context, folder, others)));
  } else apart.push(...others);
  for (const layout of apart) found.push(...(await layoutTable(context, folder, layout)));
  return found;
}

/** Looks at a table that a folder was, and gives back what lies there now and does not go together with it. */
async function wholeTable(
  context: CollectContext,
  folder: ClosedFolder,
  before: Table,
  layouts: readonly Layout[],
  found: FoundTable[],
): Promise<ReadLayout[]> {
  if (layouts.length === 0) return [];
  const strays: ReadLayout[] = [];
  const read = async (layout: Layout): Promise<ReadLayout> => {
    const one = await context.read(layout);
    const columns = commonFormat(one.files.map(({ classification }) => classification))?.columns ?? [];
    const belongs =
      one.files.length === 0 ||
      (one.files[0]?.classification.format.name === before.format?.name && areCompatible(columns, before.schema.columns));
    if (belongs) return one;
    strays.push(one);
    return { ...one, files: [], bad: [], apart: true };
  };
  const partition = await onlyPartition(context, before);
  const unit = await lookAtUnit({ path: folder.path, layouts, before: partition }, { ...context, read, report: context.report });
  // Everything in the folder is of another kind now: the table is what it was only in name, and begins anew.
  if (unit === undefined && strays.length === layouts.length) {
    const fresh = unitOf({ path: folder.path, layouts, before: partition }, strays, context);
    if (fresh !== undefined) found.push(await oneTable(context, folder, { before, unit: fresh, layout: undefined, stem: '' }));
    return [];
  }
  if (unit !== undefined) found.push(await oneTable(context, folder, { before, unit, layout: undefined, stem: '' }));
  return strays;
}

async function newTables(context: CollectContext, folder: ClosedFolder, layouts: readonly Layout[]): Promise<FoundTable[]> {
  const read = await Promise.all(layouts.map(context.read));
  const known = read.filter((one) => one.files.length > 0);
  const lone = known.length === 1 && known[0]?.layout.files.count === 1;
  if (areOne(known) && !(lone && folder.hasFolders)) {
    const unit = unitOf({ path: folder.path, layouts, before: undefined }, read, context);
    return unit === undefined ? [] : [await oneTable(context, folder, { before: undefined, unit, layout: undefined, stem: '' })];
  }
  const found: FoundTable[] = [];
  for (const one of read) found.push(...(await layoutTable(context, folder, one.layout, one)));
  return found;
}

/** One format, and columns that go together. */
export function areOne(read: readonly ReadLayout[]): boolean {
  const files = read.flatMap((one) => one.files.map(({ classification }) => classification));
  const common = commonFormat(files);
  const first = files[0];
  if (common === undefined || first === undefined || common.readings.includes(undefined)) return false;
  const lists = common.readings.map((reading) => reading?.columns ?? []);
  const longest = lists.toSorted((a, b) => b.length - a.length)[0] ?? [];
  return lists.every((columns) => areCompatible(columns, longest));
}

export async function layoutTable(
  context: CollectContext,
  folder: ClosedFolder,
  layout: Layout,
  read?: ReadLayout,
): Promise<FoundTable[]> {
  const before = context.known.tables.get(identityOf(folderAddress(context.base(), folder.path), [], layout.name));
  const partition = before && (await onlyPartition(context, before));
  const place = { path: folder.path, layouts: [layout], before: partition };
  const unit = read === undefined ? await lookAtUnit(place, context) : unitOf(place, [read], context);
  return unit === undefined ? [] : [await oneTable(context, folder, { before, unit, layout, stem: tableStem(layout) })];
}

async function onlyPartition(context: CollectContext, table: Table): Promise<Partition | undefined> {
  return [...(await context.known.partitionsOf(table)).values()][0];
}

interface OneTable {
  readonly before: Table | undefined;
  readonly unit: Unit;
  readonly layout: Layout | undefined;
  readonly stem: string;
}

/** A table without keys: all of it is one partition. */
async function oneTable(
  context: CollectContext,
  folder: ClosedFolder,
  { before, unit, layout, stem }: OneTable,
): Promise<FoundTable> {
  const address = folderAddress(context.base(), folder.path);
  const wanted = layout === undefined || stem === '' ? folderName(context, folder.path) : stem;
  const name = before?.name ?? (await context.known.nameFor(identityOf(address, [], layout?.name), context.nameFrom(wanted)));
  const single = layout?.files.count === 1 ? layout.samples[0]?.location : undefined;
  const location = single ?? address;
  const units = [{ values: [], path: folder.path, location, unit }];
  const parts = {
    name,
    database: context.database,
    connection: context.connection,
    location,
    keys: [],
    layout: layout?.name,
    before,
    units,
    absent: [],
    others: NO_OTHERS,
    policy: context.policy,
    plainKeys: false,
  };
  return foundTable(parts, { path: folder.path, first: folder.first }, context.known, context.report);
}
