import type { Db } from '../db/db.ts';
import type { Page } from '../model/ground.ts';

export const DOCUMENT_KINDS = ['database', 'table', 'column'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** What can be found: a database, a table, or a column at any depth. */
export interface Document {
  /** `database:<id>`, `table:<id>` or `column:<table id>:<path>`. */
  readonly id: string;
  readonly kind: DocumentKind;
  /** The full name, as it is shown: `lake.orders.items[].price`. */
  readonly name: string;
  /** The names in it, from the database inwards: lake, orders, items, price. */
  readonly path: readonly string[];
  readonly tableId?: string | undefined;
  readonly description?: string | undefined;
}

/**
 * Why something is a hit, the best reason first: every driver ranks by these stages, so that no amount of matching words in a
 * description lifts a table above the one that has the name which was asked for. «some words» is for when nothing has all.
 */
export const STAGES = ['full name', 'name', 'words', 'prefix', 'typo', 'parents', 'description', 'some words'] as const;
export type Stage = (typeof STAGES)[number];

export interface Hit {
  readonly kind: DocumentKind;
  readonly name: string;
  readonly tableId: string | undefined;
  readonly description: string | undefined;
  readonly stage: Stage;
  /** From 1 down, the same for all hits of a stage. */
  readonly score: number;
  /** For each word of the query where it was found, as `{field: 'name', reason: '«custmer» is close to «customer»'}`. */
  readonly why: readonly Why[];
}

/** `query` says which word was not found. */
export interface Why {
  readonly field: 'name' | 'parents' | 'description' | 'query';
  readonly reason: string;
}

export interface SearchQuery {
  /** At most 500 characters, of which the first 16 different words count. Without a word or a name nothing is found. */
  readonly text: string;
  readonly kinds?: readonly DocumentKind[] | undefined;
  /** Only what is in this database, and itself. */
  readonly database?: string | undefined;
  readonly first: number;
  readonly after?: string | undefined;
}

/**
 * Documents in, hits out. The index follows the catalog and can be rebuilt from it at any time. A driver that keeps its
 * documents in the catalog's database writes them with `db`, which may be a transaction; others do not need it.
 */
export interface SearchIndex {
  /** Adds documents, or replaces those of the same ids. Putting the same again changes nothing. */
  put(db: Db, documents: readonly Document[]): Promise<void>;
  /** Removes the documents of tables but for those named, or all of a database: its own, its tables' and their columns'. */
  remove(
    db: Db,
    what: { readonly tableIds: readonly string[]; readonly except?: readonly string[] } | { readonly database: string },
  ): Promise<void>;
  /** Hits by stage; within one stage databases, tables, columns, and the shorter name first. Throws LIMIT, BAD_INPUT. */
  search(query: SearchQuery): Promise<Page<Hit>>;
  /** Removes everything. */
  clear(db: Db): Promise<void>;
  /** Databases and tables that have a document, in the order of their ids, so many after one: to find those that are gone. */
  roots(db: Db, page: { readonly first: number; readonly after?: string | undefined }): Promise<readonly Root[]>;
}

export interface Root {
  /** The document's. */
  readonly id: string;
  readonly name: string;
  /** Undefined for a database. */
  readonly tableId: string | undefined;
}
