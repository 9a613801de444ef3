import { isDeepStrictEqual } from 'node:util';
import type { Column } from '../model/schema.ts';
import type { PlacedUnit } from './found-table.ts';
import { packFiles } from './file-list.ts';
import { HeldUnits, toldUnit } from './held-units.ts';
import { lookAlike, looksOf, type Layout } from './layout.ts';
import { Spread } from './sampler.ts';
import { pathBelow } from './scope-paths.ts';
import { isUnchanged, lookAtUnit, type ReadUnit, type Told, type Unit, type UnitContext, type UnitPlace } from './unit.ts';

/** The partitions of one table, in the order of the listing. */
export interface Units {
  /** Takes the next one. Undefined: nothing has to be waited for, as it mostly is. */
  add(place: UnitPlace, at: Omit<PlacedUnit, 'unit'>): Promise<void> | undefined;
  /** All of them, when there are no more. */
  finish(): Promise<PlacedUnit[]>;
}

export interface UnitsContext extends UnitContext {
  /** So many partitions are read of those whose files are named alike; the others are assumed to be like them. */
  readonly samplePartitions: number;
  /** So many are looked at at the same time, at most. */
  readonly partitionsAtOnce: number;
  /** The address of the scope's root. */
  readonly base: () => string;
}

/** Partitions whose files are named alike. */
interface Alike {
  /** Those that were read. */
  readonly read: Promise<Unit | undefined>[];
  /** What the first of them turned out to be; `each`: they differ, so each of them is read. */
  rule: Rule | 'each' | undefined;
  /** How many were not read. */
  assumed: number;
  readonly rest: Spread<{ readonly index: number; readonly place: UnitPlace }>;
}

interface Rule {
  /** Undefined: nothing in them is of a known format. */
  readonly told: Told | undefined;
  /** The names of the layouts that make up the table. */
  readonly layouts: ReadonlySet<string>;
}

/** So many partitions are looked at while the listing goes on; more, up to what the context allows, while they have few files. */
const AT_ONCE = 16;
const FILES_AT_ONCE = 10_000;
const MAX_TOLD = 20;
/** A table with fewer new or changed partitions saves their files with them. With more at once they would grow old waiting. */
const KEPT_AT_ONCE = 250;
const NOTHING = new Uint8Array();

/**
 * Looks at the partitions of a table. Unchanged ones by their listing alone. Of new and changed ones that are named alike
 * (`part-#.csv` and nothing else) the first are read, and when the listing is through the last, the newest and others evenly
 * spread; the rest is taken to be like them: of the same format, and of the same columns if these have the same, else of the
 * table's. Where the first of them differ in anything but columns, or cannot be read, each one is read. See
 * docs/decisions/0009.
 */
