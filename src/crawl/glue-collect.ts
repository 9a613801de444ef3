import { parseAddress } from '../connections/address.ts';
import { TenonError } from '../model/errors.ts';
import type { Table } from '../model/table.ts';
import { folderName, type CollectContext, type Collector } from './collect.ts';
import { folderAddress, foundTable, type FoundTable, type PlacedUnit } from './found-table.ts';
import { fold, Likenesses, manifestOf, unfold, type FoldedUnit, type Likeness } from './glue-folder.ts';
import { createGlueGrouping, type GlueGrouping, type Grouped, type Leaf } from './glue-grouping.ts';
import { compareClosing, knownFolders, type KnownFolder } from './glue-known.ts';
import { tablesInPlace } from './glue-in-place.ts';
import { lookAtFolder, lookAtRecorded, type Looked, type SeenFolder } from './glue-look.ts';
import { GlueNewFolders } from './glue-new-folders.ts';
import type { Closed, ClosedFolder } from './grouping.ts';
import { identityOf } from './known.ts';
import { NO_OTHERS } from './looked-at.ts';
import { Recorded } from './recorded.ts';
import type { CrawlSettings } from './settings.ts';
import type { Unit } from './unit.ts';

/** A folder's files as one, with what the catalog had of them. */
interface Content {
  readonly unit: Unit | FoldedUnit;
  /** The table that `unit.partition` is one of. */
  readonly table: Table | undefined;
  readonly like: Likeness;
}

interface Looking {
  readonly folder: Pick<ClosedFolder, 'path' | 'first'>;
  readonly look: Promise<Looked>;
  /** How many there are in it. */
  readonly files: number;
}

interface Begun {
  readonly catalog: Recorded;
  readonly grouping: GlueGrouping<Content>;
  /** Where only new folders are looked at: what they are added to. */
  readonly fresh: GlueNewFolders | undefined;
}

/** Of so many folders the files wait for the catalog to keep them. */
const KEPT_AT_ONCE = 1_000;
const NOTHING = new Uint8Array();
/** So many folders are looked at while the listing goes on; more of them where they have no more files than this together. */
const AT_ONCE = 16;
const FILES_AT_ONCE = 10_000;

/**
 * Puts together what belongs to one table by Glue's rules: the schemas decide, so each folder is looked at before it is known
 * where it belongs. Until then a folder is its place, its manifest and its columns, which many folders share.
 */
