import { and, desc, eq, isNull, lt } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import { endPartitions } from '../catalog/partitions.ts';
import { dropTable, findTable } from '../catalog/tables.ts';
import { unchangedSince } from '../catalog/unchanged.ts';
import { write, type Write } from '../changes/write.ts';
import type { Db, Ground } from '../db/db.ts';
import { crawlers, removals, type REMOVAL_STATES } from '../db/tables/crawl.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import { foldName } from '../model/names.ts';
import type { Principal } from '../model/principal.ts';
import { textBefore, textPage } from '../model/text-pages.ts';
import { ownerOf } from './crawlers.ts';
import { itemsOf, type RemovalContent, type RemovalItems } from './removal-content.ts';

export type RemovalState = (typeof REMOVAL_STATES)[number];

/** A removal that was too large to happen by itself. */
export interface Removal {
  readonly id: string;
  readonly crawler: string;
  readonly runId: string;
  readonly state: RemovalState;
  readonly content: RemovalContent & { readonly position: string };
  readonly at: Date;
  readonly decidedBy: string | undefined;
  readonly decidedAt: Date | undefined;
}

export interface RemovalFilter {
  readonly crawler?: string | undefined;
  readonly state?: RemovalState | undefined;
}

const COLUMNS = {
  id: removals.id,
  crawler: crawlers.name,
  runId: removals.runId,
  state: removals.state,
  content: removals.content,
  at: removals.at,
  decidedBy: removals.decidedBy,
  decidedAt: removals.decidedAt,
};

interface Row extends Omit<Removal, 'content' | 'decidedBy' | 'decidedAt'> {
  readonly content: Record<string, unknown>;
  readonly decidedBy: string | null;
  readonly decidedAt: Date | null;
}

function removalOf(row: Row): Removal {
  const content = row.content as unknown as Removal['content'];
  return { ...row, content, decidedBy: row.decidedBy ?? undefined, decidedAt: row.decidedAt ?? undefined };
}

/** The newest first. */
export async function listRemovals(db: Db, as: Principal, filter: RemovalFilter, page: PageRequest): Promise<Page<Removal>> {
  authorize(as, 'read', 'the removals');
  const before = textBefore(page);
  const rows = await db
    .select(COLUMNS)
    .from(removals)
    .innerJoin(crawlers, eq(crawlers.id, removals.crawlerId))
    .where(
      and(
        filter.crawler === undefined ? undefined : eq(crawlers.name, foldName(filter.crawler)),
        filter.state === undefined ? undefined : eq(removals.state, filter.state),
        before === undefined ? undefined : lt(removals.id, before),
      ),
    )
    .orderBy(desc(removals.id))
    .limit(page.first + 1);
  return textPage(rows, page, (row) => row.id, removalOf);
}

/** Throws NOT_FOUND. */
export async function needRemoval(db: Db, as: Principal, id: string): Promise<Removal> {
  authorize(as, 'read', 'the removals');
  const [row] = await db
    .select(COLUMNS)
    .from(removals)
    .innerJoin(crawlers, eq(crawlers.id, removals.crawlerId))
    .where(eq(removals.id, id));
  if (row !== undefined) return removalOf(row);
  throw new TenonError('NOT_FOUND', `There is no removal «${id.slice(0, 100)}».`, { removal: id.slice(0, 100) });
}

/** Whether somebody has decided that just this is to stay. */
export async function wasRejected(db: Db, crawlerId: string, fingerprint: string): Promise<boolean> {
  const [last] = await db
    .select({ content: removals.content })
    .from(removals)
    .where(and(eq(removals.crawlerId, crawlerId), eq(removals.state, 'REJECTED')))
    .orderBy(desc(removals.id))
    .limit(1);
  return last?.content['fingerprint'] === fingerprint;
}

/**
 * Keeps what a complete crawl found missing, in the place of what an earlier one did; undefined: nothing of the kind. The
 * same again changes nothing, so that its id stays good. Gives the id of what waits now.
 */
export async function parkRemoval(
  w: Write,
  crawler: { readonly id: string; readonly name: string },
  content: RemovalContent | undefined,
): Promise<string | undefined> {
  const parked = and(eq(removals.crawlerId, crawler.id), eq(removals.state, 'PARKED'));
  const [before] = await w.tx.select({ id: removals.id, content: removals.content }).from(removals).where(parked);
  if (content !== undefined && before?.content['fingerprint'] === content.fingerprint) return before.id;
  if (before !== undefined) {
    await w.tx.update(removals).set({ state: 'SUPERSEDED', decidedAt: w.at }).where(parked);
    const entry = await w.entry({ id: before.id });
    entry.note({ kind: 'removal.decided', after: { crawler: crawler.name, state: 'SUPERSEDED' } });
  }
  if (content === undefined) return undefined;
  const id = w.newId();
  const entry = await w.entry({ id });
  const { tables, partitions } = content;
  const kept = { ...content, position: String(entry.position) };
  await w.tx
    .insert(removals)
    .values({ id, crawlerId: crawler.id, runId: w.by.runId ?? '', state: 'PARKED', content: kept, at: w.at });
  entry.note({ kind: 'removal.parked', after: { crawler: crawler.name, tables, partitions } });
  return id;
}

