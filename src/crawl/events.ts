import { and, asc, eq, inArray, sql } from 'drizzle-orm';
import { compareBytes } from '../connections/byte-order.ts';
import type { Db, Ground } from '../db/db.ts';
import { crawlEvents, scopes } from '../db/tables/crawl.ts';
import type { Part } from './crawler.ts';
import { pathBelow } from './scope-paths.ts';

/**
 * What a source tells about an object. It says where to look, never what is there: that is for the listing to show. So events
 * may come twice, late and in any order, and one that is lost is made good by the next crawl of everything.
 */
export interface SourceEvent {
  readonly kind: 'created' | 'removed';
  /** The whole address of the object. */
  readonly location: string;
  readonly sequencer?: string | undefined;
}

const ROWS_A_STATEMENT = 5_000;

/**
 * Keeps events until a crawl takes them, all or none. When too many wait, it is cheaper to look at everything: they are
 * dropped, and the next crawl lists the whole scope. True if that is so.
 */
export async function keepEvents(
  ground: Ground,
  crawlerId: string,
  events: readonly SourceEvent[],
  limit: number,
): Promise<boolean> {
  const unique = [...new Map(events.map((event) => [event.location, event])).values()];
  if (unique.length === 0) return false;
  return ground.db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ n: string }>(
      sql`select count(*) as n from (select 1 from ${crawlEvents} where ${crawlEvents.crawlerId} = ${crawlerId} limit ${limit}) as waiting`,
    );
    if (Number(rows[0]?.n) + unique.length > limit) {
      await tx.delete(crawlEvents).where(eq(crawlEvents.crawlerId, crawlerId));
      await forgetScopes(tx, crawlerId);
      return true;
    }
    for (let at = 0; at < unique.length; at += ROWS_A_STATEMENT) {
      await insert(tx, crawlerId, unique.slice(at, at + ROWS_A_STATEMENT), ground.clock());
    }
    return false;
  });
}

async function insert(tx: Db, crawlerId: string, events: readonly SourceEvent[], at: Date): Promise<void> {
  const column = (values: readonly (string | null)[]) => sql`${sql.param(values)}::text[]`;
  await tx.execute(sql`
    insert into ${crawlEvents} (crawler_id, kind, location, sequencer, at)
    select ${crawlerId}, kind, location, sequencer, ${at.toISOString()}::timestamptz
    from unnest(
      ${column(events.map(({ kind }) => kind))},
      ${column(events.map(({ location }) => location))},
      ${column(events.map(({ sequencer }) => sequencer ?? null))}
    ) as event (kind, location, sequencer)`);
}

/** The crawler has never seen anything whole: its next crawl looks at everything. */
export async function forgetScopes(tx: Db, crawlerId: string): Promise<void> {
  await tx.delete(scopes).where(eq(scopes.crawlerId, crawlerId));
}

export async function isSeenWhole(db: Db, crawlerId: string, scope: string): Promise<boolean> {
  const rows = await db
    .select({ scope: scopes.scope })
    .from(scopes)
    .where(and(eq(scopes.crawlerId, crawlerId), eq(scopes.scope, scope)));
  return rows.length > 0;
}

/** Events that a crawl has taken, and the folders that they tell of. */
export interface TakenEvents {
  readonly count: number;
  readonly parts: readonly Part[];
  /** Takes those away whose folders are not unknown: with the transaction that saves what the crawl has found. */
  done(tx: Db, isUnknown: (folder: string) => boolean): Promise<void>;
}

/** The events that wait, the oldest first. Later ones, also those of a transaction that began earlier, stay for the next crawl. */
export async function takeEvents(db: Db, crawlerId: string, root: string, limit: number): Promise<TakenEvents> {
  const rows = await db
    .select({ id: crawlEvents.id, location: crawlEvents.location })
    .from(crawlEvents)
    .where(eq(crawlEvents.crawlerId, crawlerId))
    .orderBy(asc(crawlEvents.id))
    .limit(limit);
  const idsByFolder = new Map<string | undefined, bigint[]>();
  for (const { id, location } of rows) {
    const path = pathBelow(root, location);
    const folder = path?.slice(0, path.lastIndexOf('/') + 1);
    const ids = idsByFolder.get(folder);
    if (ids === undefined) idsByFolder.set(folder, [id]);
    else ids.push(id);
  }
  const folders = [...idsByFolder.keys()].filter((folder) => folder !== undefined);
  return {
    count: rows.length,
    parts: folders.sort(compareBytes).map((folder) => ({ folder, below: false })),
    async done(tx, isUnknown) {
      const ids = [...idsByFolder].flatMap(([folder, all]) => (folder !== undefined && isUnknown(folder) ? [] : all));
      for (let at = 0; at < ids.length; at += ROWS_A_STATEMENT) {
        await tx.delete(crawlEvents).where(inArray(crawlEvents.id, ids.slice(at, at + ROWS_A_STATEMENT)));
      }
    },
  };
}

export async function hasEvents(db: Db, crawlerId: string): Promise<boolean> {
  const rows = await db.select({ id: crawlEvents.id }).from(crawlEvents).where(eq(crawlEvents.crawlerId, crawlerId)).limit(1);
  return rows.length > 0;
}
