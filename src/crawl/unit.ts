import { TenonError } from '../model/errors.ts';
import type { PartitionStats } from '../model/partition-stats.ts';
import type { Column, Format } from '../model/schema.ts';
import type { Partition } from '../model/table.ts';
import type { PackedManifest } from '../model/table.ts';
import { hashFiles, packFiles } from './file-list.ts';
import type { Layout } from './layout.ts';
import type { Known } from './known.ts';
import { understand, type ReadLayout, type Understood } from './read-layout.ts';
import type { Report } from './report.ts';
import type { Sample } from './sample.ts';

/** One partition, or the only one of a table without keys, as this crawl found it. */
export type Unit = UnchangedUnit | ReadUnit | UnknownUnit;

/** Its files are those that the catalog knows: nothing was read. */
interface UnchangedUnit {
  readonly kind: 'unchanged';
  readonly partition: Partition;
}

export interface ReadUnit {
  readonly kind: 'read';
  readonly partition: Partition | undefined;
  readonly format: Format;
  /** Undefined where it was not read, but assumed to be like others that differ: then its columns are the table's. */
  readonly columns: readonly Column[] | undefined;
  readonly rows: bigint | undefined;
  readonly stats: PartitionStats | undefined;
  /** The partition of another table that it was, with the same files. */
  readonly movedFrom?: bigint;
  readonly sample: Sample | undefined;
  /** Without its content once the catalog keeps it. */
  manifest: PackedManifest;
  /** The names of the layouts that it is made of; undefined where something in it is not known. */
  readonly layouts: readonly string[] | undefined;
  /** Where it was not read: what it is told to be. */
  readonly told?: Told;
}

/** What units that were not read are told to be, all that are alike together. */
export interface Told {
  readonly format: Format;
  /** Known when all that is to be read was read. */
  columns: readonly Column[] | undefined;
}

/** It could not be read; what the catalog knows of it stays. */
interface UnknownUnit {
  readonly kind: 'unknown';
  readonly partition: Partition;
}

/** What a unit needs to be looked at. */
export interface UnitPlace {
  /** Of its folder, for reports. */
  readonly path: string;
  readonly layouts: readonly Layout[];
  readonly before: Partition | undefined;
}

export interface UnitContext {
  readonly known: Known;
  readonly report: Report;
  readonly partitionFiles: number;
  readonly read: (layout: Layout) => Promise<ReadLayout>;
  readonly log: (level: 'info' | 'warn', message: string) => void;
}

/**
 * Looks at a partition: first by its listing alone, against what the catalog keeps, and only if that differs at samples of
 * its files. Undefined: nothing in it is of a known format, and it is not in the catalog either.
 */
export async function lookAtUnit(place: UnitPlace, context: UnitContext): Promise<Unit | undefined> {
  const { before, path, layouts } = place;
  // A file that could not be listed is not gone: its folder stays as the catalog has it.
  if (before !== undefined && context.report.hasUnlisted(path)) return { kind: 'unknown', partition: before };
  const count = layouts.reduce((sum, layout) => sum + layout.files.count, 0);
  if (count > context.partitionFiles) {
    context.report.unknown(
      path,
      new TenonError('LIMIT', `${path} has ${count} files; ${context.partitionFiles} are the limit (partitionFiles).`),
    );
    return before && { kind: 'unknown', partition: before };
  }
  const others = before === undefined ? layouts : await unknownLayouts(layouts, before, context.known);
  if (before !== undefined && others.length === 0) return { kind: 'unchanged', partition: before };
  // Where the files that are known have not changed, only the others are looked at; mostly they are no tables.
  const isSame = others.length < layouts.length;
  const read = await Promise.all(others.map(context.read));
  if (before !== undefined && isSame && read.every((one) => one.files.length === 0)) {
    reportLayouts(path, read, context);
    return { kind: 'unchanged', partition: before };
  }
  const rest = layouts.filter((layout) => !others.includes(layout));
  return unitOf(place, [...read, ...(await Promise.all(rest.map(context.read)))], context);
}

/**
 * The layouts that the catalog's files say nothing about: none if all files are as they were, all if some of the catalog's
 * are not.
 */
async function unknownLayouts(layouts: readonly Layout[], before: Partition, known: Known): Promise<readonly Layout[]> {
  if (isUnchanged(layouts, before)) return [];
  if (layouts.length < 2) return layouts;
  const addresses = new Set((await known.filesOf(before)).map((file) => file.address));
  const recorded = layouts.filter(({ files }) => files.all().some((file) => addresses.has(file.address)));
  if (!isUnchanged(recorded, before)) return layouts;
  return layouts.filter((layout) => !recorded.includes(layout));
}

/** By what a listing tells: the catalog has exactly these files. */
export function isUnchanged(layouts: readonly Layout[], before: Partition): boolean {
  return hashFiles(layouts.map(({ files }) => files)) === before.manifestHash;
}

/** What the samples say. Shared with folders, whose layouts are read before it is clear what belongs together. */
export function unitOf({ path, before }: UnitPlace, read: readonly ReadLayout[], context: UnitContext): Unit | undefined {
  const { understood, bad } = understand(read);
  reportLayouts(path, read, context);
  for (const one of bad) context.report.unknown(one.path, one.error);
  if (understood === undefined && bad.length === 0 && read.some(({ apart }) => apart === true)) return undefined;
  if (understood === undefined || (bad.length > 0 && before !== undefined)) {
    if (before !== undefined && bad.length === 0) context.report.unknown(path, notKnown(path));
    return before && { kind: 'unknown', partition: before };
  }
  for (const note of understood.notes) context.log('info', note);
  return readUnit(before, understood, bad.length > 0 ? badAddresses(read, bad) : undefined);
}

/** Of what is new, the files that were found to be bad are left out until they can be read: the next crawl looks again. */
function readUnit(before: Partition | undefined, understood: Understood, without: ReadonlySet<string> | undefined): ReadUnit {
  const { format, columns, rows, stats, layouts, sample } = understood;
  return {
    kind: 'read',
    partition: before,
    format,
    columns,
    rows,
    stats,
    sample,
    manifest: packFiles(
      layouts.map(({ files }) => files),
      without,
    ),
    layouts: without === undefined ? layouts.map(({ name }) => name) : undefined,
  };
}

function badAddresses(read: readonly ReadLayout[], bad: readonly { path: string }[]): Set<string> {
  const paths = new Set(bad.map(({ path }) => path));
  return new Set(
    read.flatMap(({ layout }) => layout.samples.flatMap((object) => (paths.has(object.path) ? [object.location] : []))),
  );
}

function reportLayouts(path: string, read: readonly ReadLayout[], { report }: UnitContext): void {
  for (const { layout, files, bad, apart } of read) {
    if (apart === true) continue;
    for (const one of bad) report.unknown(one.path, one.error);
    if (files.length === 0 && bad.length === 0)
      report.skip(layout.samples[0]?.path ?? `${path}${layout.name}`, 'not of a known format');
  }
}

function notKnown(path: string): TenonError {
  return new TenonError('DATA_UNREADABLE', `The files in ${path === '' ? 'the scope' : path} are of no known format any more.`);
}
