import { and, desc, eq, lt, sql } from 'drizzle-orm';
import { authorize } from '../access/authorize.ts';
import type { Db } from '../db/db.ts';
import { schemas, versions } from '../db/tables/catalog.ts';
import type { Page, PageRequest } from '../model/ground.ts';
import type { Principal } from '../model/principal.ts';
import type { Schema } from '../model/schema.ts';
import { schemaFromJson } from '../model/schema-text.ts';
import type { Version } from '../model/table.ts';
import { checkPage, cursorsOf, numberOf, pageOf } from './cursor.ts';

export const VERSION_COLUMNS = {
  tableId: versions.tableId,
  number: versions.number,
  hash: versions.schemaHash,
  schema: schemas.content,
  at: versions.at,
  added: versions.added,
  runId: versions.runId,
};

/** The newest first. Those of a dropped table can still be read by its id. */
export async function listVersions(db: Db, as: Principal, tableId: string, page: PageRequest): Promise<Page<Version>> {
  authorize(as, 'read', 'the versions of a table');
  checkPage(page);
  const cursors = cursorsOf(['versions', tableId]);
  const [after] = cursors.decode(page, 1) ?? [];
  const rows = await db
    .select(VERSION_COLUMNS)
    .from(versions)
    .innerJoin(schemas, eq(schemas.hash, versions.schemaHash))
    .where(and(eq(versions.tableId, tableId), after === undefined ? sql`true` : lt(versions.number, Number(numberOf(after)))))
    .orderBy(desc(versions.number))
    .limit(page.first + 1);
  return pageOf(rows, page.first, (row) => cursors.encode([row.number]), versionOf);
}

export async function findVersion(db: Db, as: Principal, tableId: string, number: number): Promise<Version | undefined> {
  authorize(as, 'read', 'the versions of a table');
  if (!Number.isInteger(number) || number < 1 || number > 2 ** 31 - 1) return undefined;
  const [row] = await db
    .select(VERSION_COLUMNS)
    .from(versions)
    .innerJoin(schemas, eq(schemas.hash, versions.schemaHash))
    .where(and(eq(versions.tableId, tableId), eq(versions.number, number)));
  return row === undefined ? undefined : versionOf(row);
}

export function versionOf(row: Omit<Version, 'schema' | 'runId'> & { schema: unknown; runId: string | null }): Version {
  return { ...row, schema: schemaFromJson(row.schema), runId: row.runId ?? undefined };
}

/** The schema with this hash: of a version, or of a partition that has columns of its own. */
export async function findSchema(db: Db, hash: string): Promise<Schema | undefined> {
  const [row] = await db.select({ content: schemas.content }).from(schemas).where(eq(schemas.hash, hash));
  return row === undefined ? undefined : schemaFromJson(row.content);
}
