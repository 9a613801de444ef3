import { and, asc, gt, ne, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { documents as rows, terms } from '../db/tables/search.ts';
import { documentVector, documentWords, isMark, nameKey, quoteLexeme } from './lexemes.ts';
import { searchPostgres } from './postgres-search.ts';
import type { Document, Root, SearchIndex } from './search-index.ts';

/** Documents in one statement. */
const AT_ONCE = 1_000;
/** Whoever writes the index holds it until the end of the transaction: counts of terms are added up by several statements. */
const INDEX_LOCK = 7_310_002;

/** The built-in search index: two tables in the catalog's own database, one for documents, one for the terms in them. */
export function openPostgresIndex(db: Db): SearchIndex {
  return {
    put: (to, documents) => inTurn(to, (tx) => put(tx, documents)),
    remove: (from, what) =>
      inTurn(from, (tx) =>
        remove(tx, 'database' in what ? inDatabase(what.database) : ofTables(what.tableIds, what.except ?? [])),
      ),
    search: (query) => searchPostgres(db, query),
    clear: (from) =>
      inTurn(from, async (tx) => {
        await tx.delete(rows);
        await tx.delete(terms);
      }),
    roots,
  };
}

function inTurn(db: Db, fn: (tx: Db) => Promise<void>): Promise<void> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select pg_advisory_xact_lock(${INDEX_LOCK})`);
    await fn(tx);
  });
}

async function put(tx: Db, documents: readonly Document[]): Promise<void> {
  // Of two documents with one id the last counts, as if they had come one after the other.
  const unique = [...new Map(documents.map((document) => [document.id, document])).values()];
  for (let start = 0; start < unique.length; start += AT_ONCE) await putSome(tx, unique.slice(start, start + AT_ONCE));
}

interface Drafted {
  readonly document: Document;
  readonly words: readonly string[];
  readonly vector: string;
}

async function putSome(tx: Db, documents: readonly Document[]): Promise<void> {
  const drafts = documents.map((document): Drafted => {
    const words = documentWords(document);
    return {
      document,
      words: [...new Set([...words.name, ...words.parents, ...words.description])],
      vector: documentVector(document, words),
    };
  });
  const former = await changedAmong(tx, drafts);
  const changed = drafts.filter(({ document }) => former.has(document.id));
  if (changed.length === 0) return;
  await tx.execute(sql`
    insert into ${rows} (id, kind, name, table_id, description, words)
    select id, kind, name, table_id, description, words::tsvector from ${unnest(changed)}
    on conflict (id) do update
    set kind = excluded.kind, name = excluded.name, table_id = excluded.table_id, description = excluded.description, words = excluded.words`);
  const counts = new Map<string, number>();
  for (const { document, words } of changed) {
    count(counts, former.get(document.id) ?? [], -1);
    count(counts, words, 1);
  }
  await countTerms(tx, counts);
}

/** The ids of the documents that are new or different, each with the lexemes that it has had so far. */
async function changedAmong(tx: Db, drafts: readonly Drafted[]): Promise<Map<string, readonly string[]>> {
  const { rows: found } = await tx.execute<{ id: string; lexemes: string[] | null }>(sql`
    select draft.id, tsvector_to_array(old.words) as lexemes
    from ${unnest(drafts)} left join ${rows} old on old.id = draft.id
    where old.id is null
      or (old.kind, old.name, old.table_id, old.description, old.words)
        is distinct from (draft.kind, draft.name, draft.table_id, draft.description, draft.words::tsvector)`);
  return new Map(found.map(({ id, lexemes }) => [id, lexemes ?? []]));
}

/** Arrays, because a statement takes no more than 65,535 parameters. */
function unnest(drafts: readonly Drafted[]): SQL {
  const column = (of: (draft: Drafted) => string | undefined): SQL =>
    sql`${sql.param(drafts.map((draft) => of(draft) ?? null))}::text[]`;
  return sql`unnest(${column(({ document }) => document.id)}, ${column(({ document }) => document.kind)}, ${column(({ document }) => document.name)},
    ${column(({ document }) => document.tableId)}, ${column(({ document }) => document.description)}, ${column(({ vector }) => vector)})
    as draft (id, kind, name, table_id, description, words)`;
}

async function remove(tx: Db, where: SQL): Promise<void> {
  // Not one `delete … returning`: a database may have millions of documents, and each comes with its lexemes.
  for (;;) {
    const { rows: gone } = await tx.execute<{ lexemes: string[] }>(sql`
      delete from ${rows} where id in (select id from ${rows} where ${where} limit ${AT_ONCE * 10})
      returning tsvector_to_array(words) as lexemes`);
    const counts = new Map<string, number>();
    for (const { lexemes } of gone) count(counts, lexemes, -1);
    await countTerms(tx, counts);
    if (gone.length < AT_ONCE * 10) return;
  }
}

function inDatabase(database: string): SQL {
  return sql`words @@ ${quoteLexeme(`@${nameKey(database)}`)}::tsquery`;
}

/** Postgres hashes the list of `<> all`, however long; for `not exists (… unnest …)` it compared each with each. */
function ofTables(tableIds: readonly string[], except: readonly string[]): SQL {
  return sql`table_id = any(${sql.param(tableIds)}::text[]) and id <> all(${sql.param(except)}::text[])`;
}

function count(counts: Map<string, number>, lexemes: readonly string[], by: 1 | -1): void {
  for (const lexeme of lexemes) if (!isMark(lexeme)) counts.set(lexeme, (counts.get(lexeme) ?? 0) + by);
}

/** Keeps the dictionary true: in how many documents a term stands; one that stands in none is gone. */
async function countTerms(tx: Db, counts: ReadonlyMap<string, number>): Promise<void> {
  const moved = [...counts].filter(([, by]) => by !== 0);
  if (moved.length === 0) return;
  const changes = sql`unnest(${sql.param(moved.map(([term]) => term))}::text[], ${sql.param(moved.map(([, by]) => by))}::int[]) as moved (term, by)`;
  await tx.execute(sql`
    insert into ${terms} (term, documents) select term, by from ${changes}
    on conflict (term) do update set documents = ${terms}.documents + excluded.documents`);
  if (moved.some(([, by]) => by < 0)) await tx.execute(sql`delete from ${terms} where documents <= 0`);
}

async function roots(db: Db, page: { readonly first: number; readonly after?: string | undefined }): Promise<readonly Root[]> {
  const found = await db
    .select({ id: rows.id, name: rows.name, tableId: rows.tableId })
    .from(rows)
    .where(and(ne(rows.kind, 'column'), gt(rows.id, page.after ?? '')))
    .orderBy(asc(rows.id))
    .limit(page.first);
  return found.map((root) => ({ ...root, tableId: root.tableId ?? undefined }));
}