export function createUnits(context: UnitsContext): Units {
  const units = new HeldUnits((location) => pathBelow(context.base(), location) ?? '');
  const alikes = new Map<string, Alike>();
  /** The one before: mostly the next one is like it. */
  let last: { readonly layouts: readonly Layout[]; readonly alike: Alike } | undefined;
  const running = new Set<Promise<unknown>>();
  let runningFiles = 0;
  let resume = (): void => undefined;
  const shared = sharedParts();
  let failed: { readonly error: unknown } | undefined;
  let whole: number[] = [];
  let keeping = Promise.resolve();
  const early = Math.ceil(context.samplePartitions / 2);

  function put(index: number, at: Omit<PlacedUnit, 'unit'>, unit: Unit | undefined): void {
    // Spelled out here and below: a copy by `...` takes several times as much memory, and there may be very many.
    units.set(index, unit && { values: at.values, path: at.path, location: at.location, unit });
    if (unit?.kind === 'read') whole.push(index);
  }

  /** Hands the files of many partitions to the catalog: of each only the hash and the sums are held. */
  async function keep(): Promise<void> {
    if (whole.length < KEPT_AT_ONCE) return;
    const indexes = whole;
    whole = [];
    await keeping;
    keeping = keepThese(indexes);
  }

  async function keepThese(indexes: readonly number[]): Promise<void> {
    try {
      const found = indexes.flatMap((index) => units.whole(index)?.unit ?? []);
      await context.known.keepManifests(found.flatMap((unit) => (unit.kind === 'read' ? [unit.manifest] : [])));
      for (const unit of found) if (unit.kind === 'read') unit.manifest = { ...unit.manifest, packed: NOTHING };
      units.pack(indexes);
    } catch (error) {
      failed ??= { error };
    }
  }

  /** The result finds its place by itself. What it fails with is thrown by who waits next. */
  async function look(index: number, place: UnitPlace, at: Omit<PlacedUnit, 'unit'>): Promise<Unit | undefined> {
    try {
      const unit = shared(await lookAtUnit(place, context));
      put(index, at, unit);
      return unit;
    } catch (error) {
      failed ??= { error };
      return undefined;
    }
  }

  function isFull(): boolean {
    return running.size >= AT_ONCE && (running.size >= context.partitionsAtOnce || runningFiles >= FILES_AT_ONCE);
  }

  async function begin(alike: Alike, index: number, place: UnitPlace, at: Omit<PlacedUnit, 'unit'>): Promise<void> {
    // One waits at a time: partitions come one after the other.
    while (isFull()) await new Promise<void>((resolve) => (resume = resolve));
    if (failed !== undefined) throw failed.error;
    const looked = look(index, place, at);
    const files = countFiles(place);
    runningFiles += files;
    const ended: Promise<unknown> = looked.then(() => {
      runningFiles -= files;
      running.delete(ended);
      resume();
    });
    running.add(ended);
    if (Number.isFinite(early) && alike.rule !== 'each') alike.read.push(looked);
  }

  function alikeOf(layouts: readonly Layout[]): Alike {
    if (last !== undefined && lookAlike(layouts, last.layouts)) return last.alike;
    const name = layouts.map(looksOf).join('/');
    const rest = new Spread<{ index: number; place: UnitPlace }>(context.samplePartitions - early);
    const alike = alikes.get(name) ?? { read: [], rule: undefined, assumed: 0, rest };
    alikes.set(name, alike);
    last = { layouts, alike };
    return alike;
  }

  function add(place: UnitPlace, at: Omit<PlacedUnit, 'unit'>): Promise<void> | undefined {
    const index = units.reserve();
    // Of a folder in which a file could not be listed, the catalog knows more than the listing.
    if (place.before !== undefined && (isUnchanged(place.layouts, place.before) || context.report.hasUnlisted(place.path))) {
      units.set(index, place.before);
      return undefined;
    }
    const alike = alikeOf(place.layouts);
    if (whole.length >= KEPT_AT_ONCE || alike.rule === undefined) return decide(alike, index, place, at);
    return follow(alike, index, place, at);
  }

  async function decide(alike: Alike, ...rest: [number, UnitPlace, Omit<PlacedUnit, 'unit'>]): Promise<void> {
    await keep();
    if (alike.read.length >= early) alike.rule ??= ruleOf(await Promise.all(alike.read));
    await follow(alike, ...rest);
  }

  /** As far as there is a rule. */
  function follow(alike: Alike, index: number, place: UnitPlace, at: Omit<PlacedUnit, 'unit'>): Promise<void> | undefined {
    const { rule } = alike;
    if (rule === undefined || rule === 'each' || tooMany(place, context)) return begin(alike, index, place, at);
    if (rule.told === undefined) context.report.skip(place.path, 'not of a known format');
    put(index, at, assumedUnit(place, rule));
    alike.assumed += 1;
    alike.rest.add({ index, place }, newestOf(place.layouts));
    return undefined;
  }

  /** What they have in common once all that is to be read was read. */
  async function settle({ rule, read }: Alike): Promise<void> {
    if (rule === undefined || rule === 'each' || rule.told === undefined) return;
    rule.told.columns = commonColumns(await Promise.all(read));
  }

  function tellAssumed(): void {
    const groups = [...alikes].filter(([, { assumed }]) => assumed > 0);
    for (const [name, { assumed, read }] of groups.slice(0, MAX_TOLD)) {
      context.log(
        'info',
        `${assumed} partitions with files like ${name} are taken to be like the ${read.length} that were read.`,
      );
    }
  }

  return {
    add,
    async finish() {
      for (const alike of alikes.values()) {
        for (const { index, place } of alike.rest.take()) {
          const at = units.at(index);
          // What was taken for nothing is not read to be sure.
          if (at !== undefined) await begin(alike, index, place, at);
        }
      }
      await Promise.all(running);
      await keeping;
      if (failed !== undefined) throw failed.error;
      for (const alike of alikes.values()) await settle(alike);
      tellAssumed();
      return units.take();
    },
  };
}