export function createGlueCollector(context: CollectContext, settings: CrawlSettings, split: readonly string[]): Collector {
  const queue: Looking[] = [];
  let queuedFiles = 0;
  /** A few folders that are looked at alone: first it is asked whether they leave the tables where they are. */
  const few: Looking[] = [];
  let areInPlace = false;
  const likenesses = new Likenesses();
  /** Folders whose files the catalog does not keep yet. */
  const held: FoldedUnit[] = [];
  /** Where only some folders are looked at, the others: the next one last. */
  let others: KnownFolder[] | undefined;
  let isSure = true;
  let begun: Begun | undefined;

  /** Where the scope is shows the first object. */
  function begin(): Begun {
    if (begun !== undefined) return begun;
    const catalog = new Recorded(context);
    const grouping = createGlueGrouping<Content>({
      combine: settings.combineCompatibleSchemas,
      tableDepth:
        settings.tableLevel === undefined ? undefined : Math.max(0, settings.tableLevel - levelOfAddress(context.base())),
      split,
      isInTable: (path) => catalog.isInTable(path),
      hasTablesBelow: (path) => catalog.hasTablesBelow(path),
      isUnsure: (path) => !isSure || context.report.isUnknownAt(path),
    });
    const fresh = context.isOnlyNew() ? new GlueNewFolders(context, catalog, settings.combineCompatibleSchemas) : undefined;
    begun = { catalog, grouping, fresh };
    return begun;
  }

  /** The folders that are not looked at, up to where the listing is; undefined: all that are left. */
  async function takeKnown(upTo: string | undefined): Promise<FoundTable[]> {
    if (!context.isPartial() || context.isOnlyNew()) return [];
    others ??= (await knownFolders(context, begin().catalog)).toReversed();
    const found: FoundTable[] = [];
    for (let next = others.at(-1); next !== undefined; next = others.at(-1)) {
      if (upTo !== undefined && compareClosing(next.path, upTo) > 0) break;
      others.pop();
      const folder = { path: next.path, first: 0 };
      found.push(...(await put({ folder, look: lookAtRecorded(context, folder, next.recorded), files: 0 })));
    }
    return found;
  }

  async function put(looking: Looking): Promise<FoundTable[]> {
    queue.push(looking);
    queuedFiles += looking.files;
    const isFull = queue.length >= context.partitionsAtOnce || queuedFiles >= FILES_AT_ONCE;
    return queue.length >= AT_ONCE && isFull ? takeNext() : [];
  }

  async function group(looking: Looking): Promise<FoundTable[]> {
    const before = await takeKnown(looking.folder.path);
    return [...before, ...(await put(looking))];
  }

  async function findInPlace(): Promise<FoundTable[] | undefined> {
    const seen: SeenFolder[] = [];
    for (const { look } of few) {
      const looked = await look;
      if (looked === undefined) continue;
      if (!('leaf' in looked)) return undefined;
      seen.push(looked.leaf);
    }
    return tablesInPlace(context, begin().catalog, seen);
  }

  async function takeNext(): Promise<FoundTable[]> {
    const next = queue.shift();
    queuedFiles -= next?.files ?? 0;
    const looked = await next?.look;
    if (next === undefined || looked === undefined) return [];
    if ('failed' in looked) throw looked.failed;
    const { grouping, fresh } = begin();
    if (fresh !== undefined) {
      const unit = 'leaf' in looked ? looked.leaf.unit : undefined;
      if (unit?.kind === 'read') fresh.add(next.folder.path, next.folder.first, unit);
      else fresh.pass(next.folder.path);
      return [];
    }
    if ('leaf' in looked) return tables(grouping.add(await folded(looked.leaf)));
    return [...(await tables(grouping.apart(next.folder.path, next.folder.first))), ...looked.apart];
  }

  async function folded({ path, first, unit, table, columns, format }: SeenFolder): Promise<Leaf<Content>> {
    const like = likenesses.of(columns, format);
    if (unit.kind !== 'read') return { path, first, columns: like.columns, kind: like.kind, content: { unit, table, like } };
    const short = fold(unit, like.format ?? unit.format, like.columns);
    await keep(short);
    return { path, first, columns: like.columns, kind: like.kind, content: { unit: short, table, like } };
  }

  /** Hands the files of many folders to the catalog: of each only the hash and the sums are held. */
  async function keep(unit: FoldedUnit): Promise<void> {
    if (held.push(unit) < KEPT_AT_ONCE) return;
    const units = held.splice(0);
    await context.known.keepManifests(units.map(manifestOf));
    for (const one of units) one.packed = NOTHING;
  }

  async function tables(groups: readonly Grouped<Content>[]): Promise<FoundTable[]> {
    const found: FoundTable[] = [];
    for (const group of groups) found.push(await groupedTable(context, begin().catalog, group));
    return found;
  }

  return {
    async take(closed: Closed) {
      if (closed.kind !== 'folder') throw new TenonError('INTERNAL', 'A folder is a partition only when its schema says so.');
      if (closed.layouts.length === 0) return [];
      const files = closed.layouts.reduce((sum, layout) => sum + layout.files.count, 0);
      const looking = { folder: closed, look: lookAtFolder(context, begin().catalog, closed), files };
      if (context.fewFolders() === undefined) return group(looking);
      few.push(looking);
      await few.at(-AT_ONCE)?.look;
      return [];
    },
    async emptied({ path }, keys) {
      const found = await groupedTable(context, begin().catalog, { root: path, keys, members: [], first: 0 });
      return found.partitionCount === 0 ? undefined : found;
    },
    async finish(sure) {
      const inPlace = sure && context.fewFolders() !== undefined ? await findInPlace() : undefined;
      areInPlace = inPlace !== undefined;
      if (inPlace !== undefined) return inPlace;
      const found: FoundTable[] = [];
      for (const looking of few.splice(0)) found.push(...(await group(looking)));
      found.push(...(await takeKnown(undefined)));
      while (queue.length > 0) found.push(...(await takeNext()));
      isSure = sure;
      if (begun !== undefined) found.push(...(await tables(begun.grouping.finish())));
      if (begun?.fresh !== undefined) found.push(...(await begun.fresh.finish()));
      return found;
    },
    firstOpen() {
      const numbers = [few[0]?.folder.first, queue[0]?.folder.first, begun?.grouping.firstOpen()].filter(
        (number) => number !== undefined,
      );
      return numbers.length === 0 ? undefined : Math.min(...numbers);
    },
    accountsForAll: () => !areInPlace,
    // A folder is no part of a table before its schema says so.
    forget: () => undefined,
    splitAt: (path, number) => begun?.grouping.splitAt(path, number) ?? [...split],
  };
}

