import { sql } from 'drizzle-orm';
import { jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { added, ended, instant } from './columns.ts';

export const crawlers = pgTable(
  'crawlers',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    /** `file`, `s3`, `postgres` or a plug-in's. */
    kind: text('kind').notNull(),
    /** As `parse` of the crawler kind accepted it; without secrets. */
    options: jsonb('options').$type<Record<string, unknown>>().notNull(),
    connection: text('connection'),
    /** The database that its tables go into. */
    database: text('database').notNull(),
    description: text('description'),
    added: added(),
    ended: ended(),
  },
  (t) => [
    uniqueIndex('crawlers_name')
      .on(t.name)
      .where(sql`ended is null`),
  ],
);

/** What a crawler last saw whole. */
export const scopes = pgTable(
  'scopes',
  {
    crawlerId: text('crawler_id')
      .notNull()
      .references(() => crawlers.id),
    scope: text('scope').notNull(),
    /** The time of the last complete crawl: every row of this scope has been seen then. */
    seenAt: instant('seen_at').notNull(),
    runId: text('run_id').notNull(),
  },
  (t) => [primaryKey({ columns: [t.crawlerId, t.scope] })],
);
