import { sql } from 'drizzle-orm';
import { bigserial, index, jsonb, pgTable, primaryKey, text, uniqueIndex } from 'drizzle-orm/pg-core';
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
    /** What the runner does with findings: grouping, policies, what is crawled again; `src/crawl/settings.ts`. */
    settings: jsonb('settings').$type<Record<string, unknown>>().notNull().default({}),
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

/** Custom classifiers. Crawlers name them in the order in which they are asked, before the built-in ones. */
export const classifiers = pgTable(
  'classifiers',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    /** `grok`, `csv`, `json` or `xml`. */
    kind: text('kind').notNull(),
    options: jsonb('options').$type<Record<string, unknown>>().notNull(),
    added: added(),
    ended: ended(),
  },
  (t) => [
    uniqueIndex('classifiers_name')
      .on(t.name)
      .where(sql`ended is null`),
  ],
);

export const REMOVAL_STATES = ['PARKED', 'APPROVED', 'REJECTED', 'SUPERSEDED'] as const;

/** Removals too large to happen by themselves. At most one of a crawler waits: the next crawl supersedes it. */
export const removals = pgTable(
  'removals',
  {
    id: text('id').primaryKey(),
    crawlerId: text('crawler_id')
      .notNull()
      .references(() => crawlers.id),
    /** The crawl that found it. */
    runId: text('run_id').notNull(),
    state: text('state', { enum: REMOVAL_STATES }).notNull(),
    /** What it would remove. */
    content: jsonb('content').$type<Record<string, unknown>>().notNull(),
    at: instant('at').notNull(),
    decidedBy: text('decided_by'),
    decidedAt: instant('decided_at'),
  },
  (t) => [
    uniqueIndex('removals_parked')
      .on(t.crawlerId)
      .where(sql`state = 'PARKED'`),
    index('removals_crawler').on(t.crawlerId, t.at),
  ],
);

/** What a source has told about itself since the last crawl in event mode; taken away by the crawl that has saved it. */
export const crawlEvents = pgTable(
  'crawl_events',
  {
    id: bigserial('id', { mode: 'bigint' }).primaryKey(),
    crawlerId: text('crawler_id')
      .notNull()
      .references(() => crawlers.id),
    /** `created` or `removed`. */
    kind: text('kind').notNull(),
    /** The whole address of the object. */
    location: text('location').notNull(),
    /** Of the source: a later event about the same object has a greater one. */
    sequencer: text('sequencer'),
    at: instant('at').notNull(),
  },
  (t) => [index('crawl_events_crawler').on(t.crawlerId, t.id)],
);
