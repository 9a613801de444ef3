import { sql, type SQL } from 'drizzle-orm';
import { SYSTEM } from '../access/principals.ts';
import { write } from '../changes/write.ts';
import type { Db, Ground } from '../db/db.ts';
import { manifests, partitions } from '../db/tables/catalog.ts';
import { bookmarks } from '../db/tables/etl.ts';
import { runs } from '../db/tables/work.ts';
import { LOOSE_LOCK } from './manifests.ts';

/** In one transaction. */
const REMOVE_AT_ONCE = 10_000;

/** What no partition, ended ones included, no bookmark, and no last crawl of a crawler names. */
const LOOSE: SQL = sql`
  not exists (select 1 from ${partitions} where ${partitions.manifestHash} = ${manifests.hash})
  and not exists (select 1 from ${bookmarks} where ${bookmarks.manifestHash} = ${manifests.hash})
  and ${manifests.hash} not in (
    select distinct on (kind, name) checkpoint -> 'dismissed' ->> 'manifest'
    from ${runs} where checkpoint -> 'dismissed' ->> 'manifest' is not null
    order by kind, name, created_at desc, id desc)`;

/**
 * Removes manifests that a crawl has kept early and died before it had saved what names them. While another crawl than
 * `own` is under way nothing is removed: it may be about to name them. Tells how many it removed.
 */
export async function removeLooseManifests(ground: Ground, own?: string): Promise<number> {
  if (!(await hasLoose(ground.db))) return 0;
  let removed = 0;
  for (;;) {
    const more = await removeSome(ground, own);
    removed += more;
    if (more < REMOVE_AT_ONCE) return removed;
  }
}

/** Without any lock: mostly there are none. */
async function hasLoose(db: Db): Promise<boolean> {
  const { rows } = await db.execute(sql`select 1 from ${manifests} where ${LOOSE} limit 1`);
  return rows.length > 0;
}

function removeSome(ground: Ground, own: string | undefined): Promise<number> {
  return write(ground, { principal: SYSTEM, owner: 'api' }, async ({ tx }) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${LOOSE_LOCK})`);
    const { rows: others } = await tx.execute(
      sql`select 1 from ${runs} where kind = 'crawl' and state in ('RUNNING', 'STOPPING') and id <> ${own ?? ''} limit 1`,
    );
    if (others.length > 0) return 0;
    // Postgres looks for each one that is removed whether a partition names it. That is rare, so no index is kept up for it.
    await tx.execute(sql`create index loose_partitions on ${partitions} (manifest_hash)`);
    await tx.execute(sql`create index loose_bookmarks on ${bookmarks} (manifest_hash)`);
    const { rowCount } = await tx.execute(sql`
      delete from ${manifests} where hash in (select hash from ${manifests} where ${LOOSE} limit ${REMOVE_AT_ONCE})`);
    await tx.execute(sql`drop index loose_partitions, loose_bookmarks`);
    return rowCount ?? 0;
  });
}
