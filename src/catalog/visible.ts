import { is, sql, type Column, type SQL } from 'drizzle-orm';
import { PgTransaction } from 'drizzle-orm/pg-core';
import { latestPosition } from '../changes/list.ts';
import type { Db } from '../db/db.ts';
import type { Position } from '../model/change.ts';

/** For reads: the catalog as it was after this position; left out, as it is. */
export interface AsOf {
  readonly asOf?: Position | undefined;
}

/** The condition on a row's `added` and `ended` that makes it the one to see. */
export function visible(row: { added: Column; ended: Column }, asOf: Position | undefined): SQL {
  if (asOf === undefined) return sql`${row.ended} is null`;
  return sql`(${row.added} <= ${asOf} and (${row.ended} is null or ${row.ended} > ${asOf}))`;
}

/**
 * The position at which a read of several statements should look, so that it sees one state of the catalog: a partition
 * that is switched between two batches would else be read twice, once with its old files and once with its new ones.
 * Inside a transaction it stays «now»: a writer holds the write lock, so nothing moves, and it must see its own rows.
 */
export async function pinned(db: Db, asOf: Position | undefined): Promise<Position | undefined> {
  if (asOf !== undefined || is(db, PgTransaction)) return asOf;
  return latestPosition(db);
}