/** So many that differ are worth remembering. */
const MAX_SHARED = 1_000;

/** Hundreds of thousands of partitions that are all read mostly say the same: what is equal is held once. */
function sharedParts(): (unit: Unit | undefined) => Unit | undefined {
  const known = new Map<string, unknown>();
  const once = <T>(part: T): T => {
    const text = JSON.stringify(part);
    const first = known.get(text) as T | undefined;
    if (first === undefined && known.size < MAX_SHARED) known.set(text, part);
    return first ?? part;
  };
  return (unit) => {
    if (unit?.kind !== 'read') return unit;
    const { kind, partition, rows, stats, sample, manifest } = unit;
    const columns = unit.columns && once(unit.columns);
    const layouts = unit.layouts && once(unit.layouts);
    return { kind, partition, format: once(unit.format), columns, rows, stats, sample, manifest, layouts };
  };
}

function tooMany(place: UnitPlace, { partitionFiles }: UnitsContext): boolean {
  return countFiles(place) > partitionFiles;
}

function countFiles({ layouts }: UnitPlace): number {
  return layouts.reduce((sum, { files }) => sum + files.count, 0);
}

function newestOf(layouts: readonly Layout[]): number {
  return layouts.reduce((newest, layout) => Math.max(newest, layout.newest), 0);
}

/** One format, made of the same layouts, all of them readable; columns may differ from partition to partition. */
function ruleOf(units: readonly (Unit | undefined)[]): Rule | 'each' {
  if (units.every((unit) => unit === undefined)) return { told: undefined, layouts: new Set() };
  const read = units.filter((unit): unit is ReadUnit => unit?.kind === 'read' && unit.layouts !== undefined);
  const [first] = read;
  if (first?.layouts === undefined || read.length < units.length) return 'each';
  const isLike = (unit: ReadUnit): boolean =>
    isDeepStrictEqual(unit.format, first.format) && isDeepStrictEqual(unit.layouts, first.layouts);
  if (!read.every(isLike)) return 'each';
  return { told: { format: first.format, columns: undefined }, layouts: new Set(first.layouts) };
}

/** What was there and cannot be told stays: a partition is given up only by who has read it. */
function assumedUnit({ layouts, before }: UnitPlace, { told, layouts: names }: Rule): Unit | undefined {
  if (told === undefined) return before && { kind: 'unknown', partition: before };
  const files = layouts.filter(({ name }) => names.has(name)).map((layout) => layout.files);
  return toldUnit(told, before, packFiles(files));
}

function commonColumns(units: readonly (Unit | undefined)[]): readonly Column[] | undefined {
  const lists = units.flatMap((unit) => (unit?.kind === 'read' && unit.columns !== undefined ? [unit.columns] : []));
  return lists.every((list) => isDeepStrictEqual(list, lists[0])) ? lists[0] : undefined;
}
