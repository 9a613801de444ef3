import { jsonb, pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { added, bytea, ended } from './columns.ts';

export const connections = pgTable(
  'connections',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    kind: text('kind').notNull(),
    /** What may be shown: host, port, database, endpoint, region, user. */
    options: jsonb('options').$type<Record<string, string | number | boolean>>().notNull(),
    /** AES-256-GCM with the connection's id as additional data, so that a ciphertext cannot move to another row. */
    secret: bytea('secret'),
    added: added(),
    ended: ended(),
  },
  (t) => [
    uniqueIndex('connections_name')
      .on(t.name)
      .where(sql`ended is null`),
  ],
);
