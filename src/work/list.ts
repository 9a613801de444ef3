import { and, asc, desc, eq, gt, inArray, sql, type SQL } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Db } from '../db/db.ts';
import { runLogs, runs } from '../db/tables/work.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import type { Run, RunState } from './run.ts';

/** All conditions hold at once; one that is left out holds always. */
export interface RunFilter {
  readonly kind?: string | undefined;
  readonly name?: string | undefined;
  readonly states?: readonly RunState[] | undefined;
}

export type RunLogLine = Readonly<typeof runLogs.$inferSelect>;

/** Throws NOT_FOUND. */
export async function findRun(db: Db, as: Principal, id: string): Promise<Run> {
  authorize(as, 'read', `the run ${id.slice(0, 64)}`);
  const [run] = isText(id) ? await db.select().from(runs).where(eq(runs.id, id)) : [];
  if (run === undefined) throw new TenonError('NOT_FOUND', `There is no run ${id.slice(0, 64)}.`, { runId: id.slice(0, 64) });
  return run;
}

/** Newest first. */
export async function listRuns(db: Db, as: Principal, filter: RunFilter, page: PageRequest): Promise<Page<Run>> {
  authorize(as, 'read', 'runs');
  if (!isText(`${filter.kind} ${filter.name}`)) return { items: [], hasNextPage: false };
  const conditions: (SQL | undefined)[] = [
    filter.kind === undefined ? undefined : eq(runs.kind, filter.kind),
    filter.name === undefined ? undefined : eq(runs.name, filter.name),
    filter.states === undefined ? undefined : inArray(runs.state, [...filter.states]),
    page.after === undefined ? undefined : beyond(page.after),
  ];
  const rows = await db
    .select()
    .from(runs)
    .where(and(...conditions))
    .orderBy(desc(runs.createdAt), desc(runs.id))
    .limit(page.first + 1);
  return {
    items: rows.slice(0, page.first).map((item) => ({ cursor: `${item.createdAt.toISOString()}/${item.id}`, item })),
    hasNextPage: rows.length > page.first,
  };
}

/** Oldest first. */
export async function listLogs(db: Db, as: Principal, runId: string, page: PageRequest): Promise<Page<RunLogLine>> {
  await findRun(db, as, runId);
  const after = page.after === undefined ? undefined : lineNumber(page.after);
  const rows = await db
    .select()
    .from(runLogs)
    .where(and(eq(runLogs.runId, runId), after === undefined ? undefined : gt(runLogs.id, after)))
    .orderBy(asc(runLogs.id))
    .limit(page.first + 1);
  return {
    items: rows.slice(0, page.first).map((item) => ({ cursor: String(item.id), item })),
    hasNextPage: rows.length > page.first,
  };
}

function beyond(cursor: string): SQL {
  const slash = cursor.indexOf('/');
  const at = cursor.slice(0, slash);
  if (slash < 0 || !/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(at) || Number.isNaN(Date.parse(at)) || !isText(cursor))
    throw badCursor(cursor);
  return sql`(${runs.createdAt}, ${runs.id}) < (${at}::timestamptz, ${cursor.slice(slash + 1)}::text)`;
}

/** No text of Postgres has NUL in it, so nothing is of such a name. */
function isText(text: string): boolean {
  return !text.includes('\0');
}

function lineNumber(cursor: string): bigint {
  if (!/^\d{1,18}$/.test(cursor)) throw badCursor(cursor);
  return BigInt(cursor);
}

function badCursor(cursor: string): TenonError {
  return new TenonError('BAD_INPUT', `«${cursor.slice(0, 64)}» is no cursor of this list.`, { after: cursor.slice(0, 64) });
}