/** The bucket is level 1; of files the first folder of the path. */
function levelOfAddress(base: string): number {
  const address = parseAddress(base);
  const names = (address.scheme === 's3' ? address.key : address.file).split('/').filter((name) => name !== '');
  return names.length + (address.scheme === 's3' ? 1 : 0);
}

async function groupedTable(context: CollectContext, catalog: Recorded, group: Grouped<Content>): Promise<FoundTable> {
  const { root, keys, first } = group;
  const { database, connection, policy, known, report } = context;
  const location = folderAddress(context.base(), root);
  const identity = identityOf(location, keys, undefined);
  const before = known.tables.get(identity);
  const absent = new Map(before === undefined ? [] : await catalog.partitionsOf(before));
  if (before !== undefined) catalog.forget(before);
  const seen = new Set<string>();
  const units: PlacedUnit[] = [];
  for (const { values, path, content } of group.members) {
    const at = folderAddress(context.base(), path);
    absent.delete(at);
    const text = JSON.stringify(values);
    if (seen.has(text))
      report.unknown(path, new TenonError('BAD_INPUT', `The folder ${path} has the same partition values as another one.`));
    else
      units.push({
        values,
        path,
        location: at,
        unit: content.table?.id === before?.id ? unitOfContent(content) : moved(content),
      });
    seen.add(text);
  }
  const name = before?.name ?? (await known.nameFor(identity, context.nameFrom(folderName(context, root))));
  const parts = {
    name,
    database,
    connection,
    location,
    keys,
    layout: undefined,
    before,
    units,
    others: NO_OTHERS,
    policy,
    plainKeys: true,
  };
  return foundTable({ ...parts, absent: [...absent.values()] }, { path: root, first }, known, report);
}

function unitOfContent({ unit, like }: Content): Unit {
  return unit.kind === 'folded' ? unfold(unit, like.columns) : unit;
}

/** What the catalog knows of a partition of another table, which this one takes in. */
function moved(content: Content): Unit {
  const unit = unitOfContent(content);
  const { columns, format } = content.like;
  if (unit.kind === 'read') return { ...unit, partition: undefined };
  const { manifestHash: hash, files, bytes = 0n, rows } = unit.partition;
  if (hash === undefined || format === undefined) return unit;
  const manifest = { hash, packed: NOTHING, files, bytes };
  return {
    kind: 'read',
    partition: undefined,
    format,
    columns,
    rows,
    stats: undefined,
    movedFrom: unit.partition.id,
    manifest,
    sample: undefined,
    layouts: undefined,
  };
}
