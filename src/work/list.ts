import { and, asc, desc, eq, gt, gte, inArray, lt, sql, type SQL } from 'drizzle-orm';
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
  /** At or after. */
  readonly createdFrom?: Date | undefined;
  /** Before. */
  readonly createdUntil?: Date | undefined;
  readonly endedFrom?: Date | undefined;
  readonly endedUntil?: Date | undefined;
  /** From its beginning to its end, or to now. */
  readonly minSeconds?: number | undefined;
  readonly maxSeconds?: number | undefined;
}

export type RunLogLine = Readonly<typeof runLogs.$inferSelect>;

/** Throws NOT_FOUND. */
export async function findRun(db: Db, as: Principal, id: string): Promise<Run> {
  authorize(as, 'read', `the run ${id.slice(0, 64)}`);
  const [run] = isText(id) ? await db.select().from(runs).where(eq(runs.id, id)) : [];
  if (run === undefined) throw new TenonError('NOT_FOUND', `There is no run ${id.slice(0, 64)}.`, { runId: id.slice(0, 64) });
  return run;
}

const SECONDS = sql`extract(epoch from coalesce(${runs.endedAt}, now()) - ${runs.startedAt})`;

/** Newest first. */
export async function listRuns(db: Db, as: Principal, filter: RunFilter, page: PageRequest): Promise<Page<Run>> {
  authorize(as, 'read', 'runs');
  if (!isText(`${filter.kind} ${filter.name}`)) return { items: [], hasNextPage: false };
  const conditions: (SQL | undefined)[] = [
    filter.kind === undefined ? undefined : eq(runs.kind, filter.kind),
    filter.name === undefined ? undefined : eq(runs.name, filter.name),
    filter.states === undefined ? undefined : inArray(runs.state, [...filter.states]),
    filter.createdFrom === undefined ? undefined : gte(runs.createdAt, filter.createdFrom),
    filter.createdUntil === undefined ? undefined : lt(runs.createdAt, filter.createdUntil),
    filter.endedFrom === undefined ? undefined : gte(runs.endedAt, filter.endedFrom),
    filter.endedUntil === undefined ? undefined : lt(runs.endedAt, filter.endedUntil),
    filter.minSeconds === undefined ? undefined : sql`${SECONDS} >= ${filter.minSeconds}`,
    filter.maxSeconds === undefined ? undefined : sql`${SECONDS} <= ${filter.maxSeconds}`,
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

/** The newest run of each name. */
export async function lastRuns(db: Db, as: Principal, kind: string, names: readonly string[]): Promise<Run[]> {
  authorize(as, 'read', 'runs');
  return db
    .selectDistinctOn([runs.name])
    .from(runs)
    .where(and(eq(runs.kind, kind), inArray(runs.name, [...names])))
    .orderBy(asc(runs.name), desc(runs.createdAt), desc(runs.id));
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
