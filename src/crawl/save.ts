import { isDeepStrictEqual } from 'node:util';
import { endPartitions, recordPartitions } from '../catalog/partitions.ts';
import { ensureDatabase } from '../catalog/databases.ts';
import { dropTable, recordTable } from '../catalog/tables.ts';
import { write, type Write } from '../changes/write.ts';
import type { Db, Ground } from '../db/db.ts';
import { TenonError } from '../model/errors.ts';
import type { Actor } from '../model/principal.ts';
import { reached } from '../model/reached.ts';
import type { Partition, PartitionDraft, Table, TableDraft } from '../model/table.ts';
import type { FoundTable } from './found-table.ts';
import type { Known } from './known.ts';
import type { Report } from './report.ts';

/** What is to be written about one table. */
export interface Save {
  readonly path: string;
  /** Undefined: the table is gone. */
  readonly draft: TableDraft | undefined;
  readonly before: Table | undefined;
  readonly partitions: readonly PartitionDraft[];
  readonly ended: readonly Partition[];
}

/** What takes nothing away: right whatever else is still unknown. */
export function wideSave({ path, wide, before, partitions }: FoundTable): Save {
  return { path, draft: wide, before, partitions, ended: [] };
}

/** What takes away what is gone. */
export function narrowSave({ path, wide, narrow, before, partitions, absent, keepsAbsent }: FoundTable): Save {
  return { path, draft: narrow ?? wide, before, partitions, ended: keepsAbsent ? [] : absent };
}

/** Nothing that would be written: not even worth a transaction. */
export function isSame({ draft, before, partitions, ended }: Save): boolean {
  if (draft === undefined || before === undefined || partitions.length > 0 || ended.length > 0) return false;
  return textOf(draft) === textOf(before) && hasComments(before, draft) && hasDetails(before, draft);
}

/** They come back from the database with their keys in another order. */
function hasDetails(before: Table, { details }: TableDraft): boolean {
  return details === undefined || isDeepStrictEqual(JSON.parse(JSON.stringify(details)), before.details);
}

/** Whether it says nothing that the catalog does not say. What a source leaves out, people may have written. */
function hasComments(before: Table, draft: TableDraft): boolean {
  if (draft.description !== undefined && draft.description !== before.description) return false;
  const comments = new Map(before.schema.columns.map(({ name, comment }) => [name, comment]));
  return draft.schema.columns.every(({ name, comment }) => comment === undefined || comment === comments.get(name));
}

function textOf({ type, location, format, connection, parameters, schema }: TableDraft | Table): string {
  const columns = [...schema.columns, ...schema.partitionKeys].map((column) => [
    column.name,
    column.type,
    column.nullable,
    column.sourceType,
  ]);
  return JSON.stringify([
    type,
    location,
    format?.name,
    format?.compression,
    sorted(format?.options),
    connection,
    sorted(parameters),
    columns,
  ]);
}

