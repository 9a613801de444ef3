import { pgTable, text, uniqueIndex } from 'drizzle-orm/pg-core';
import { sql } from 'drizzle-orm';
import { added, ended, instant } from './columns.ts';

export const principals = pgTable(
  'principals',
  {
    id: text('id').primaryKey(),
    name: text('name').notNull(),
    role: text('role', { enum: ['admin', 'editor', 'reader'] }).notNull(),
    added: added(),
    ended: ended(),
  },
  (t) => [
    uniqueIndex('principals_name')
      .on(t.name)
      .where(sql`ended is null`),
  ],
);

/** A token is stored as the SHA-256 of its secret half; the whole of it is shown once, when it is made. */
export const tokens = pgTable(
  'tokens',
  {
    id: text('id').primaryKey(),
    principalId: text('principal_id')
      .notNull()
      .references(() => principals.id),
    name: text('name').notNull(),
    hash: text('hash').notNull(),
    createdAt: instant('created_at').notNull(),
    expiresAt: instant('expires_at'),
    revokedAt: instant('revoked_at'),
  },
  (t) => [uniqueIndex('tokens_hash').on(t.hash)],
);
