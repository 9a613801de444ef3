import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import type { PgDatabase } from 'drizzle-orm/pg-core';
import type { NodePgQueryResultHKT } from 'drizzle-orm/node-postgres';
import type { Clock, NewId } from '../model/ground.ts';

/** A pool or an open transaction: verbs take either, so they compose. Inside a transaction use only that transaction. */
export type Db = PgDatabase<NodePgQueryResultHKT>;

/** What every writing verb stands on. */
export interface Ground {
  readonly db: NodePgDatabase;
  readonly clock: Clock;
  readonly newId: NewId;
}