function sorted(entries: Readonly<Record<string, unknown>> | undefined): unknown {
  return Object.entries(entries ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
}

export interface SaveContext {
  readonly ground: Ground;
  readonly by: Actor;
  readonly database: string;
  readonly known: Known;
  readonly report: Report;
  readonly rows: number;
  /** First in every transaction: so that an attempt that was taken over saves nothing. */
  readonly hold: (tx: Db) => Promise<void>;
  /**
   * Last in every transaction: the checkpoint with what has been counted up to here. Only where `last` holds is everything
   * saved, and may it say to go on after it.
   */
  readonly checkpoint: (tx: Db, last: boolean) => Promise<void>;
  /** In the last transaction, before the checkpoint: what belongs to a crawl that has come to its end. */
  readonly conclude?: (w: Write) => Promise<void>;
}

/**
 * Saves tables and then the checkpoint, together where they fit into one transaction: a checkpoint never says that
 * something is saved which is not. A table that the catalog refuses (a name that Postgres cannot keep, another owner)
 * becomes unknown, and keeps no other from being saved.
 */
export function save(context: SaveContext, saves: readonly Save[]): Promise<void> {
  return saveBatches(context, batches(saves, context.rows));
}

/** Lets go of each batch as soon as it is saved: the partitions of a large table are much to hold while the next is listed. */
async function saveBatches(context: SaveContext, left: Save[][]): Promise<void> {
  reached('crawl.before-save');
  do await commitOrSort(context, left.shift() ?? [], left.length === 0);
  while (left.length > 0);
  reached('crawl.after-save');
}

async function commitOrSort(context: SaveContext, batch: readonly Save[], last: boolean): Promise<void> {
  try {
    await commit(context, batch, last);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    for (const one of batch) await saveAlone(context, one);
    await commit(context, [], last);
  }
}

function isRefusal(error: unknown): error is TenonError {
  return error instanceof TenonError && ['BAD_INPUT', 'LIMIT', 'ALREADY_EXISTS', 'NOT_FOUND'].includes(error.code);
}

async function saveAlone(context: SaveContext, one: Save): Promise<void> {
  try {
    await commit(context, [one], false);
  } catch (error) {
    if (!isRefusal(error)) throw error;
    context.report.unknown(one.path, error);
  }
}

/** At most so many rows in one transaction. The partitions of a large table are spread over several. */
function batches(saves: readonly Save[], rows: number): Save[][] {
  const made: Save[][] = [];
  let room = 0;
  for (const one of saves.flatMap((each) => pieces(each, rows))) {
    const cost = 1 + one.partitions.length + one.ended.length;
    if (cost > room || made.length === 0) {
      made.push([]);
      room = rows;
    }
    made.at(-1)?.push(one);
    room -= cost;
  }
  return made;
}

function pieces(one: Save, rows: number): Save[] {
  const room = Math.max(1, rows - 1);
  if (one.partitions.length + one.ended.length <= room) return [one];
  const made: Save[] = [];
  for (let at = 0; at < one.ended.length; at += room)
    made.push({ ...one, partitions: [], ended: one.ended.slice(at, at + room) });
  for (let at = 0; at < one.partitions.length; at += room)
    made.push({ ...one, partitions: one.partitions.slice(at, at + room), ended: [] });
  return made;
}

type Outcome = { readonly counts: Counted; readonly table: Table | undefined; readonly before: Table | undefined };
type Counted = { outcome: 'added' | 'changed' | 'removed' | undefined; added: number; changed: number; removed: number };

async function commit(context: SaveContext, saves: readonly Save[], last: boolean): Promise<void> {
  const { report } = context;
  const before = { ...report.counts };
  const counted = new Set(context.known.counted);
  try {
    await write(context.ground, context.by, async (w) => {
      await context.hold(w.tx);
      if (saves.some(({ draft }) => draft !== undefined)) await ensureDatabase(w, context.database);
      for (const one of saves) count(report, context.known, await saveTable(w, one));
      if (last) await context.conclude?.(w);
      await context.checkpoint(w.tx, last);
    });
  } catch (error) {
    // Nothing of it happened.
    Object.assign(report.counts, before);
    context.known.counted = counted;
    throw error;
  }
}

async function saveTable(w: Write, one: Save): Promise<Outcome> {
  if (one.draft === undefined) {
    if (one.before !== undefined) await dropTable(w, one.before);
    return { counts: { outcome: 'removed', added: 0, changed: 0, removed: 0 }, table: undefined, before: one.before };
  }
  // First those that are gone go, by the keys that they have: new keys may fit only those that stay.
  const removed =
    one.before === undefined
      ? 0
      : (
          await endPartitions(
            w,
            one.before,
            one.ended.map(({ id }) => id),
          )
        ).removed;
  const recorded = await recordTable(w, one.draft);
  const { added, changed } =
    one.partitions.length === 0 ? { added: 0, changed: 0 } : await recordPartitions(w, recorded.table, one.partitions);
  const isChanged = recorded.changed || added + changed + removed > 0;
  const outcome = recorded.created ? 'added' : isChanged ? 'changed' : undefined;
  return { counts: { outcome, added, changed, removed }, table: recorded.table, before: one.before };
}

/** The pieces of one large table count once. */
function count({ counts }: Report, known: Known, { counts: one, table, before }: Outcome): void {
  const subject = table?.id ?? before?.id ?? '';
  if (one.outcome !== undefined && !known.counted.has(subject)) {
    counts[one.outcome] += 1;
    known.counted.add(subject);
  }
  if (table !== undefined) known.see(table);
  counts.partitionsAdded += one.added;
  counts.partitionsChanged += one.changed;
  counts.partitionsRemoved += one.removed;
}
