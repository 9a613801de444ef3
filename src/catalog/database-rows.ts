import { and, eq } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { databases } from '../db/tables/catalog.ts';
import type { Position } from '../model/change.ts';
import { TenonError } from '../model/errors.ts';
import { foldName } from '../model/names.ts';
import type { Database } from '../model/table.ts';
import { checkText } from './text.ts';
import { visible } from './visible.ts';

export const DATABASE_COLUMNS = {
  id: databases.id,
  name: databases.name,
  description: databases.description,
  owner: databases.owner,
  parameters: databases.parameters,
};

export function databaseOf(row: Omit<Database, 'description'> & { description: string | null }): Database {
  return { ...row, description: row.description ?? undefined };
}

/** Without a check of access: for the verbs of this room, which have made theirs. */
export async function readDatabase(db: Db, name: string, asOf?: Position): Promise<Database | undefined> {
  const [row] = await db
    .select(DATABASE_COLUMNS)
    .from(databases)
    .where(and(eq(databases.name, foldName(checkText(name, 'name of a database'))), visible(databases, asOf)));
  return row === undefined ? undefined : databaseOf(row);
}

export async function needDatabase(db: Db, name: string): Promise<Database> {
  const database = await readDatabase(db, name);
  if (database !== undefined) return database;
  throw new TenonError('NOT_FOUND', `There is no database ${foldName(name)}.`, { database: foldName(name) });
}
