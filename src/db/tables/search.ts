import { sql } from 'drizzle-orm';
import { customType, index, integer, pgTable, text } from 'drizzle-orm/pg-core';

const tsvector = customType<{ data: string }>({ dataType: () => 'tsvector' });

/** One document for each database, table and column. Can be rebuilt from the catalog at any time. */
export const documents = pgTable(
  'search_documents',
  {
    /** `database:<id>`, `table:<id>` or `column:<table id>:<path>`. */
    id: text('id').primaryKey(),
    kind: text('kind', { enum: ['database', 'table', 'column'] }).notNull(),
    /** The full name that a person would type: `lake.sales.price`. */
    name: text('name').notNull(),
    tableId: text('table_id'),
    description: text('description'),
    /**
     * Words of the name, of its parents and of the description, weighted A, B and C; and marks without weight for what is
     * looked up whole: the name, the database and the kind. See src/search/lexemes.ts.
     */
    words: tsvector('words').notNull(),
  },
  (t) => [index('search_documents_words').using('gin', t.words), index('search_documents_table').on(t.tableId)],
);

/** The term dictionary: typos are looked up among terms, not among documents. */
export const terms = pgTable(
  'search_terms',
  { term: text('term').primaryKey(), documents: integer('documents').notNull() },
  (t) => [
    index('search_terms_trigrams').using('gin', t.term.op('gin_trgm_ops')),
    index('search_terms_prefix').on(sql`${t.term} text_pattern_ops`),
  ],
);
