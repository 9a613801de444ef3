import { existsSync } from 'node:fs';
import { rmdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { and, eq, isNotNull, sql } from 'drizzle-orm';
import { removeLooseManifests } from '../catalog/loose-manifests.ts';
import { findManifests } from '../catalog/manifests.ts';
import type { Connections } from '../connections/connections.ts';
import type { ObjectStore } from '../connections/object-store.ts';
import type { Db, Ground } from '../db/db.ts';
import { partitions } from '../db/tables/catalog.ts';
import { runs } from '../db/tables/work.ts';
import { OPEN_STATES } from '../work/run.ts';

const REMOVE_AT_ONCE = 500;
const MANIFESTS_AT_ONCE = 200;

export interface CleanUpDeps {
  readonly ground: Ground;
  readonly connections: Connections;
}

/**
 * Removes what crashed attempts have left: of crawls, manifests that nothing names (`manifests`); of jobs, files in the hidden folders of runs that have ended (or of attempts that a later
 * one has taken over from) which no manifest names, be it of a current partition or of one that is kept for its history,
 * and which are older than the guard age, for a commit may be under way whose outcome is not known yet.
 */
export async function cleanUp(
  { ground, connections }: CleanUpDeps,
  options: { readonly guardAgeMs: number; readonly signal?: AbortSignal },
): Promise<{ removed: number; unknown: number; manifests: number }> {
  const manifests = await removeLooseManifests(ground);
  let removed = 0;
  let unknown = 0;
  const before = ground.clock().getTime() - options.guardAgeMs;
  for (const run of await runsWithAttempts(ground.db)) {
    for (const address of leftOf(run)) {
      options.signal?.throwIfAborted();
      try {
        const store = await connections.objectStore(address, run.connection);
        removed += await removeUnnamed(ground.db, store, address, before);
      } catch {
        // What cannot be reached now can be at the next time.
        unknown += 1;
      }
    }
  }
  return { removed, unknown, manifests };
}

interface RunAttempts {
  readonly isOpen: boolean;
  readonly attempts: readonly string[];
  readonly connection: string | undefined;
}

async function runsWithAttempts(db: Db): Promise<RunAttempts[]> {
  const rows = await db
    .select({ state: runs.state, attempt: runs.attempt, checkpoint: runs.checkpoint })
    .from(runs)
    .where(and(eq(runs.kind, 'job'), isNotNull(runs.checkpoint)));
  // What the only attempt of a run has written is published when the run has succeeded: nothing of it is left over.
  const others = rows.filter(({ state, attempt }) => state !== 'SUCCEEDED' || attempt > 1);
  return others.map(({ state, checkpoint }) => {
    const { attempts, connection } = (checkpoint ?? {}) as { attempts?: unknown; connection?: unknown };
    return {
      isOpen: OPEN_STATES.some((open) => open === state),
      attempts: Array.isArray(attempts) ? attempts.filter((each) => typeof each === 'string') : [],
      connection: typeof connection === 'string' ? connection : undefined,
    };
  });
}

/** Of a run that is not over, the last attempt may still be writing. */
function leftOf({ isOpen, attempts }: RunAttempts): readonly string[] {
  return isOpen ? attempts.slice(0, -1) : attempts;
}

async function removeUnnamed(db: Db, store: ObjectStore, address: string, before: number): Promise<number> {
  const found = await filesAt(store, address, before);
  if (found.length === 0) return 0;
  const named = await namedBelow(db, address);
  const loose = found.filter((each) => !named.has(each));
  await remove(store, loose, address);
  return loose.length;
}

/** All files at or below an address that a manifest of any partition names, ended ones included. */
async function namedBelow(db: Db, address: string): Promise<Set<string>> {
  const rows = await db
    .selectDistinct({ hash: partitions.manifestHash })
    .from(partitions)
    .innerJoin(
      sql`table_states`,
      sql`table_states.table_id = ${partitions.tableId} and starts_with(${address}, table_states.location)`,
    )
    .where(isNotNull(partitions.manifestHash));
  const hashes = rows.flatMap(({ hash }) => hash ?? []);
  const named = new Set<string>();
  for (let from = 0; from < hashes.length; from += MANIFESTS_AT_ONCE) {
    for (const files of (await findManifests(db, hashes.slice(from, from + MANIFESTS_AT_ONCE))).values()) {
      for (const file of files) if (file.address.startsWith(address)) named.add(file.address);
    }
  }
  return named;
}

/** Removes attempts of which it is known that nothing of them was published. */
export async function removeAttempts(store: ObjectStore, attempts: readonly string[]): Promise<void> {
  for (const address of attempts) {
    await remove(store, await filesAt(store, address, Infinity), address);
  }
}

async function filesAt(store: ObjectStore, address: string, before: number): Promise<string[]> {
  const local = store.localPath?.(address);
  // A folder that is not there cannot be listed.
  if (local !== undefined && !existsSync(local)) return [];
  const found: string[] = [];
  for await (const object of store.list(`${address}/`)) if (object.modified < before) found.push(object.address);
  return found;
}

async function remove(store: ObjectStore, addresses: readonly string[], attempt: string): Promise<void> {
  for (let from = 0; from < addresses.length; from += REMOVE_AT_ONCE)
    await store.remove(addresses.slice(from, from + REMOVE_AT_ONCE));
  if (store.localPath === undefined) return;
  const own = store.localPath(attempt);
  // The attempt stands in _t/<table>/<run>/ below the output's own folder, which stays.
  const stays = dirname(dirname(dirname(dirname(own))));
  const folders = new Set([...addresses.map((address) => dirname(store.localPath?.(address) ?? '')), own]);
  for (const folder of [...folders].sort((a, b) => b.length - a.length)) await removeEmpty(folder, stays);
}

/** A folder and those above it, as long as they are empty. */
async function removeEmpty(folder: string, stays: string): Promise<void> {
  for (let at = folder; at.startsWith(`${stays}/`); at = dirname(at)) {
    try {
      await rmdir(at);
    } catch {
      return;
    }
  }
}
