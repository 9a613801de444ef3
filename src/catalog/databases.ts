import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Write } from '../changes/write.ts';
import type { Db } from '../db/db.ts';
import { databases, tables } from '../db/tables/catalog.ts';
import { TenonError } from '../model/errors.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import { checkName, foldName } from '../model/names.ts';
import type { Principal } from '../model/principal.ts';
import type { Database } from '../model/table.ts';
import { checkPage, cursorsOf, pageOf } from './cursor.ts';
import { DATABASE_COLUMNS, databaseOf, needDatabase, readDatabase } from './database-rows.ts';
import { checkOwner } from './owner.ts';
import { dropTable } from './tables.ts';
import { checkTexts } from './text.ts';
import { visible, type AsOf } from './visible.ts';

export interface DatabaseDraft {
  readonly name: string;
  readonly description?: string | undefined;
  readonly parameters?: Readonly<Record<string, string>> | undefined;
}

/** Throws ALREADY_EXISTS. */
export async function createDatabase(w: Write, draft: DatabaseDraft): Promise<Database> {
  const name = foldName(checkName(draft.name, 'database'));
  authorize(w.by.principal, 'write', `the database ${name}`);
  if ((await readDatabase(w.tx, name)) !== undefined) {
    throw new TenonError('ALREADY_EXISTS', `The database ${name} exists.`, { database: name });
  }
  const parameters = { ...draft.parameters };
  checkTexts([draft.description, parameters], `description or a parameter of ${name}`);
  const database = { id: w.newId(), name, description: draft.description, owner: w.by.owner, parameters };
  const entry = await w.entry({ id: database.id, database: name });
  await w.tx.insert(databases).values({ ...database, description: draft.description ?? null, added: entry.position });
  entry.note({ kind: 'database.created', after: databaseToJson(database) });
  return database;
}

/** The database of this name, made when there is none. */
export async function ensureDatabase(w: Write, name: string): Promise<Database> {
  authorize(w.by.principal, 'write', `the database ${foldName(name)}`);
  return (await readDatabase(w.tx, name)) ?? createDatabase(w, { name });
}

/** Throws NOT_FOUND, and BAD_INPUT when it has tables and `cascade` does not say that they go too. */
export async function dropDatabase(w: Write, name: string, options: { cascade?: boolean } = {}): Promise<void> {
  authorize(w.by.principal, 'write', `the database ${foldName(name)}`);
  const database = await needDatabase(w.tx, name);
  checkOwner(w, database.owner, `database ${database.name}`);
  const children = await w.tx
    .select({ name: tables.name })
    .from(tables)
    .where(and(eq(tables.databaseId, database.id), visible(tables, undefined)))
    .orderBy(asc(tables.name));
  if (children.length > 0 && options.cascade !== true) {
    const message = `The database ${database.name} has ${children.length} tables; drop them first, or ask for cascade.`;
    throw new TenonError('BAD_INPUT', message, { database: database.name, tables: children.length });
  }
  for (const child of children) await dropTable(w, { database: database.name, name: child.name });
  const entry = await w.entry({ id: database.id, database: database.name });
  await w.tx.update(databases).set({ ended: entry.position }).where(eq(databases.id, database.id));
  entry.note({ kind: 'database.dropped', before: databaseToJson(database) });
}

export async function findDatabase(db: Db, as: Principal, name: string, options: AsOf = {}): Promise<Database | undefined> {
  authorize(as, 'read', `the database ${foldName(name)}`);
  return readDatabase(db, name, options.asOf);
}

/** In the order of their names. */
export async function listDatabases(db: Db, as: Principal, page: PageRequest): Promise<Page<Database>> {
  authorize(as, 'read', 'the databases');
  checkPage(page);
  const cursors = cursorsOf('databases');
  const [after] = cursors.decode(page, 1) ?? [];
  const rows = await db
    .select(DATABASE_COLUMNS)
    .from(databases)
    .where(and(visible(databases, undefined), after === undefined ? sql`true` : gt(databases.name, String(after))))
    .orderBy(asc(databases.name))
    .limit(page.first + 1);
  return pageOf(rows, page.first, (row) => cursors.encode([row.name]), databaseOf);
}

function databaseToJson({ name, description, parameters }: Database): Record<string, unknown> {
  return { name, ...(description !== undefined && { description }), parameters };
}