/** The removal does not happen, and later crawls do not ask again while just the same is missing. Throws CONFLICT. */
export async function rejectRemoval(ground: Ground, as: Principal, id: string): Promise<Removal> {
  const { crawler } = await needRemoval(ground.db, as, id);
  authorize(as, 'write', `the removals of the crawler ${crawler}`);
  await write(ground, { principal: as, owner: 'api' }, (w) => decide(w, id, { crawler, state: 'REJECTED' }));
  return needRemoval(ground.db, as, id);
}

export interface Approved {
  readonly removal: Removal;
  readonly tables: number;
  readonly partitions: number;
  /** Tables and partitions that are gone already, another’s, or have changed since. */
  readonly kept: number;
}

/**
 * Removes what a removal shows, at most `rows` rows in a transaction: only what is still there, still the crawler's own, and
 * unchanged since. What a crash leaves undone, another approval does. Throws CONFLICT when it was decided already.
 */
export async function approveRemoval(ground: Ground, as: Principal, id: string, rows: number): Promise<Approved> {
  const { crawler, content } = await needRemoval(ground.db, as, id);
  authorize(as, 'write', `the removals of the crawler ${crawler}`);
  const owner = ownerOf({ name: crawler });
  const done = { tables: 0, partitions: 0, kept: 0 };
  for (const step of stepsOf(itemsOf(content), rows)) {
    const one = await write(ground, { principal: as, owner }, async (w) => {
      await hold(w, id);
      return 'ids' in step ? end(w, owner, step) : drop(w, owner, step.drop, BigInt(content.position));
    });
    done.tables += one.tables;
    done.partitions += one.partitions;
    done.kept += one.kept;
  }
  await write(ground, { principal: as, owner: 'api' }, (w) => decide(w, id, { crawler, state: 'APPROVED', ...done }));
  return { ...done, removal: await needRemoval(ground.db, as, id) };
}

type Step = { readonly drop: string } | { readonly table: string; readonly ids: readonly bigint[] };

function* stepsOf({ tables, partitions }: RemovalItems, rows: number): Generator<Step> {
  for (const { table, ids } of partitions)
    for (let at = 0; at < ids.length; at += rows) yield { table, ids: ids.slice(at, at + rows) };
  for (const table of tables) yield { drop: table };
}

async function end(w: Write, owner: string, { table: id, ids }: Extract<Step, { ids: unknown }>) {
  const table = await findTable(w.tx, w.by.principal, { id });
  // A partition that has changed has another id, and one that is another's is passed over.
  const removed = table === undefined || table.owner !== owner ? 0 : (await endPartitions(w, table, ids)).removed;
  return { tables: 0, partitions: removed, kept: ids.length - removed };
}

async function drop(w: Write, owner: string, id: string, position: bigint) {
  const table = await unchangedSince(w.tx, id, position);
  if (table === undefined || table.owner !== owner) return { tables: 0, partitions: 0, kept: 1 };
  await dropTable(w, table);
  return { tables: 1, partitions: 0, kept: 0 };
}

/** Throws CONFLICT when it does not wait any more. Nobody else decides before this transaction ends. */
async function hold(w: Write, id: string): Promise<void> {
  const [row] = await w.tx.select({ state: removals.state }).from(removals).where(eq(removals.id, id)).for('update');
  if (row?.state === 'PARKED') return;
  const state = row?.state.toLowerCase() ?? 'gone';
  throw new TenonError('CONFLICT', `The removal ${id} waits no more: it is ${state}.`, { removal: id, state: row?.state });
}

async function decide(
  w: Write,
  id: string,
  after: { readonly crawler: string; readonly state: RemovalState } & Record<string, unknown>,
): Promise<void> {
  await hold(w, id);
  await w.tx
    .update(removals)
    .set({ state: after.state, decidedBy: w.by.principal.name, decidedAt: w.at })
    .where(and(eq(removals.id, id), isNull(removals.decidedAt)));
  const entry = await w.entry({ id });
  entry.note({ kind: 'removal.decided', after });
}
