import { streamPartitions } from '../catalog/partitions.ts';
import type { Db } from '../db/db.ts';
import type { Principal } from '../model/principal.ts';
import type { Partition, Table } from '../model/table.ts';
import type { FoundTable } from './found-table.ts';
import type { Known } from './known.ts';
import type { Missing } from './removal-content.ts';
import type { Report } from './report.ts';

/** What a complete listing did not show, and what may be done about it. */
export interface Absence {
  /** To be dropped. */
  readonly tables: readonly Table[];
  /** Found, but with partitions missing or columns that nothing has any more: what of it may be taken away. */
  readonly found: readonly { readonly table: FoundTable; readonly narrow: boolean }[];
  /** Too much to be removed without somebody saying so; undefined: nothing is. */
  readonly missing: Missing | undefined;
}

/** A removal too large to happen without somebody saying so. */
export interface Parked {
  readonly tables: number;
  readonly partitions: number;
  /** A few of the tables. */
  readonly names: readonly string[];
  /** Of the removal, to approve or reject it. */
  readonly removal: string | undefined;
}

export function parkedOf({ tables, partitions }: Missing, removal: string | undefined): Parked {
  const names = [...tables, ...partitions.map(({ table }) => table)].map(({ name }) => name);
  const count = partitions.reduce((sum, { absent }) => sum + absent.length, 0);
  return { tables: tables.length, partitions: count, names: names.slice(0, NAMES), removal };
}

export interface AbsenceContext {
  readonly db: Db;
  readonly as: Principal;
  readonly known: Known;
  readonly report: Report;
  readonly covers: (location: string) => boolean;
  /** Whether this crawl has looked at all that is left of a table. */
  readonly isLookedAt: (table: Table) => boolean;
  /** Something at, above or below a table could not be read. */
  readonly isUnknown: (table: Table) => boolean;
  /** Tables that an earlier attempt of this run has met. */
  readonly wasSeen: (table: Table) => boolean;
  /** Nothing is taken away, whatever is gone: then nothing has to be parked either. */
  readonly keeps: boolean;
  readonly accept: boolean;
  readonly removalShare: number;
  readonly removalAtLeast: number;
}

const NAMES = 20;
/** So many partitions are asked whether the definition covers them, before a table counts as out of scope. */
const ASKED_PARTITIONS = 20;

/**
 * Decides what absence means. Only for a complete listing: what is unknown, what another definition recorded and this one
 * does not cover, and what is suspiciously much, stays.
 */
export async function decideAbsence(held: readonly FoundTable[], context: AbsenceContext): Promise<Absence> {
  const all = [...context.known.tables.values()].filter((table) => context.covers(table.location ?? ''));
  const gone: Table[] = [];
  for (const table of all) {
    if (
      context.isLookedAt(table) &&
      !context.known.seen.has(table.id) &&
      !context.wasSeen(table) &&
      (await isGone(table, context))
    )
      gone.push(table);
  }
  const parkTables = isTooMuch(gone.length, all.length, context);
  const found = await Promise.all(held.map((table) => decideFound(table, context)));
  const partitions = found.flatMap(({ parked, table }) => (parked ? { table: table.before, absent: table.absent } : []));
  const tables = parkTables ? gone : [];
  const isParked = tables.length + partitions.length > 0;
  return {
    tables: parkTables ? [] : gone,
    found,
    missing: isParked
      ? { tables, partitions: partitions.flatMap(({ table, absent }) => (table ? { table, absent } : [])) }
      : undefined,
  };
}

function isTooMuch(gone: number, all: number, { accept, keeps, removalShare, removalAtLeast }: AbsenceContext): boolean {
  return !accept && !keeps && gone >= removalAtLeast && gone > removalShare * all;
}

async function decideFound(
  table: FoundTable,
  context: AbsenceContext,
): Promise<{ table: FoundTable; narrow: boolean; parked: boolean }> {
  if (table.narrow === undefined || context.report.isUnknownAt(table.path)) return { table, narrow: false, parked: false };
  if (table.absent.length === 0) return { table, narrow: true, parked: false };
  for (const partition of table.absent) {
    // One that the definition covers no longer is not missing; with it, no column may go either.
    if (!(await isCovered(partition, context))) return { table, narrow: false, parked: false };
  }
  const all = table.absent.length + table.partitionCount;
  const parked = isTooMuch(table.absent.length, all, context);
  return { table, narrow: !parked, parked };
}

async function isGone(table: Table, context: AbsenceContext): Promise<boolean> {
  if (context.isUnknown(table)) return false;
  let asked = 0;
  for await (const partition of streamPartitions(context.db, context.as, table, { batch: ASKED_PARTITIONS })) {
    if (await isCovered(partition, context)) return true;
    asked += 1;
    if (asked >= ASKED_PARTITIONS) return false;
  }
  return asked === 0;
}

/** A definition may leave out a partition's files and not its folder. */
async function isCovered(partition: Partition, context: AbsenceContext): Promise<boolean> {
  if (!context.covers(partition.location)) return false;
  const files = await context.known.filesOf(partition);
  return files.length === 0 || files.some((file) => context.covers(file.address));
}
