import { and, eq, inArray, isNull } from 'drizzle-orm';
import { alias } from 'drizzle-orm/pg-core';
import { authorize } from '../access/authorize.ts';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { databases, lineage, tables } from '../db/tables/catalog.ts';
import { TenonError } from '../model/errors.ts';
import type { Principal } from '../model/principal.ts';
import { readTable } from './table-rows.ts';
import { subjectOf } from './tables.ts';
import { visible, type AsOf } from './visible.ts';

export interface LineageDraft {
  /** The ids of the tables that were read. */
  readonly from: readonly string[];
  /** The id of the table that was written. */
  readonly to: string;
  /** Who made it: `job:<name>`. */
  readonly producer: string;
}

/**
 * Makes these the edges of this producer to this table: what is new is added, what is no more ends, and what is the same
 * is not written. Throws NOT_FOUND when one of the tables is not there.
 */
export async function recordLineage(w: Write, { from, to, producer }: LineageDraft): Promise<{ added: number; removed: number }> {
  const target = (await readTable(w.tx, to))?.table;
  if (target === undefined) throw new TenonError('NOT_FOUND', `There is no table with the id ${to}.`, { id: to });
  authorize(w.by.principal, 'write', `the lineage of ${target.database}.${target.name}`);
  const current = await w.tx
    .select({ id: lineage.id, from: lineage.fromTableId })
    .from(lineage)
    .where(and(eq(lineage.toTableId, to), eq(lineage.producer, producer), isNull(lineage.fromColumn), isNull(lineage.ended)));
  const wanted = new Set(from);
  const known = new Set(current.map((edge) => edge.from));
  const fresh = [...wanted].filter((id) => !known.has(id));
  const gone = current.filter((edge) => !wanted.has(edge.from));
  if (fresh.length + gone.length === 0) return { added: 0, removed: 0 };
  await checkLiving(w.tx, fresh);
  const entry = await w.entry(subjectOf(target));
  if (gone.length > 0) {
    const ids = gone.map(({ id }) => id);
    await w.tx.update(lineage).set({ ended: entry.position }).where(inArray(lineage.id, ids));
  }
  const edge = { toTableId: to, producer, runId: w.by.runId ?? null, added: entry.position };
  if (fresh.length > 0) await w.tx.insert(lineage).values(fresh.map((id) => ({ ...edge, fromTableId: id })));
  const details = { lineage: { producer, added: fresh, removed: gone.map((edge) => edge.from) } };
  entry.note({ kind: 'table.changed', details });
  return { added: fresh.length, removed: gone.length };
}

async function checkLiving(tx: Db, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const rows = await tx
    .select({ id: tables.id })
    .from(tables)
    .where(and(inArray(tables.id, [...ids]), visible(tables, undefined)));
  const found = new Set(rows.map(({ id }) => id));
  const missing = ids.find((id) => !found.has(id));
  if (missing !== undefined) throw new TenonError('NOT_FOUND', `There is no table with the id ${missing}.`, { id: missing });
}

interface TableRef {
  readonly id: string;
  readonly database: string;
  readonly name: string;
}

export interface LineageEdge {
  readonly from: TableRef;
  readonly to: TableRef;
  readonly producer: string;
  readonly runId: string | undefined;
  /** Hops from the table that was asked about; its own edges have 1. */
  readonly depth: number;
}

export type LineageDirection = 'upstream' | 'downstream';

/** More hops are refused. */
const MAX_LINEAGE_DEPTH = 50;
/** A graph with more edges is refused with LIMIT. */
const MAX_LINEAGE_EDGES = 10_000;

/**
 * The edges up to `depth` hops away: what the table was made of, or what was made of it. Each edge comes once, the
 * nearest first, also where the graph has a cycle. Edges of dropped tables have ended with them.
 */
export async function listLineage(
  db: Db,
  as: Principal,
  tableId: string,
  direction: LineageDirection,
  depth = 1,
  options: AsOf = {},
): Promise<LineageEdge[]> {
  authorize(as, 'read', 'the lineage of a table');
  if (!Number.isInteger(depth) || depth < 1 || depth > MAX_LINEAGE_DEPTH) {
    throw new TenonError('BAD_INPUT', `The depth is 1 to ${MAX_LINEAGE_DEPTH}, not ${depth}.`, { depth });
  }
  const edges: LineageEdge[] = [];
  const seen = new Set([tableId]);
  let frontier = [tableId];
  for (let hop = 1; hop <= depth && frontier.length > 0; hop++) {
    const found = await edgesAt(db, frontier, direction, options);
    for (const edge of found) edges.push({ ...edge, depth: hop });
    if (edges.length > MAX_LINEAGE_EDGES) {
      throw new TenonError('LIMIT', `There are more than ${MAX_LINEAGE_EDGES} edges; ask for fewer hops.`, { depth });
    }
    const ends = found.map((edge) => (direction === 'upstream' ? edge.from.id : edge.to.id));
    frontier = [...new Set(ends)].filter((id) => !seen.has(id));
    for (const id of frontier) seen.add(id);
  }
  return edges;
}

/** One hop is one query, whatever the number of tables it starts from. */
async function edgesAt(
  db: Db,
  ids: readonly string[],
  direction: LineageDirection,
  { asOf }: AsOf,
): Promise<Omit<LineageEdge, 'depth'>[]> {
  const [from, to] = [alias(tables, 'from_tables'), alias(tables, 'to_tables')];
  const [fromDatabase, toDatabase] = [alias(databases, 'from_databases'), alias(databases, 'to_databases')];
  const near = direction === 'upstream' ? lineage.toTableId : lineage.fromTableId;
  return db
    .select({
      from: { id: from.id, database: fromDatabase.name, name: from.name },
      to: { id: to.id, database: toDatabase.name, name: to.name },
      producer: lineage.producer,
      runId: lineage.runId,
    })
    .from(lineage)
    .innerJoin(from, eq(from.id, lineage.fromTableId))
    .innerJoin(fromDatabase, eq(fromDatabase.id, from.databaseId))
    .innerJoin(to, eq(to.id, lineage.toTableId))
    .innerJoin(toDatabase, eq(toDatabase.id, to.databaseId))
    .where(and(inArray(near, [...ids]), visible(lineage, asOf)))
    .orderBy(lineage.id)
    .limit(MAX_LINEAGE_EDGES + 1)
    .then((rows) => rows.map((row) => ({ ...row, runId: row.runId ?? undefined })));
}
