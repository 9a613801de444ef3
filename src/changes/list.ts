import { and, asc, desc, eq, gt, inArray, lt, max, notInArray, type SQL } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { changes } from '../db/tables/changes.ts';
import type { Change, ChangeKind, Position } from '../model/change.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';

/** All conditions hold at once; one that is left out holds always. Names are folded, as the catalog keeps them. */
export interface ChangeFilter {
  readonly database?: string | undefined;
  readonly table?: string | undefined;
  /** The id of a table, a database, a crawler …: its history, also under a former name. */
  readonly subject?: string | undefined;
  readonly kinds?: readonly ChangeKind[] | undefined;
  readonly exceptKinds?: readonly ChangeKind[] | undefined;
  readonly runId?: string | undefined;
  /** Only what came later than this position. */
  readonly after?: Position | undefined;
  /** Only what came earlier than this position. */
  readonly before?: Position | undefined;
  /** Turns the order around, and the meaning of a page's cursor with it. */
  readonly newestFirst?: boolean | undefined;
}

/** A page of the log, oldest first unless the filter says otherwise. A cursor is the text of a position. */
export async function listChanges(db: Db, filter: ChangeFilter, page: PageRequest): Promise<Page<Change>> {
  const cursor = page.after === undefined ? undefined : parsePosition(page.after);
  const beyond =
    cursor === undefined ? undefined : filter.newestFirst === true ? lt(changes.position, cursor) : gt(changes.position, cursor);
  const rows = await db
    .select()
    .from(changes)
    .where(and(...conditions(filter), beyond))
    .orderBy(filter.newestFirst === true ? desc(changes.position) : asc(changes.position))
    .limit(page.first + 1);
  return {
    items: rows.slice(0, page.first).map((row) => ({ cursor: String(row.position), item: toChange(row) })),
    hasNextPage: rows.length > page.first,
  };
}

/** The position of the last committed change, 0 for an empty log. All changes up to it can be read. */
export async function latestPosition(db: Db): Promise<Position> {
  const [row] = await db.select({ latest: max(changes.position) }).from(changes);
  return row?.latest ?? 0n;
}

/** Reads a position that came from outside. Throws BAD_INPUT. */
export function parsePosition(text: string): Position {
  if (!/^\d{1,18}$/.test(text))
    throw new TenonError('BAD_INPUT', `«${text.slice(0, 40)}» is no position in the log.`, { position: text.slice(0, 40) });
  return BigInt(text);
}

function conditions(filter: ChangeFilter): (SQL | undefined)[] {
  return [
    filter.database === undefined ? undefined : eq(changes.database, filter.database),
    filter.table === undefined ? undefined : eq(changes.table, filter.table),
    filter.subject === undefined ? undefined : eq(changes.subject, filter.subject),
    filter.kinds === undefined ? undefined : inArray(changes.kind, [...filter.kinds]),
    filter.exceptKinds === undefined ? undefined : notInArray(changes.kind, [...filter.exceptKinds]),
    filter.runId === undefined ? undefined : eq(changes.runId, filter.runId),
    filter.after === undefined ? undefined : gt(changes.position, filter.after),
    filter.before === undefined ? undefined : lt(changes.position, filter.before),
  ];
}

/** A row of the log as everybody else sees it. */
export function toChange(row: typeof changes.$inferSelect): Change {
  return {
    position: row.position,
    at: row.at,
    // Only `append` writes the column, and it takes nothing else.
    kind: row.kind as ChangeKind,
    subject: row.subject,
    database: row.database ?? undefined,
    table: row.table ?? undefined,
    by: { principal: row.principal, owner: row.owner, runId: row.runId ?? undefined },
    before: row.before ?? undefined,
    after: row.after ?? undefined,
    details: isRecord(row.details) ? row.details : undefined,
  };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
