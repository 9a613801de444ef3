import { inArray } from 'drizzle-orm';
import type { Db } from '../db/db.ts';
import { schemas } from '../db/tables/catalog.ts';
import { schemaHash, type Schema } from '../model/schema.ts';
import { schemaToJson } from '../model/schema-text.ts';

/** Keeps schemas by their hashes; those that are there already cost nothing. */
export async function saveSchemas(tx: Db, wanted: readonly Schema[]): Promise<void> {
  if (wanted.length === 0) return;
  const rows = new Map(wanted.map((schema) => [schemaHash(schema), schema]));
  const known = await tx
    .select({ hash: schemas.hash })
    .from(schemas)
    .where(inArray(schemas.hash, [...rows.keys()]));
  for (const { hash } of known) rows.delete(hash);
  for (const [hash, schema] of rows) {
    await tx
      .insert(schemas)
      .values({ hash, content: schemaToJson(schema) })
      .onConflictDoNothing();
  }
}
